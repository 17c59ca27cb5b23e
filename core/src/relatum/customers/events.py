"""Facts about customers."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec

from relatum.hooks.declarations import EventType
from relatum.values.text import Text


class CustomerCreated(msgspec.Struct, frozen=True):
    customer_id: UUID


class CustomerUpdated(msgspec.Struct, frozen=True):
    """``changes`` maps a field to its value before and after."""

    customer_id: UUID
    changes: dict[str, tuple[Any, Any]]


class CustomerRemoved(msgspec.Struct, frozen=True):
    customer_id: UUID


class CustomersLinked(msgspec.Struct, frozen=True):
    link_id: UUID
    source: UUID
    target: UUID
    kind: str


class CustomersUnlinked(msgspec.Struct, frozen=True):
    link_id: UUID
    source: UUID
    target: UUID
    kind: str


class CustomersMerged(msgspec.Struct, frozen=True):
    """From now on ``absorbed`` is another id of ``survivor``."""

    merge_id: UUID
    survivor: UUID
    absorbed: UUID


class CustomersUnmerged(msgspec.Struct, frozen=True):
    """They are two again, and each has its own."""

    merge_id: UUID
    survivor: UUID
    absorbed: UUID


class CustomerErased(msgspec.Struct, frozen=True):
    """Nobody has these ids any more: the customer's, and those of everybody absorbed by it."""

    receipt_id: UUID
    customer_id: UUID
    ids: list[UUID]


class FieldDeclared(msgspec.Struct, frozen=True):
    """A custom field is there, or another one now; ``changes`` as in :class:`CustomerUpdated`."""

    key: str
    changes: dict[str, tuple[Any, Any]]


CREATED = "core.customer_created"
UPDATED = "core.customer_updated"
REMOVED = "core.customer_removed"
LINKED = "core.customers_linked"
UNLINKED = "core.customers_unlinked"
MERGED = "core.customers_merged"
UNMERGED = "core.customers_unmerged"
ERASED = "core.customer_erased"
DECLARED = "core.customer_field_declared"

EVENT_TYPES = [
    EventType(
        id=CREATED,
        title=Text(en="Customer created", vi="Đã tạo khách hàng"),
        payload=CustomerCreated,
    ),
    EventType(
        id=UPDATED,
        title=Text(en="Customer changed", vi="Đã sửa khách hàng"),
        payload=CustomerUpdated,
    ),
    EventType(
        id=REMOVED,
        title=Text(en="Customer removed", vi="Đã gỡ khách hàng"),
        payload=CustomerRemoved,
    ),
    EventType(
        id=LINKED,
        title=Text(en="Customers linked", vi="Đã nối khách hàng"),
        payload=CustomersLinked,
    ),
    EventType(
        id=UNLINKED,
        title=Text(en="Customers unlinked", vi="Đã bỏ nối khách hàng"),
        payload=CustomersUnlinked,
    ),
    EventType(
        id=MERGED,
        title=Text(en="Customers merged", vi="Đã gộp khách hàng"),
        payload=CustomersMerged,
    ),
    EventType(
        id=UNMERGED,
        title=Text(en="Customers unmerged", vi="Đã tách khách hàng đã gộp"),
        payload=CustomersUnmerged,
    ),
    EventType(
        id=ERASED,
        title=Text(en="Customer erased", vi="Đã xoá dữ liệu khách hàng"),
        payload=CustomerErased,
    ),
    EventType(
        id=DECLARED,
        title=Text(en="Custom field declared or changed", vi="Đã khai báo hoặc sửa trường riêng"),
        payload=FieldDeclared,
    ),
]
