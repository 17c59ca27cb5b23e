"""Figures that are counts or sums of rows of the database.

Every cell of time (from one end of a period to the next) is one statement over an index of time,
all in one hop, so that nothing is sorted and the plan stays the same however many periods there
are; rows that are reached through their customers are one statement for all cells. Periods add up
what their cells have; keys that count once are :mod:`relatum.reports.visits`. What a viewer may not
see is left out by the guard of the database, in the figures as in the rows behind them.
"""

from __future__ import annotations

import datetime as dt
import functools
import itertools
from bisect import bisect_left
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from relatum.hooks.screens import Point
from relatum.reports.gathering import ask
from relatum.reports.periods import Bucket, Stretch, buckets
from relatum.reports.visits import Rows, Window, cell_of, visits
from relatum.values.problems import InvalidInput
from relatum.values.time import day_bounds

if TYPE_CHECKING:
    from relatum.db.database import Database, Statement
    from relatum.hooks.screens import MetricQuery

#: SQL with its parameters.
Expression = tuple[str, Sequence[Any]]
#: The part of rows that have no value in a dimension.
NOTHING = "∅"
#: The dimension by which figures of money are told apart.
CURRENCY = "currency"


class Cut(msgspec.Struct, frozen=True, kw_only=True):
    """How rows are divided by one dimension.

    Attributes:
        value: an expression; NULL belongs to the part :data:`NOTHING`.
        join: what it needs beside the counted table. A row may have several values; each counts.
        has: a condition with one mark for rows of a part, where a join stands for several values.
        lacks: the condition for rows without any value; with ``has``.
        ids: whether the values are ids.
    """

    value: str
    join: str = ""
    has: str = ""
    lacks: str = ""
    ids: bool = False

    def only(self, part: str) -> tuple[str, tuple[Any, ...]]:
        """The condition for the rows of one part, with its parameters."""
        if part == NOTHING:
            return self.lacks or f"{self.value} IS NULL", ()
        return self.has or f"{self.value} = ?", (_id(part) if self.ids else part,)


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """Rows and what is counted of them.

    Attributes:
        source: what follows FROM, with every table under an alias.
        moment: the column that says when.
        key: the counted column; equal values count once when ``once`` (``value`` and ``currency``
            do not go with it).
        where: a condition that all rows meet.
        value: an expression that is summed instead; needs ``currency``.
        standing: counts everything until the end of a period, not what falls into it; ``once``
            does not go with it.
        daily: the column that says when holds days, not moments.
        known: with ``once``, the column that says when the key came to be known.
        by_time: whether the way to the rows is an index of time. Where it is another, all cells of
            time are one statement, which goes that way once.
    """

    source: str
    moment: str
    key: str
    where: str = ""
    once: bool = False
    value: str = ""
    currency: str = ""
    standing: bool = False
    daily: bool = False
    known: str = ""
    by_time: bool = True
    cuts: Mapping[str, Cut] = {}

    def edges(self, zone: str, stretch: Stretch) -> tuple[dt.date | None, dt.date]:
        """Where a stretch begins and ends, as the column that says when has it."""
        return _days(stretch) if self.daily else moments(stretch, zone)

    def condition(
        self, zone: str, stretch: Stretch, only: Mapping[str, str]
    ) -> tuple[str, list[Any]]:
        """What the rows of one figure meet, with its parameters.

        Raises:
            InvalidInput: there is no such dimension.
        """
        first, until = self.edges(zone, stretch)
        conditions = [f"{self.moment} < ?"]
        params: list[Any] = [until]
        if first is not None:
            conditions.append(f"{self.moment} >= ?")
            params.append(first)
        if self.where:
            conditions.append(self.where)
        for dimension, part in only.items():
            condition, more = self.cut(dimension).only(part)
            conditions.append(condition)
            params += more
        return " AND ".join(conditions), params

    def cut(self, dimension: str) -> Cut:
        """The way to divide by a dimension.

        Raises:
            InvalidInput: there is none.
        """
        if dimension == CURRENCY and self.currency:
            return Cut(value=self.currency)
        cut = self.cuts.get(dimension)
        if cut is None:
            known = ", ".join(sorted(self.cuts)) or "none"
            raise InvalidInput(f"expected a dimension of this metric ({known}), got {dimension!r}")
        return cut

    def statement(
        self, condition: str, params: Sequence[Any], by: str, cell: Expression = ("0", ())
    ) -> Statement:
        """Part, currency, rows, value and cell of what meets a condition.

        Args:
            cell: an expression by which the rows are told apart too, with its parameters.
        """
        cut = self.cut(by) if by else None
        columns = [
            cut.value if cut else "NULL",
            self.currency or "NULL",
            "count(*)",
            f"sum({self.value})" if self.value else "NULL",
            cell[0],
        ]
        groups = [column for column in columns[:2] if column != "NULL"]
        groups += ["5"] if cell[1] else []
        group = f" GROUP BY {', '.join(groups)}" if groups else ""
        source = f"{self.source} {cut.join}" if cut else self.source
        sql = f"SELECT {', '.join(columns)} FROM {source} WHERE {condition}{group}"  # noqa: S608 - from code
        return sql, [*cell[1], *params]


async def count(
    db: Database, zone: str, shares: Sequence[Counted], query: MetricQuery
) -> list[Point]:
    """The figures that a query asks for; parts without rows are left out.

    Args:
        shares: ways to the rows that have none in common (seldom more than one).
    """
    wanted = buckets_of(query)
    if shares[0].once:
        return await _count_keys(db, zone, shares, query, wanted)
    standing, summed = shares[0].standing, bool(shares[0].value)
    stretches = [Stretch(dt.date.min if standing else each.first, each.until) for each in wanted]
    about = ("sums", *_about(shares, query))
    sums = await ask(about, stretches, lambda some: _sums(db, zone, shares, query, some))
    return [
        Point(
            value=value if summed else number,
            rows=number,
            start=bucket.start if query.period else None,
            part=part_of(part) if query.by else "",
            currency=currency,
        )
        for bucket, stretch in zip(wanted, stretches, strict=True)
        for (part, currency), number, value in sums.of(stretch)
        if number
    ]


def _about(shares: Sequence[Counted], query: MetricQuery) -> tuple[Hashable, ...]:
    """What questions have in common that one look at the rows can answer."""
    parts = sorted(query.only.items())
    return tuple(
        (
            *(share.source, share.where, share.moment, share.key, share.value, share.currency),
            share.cut(query.by) if query.by else None,
            *((share.cut(dimension), part) for dimension, part in parts),
        )
        for share in shares
    )


class _Sums:
    """Running counts and sums of each part and currency, from one edge of time to the next.

    Args:
        found: by part and currency, rows and value of the cell after the edge of this number.
    """

    def __init__(
        self,
        edges: Sequence[dt.date],
        found: Mapping[tuple[object, str], Mapping[int, tuple[int, int]]],
    ) -> None:
        self._edges = edges
        cells = range(len(edges) - 1)
        self._running = {
            key: (
                [0, *itertools.accumulate(own.get(cell, (0, 0))[0] for cell in cells)],
                [0, *itertools.accumulate(own.get(cell, (0, 0))[1] for cell in cells)],
            )
            for key, own in found.items()
        }

    def of(self, stretch: Stretch) -> Iterator[tuple[tuple[object, str], int, int]]:
        """Part and currency, rows and value of a stretch from one edge to another."""
        first = bisect_left(self._edges, stretch.first)
        until = bisect_left(self._edges, stretch.until)
        for key, (numbers, values) in self._running.items():
            yield key, numbers[until] - numbers[first], values[until] - values[first]


async def _sums(
    db: Database,
    zone: str,
    shares: Sequence[Counted],
    query: MetricQuery,
    stretches: Sequence[Stretch],
) -> _Sums:
    """Every cell of time once, however many stretches it belongs to."""
    edges = sorted({edge for each in stretches for edge in (each.first, each.until)})
    asked = [each for share in shares for each in _asked(share, zone, query, stretches, edges)]
    found = await db.fetch_together(*(statement for _, statement in asked))
    sums: dict[tuple[object, str], dict[int, tuple[int, int]]] = {}
    for (place, _), rows in zip(asked, found, strict=True):
        for part, currency, number, value, cell in rows:
            own = sums.setdefault((part, currency or ""), {})
            counted, sum_ = own.get(place + cell, (0, 0))
            own[place + cell] = (counted + int(number), sum_ + int(value or 0))
    return _Sums(edges, sums)


def _asked(
    share: Counted,
    zone: str,
    query: MetricQuery,
    stretches: Sequence[Stretch],
    edges: Sequence[dt.date],
) -> Iterator[tuple[int, Statement]]:
    """Statements for the cells of a share, each with the number of its first cell."""
    if not share.by_time and not share.standing:
        condition, params = share.condition(zone, Stretch(edges[0], edges[-1]), query.only)
        inner = [share.edges(zone, Stretch(edges[0], edge))[1] for edge in edges[1:-1]]
        cell, more = cell_of(share.moment, inner)
        # what lies before the first inner edge is -1, and belongs to the first cell
        yield 1, share.statement(condition, params, query.by, (cell, more))
        return
    for place, (first, until) in enumerate(itertools.pairwise(edges)):
        if any(each.first <= first and until <= each.until for each in stretches):
            condition, params = share.condition(zone, Stretch(first, until), query.only)
            yield place, share.statement(condition, params, query.by)


async def _count_keys(
    db: Database,
    zone: str,
    shares: Sequence[Counted],
    query: MetricQuery,
    wanted: Sequence[Bucket],
) -> list[Point]:
    windows = []
    for each in wanted:
        first, until = shares[0].edges(zone, Stretch(each.first, each.until))
        windows.append(Window(first or until, until, until))
    counted = await count_windows(db, shares, query, windows)
    return points_of_parts(query, wanted, counted)


async def count_windows(
    db: Database, shares: Sequence[Counted], query: MetricQuery, windows: Sequence[Window]
) -> list[dict[Any, int]]:
    """Part → keys of which something happened in a window, for each window."""
    counts: list[dict[Any, int]] = [{} for _ in windows]
    for share in shares:
        about = ("visits", share.known, *_about([share], query))
        found = await ask(about, windows, functools.partial(visits, db, _rows(share, query)))
        for window, sums in zip(windows, counts, strict=True):
            for part, number in found.count(window).items():
                sums[part] = sums.get(part, 0) + number
    return counts


def points_of_parts(
    query: MetricQuery, wanted: Sequence[Bucket], counts: Sequence[Mapping[Any, int]]
) -> list[Point]:
    """Counts of each period as points."""
    return [
        Point(
            value=number,
            rows=number,
            start=bucket.start if query.period else None,
            part=part_of(part) if query.by else "",
        )
        for bucket, parts in zip(wanted, counts, strict=True)
        for part, number in parts.items()
        if number
    ]


def _rows(share: Counted, query: MetricQuery) -> Rows:
    cut = share.cut(query.by) if query.by else None
    conditions = [share.where] if share.where else []
    params: list[Any] = []
    for dimension, part in query.only.items():
        condition, more = share.cut(dimension).only(part)
        conditions.append(condition)
        params += more
    return Rows(
        source=f"{share.source} {cut.join}" if cut else share.source,
        key=share.key,
        moment=share.moment,
        part=cut.value if cut else "NULL",
        known=share.known or "NULL",
        where=" AND ".join(conditions) or "1 = 1",
        params=params,
    )


def buckets_of(query: MetricQuery) -> Sequence[Bucket]:
    """The periods of a query; all of its time when it is not cut."""
    if query.period is None:
        return [Bucket(query.first, query.first, query.until)]
    return buckets(query.period, Stretch(query.first, query.until))


def moments(stretch: Stretch, zone: str) -> tuple[dt.datetime | None, dt.datetime]:
    """First moment of the first day and of the day after the last, by the clock of a zone.

    The first one is none when the stretch has no beginning.
    """
    first = None if stretch.first == dt.date.min else day_bounds(stretch.first, zone)[0]
    return first, day_bounds(stretch.until, zone)[0]


def _days(stretch: Stretch) -> tuple[dt.date | None, dt.date]:
    return None if stretch.first == dt.date.min else stretch.first, stretch.until


def part_of(value: object) -> str:
    """What stands in a point for the value of a dimension."""
    return NOTHING if value is None else str(value)


def _id(part: str) -> UUID:
    try:
        return UUID(part)
    except ValueError as error:
        raise InvalidInput(f"expected an id or {NOTHING!r}, got {part[:80]!r}") from error
