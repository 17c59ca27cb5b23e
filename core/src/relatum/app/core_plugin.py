"""What core declares, through the same hooks as a plugin. Its id is ``core``; it is always on."""

from __future__ import annotations

from relatum.customers.events import EVENT_TYPES as CUSTOMER_EVENTS
from relatum.hooks.context import Plugin
from relatum.hooks.declarations import EventType, ImportTarget, InteractionKind, Permission
from relatum.hooks.specs import hookimpl
from relatum.importing.events import EVENT_TYPES as IMPORT_EVENTS
from relatum.importing.targets.customers import CustomersTarget
from relatum.importing.targets.interactions import InteractionsTarget
from relatum.importing.targets.links import LinksTarget
from relatum.interactions.events import EVENT_TYPES as INTERACTION_EVENTS
from relatum.interactions.kinds import KINDS
from relatum.values.text import Text

PERMISSIONS = [
    Permission(id=f"core.{noun}.{verb}", title=Text(en=en, vi=vi))
    for noun, verb, en, vi in (
        ("customers", "read", "See customers", "Xem khách hàng"),
        ("customers", "write", "Create and change customers", "Tạo và sửa khách hàng"),
        ("interactions", "read", "See interactions", "Xem tương tác"),
        ("interactions", "write", "Record interactions", "Ghi tương tác"),
        ("reports", "read", "See reports", "Xem báo cáo"),
        ("imports", "read", "See imports", "Xem các lần nhập dữ liệu"),
        ("plugins", "read", "See plugins and their state", "Xem trạng thái tiện ích"),
        ("operations", "read", "See handlers and jobs", "Xem công việc nền"),
        ("operations", "write", "Retry handlers and jobs", "Chạy lại công việc nền"),
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
    return [*CUSTOMER_EVENTS, *INTERACTION_EVENTS, *IMPORT_EVENTS]


@hookimpl
def relatum_register_import_targets(plugin: Plugin) -> list[ImportTarget]:
    return [CustomersTarget(), LinksTarget(), InteractionsTarget()]
