"""Turning the pages of a list, further on and back.

A search has two parts: names in which it stands as it was typed (``Hà``; for ``ha``, ``Ha``), then
the others (``Hạ``, ``ha@…``). A cursor says in which part it is, and whether it leads back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

import msgspec

from relatum.customers import ranges, reading
from relatum.customers.searching import Fitting, exact_ids, page_among
from relatum.customers.types import CustomerQuery
from relatum.customers.wording import spellings_of
from relatum.db.pages import cursor_at, sort_from

if TYPE_CHECKING:
    from relatum.customers.ranges import Thin
    from relatum.db.database import Database

_BACK = "<"
_SECOND = "~"

Row = tuple[Any, ...]


class Turned(NamedTuple):
    """The rows of a page, and the cursors around it."""

    rows: list[Row]
    next: str | None
    previous: str | None


class _Place(NamedTuple):
    back: bool
    part: int
    cursor: str | None

    @classmethod
    def of(cls, cursor: str | None) -> _Place:
        text = cursor or ""
        back = text.startswith(_BACK)
        text = text.removeprefix(_BACK)
        part = 1 if text.startswith(_SECOND) else 0
        return cls(back, part, text.removeprefix(_SECOND) or None)


async def turned(
    db: Database,
    query: CustomerQuery,
    *,
    country: str,
    thin: Thin,
    fit: Fitting | None = None,
) -> Turned:
    """The page that a query asks for.

    Args:
        fit: who fits, when that is known.

    Raises:
        InvalidInput: an unknown sort order, or a foreign cursor.
    """
    place = _Place.of(query.cursor)
    query = reading.known(query)
    found = await _rows(db, query, place, country=country, thin=thin, fit=fit)
    if place.back and not found:
        # What was before it has gone meanwhile.
        first = msgspec.structs.replace(query, cursor=None)
        return await turned(db, first, country=country, thin=thin, fit=fit)
    more = len(found) > query.limit
    kept = found[: query.limit]
    if place.back:
        kept.reverse()
    goes_on = place.back or more
    goes_back = more if place.back else place.cursor is not None
    return Turned(
        [row for _, row in kept],
        _cursor(query.sort, kept[-1]) if kept and goes_on else None,
        _BACK + _cursor(_reverse(query.sort), kept[0]) if kept and goes_back else None,
    )


async def _rows(
    db: Database,
    query: reading.Planned,
    place: _Place,
    *,
    country: str,
    thin: Thin,
    fit: Fitting | None,
) -> list[tuple[int, Row]]:
    """The rows from a place on, each with its part; one more than asked for when there are more."""
    divided = query.marked is None and bool(spellings_of(query.q))
    parts: list[bool | None] = [True, False] if divided else [None]
    few = fit.ids if fit is not None else None
    exact: Sequence[UUID] | None = None
    if divided and few is None:
        met = fit is not None and fit.complete
        exact = fit.exact if fit and met else await exact_ids(db, query, country=country)
    ahead = range(place.part, -1, -1) if place.back else range(place.part, len(parts))
    found: list[tuple[int, Row]] = []
    cursor = place.cursor
    for part in ahead:
        asked = msgspec.structs.replace(
            query,
            exact=parts[min(part, len(parts) - 1)],
            sort=_reverse(query.sort) if place.back else query.sort,
            limit=query.limit - len(found),
            cursor=cursor,
        )
        among = exact if exact is not None and asked.exact else few
        if among is None:
            rows, _ = await ranges.page_of(db, asked, country=country, thin=thin)
        else:
            rows, _ = await page_among(db, asked, among, country=country)
        found += [(part, row) for row in rows]
        if len(found) > query.limit:
            break
        cursor = None
    return found


def _cursor(sort: str, row: tuple[int, Row]) -> str:
    part, values = row
    order = sort_from(sort, reading.SORTS)
    cursor = cursor_at(order, values[reading.SORT_VALUE[order.column]], values[0])
    return (_SECOND if part else "") + cursor


def _reverse(sort: str) -> str:
    return sort[1:] if sort.startswith("-") else f"-{sort}"
