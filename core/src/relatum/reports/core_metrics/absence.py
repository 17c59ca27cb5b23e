"""Customers with whom something did not happen: not spoken with, not bought any more."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from relatum.reports.core_metrics.metrics import (
    BUYERS,
    CONTACT,
    CONTACTED,
    CUSTOMERS,
    shares_of,
)
from relatum.reports.core_metrics.rows import customers_where
from relatum.reports.counting import (
    buckets_of,
    count,
    count_windows,
    moments,
    points_of_parts,
)
from relatum.reports.periods import Stretch
from relatum.reports.visits import Window
from relatum.values.time import day_bounds

if TYPE_CHECKING:
    from relatum.hooks.context import Plugin
    from relatum.hooks.screens import MetricQuery, Point, Row
    from relatum.web.visit import Visit

#: Days without contact after which a customer counts as silent.
SILENT_DAYS = 90
#: Days without a purchase after which who has bought counts as lost.
LOST_DAYS = 365


class WithoutContact(msgspec.Struct, frozen=True):
    """Customers known by the end of a period with whom nobody was in contact.

    Attributes:
        days: before the end of the period in which nobody was; 0 is the period itself.
    """

    days: int = 0

    async def points(self, plugin: Plugin, visit: Visit, query: MetricQuery) -> Sequence[Point]:
        """All customers known by then, without those who were spoken with."""
        house = plugin.house
        zone = house.settings.company.time_zone
        wanted = buckets_of(query)
        windows = []
        for each in wanted:
            first, until = moments(self._window(Stretch(each.first, each.until)), zone)
            windows.append(Window(first or until, until, until, known=True))
        known, found = await asyncio.gather(
            count(house.db, zone, [CUSTOMERS], query),
            count_windows(house.db, shares_of(CONTACTED, query), query, windows),
        )
        spoken = {
            (point.start, point.part): point.rows for point in points_of_parts(query, wanted, found)
        }
        return [
            msgspec.structs.replace(point, value=left, rows=left)
            for point in known
            for left in [point.rows - spoken.get((point.start, point.part), 0)]
        ]

    async def rows(
        self, plugin: Plugin, visit: Visit, query: MetricQuery, after: str, limit: int
    ) -> Sequence[Row]:
        """Those customers."""
        zone = plugin.house.settings.company.time_zone
        stretch = Stretch(query.first, query.until)
        condition, params = CUSTOMERS.condition(
            zone, Stretch(dt.date.min, stretch.until), query.only
        )
        first, until = moments(self._window(stretch), zone)
        condition += (
            " AND NOT EXISTS (SELECT 1 FROM core_interaction i WHERE i.customer_id = c.id "  # noqa: S608
            f"AND i.occurred_at >= ? AND i.occurred_at < ? AND {CONTACT})"
        )
        return await customers_where(
            plugin, visit, condition, [*params, first, until], after, limit
        )

    def _window(self, stretch: Stretch) -> Stretch:
        if not self.days:
            return stretch
        return Stretch(stretch.until - dt.timedelta(days=self.days), stretch.until)


class Lost(msgspec.Struct, frozen=True):
    """Customers who have not bought again for so long.

    One is lost in the period in which ``days`` have passed since the last purchase, as long as no
    other follows before its end.
    """

    days: int = LOST_DAYS

    async def points(self, plugin: Plugin, visit: Visit, query: MetricQuery) -> Sequence[Point]:
        """How many, by period and part."""
        house = plugin.house
        zone = house.settings.company.time_zone
        wanted = buckets_of(query)
        windows = [self._window(zone, Stretch(each.first, each.until)) for each in wanted]
        found = await count_windows(house.db, shares_of(BUYERS, query), query, windows)
        return points_of_parts(query, wanted, found)

    async def rows(
        self, plugin: Plugin, visit: Visit, query: MetricQuery, after: str, limit: int
    ) -> Sequence[Row]:
        """Those customers."""
        zone = plugin.house.settings.company.time_zone
        condition, params = self._condition(zone, Stretch(query.first, query.until), query)
        return await customers_where(plugin, visit, condition, params, after, limit)

    def _condition(
        self, zone: str, stretch: Stretch, query: MetricQuery
    ) -> tuple[str, list[object]]:
        first, last, until, _ = self._window(zone, stretch)
        bought = "i.kind = 'core.purchase' AND i.occurred_at >= ? AND i.occurred_at < ?"
        condition = (
            f"c.id IN (SELECT i.customer_id FROM core_interaction i WHERE {bought}) AND NOT EXISTS "  # noqa: S608
            f"(SELECT 1 FROM core_interaction i WHERE i.customer_id = c.id AND {bought})"
        )
        params: list[object] = [first, last, last, until]
        for dimension, part in query.only.items():
            more, values = CUSTOMERS.cut(dimension).only(part)
            condition += f" AND {more}"
            params += values
        return condition, params

    def _window(self, zone: str, stretch: Stretch) -> Window:
        """The last purchase lies so many days before the stretch; none follows until its end."""
        back = dt.timedelta(days=self.days)
        first, last, until = (
            day_bounds(day, zone)[0]
            for day in (stretch.first - back, stretch.until - back, stretch.until)
        )
        return Window(first, last, until)
