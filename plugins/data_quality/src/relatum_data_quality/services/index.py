"""The index: now, in parts, and kept for every day."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from relatum.api import Plugin, local_day, new_ids, now
from relatum_data_quality.types import Cut, Index, IndexQuery, Quality

_MEANS = (
    "count(*), avg(s.completeness), avg(s.validity), avg(s.uniqueness), avg(s.freshness), "
    "avg(s.consistency), avg(s.quality)"
)
_FROM = "FROM data_quality_score s JOIN core_customer c ON c.id = s.customer_id"
_CUTS = {"owner": "c.owner_id", "team": "c.team_id", "source": "s.source"}
_COLUMNS = (
    *("id", "day", "dimension", "part", "customers", "completeness", "validity"),
    *("uniqueness", "freshness", "consistency", "quality"),
)


class Indexes:
    """The only writer of days."""

    def __init__(self, plugin: Plugin) -> None:
        self._plugin = plugin
        self._db = plugin.house.db

    async def read(self, query: IndexQuery) -> Index:
        """The index of the customers that the viewer sees; the trend is everybody's."""
        now_all = await self._means("all")
        return Index(
            now=now_all[0],
            parts=[] if query.by == "all" else await self._means(query.by),
            trend=await self._trend(query.days),
        )

    async def keep(self) -> Quality:
        """Put down what it is today, in the place of what was put down earlier today."""
        today = self._today()
        cuts: tuple[Cut, ...] = ("all", "owner", "team", "source")
        rows = [(cut, each) for cut in cuts for each in await self._means(cut) if each.customers]
        async with self._db.transaction():
            await self._db.hold("data_quality.days")
            await self._db.execute("DELETE FROM data_quality_day WHERE day = ?", today)
            await self._db.insert(
                "data_quality_day",
                _COLUMNS,
                [
                    (
                        id,
                        today,
                        cut,
                        q.part,
                        q.customers,
                        q.completeness,
                        q.validity,
                        q.uniqueness,
                        q.freshness,
                        q.consistency,
                        q.index,
                    )
                    for id, (cut, q) in zip(new_ids(len(rows)), rows, strict=True)
                ],
            )
        return (await self._means("all"))[0]

    async def customers(
        self, by: Cut, part: str, *, limit: int
    ) -> list[tuple[UUID, str, float, bool, bool]]:
        """Customers behind a figure, the worst first: id, name, index, stale, incomplete."""
        where, params = self._part(by, part)
        rows = await self._db.fetch(
            f"SELECT c.id, c.display_name, s.quality, s.stale, s.incomplete {_FROM}{where} "
            "ORDER BY s.quality, c.id LIMIT ?",
            *params,
            limit,
        )
        return [(id, name, float(q), bool(stale), bool(less)) for id, name, q, stale, less in rows]

    async def queue(self, which: str, *, limit: int) -> list[tuple[Any, ...]]:
        """Stale or incomplete customers, the worst first: id, name, index, owner."""
        column = "stale" if which == "stale" else "incomplete"
        return list(
            await self._db.fetch(
                f"SELECT c.id, c.display_name, s.quality, c.owner_id {_FROM} WHERE s.{column} = ? "
                "ORDER BY s.quality, c.id LIMIT ?",
                True,
                limit,
            )
        )

    async def _means(self, by: Cut) -> list[Quality]:
        if by == "all":
            row = await self._db.fetch_one(f"SELECT '', {_MEANS} {_FROM}")
            return [_quality(row or ("", 0))]
        rows = await self._db.fetch(
            f"SELECT {_CUTS[by]}, {_MEANS} {_FROM} GROUP BY {_CUTS[by]} ORDER BY 8, 1"
        )
        return [_quality(row) for row in rows]

    def _part(self, by: Cut, part: str) -> tuple[str, list[Any]]:
        if by == "all":
            return "", []
        if by == "source":
            return " WHERE s.source = ?", [part]
        if not part:
            return f" WHERE {_CUTS[by]} IS NULL", []
        return f" WHERE {_CUTS[by]} = ?", [UUID(part)]

    async def _trend(self, days: int) -> list[Quality]:
        rows = await self._db.fetch(
            "SELECT part, customers, completeness, validity, uniqueness, freshness, consistency, "
            "quality, day FROM data_quality_day WHERE dimension = 'all' AND day > ? ORDER BY day",
            self._today() - dt.timedelta(days=days),
        )
        return [_quality(row[:8], row[8]) for row in rows]

    def _today(self) -> dt.date:
        return local_day(now(), self._plugin.house.settings.company.time_zone)


def _quality(row: tuple[Any, ...], day: object = None) -> Quality:
    part, customers, *means = row
    on = dt.date.fromisoformat(day) if isinstance(day, str) else day
    if not customers:
        return Quality(customers=0, index=None, part=str(part or ""))
    full, valid, unique, fresh, consistent, index = (round(float(mean), 4) for mean in means)
    return Quality(
        customers=int(customers),
        index=round(index, 2),
        completeness=full,
        validity=valid,
        uniqueness=unique,
        freshness=fresh,
        consistency=consistent,
        part=str(part or ""),
        day=on if isinstance(on, dt.date) else None,
    )
