"""Keys (customers) of which something happened in a window of time, each counted once.

A key belongs to a window by its last row in it: the one after which none follows before the
window's end. One pass over the rows answers for any number of windows, also overlapping ones. Where
the windows have few edges, a key is one number with a bit for each cell of time that has a row of
it, and windows ask for bits. Where they have many (days of months), the pass finds for each row
when the next of the same key follows, and windows are counted from one small table: how many rows
lie in this cell of time and are followed in that one.
"""

from __future__ import annotations

import bisect
import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from relatum.db.database import Database

#: A moment, or a day of rows that know no more than that.
Edge = dt.date
#: The cell of what never happened.
_NEVER = 1_000_000
_LONG = dt.timedelta(days=60)
#: Cells of time whose bits, all together, are an integer of 64 bits with a sign.
_BITS = 62
#: Windows that are counted as columns of one statement.
_MOST_SUMS = 500


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
    """How many keys each window has, by their parts."""

    def __init__(self, counts: Mapping[Window, dict[Any, int]]) -> None:
        self._counts = counts

    def count(self, window: Window) -> dict[Any, int]:
        """Part → keys of one of the windows that were asked for."""
        return dict(self._counts[window])


async def visits(db: Database, rows: Rows, windows: Sequence[Window]) -> Visits:
    """Everything that these windows need, by one statement."""
    edges = sorted({edge for window in windows for edge in window[:3]})
    if len(edges) <= _BITS + 1 and len(windows) <= _MOST_SUMS:
        return Visits(await _by_bits(db, rows, windows, edges))
    return Visits(await _by_followers(db, rows, windows, edges))


async def _by_bits(
    db: Database, rows: Rows, windows: Sequence[Window], edges: Sequence[Edge]
) -> dict[Window, dict[Any, int]]:
    cell, params = cell_of(rows.moment, edges)
    # The sum of different powers of two has just their bits.
    bits = "bit_or(1::bigint << {})" if db.kind == "postgresql" else "sum(DISTINCT 1 << {})"
    apart = "1, 2" if rows.part != "NULL" else "2"
    known = any(window.known for window in windows)
    sums, more = _sums(windows, edges)
    sql = (
        f"SELECT part, {sums} FROM ("  # noqa: S608 - from code
        f"SELECT {rows.part} AS part, {rows.key} AS thing, {bits.format(cell)} AS bits, "
        f"{f'min({rows.known})' if known else 'NULL'} AS known "
        f"FROM {rows.source} WHERE {rows.where} AND {_within(db, rows, edges)} "
        f"GROUP BY {apart}) a GROUP BY part"
    )
    found = await db.fetch(sql, *more, *params, *rows.params, edges[0], edges[-1])
    counts: dict[Window, dict[Any, int]] = {window: {} for window in windows}
    for part, *numbers in found:
        for window, number in zip(windows, numbers, strict=True):
            if number:
                counts[window][part] = int(number)
    return counts


def _sums(windows: Sequence[Window], edges: Sequence[Edge]) -> tuple[str, list[Edge]]:
    """How many keys are in each window, and the parameters of that."""
    sums, params = [], list[Edge]()
    for window in windows:
        first, last, until = (bisect.bisect_left(edges, each) for each in window[:3])
        condition = f"bits & {_ones(first, last)} <> 0"
        if last < until:
            condition += f" AND bits & {_ones(last, until)} = 0"
        if window.known:
            condition += " AND known < ?"
            params.append(window.until)
        sums.append(f"count(CASE WHEN {condition} THEN 1 END)")
    return ", ".join(sums), params


def _ones(first: int, last: int) -> int:
    """The bits of cells from one until before another."""
    return (1 << max(first, last)) - (1 << first)


async def _by_followers(
    db: Database, rows: Rows, windows: Sequence[Window], edges: Sequence[Edge]
) -> dict[Window, dict[Any, int]]:
    this, params = cell_of(rows.moment, edges)
    known, more = "0", list[Edge]()
    if any(window.known for window in windows):
        known, more = cell_of(rows.known, edges)
    apart = "thing, part" if rows.part != "NULL" else "thing"
    sql = (
        "SELECT part, this_cell, next_cell, known_cell, count(*) FROM ("  # noqa: S608 - from code
        "SELECT part, this_cell, known_cell, coalesce(lead(this_cell) OVER "
        f"(PARTITION BY {apart} ORDER BY this_moment), {_NEVER}) AS next_cell FROM ("
        f"SELECT {rows.part} AS part, {rows.key} AS thing, {rows.moment} AS this_moment, "
        f"{this} AS this_cell, {known} AS known_cell FROM {rows.source} "
        f"WHERE {rows.where} AND {_within(db, rows, edges)}) a) b "
        "WHERE this_cell <> next_cell GROUP BY part, this_cell, next_cell, known_cell"
    )
    found = await db.fetch(sql, *params, *more, *rows.params, edges[0], edges[-1])
    return {window: _followed(found, window, edges) for window in windows}


def _followed(
    found: Sequence[tuple[Any, int, int, int, int]], window: Window, edges: Sequence[Edge]
) -> dict[Any, int]:
    first, last, until = (bisect.bisect_left(edges, each) for each in window[:3])
    counts: dict[Any, int] = {}
    for part, cell, following, known, number in found:
        if first <= cell < last and following >= until and (not window.known or known < until):
            counts[part] = counts.get(part, 0) + number
    return counts


def _within(db: Database, rows: Rows, edges: Sequence[Edge]) -> str:
    """The condition, with two marks, for rows between the first edge and the last."""
    moment = f"+{rows.moment}" if _in_order(db, edges) else rows.moment
    return f"{moment} >= ? AND {moment} < ?"


def _in_order(db: Database, edges: Sequence[Edge]) -> bool:
    """Whether SQLite is kept from an index of time: over a long time it is faster to read the
    index of the keys from end to end, where nothing has to be sorted. PostgreSQL knows that itself.
    """
    return db.kind == "sqlite" and edges[-1] - edges[0] > _LONG


def cell_of(moment: str, edges: Sequence[Edge]) -> tuple[str, list[Edge]]:
    """An expression for the number of the last edge that is not after a moment, with its
    parameters: found by halves; -1 before all."""
    return _between(moment, edges, 0, len(edges))


def _between(moment: str, edges: Sequence[Edge], low: int, high: int) -> tuple[str, list[Edge]]:
    if low == high:
        return str(low - 1), []
    middle = (low + high) // 2
    below, one = _between(moment, edges, low, middle)
    above, other = _between(moment, edges, middle + 1, high)
    sql = f"CASE WHEN {moment} < ? THEN {below} ELSE {above} END"
    return sql, [edges[middle], *one, *other]
