"""Who stands before and after a customer in a list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from relatum.customers import ranges, reading
from relatum.customers.rows import sort_key_of
from relatum.db.pages import cursor_at, sort_from

if TYPE_CHECKING:
    from relatum.customers.types import Customer, CustomerQuery
    from relatum.db.database import Database


async def beside(
    db: Database, query: CustomerQuery, customer: Customer, *, country: str, thin: ranges.Thin
) -> tuple[UUID | None, UUID | None]:
    """The customers of a list right before and right after one, whether that one fits or not.

    Raises:
        InvalidInput: an unknown sort order.
    """
    found: list[UUID | None] = []
    for order in (_turned(query.sort), query.sort):
        sort = sort_from(order, reading.SORTS)
        value = _value(customer, sort.column, country)
        asked = msgspec.structs.replace(
            query, sort=order, limit=1, cursor=cursor_at(sort, value, customer.id)
        )
        rows, _ = await ranges.page_of(db, asked, country=country, thin=thin)
        found.append(rows[0][0] if rows else None)
    return found[0], found[1]


def _turned(sort: str) -> str:
    return sort.removeprefix("-") if sort.startswith("-") else f"-{sort}"


def _value(customer: Customer, column: str, country: str) -> Any:
    if column == "sort_key":
        return sort_key_of(customer.display_name, customer.kind, country)
    return getattr(customer, column)
