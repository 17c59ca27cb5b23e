"""Figures that are plain counts and sums, from their declaration."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from relatum.db.guarding import current_guard
from relatum.reports.core_metrics.dimensions import CUSTOMER_CUTS, INTERACTION_CUTS
from relatum.reports.core_metrics.rows import (
    customers_where,
    imports_where,
    interactions_where,
)
from relatum.reports.counting import Counted, Cut, count
from relatum.reports.periods import Stretch

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from relatum.hooks.context import Plugin
    from relatum.hooks.screens import MetricQuery, Point, Row
    from relatum.web.visit import Visit

    Points = Callable[[Plugin, Visit, MetricQuery], Awaitable[Sequence[Point]]]
    Rows = Callable[[Plugin, Visit, MetricQuery, str, int], Awaitable[Sequence[Row]]]

_WITH_CUSTOMER = "core_interaction i LEFT JOIN core_customer c ON c.id = i.customer_id"
# The order of a cross join is kept by SQLite: from the customers to what happened with them.
_FROM_CUSTOMER = "core_customer c CROSS JOIN core_interaction i"
#: What is no contact, whatever its direction says: money and notes of one's own.
_NO_CONTACT = "('core.purchase', 'core.cancellation', 'core.note')"
CONTACT = f"i.direction IN ('in', 'out') AND i.kind NOT IN {_NO_CONTACT}"
_SOLD = "i.kind IN ('core.purchase', 'core.cancellation') AND i.amount IS NOT NULL"

NEW_CUSTOMERS = Counted(
    source="core_customer c", moment="c.created_at", key="c.id", cuts=CUSTOMER_CUTS
)
CUSTOMERS = Counted(
    source="core_customer c",
    moment="c.created_at",
    key="c.id",
    cuts=CUSTOMER_CUTS,
    standing=True,
)
INTERACTIONS = Counted(
    source="core_interaction i",
    moment="i.occurred_at",
    key="i.id",
    cuts={**CUSTOMER_CUTS, **INTERACTION_CUTS},
)
CONTACTED = Counted(
    source="core_interaction i",
    moment="i.occurred_at",
    key="i.customer_id",
    where=f"{CONTACT} AND i.customer_id IS NOT NULL",
    once=True,
    known="c.created_at",
    cuts={**CUSTOMER_CUTS, **INTERACTION_CUTS},
)
BUYERS = Counted(
    source="core_interaction i",
    moment="i.occurred_at",
    key="i.customer_id",
    where="i.kind = 'core.purchase' AND i.customer_id IS NOT NULL",
    once=True,
    known="c.created_at",
    cuts={**CUSTOMER_CUTS, "channel": INTERACTION_CUTS["channel"]},
)
PURCHASES = Counted(
    source="core_interaction i",
    moment="i.occurred_at",
    key="i.id",
    where="i.kind = 'core.purchase'",
    cuts={**CUSTOMER_CUTS, "channel": INTERACTION_CUTS["channel"]},
)
REVENUE = Counted(
    source="core_interaction i",
    moment="i.occurred_at",
    key="i.id",
    where=_SOLD,
    value="CASE WHEN i.kind = 'core.cancellation' THEN -i.amount ELSE i.amount END",
    currency="i.currency",
    cuts={**CUSTOMER_CUTS, "channel": INTERACTION_CUTS["channel"]},
)
IMPORTS = Counted(
    source="core_import m",
    moment="m.started_at",
    key="m.id",
    cuts={"state": Cut(value="m.state"), "name": Cut(value="m.name")},
)


def shares_of(counted: Counted, query: MetricQuery) -> list[Counted]:
    """The ways to the rows that a question needs.

    Their customers are joined where it is about them. Who sees few customers gets to interactions
    from those (and then to the ones of nobody), rather than through everybody's.
    """
    if not counted.source.startswith("core_interaction"):
        return [counted]
    guard = current_guard()
    shadow = guard.shadows.get("core_customer") if guard is not None else None
    if shadow is not None and shadow.hides_rows:
        owned = _of_seen(counted)
        nobodys = replace(_joined(counted), where=_both(counted.where, "i.customer_id IS NULL"))
        return [owned] if counted.once else [owned, nobodys]
    # what counts customers asks when they came to be known; a join that nobody asks costs nothing
    if counted.once or {query.by, *query.only} & set(CUSTOMER_CUTS):
        return [_joined(counted)]
    return [counted]


def _joined(counted: Counted) -> Counted:
    return replace(counted, source=_WITH_CUSTOMER)


def _of_seen(counted: Counted) -> Counted:
    return replace(
        counted,
        source=_FROM_CUSTOMER,
        where=_both("i.customer_id = c.id", counted.where),
        by_time=False,
    )


def _both(*conditions: str) -> str:
    return " AND ".join(filter(None, conditions))


def points_of(counted: Counted) -> Points:
    """The function of a metric that counts."""

    async def points(plugin: Plugin, visit: Visit, query: MetricQuery) -> Sequence[Point]:
        house = plugin.house
        zone = house.settings.company.time_zone
        return await count(house.db, zone, shares_of(counted, query), query)

    return points


def rows_of(counted: Counted) -> Rows:
    """The function of a metric that shows what was counted."""

    async def rows(
        plugin: Plugin, visit: Visit, query: MetricQuery, after: str, limit: int
    ) -> Sequence[Row]:
        joined = _joined(counted) if counted.source.startswith("core_interaction") else counted
        stretch = Stretch(dt.date.min if counted.standing else query.first, query.until)
        condition, params = joined.condition(
            plugin.house.settings.company.time_zone, stretch, query.only
        )
        if counted.once:
            chosen = f"c.id IN (SELECT {counted.key} FROM {joined.source} WHERE {condition})"  # noqa: S608 - conditions of ours
            return await customers_where(plugin, visit, chosen, params, after, limit)
        if counted.source.startswith("core_customer"):
            return await customers_where(plugin, visit, condition, params, after, limit)
        if counted is IMPORTS:
            return await imports_where(plugin, condition, params, after, limit)
        return await interactions_where(
            plugin, visit, joined.source, condition, params, (after, limit)
        )

    return rows
