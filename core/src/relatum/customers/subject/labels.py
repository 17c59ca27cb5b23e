"""What tables and columns are called for people, in both languages.

Core's own are named here. A plugin names its own with an attribute of the table class, ``labels``:
by name of a column in the database, ``""`` for the table, ``column=value`` for what stands in a
column; a column with an empty title is of no use to people and only handed to programs. Without one
a table is called as the import target of the same name is, and else as the database calls it.
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
    ("answer_on", "Answer by", "Hạn trả lời"),
    ("at", "At", "Lúc"),
    ("certain", "Certain", "Chắc chắn"),
    ("changed_at", "Changed", "Ngày sửa"),
    ("changed_by", "Changed by", "Người sửa"),
    ("channel", "Channel", "Kênh"),
    ("closed_at", "Closed", "Ngày đóng"),
    ("closed_by", "Closed by", "Người đóng"),
    ("closed_on", "Closed", "Ngày chốt"),
    ("confirmed", "Confirmed", "Đã xác nhận"),
    ("context", "Reason and request", "Lý do và yêu cầu"),
    ("created_at", "Created", "Ngày tạo"),
    ("currency", "Currency", "Loại tiền"),
    ("customer_id", "Customer", "Khách hàng"),
    ("decided_at", "Decided", "Ngày quyết định"),
    ("decided_by", "Decided by", "Người quyết định"),
    ("direction", "Direction", "Chiều"),
    ("display_name", "Name", "Họ và tên"),
    ("due_on", "Due", "Hạn"),
    ("expires_at", "Until", "Hết hạn"),
    ("external_id", "Id", "Mã"),
    ("field", "Field", "Trường"),
    ("fields", "More about you", "Thông tin khác"),
    ("found_at", "Found", "Ngày phát hiện"),
    ("given_at", "Given", "Ngày đồng ý"),
    ("handle", "Address or number", "Địa chỉ hoặc số"),
    ("id", "Id", "Mã số"),
    ("is_primary", "Primary", "Chính"),
    ("kind", "Kind", "Loại"),
    ("label", "Label", "Ghi chú"),
    ("lifted_at", "Lifted", "Ngày gỡ bỏ"),
    ("lifted_by", "Lifted by", "Người gỡ bỏ"),
    ("made_at", "Made", "Ngày tạo"),
    ("made_by", "Made by", "Người tạo"),
    ("merged_at", "Made one", "Ngày gộp"),
    ("method", "How", "Cách thức"),
    ("name", "Name", "Tên"),
    ("normalised", "In one spelling", "Dạng chuẩn"),
    ("note", "Note", "Ghi chú"),
    ("occurred_at", "Happened", "Thời điểm"),
    ("owner_id", "Looked after by", "Người phụ trách"),
    ("outcome", "Outcome", "Kết quả"),
    ("payload", "Content", "Nội dung"),
    ("place", "Place", "Nơi"),
    ("placed_by", "By", "Người đặt"),
    ("policy", "Rules", "Quy định"),
    ("purpose", "Purpose", "Mục đích"),
    ("raw", "As it was given", "Như đã cung cấp"),
    ("reason", "Reason", "Lý do"),
    ("quiet_from", "Quiet from", "Không làm phiền từ"),
    ("quiet_until", "Quiet until", "Không làm phiền đến"),
    ("received_at", "Received", "Ngày nhận"),
    ("recorded_by", "Recorded by", "Người ghi nhận"),
    ("recorded_at", "Recorded", "Ngày ghi nhận"),
    ("restricted", "Use is restricted", "Bị hạn chế sử dụng"),
    ("revoked_at", "Revoked", "Ngày thu hồi"),
    ("revoked_by", "Revoked by", "Người thu hồi"),
    ("role", "Role", "Vai trò"),
    ("rule", "Rule", "Quy tắc"),
    ("set_at", "Set", "Ngày chọn"),
    ("set_by", "Set by", "Người chọn"),
    ("severity", "Severity", "Mức độ"),
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
    ("value", "Value", "Giá trị"),
    ("why", "Why", "Lý do"),
    ("wording", "What was said", "Nội dung đã nêu"),
    ("words", "Words", "Lời ghi"),
)
#: Parts of what interactions and events say, beside those that are columns as well.
PARTS = _texts(
    ("answered", "Answered", "Có trả lời"),
    ("description", "What", "Nội dung"),
    ("item", "Item", "Mặt hàng"),
    ("minutes", "Minutes", "Số phút"),
    ("next_step", "Next step", "Việc tiếp theo"),
    ("pipeline", "Pipeline", "Quy trình"),
    ("quantity", "Quantity", "Số lượng"),
    ("seconds", "Seconds", "Số giây"),
    ("stage", "Stage", "Giai đoạn"),
    ("summary", "Summary", "Tóm tắt"),
    ("text", "Text", "Nội dung"),
    ("unit_price", "Price of one", "Đơn giá"),
)
#: What stands in a column (or a part) of this name, for people. Of others it is shown as it is.
VALUES: Mapping[str, Labels] = {
    "kind": _texts(
        ("person", "Person", "Cá nhân"),
        ("organisation", "Organisation", "Tổ chức"),
        ("phone", "Phone", "Điện thoại"),
        ("email", "E-mail", "Email"),
        ("address", "Address", "Địa chỉ"),
        ("zalo", "Zalo", "Zalo"),
        ("facebook", "Facebook", "Facebook"),
        ("website", "Website", "Trang web"),
        ("device", "Device", "Thiết bị"),
        ("card", "Card", "Thẻ"),
        ("other", "Other", "Khác"),
        ("contact_of", "Contact person of", "Người liên hệ của"),
        ("parent_of", "Parent of", "Công ty mẹ của"),
        ("household_of", "Household of", "Chủ hộ của"),
        ("referred_by", "Referred by", "Được giới thiệu bởi"),
        ("manages", "Manages", "Quản lý"),
        ("influences", "Influences", "Có ảnh hưởng tới"),
        ("complaint", "Complaint", "Khiếu nại"),
        ("dispute", "Dispute", "Tranh chấp"),
        ("legal", "Legal", "Pháp lý"),
    ),
    "role": _texts(
        ("prospect", "Prospect", "Tiềm năng"),
        ("customer", "Customer", "Khách hàng"),
        ("partner", "Partner", "Đối tác"),
        ("supplier", "Supplier", "Nhà cung cấp"),
        ("distributor", "Distributor", "Nhà phân phối"),
        ("investor", "Investor", "Nhà đầu tư"),
        ("employee", "Employee", "Nhân viên"),
    ),
    "channel": _texts(
        ("*", "all channels", "mọi kênh"),
        ("other", "other", "khác"),
        ("phone", "phone", "điện thoại"),
        ("email", "e-mail", "email"),
        ("sms", "text message", "tin nhắn SMS"),
        ("zalo", "Zalo", "Zalo"),
        ("facebook", "Facebook", "Facebook"),
        ("web", "web", "trang web"),
        ("website", "web", "trang web"),
        ("shop", "shop", "cửa hàng"),
        ("store", "shop", "cửa hàng"),
        ("office", "office", "văn phòng"),
        ("online", "online", "trực tuyến"),
        ("in_person", "in person", "trực tiếp"),
        ("sales", "sales", "bán hàng"),
    ),
    "direction": _texts(
        ("in", "from you", "từ quý khách"),
        ("out", "to you", "gửi quý khách"),
        ("observed", "noted", "ghi nhận"),
    ),
    "state": _texts(
        ("open", "open", "đang mở"),
        ("closed", "closed", "đã đóng"),
        ("granted", "granted", "đồng ý"),
        ("withdrawn", "withdrawn", "đã rút lại"),
        ("received", "received", "đã nhận"),
    ),
    "fields": _texts(("*", "all", "tất cả")),
    "field": _texts(
        ("name", "Name", "Tên"),
        ("address", "Address", "Địa chỉ"),
        ("birth", "Date of birth", "Ngày sinh"),
        ("email", "E-mail", "Email"),
        ("need", "Need", "Nhu cầu"),
        ("owner", "Looked after by", "Người phụ trách"),
        ("phone", "Phone", "Điện thoại"),
        ("tax_code", "Tax code", "Mã số thuế"),
    ),
    "outcome": _texts(
        ("allow", "allowed", "được phép"),
        ("defer", "later", "để sau"),
        ("deny", "not allowed", "không được phép"),
        ("won", "won", "thắng"),
        ("lost", "lost", "thua"),
    ),
}
#: Who did something when it was nobody.
PROGRAM = Text(en="the system", vi="hệ thống")
CORE = Text(en="Customer record", vi="Hồ sơ khách hàng")


class Naming:
    """Names of everything that is loaded at this moment."""

    def __init__(self, registry: Registry, fields: list[FieldDraft]) -> None:
        self._declared: dict[str, Labels] = {}
        for table in TABLE_REGISTRY:
            labels = getattr(table, "labels", None)
            if isinstance(labels, Mapping):
                self._declared[table._meta.tablename] = labels
        #: of what stands in columns of plugins, by ``table.column=value``
        self.values = {
            f"{table}.{name}": text
            for table, labels in self._declared.items()
            for name, text in labels.items()
            if "=" in name
        }
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
        return declared or COLUMNS.get(name) or PARTS.get(name) or Text(en=name, vi=name)
