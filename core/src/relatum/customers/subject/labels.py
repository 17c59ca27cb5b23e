"""What tables and columns are called for people, in both languages.

Core's own are named here. A plugin names its own with an attribute of the table class, ``labels``:
by name of a column in the database, ``""`` for the table. Without one a table is called as the
import target of the same name is, and else as the database calls it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from piccolo.table import TABLE_REGISTRY

from relatum.values.text import Text

if TYPE_CHECKING:
    from relatum.customers.types import FieldDraft
    from relatum.hooks.registry import Registry

Labels = Mapping[str, Text]


def _texts(*rows: tuple[str, str, str]) -> dict[str, Text]:
    return {name: Text(en=en, vi=vi) for name, en, vi in rows}


#: Tables of core.
TABLES = _texts(
    ("core_customer", "Who you are", "Thông tin chung"),
    ("core_contact_point", "Contact points", "Thông tin liên hệ"),
    ("core_customer_role", "Roles", "Vai trò"),
    ("core_customer_tag", "Tags", "Nhãn"),
    ("core_external_id", "Ids in other systems", "Mã ở hệ thống khác"),
    ("core_rule_member", "Who may see the record", "Quy tắc xem hồ sơ"),
    ("core_customer_link", "Links to other customers", "Liên kết với khách hàng khác"),
    ("core_merge", "Records that were made one", "Các hồ sơ đã gộp"),
    ("core_merge_row", "What merging changed", "Thay đổi khi gộp hồ sơ"),
    ("core_interaction", "Interactions", "Tương tác"),
    ("core_archived_key", "Keys of archived interactions", "Mã của tương tác đã lưu trữ"),
    ("core_consent", "Consents", "Đồng ý liên hệ"),
    ("core_contact_hold", "Holds on contact", "Tạm ngừng liên hệ"),
    ("core_contact_preference", "Contact preferences", "Tuỳ chọn liên hệ"),
    ("core_contact_verdict", "Decisions about contact", "Quyết định liên hệ"),
    ("core_event", "What was done with the data", "Nhật ký xử lý dữ liệu"),
    ("core_parked_event", "Events that wait", "Sự kiện đang chờ xử lý"),
)
#: Columns that many tables have.
COLUMNS = _texts(
    ("amount", "Amount", "Số tiền"),
    ("applies_to", "Applies to", "Áp dụng cho"),
    ("by", "By", "Người thực hiện"),
    ("actor", "By", "Người thực hiện"),
    ("channel", "Channel", "Kênh"),
    ("context", "Reason and request", "Lý do và yêu cầu"),
    ("created_at", "Created", "Ngày tạo"),
    ("currency", "Currency", "Loại tiền"),
    ("customer_id", "Customer", "Khách hàng"),
    ("decided_at", "Decided", "Ngày quyết định"),
    ("direction", "Direction", "Chiều"),
    ("display_name", "Name", "Họ và tên"),
    ("expires_at", "Until", "Hết hạn"),
    ("external_id", "Id", "Mã"),
    ("fields", "More about you", "Thông tin khác"),
    ("given_at", "Given", "Ngày đồng ý"),
    ("handle", "Address or number", "Địa chỉ hoặc số"),
    ("id", "Id", "Mã số"),
    ("is_primary", "Primary", "Chính"),
    ("kind", "Kind", "Loại"),
    ("label", "Label", "Ghi chú"),
    ("merged_at", "Made one", "Ngày gộp"),
    ("name", "Name", "Tên"),
    ("normalised", "In one spelling", "Dạng chuẩn"),
    ("note", "Note", "Ghi chú"),
    ("occurred_at", "Happened", "Thời điểm"),
    ("owner_id", "Looked after by", "Người phụ trách"),
    ("payload", "Content", "Nội dung"),
    ("purpose", "Purpose", "Mục đích"),
    ("raw", "As it was given", "Như đã cung cấp"),
    ("reason", "Reason", "Lý do"),
    ("recorded_at", "Recorded", "Ngày ghi nhận"),
    ("role", "Role", "Vai trò"),
    ("since", "Since", "Từ"),
    ("source", "Source", "Nguồn"),
    ("state", "State", "Trạng thái"),
    ("status", "State", "Trạng thái"),
    ("subject", "Subject", "Tiêu đề"),
    ("tag", "Tag", "Nhãn"),
    ("team_id", "Team", "Nhóm"),
    ("title", "Title", "Tiêu đề"),
    ("type", "Type", "Loại"),
    ("until", "Until", "Đến"),
    ("updated_at", "Changed", "Ngày sửa"),
    ("verified_at", "Verified", "Ngày xác minh"),
    ("why", "Why", "Lý do"),
)
CORE = Text(en="Customer record", vi="Hồ sơ khách hàng")


class Naming:
    """Names of everything that is loaded at this moment."""

    def __init__(self, registry: Registry, fields: list[FieldDraft]) -> None:
        self._declared: dict[str, Labels] = {}
        for table in TABLE_REGISTRY:
            labels = getattr(table, "labels", None)
            if isinstance(labels, Mapping):
                self._declared[table._meta.tablename] = labels
        self._targets = {
            target.id.replace(".", "_").removesuffix("s"): target.title
            for target in registry.import_targets.declared()
        }
        #: of custom fields, kinds of interactions and types of events, by key or id
        self.titles = {
            each.key: Text(en=each.title_en or each.key, vi=each.title_vi) for each in fields
        }
        self.titles |= {each.id: each.title for each in registry.interaction_kinds.declared()}
        self.titles |= {each.id: each.title for each in registry.event_types.declared()}

    def table(self, name: str) -> Text:
        """Of a table; its technical name when nobody gave it another."""
        declared = self._declared.get(name, {}).get("")
        return declared or TABLES.get(name) or self._targets.get(name) or Text(en=name, vi=name)

    def column(self, table: str, name: str) -> Text:
        """Of a column."""
        declared = self._declared.get(table, {}).get(name)
        return declared or COLUMNS.get(name) or Text(en=name, vi=name)
