"""Keys (customers) of which something happened in a window of time, each counted once.

One pass over the rows finds, for each, when the next of the same key follows. A key belongs to a
window by its last row in it: the one after which none follows before the window's end. So any
number of windows, also overlapping ones, are counted from one small table: how many rows lie in
this cell of time and are followed in that one.
"""

from __future__ import annotations

import bisect
import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from relatum.db.database import Database

#: A moment, or a day of rows that know no more than that.
Edge = dt.date
#: The cell of what never happened.
_NEVER = 1_000_000
_LONG = dt.timedelta(days=60)


class Window(NamedTuple):
    """Keys whose last row before ``until`` lies from ``first`` until before ``last``.

    Attributes:
        known: only keys that are known (created) before ``until``.
    """

    first: Edge
    last: Edge
    until: Edge
    known: bool = False


class Rows(NamedTuple):
    """Which rows are looked at: aliases and expressions of one statement.

    Attributes:
        source: what follows FROM.
        part: by which keys are told apart; NULL for none.
        known: when a key came to be known; NULL where no window asks.
        where: a condition, with its parameters in ``params``.
    """

    source: str
    key: str
    moment: str
    part: str
    known: str
    where: str
    params: Sequence[Any]


class Visits:
    """How many rows lie in which cell of time, and in which one the next of the same key does."""

    def __init__(
        self, edges: Sequence[Edge], found: Sequence[tuple[Any, int, int, int, int]]
    ) -> None:
        self._edges = edges
        self._found = found

    def count(self, window: Window) -> dict[Any, int]:
        """Part → keys of one window."""
        first, last, until = (bisect.bisect_left(self._edges, each) for each in window[:3])
        counts: dict[Any, int] = {}
        for part, cell, following, known, number in self._found:
            if first <= cell < last and following >= until and (not window.known or known < until):
                counts[part] = counts.get(part, 0) + number
        return counts


async def visits(db: Database, rows: Rows, windows: Sequence[Window]) -> Visits:
    """Everything that these windows need, by one statement."""
    edges = sorted({edge for window in windows for edge in window[:3]})
    this, params = _cell(rows.moment, edges)
    known, more = "0", list[Edge]()
    if any(window.known for window in windows):
        known, more = _cell(rows.known, edges)
    apart = "thing, part" if rows.part != "NULL" else "thing"
    moment = f"+{rows.moment}" if _in_order(db, edges) else rows.moment
    sql = (
        "SELECT part, this_cell, next_cell, known_cell, count(*) FROM ("  # noqa: S608 - from code
        "SELECT part, this_cell, known_cell, coalesce(lead(this_cell) OVER "
        f"(PARTITION BY {apart} ORDER BY this_moment), {_NEVER}) AS next_cell FROM ("
        f"SELECT {rows.part} AS part, {rows.key} AS thing, {rows.moment} AS this_moment, "
        f"{this} AS this_cell, {known} AS known_cell FROM {rows.source} "
        f"WHERE {rows.where} AND {moment} >= ? AND {moment} < ?) a) b "
        "WHERE this_cell <> next_cell GROUP BY part, this_cell, next_cell, known_cell"
    )
    found = await db.fetch(sql, *params, *more, *rows.params, edges[0], edges[-1])
    return Visits(edges, found)


def _in_order(db: Database, edges: Sequence[Edge]) -> bool:
    """Whether SQLite is kept from an index of time: over a long time it is faster to read the
    index of the keys from end to end, where nothing has to be sorted. PostgreSQL knows that itself.
    """
    return db.kind == "sqlite" and edges[-1] - edges[0] > _LONG


def _cell(moment: str, edges: Sequence[Edge]) -> tuple[str, list[Edge]]:
    """The number of the last edge that is not after a moment, found by halves; -1 before all."""
    return _between(moment, edges, 0, len(edges))


def _between(moment: str, edges: Sequence[Edge], low: int, high: int) -> tuple[str, list[Edge]]:
    if low == high:
        return str(low - 1), []
    middle = (low + high) // 2
    below, one = _between(moment, edges, low, middle)
    above, other = _between(moment, edges, middle + 1, high)
    sql = f"CASE WHEN {moment} < ? THEN {below} ELSE {above} END"
    return sql, [edges[middle], *one, *other]
