"""The rows behind core's figures."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from relatum.hooks.screens import Row

if TYPE_CHECKING:
    from relatum.db.database import Database
    from relatum.hooks.context import Plugin
    from relatum.web.visit import Visit

#: The smallest id: everything comes after it.
_BEFORE_ALL = UUID(int=0)


async def customers_where(
    plugin: Plugin, visit: Visit, condition: str, params: Sequence[Any], after: str, limit: int
) -> list[Row]:
    """Customers ``c`` that meet a condition, in the order of their ids."""
    found = await plugin.house.db.fetch(
        "SELECT c.id, c.display_name, c.created_at FROM core_customer c "  # noqa: S608 - conditions of ours
        f"WHERE {condition} AND c.id > ? ORDER BY c.id LIMIT ?",
        *params,
        after_id(after),
        limit,
    )
    shown = visit.may("core.customers.read")
    return [
        Row(
            id=str(id),
            title=name if shown else str(id),
            href=f"/customers/{id}" if shown else "",
            when=created,
        )
        for id, name, created in found
    ]


async def interactions_where(
    plugin: Plugin,
    visit: Visit,
    source: str,
    condition: str,
    params: Sequence[Any],
    page: tuple[str, int],
) -> list[Row]:
    """Interactions ``i`` that meet a condition, in the order of their ids.

    Args:
        source: what follows FROM.
        page: the cursor, and how many at most.
    """
    db = plugin.house.db
    after, limit = page
    found = await db.fetch(
        "SELECT i.id, i.kind, i.channel, i.occurred_at, i.amount, i.currency, i.customer_id "  # noqa: S608
        f"FROM {source} WHERE {condition} AND i.id > ? ORDER BY i.id LIMIT ?",
        *params,
        after_id(after),
        limit,
    )
    names = await _names(db, visit, {row[6] for row in found if row[6] is not None})
    kinds = plugin.house.registry.interaction_kinds
    return [
        _interaction(row, kind.title_in(visit) if kind else row[1], names)
        for row in found
        for kind in [_Kind.of(kinds.find(row[1]))]
    ]


class _Kind:
    """The title of a kind of interaction."""

    def __init__(self, declared: Any) -> None:
        self._declared = declared

    @classmethod
    def of(cls, declared: Any) -> _Kind | None:
        return None if declared is None else cls(declared)

    def title_in(self, visit: Visit) -> str:
        return visit.say(self._declared.title)


def _interaction(row: tuple[Any, ...], title: str, names: dict[UUID, str]) -> Row:
    id, kind, channel, occurred, amount, currency, customer = row
    sign = -1 if kind == "core.cancellation" else 1
    return Row(
        id=str(id),
        title=names.get(customer, title),
        href=f"/customers/{customer}" if customer in names else "",
        when=occurred,
        value=None if amount is None else sign * amount,
        currency=currency or "",
        detail=" · ".join(filter(None, (title if customer in names else "", channel))),
    )


async def _names(db: Database, visit: Visit, ids: set[UUID]) -> dict[UUID, str]:
    if not visit.may("core.customers.read"):
        return {}
    found = await db.fetch_in(
        "SELECT id, display_name FROM core_customer WHERE id IN ({})", list(ids)
    )
    return dict(found)


async def imports_where(
    plugin: Plugin, condition: str, params: Sequence[Any], after: str, limit: int
) -> list[Row]:
    """Imports ``m`` that meet a condition, in the order of their ids."""
    found = await plugin.house.db.fetch(
        "SELECT m.id, m.name, m.title, m.started_at, m.state FROM core_import m "  # noqa: S608
        f"WHERE {condition} AND m.id > ? ORDER BY m.id LIMIT ?",
        *params,
        after_id(after),
        limit,
    )
    return [_import(row) for row in found]


def _import(row: tuple[UUID, str, str, dt.datetime, str]) -> Row:
    id, name, title, started, state = row
    return Row(id=str(id), title=title or name, href="/imports", when=started, detail=state)


def after_id(after: str) -> UUID:
    """The id of a cursor; before all others when there is none.

    Raises:
        InvalidInput: it is none.
    """
    from relatum.values.ids import parse_id

    return parse_id(after) if after else _BEFORE_ALL
