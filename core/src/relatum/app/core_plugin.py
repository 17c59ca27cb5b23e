"""What core declares, through the same hooks as a plugin. Its id is ``core``; it is always on."""

from __future__ import annotations

from relatum.access.accounts.events import EVENT_TYPES as ACCOUNT_EVENTS
from relatum.access.accounts.sweeping import SWEEP
from relatum.access.audit.events import EVENT_TYPES as AUDIT_EVENTS
from relatum.access.audit.sealing import SEAL
from relatum.access.roles.events import EVENT_TYPES as ROLE_EVENTS
from relatum.access.sight.events import EVENT_TYPES as RULE_EVENTS
from relatum.app.nightly import backup_jobs
from relatum.archive.events import EVENT_TYPES as ARCHIVE_EVENTS
from relatum.archive.scheduled import ARCHIVE
from relatum.customers.events import EVENT_TYPES as CUSTOMER_EVENTS
from relatum.hooks.context import Plugin
from relatum.hooks.declarations import (
    EventType,
    ImportTarget,
    InteractionKind,
    Job,
    Permission,
    RoleName,
)
from relatum.hooks.specs import hookimpl
from relatum.importing.events import EVENT_TYPES as IMPORT_EVENTS
from relatum.importing.exports.events import EVENT_TYPES as EXPORT_EVENTS
from relatum.importing.jobs import JOBS as IMPORT_JOBS
from relatum.importing.targets.customers import CustomersTarget
from relatum.importing.targets.interactions import InteractionsTarget
from relatum.importing.targets.links import LinksTarget
from relatum.interactions.events import EVENT_TYPES as INTERACTION_EVENTS
from relatum.interactions.kinds import KINDS
from relatum.values.text import Text

#: Roles that look after customers day by day.
_STAFF: tuple[RoleName, ...] = ("manager", "sales", "care")
_ALL: tuple[RoleName, ...] = (*_STAFF, "marketing", "analyst", "read_only")

PERMISSIONS = [
    Permission(id=f"core.{noun}.{verb}", title=Text(en=en, vi=vi), roles=roles)
    for noun, verb, en, vi, roles in (
        ("customers", "read", "See customers", "Xem khách hàng", _ALL),
        ("customers", "write", "Create and change customers", "Tạo và sửa khách hàng", _STAFF),
        ("customers", "assign", "Give customers to others", "Giao khách hàng", ("manager",)),
        ("fields", "write", "Declare custom fields", "Khai báo trường tuỳ chỉnh", ()),
        ("interactions", "read", "See interactions", "Xem tương tác", _ALL),
        ("interactions", "write", "Record interactions", "Ghi tương tác", (*_STAFF, "marketing")),
        ("reports", "read", "See reports", "Xem báo cáo", _ALL),
        ("imports", "read", "See imports", "Xem các lần nhập dữ liệu", ("manager",)),
        ("imports", "write", "Import data", "Nhập dữ liệu", ("manager",)),
        ("exports", "write", "Export data", "Xuất dữ liệu", ("manager", "marketing", "analyst")),
        ("exports", "approve", "Approve large exports", "Duyệt xuất dữ liệu lớn", ("manager",)),
        ("plugins", "read", "See plugins and their state", "Xem trạng thái tiện ích", ("manager",)),
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
    return KINDS


@hookimpl
def relatum_register_event_types(plugin: Plugin) -> list[EventType]:
    return [
        *ACCOUNT_EVENTS,
        *ROLE_EVENTS,
        *AUDIT_EVENTS,
        *RULE_EVENTS,
        *CUSTOMER_EVENTS,
        *INTERACTION_EVENTS,
        *IMPORT_EVENTS,
        *EXPORT_EVENTS,
        *ARCHIVE_EVENTS,
    ]


@hookimpl
def relatum_register_jobs(plugin: Plugin) -> list[Job]:
    return [SEAL, SWEEP, *IMPORT_JOBS, ARCHIVE, *backup_jobs(plugin.settings)]


@hookimpl
def relatum_register_import_targets(plugin: Plugin) -> list[ImportTarget]:
    return [CustomersTarget(), LinksTarget(), InteractionsTarget()]
