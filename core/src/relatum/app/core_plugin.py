"""What core declares, through the same hooks as a plugin. Its id is ``core``; it is always on."""

from __future__ import annotations

from relatum.access.accounts.events import EVENT_TYPES as ACCOUNT_EVENTS
from relatum.access.accounts.sweeping import SWEEP
from relatum.access.audit.events import EVENT_TYPES as AUDIT_EVENTS
from relatum.access.audit.sealing import SEAL
from relatum.access.purposes.events import EVENT_TYPES as PURPOSE_EVENTS
from relatum.access.roles.events import EVENT_TYPES as ROLE_EVENTS
from relatum.access.sight.events import EVENT_TYPES as RULE_EVENTS
from relatum.app.nightly import backup_jobs
from relatum.app.steering import EVENT_TYPES as SETTINGS_EVENTS
from relatum.archive.events import EVENT_TYPES as ARCHIVE_EVENTS
from relatum.archive.scheduled import ARCHIVE
from relatum.contact.events import EVENT_TYPES as CONTACT_EVENTS
from relatum.contact.outbox.events import EVENT_TYPES as MESSAGE_EVENTS
from relatum.contact.outbox.jobs import JOBS as MESSAGE_JOBS
from relatum.contact.outbox.jobs import KINDS as MESSAGE_KINDS
from relatum.customers.erasing.kept import EVENT_TYPES as KEPT_EVENTS
from relatum.customers.erasing.kept import LET_GO
from relatum.customers.events import EVENT_TYPES as CUSTOMER_EVENTS
from relatum.customers.subject.events import EVENT_TYPES as SUBJECT_EVENTS
from relatum.customers.subject.jobs import JOBS as SUBJECT_JOBS
from relatum.hooks.context import Plugin
from relatum.hooks.declarations import (
    EventType,
    ImportTarget,
    InteractionKind,
    Job,
    Permission,
    RoleName,
)
from relatum.hooks.screens import Command, Metric, Widget
from relatum.hooks.specs import hookimpl
from relatum.importing.events import EVENT_TYPES as IMPORT_EVENTS
from relatum.importing.exports.events import EVENT_TYPES as EXPORT_EVENTS
from relatum.importing.jobs import JOBS as IMPORT_JOBS
from relatum.importing.targets.customers import CustomersTarget
from relatum.importing.targets.interactions import InteractionsTarget
from relatum.importing.targets.links import LinksTarget
from relatum.interactions.events import EVENT_TYPES as INTERACTION_EVENTS
from relatum.interactions.kinds import KINDS
from relatum.reports.core_metrics.declared import METRICS, WIDGETS
from relatum.reports.schedules import JOBS as REPORT_JOBS
from relatum.values.text import Text
from relatum.web.bulk_changes import JOBS as BULK_JOBS
from relatum.web.commands import COMMANDS

#: Roles that look after customers day by day.
_STAFF: tuple[RoleName, ...] = ("manager", "sales", "care")
_ALL: tuple[RoleName, ...] = (*_STAFF, "marketing", "analyst", "read_only")

PERMISSIONS = [
    Permission(id=f"core.{noun}.{verb}", title=Text(en=en, vi=vi), roles=roles)
    for noun, verb, en, vi, roles in (
        ("customers", "read", "See customers", "Xem khách hàng", _ALL),
        ("customers", "write", "Create and change customers", "Tạo và sửa khách hàng", _STAFF),
        ("customers", "assign", "Give customers to others", "Giao khách hàng", ("manager",)),
        ("customers", "merge", "Merge customers", "Gộp khách hàng", ("manager",)),
        (
            *("customers", "subject_export", "Hand out what is held about a customer"),
            *("Xuất toàn bộ dữ liệu của một khách hàng", ()),
        ),
        ("customers", "erase", "Erase customers for good", "Xoá hẳn khách hàng", ()),
        ("fields", "write", "Declare custom fields", "Khai báo trường tuỳ chỉnh", ()),
        ("interactions", "read", "See interactions", "Xem tương tác", _ALL),
        ("interactions", "write", "Record interactions", "Ghi tương tác", (*_STAFF, "marketing")),
        ("contact", "read", "See consents and contact decisions", "Xem đồng ý liên hệ", _ALL),
        (
            *("contact", "write", "Record consents and decide contacts", "Ghi đồng ý liên hệ"),
            (*_STAFF, "marketing"),
        ),
        (
            "contact",
            "hold",
            "Hold contact, keep refusals",
            "Tạm ngừng liên hệ",
            ("manager", "care"),
        ),
        ("messages", "read", "See messages to customers", "Xem tin nhắn gửi khách", _ALL),
        (
            *("messages", "write", "Send messages to customers", "Gửi tin nhắn cho khách"),
            (*_STAFF, "marketing"),
        ),
        ("reports", "read", "See reports", "Xem báo cáo", _ALL),
        (
            *("reports", "write", "Save and share charts", "Lưu và chia sẻ biểu đồ"),
            (*_STAFF, "marketing", "analyst"),
        ),
        ("dashboards", "write", "Arrange dashboards of roles", "Sắp xếp tổng quan của vai trò", ()),
        ("imports", "read", "See imports", "Xem các lần nhập dữ liệu", ("manager",)),
        ("imports", "write", "Import data", "Nhập dữ liệu", ("manager",)),
        ("exports", "write", "Export data", "Xuất dữ liệu", ("manager", "marketing", "analyst")),
        ("exports", "approve", "Approve large exports", "Duyệt xuất dữ liệu lớn", ("manager",)),
        ("plugins", "read", "See plugins and their state", "Xem trạng thái tiện ích", ("manager",)),
        ("plugins", "write", "Switch plugins on and off", "Bật và tắt tiện ích", ()),
        ("company", "write", "Change the company's details", "Sửa thông tin doanh nghiệp", ()),
        ("operations", "read", "See handlers and jobs", "Xem công việc nền", ("manager",)),
        ("operations", "write", "Retry handlers and jobs", "Chạy lại công việc nền", ()),
        ("accounts", "read", "See accounts, teams and roles", "Xem tài khoản, nhóm, vai trò", _ALL),
        ("accounts", "write", "Manage accounts", "Quản lý tài khoản", ()),
        ("roles", "write", "Manage roles, rules and teams", "Quản lý vai trò, quy tắc, nhóm", ()),
        ("audit", "read", "See the audit trail", "Xem nhật ký kiểm tra", ()),
    )
]


@hookimpl
def relatum_register_permissions(plugin: Plugin) -> list[Permission]:
    return PERMISSIONS


@hookimpl
def relatum_register_interaction_kinds(plugin: Plugin) -> list[InteractionKind]:
    return [*KINDS, *MESSAGE_KINDS]


@hookimpl
def relatum_register_event_types(plugin: Plugin) -> list[EventType]:
    return [
        *ACCOUNT_EVENTS,
        *ROLE_EVENTS,
        *AUDIT_EVENTS,
        *RULE_EVENTS,
        *PURPOSE_EVENTS,
        *CUSTOMER_EVENTS,
        *SUBJECT_EVENTS,
        *KEPT_EVENTS,
        *INTERACTION_EVENTS,
        *CONTACT_EVENTS,
        *MESSAGE_EVENTS,
        *IMPORT_EVENTS,
        *EXPORT_EVENTS,
        *ARCHIVE_EVENTS,
        *SETTINGS_EVENTS,
    ]


@hookimpl
def relatum_register_jobs(plugin: Plugin) -> list[Job]:
    return [
        SEAL,
        SWEEP,
        *IMPORT_JOBS,
        *SUBJECT_JOBS,
        LET_GO,
        *REPORT_JOBS,
        *BULK_JOBS,
        ARCHIVE,
        *MESSAGE_JOBS,
        *backup_jobs(plugin.settings),
    ]


@hookimpl
def relatum_register_import_targets(plugin: Plugin) -> list[ImportTarget]:
    return [CustomersTarget(), LinksTarget(), InteractionsTarget()]


@hookimpl
def relatum_register_metrics(plugin: Plugin) -> list[Metric]:
    return METRICS


@hookimpl
def relatum_register_widgets(plugin: Plugin) -> list[Widget]:
    return WIDGETS


@hookimpl
def relatum_register_commands(plugin: Plugin) -> list[Command]:
    return COMMANDS
