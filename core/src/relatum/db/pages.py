"""Cursor pagination by keyset: stable while rows come and go, page 1,000 as fast as page 1."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar
from uuid import UUID

import msgspec

from relatum.values.problems import InvalidInput, Problem

T = TypeVar("T")


class Page(msgspec.Struct, Generic[T], frozen=True):
    """One page. ``next`` is the cursor of the following page, ``None`` on the last."""

    items: list[T]
    next: str | None = None


class Sort(msgspec.Struct, frozen=True):
    """A column to sort by (ties by id) and the type its values have in a cursor."""

    column: str
    type: type[Any]
    descending: bool = False


class PageQuery(msgspec.Struct, frozen=True, kw_only=True):
    """A statement for one page: ``sql`` with ``params``, asking for one row more than ``limit``."""

    sql: str
    params: list[Any]
    limit: int
    sort: Sort


def sort_from(text: str, allowed: Mapping[str, tuple[str, type[Any]]]) -> Sort:
    """``-created_at`` → that column, descending.

    Args:
        allowed: public name → (column as written in the statement, type of its values).

    Raises:
        InvalidInput: the name is not one of them.
    """
    name = text.removeprefix("-")
    if name not in allowed:
        names = ", ".join(sorted(allowed))
        raise InvalidInput(
            "Cannot sort by that.",
            problems=[
                Problem(
                    code="unknown-sort",
                    message=f"cannot sort by {name!r}",
                    where="sort",
                    expected=f"one of {names}, with - before it to turn the order round",
                    got=text,
                    mend="choose one of these",
                )
            ],
        )
    column, type_ = allowed[name]
    return Sort(column, type_, text.startswith("-"))


def paginate(
    select: str,
    conditions: Sequence[str],
    params: Sequence[Any],
    *,
    sort: Sort,
    id_column: str,
    limit: int,
    cursor: str | None,
) -> PageQuery:
    """Complete ``select`` with conditions, keyset, order and limit.

    Args:
        select: everything up to ``WHERE``.
        conditions: joined by AND; their placeholders are ``params``.

    Raises:
        InvalidInput: the cursor is not one that this sort order gave out.
    """
    sql, values = from_cursor(
        select, conditions, params, sort=sort, id_column=id_column, cursor=cursor
    )
    direction = "DESC" if sort.descending else "ASC"
    order = f"{sort.column} {direction}" + (
        "" if sort.column == id_column else f", {id_column} {direction}"
    )
    sql = f"{sql} ORDER BY {order} LIMIT ?"
    return PageQuery(sql=sql, params=[*values, limit + 1], limit=limit, sort=sort)


def from_cursor(
    select: str,
    conditions: Sequence[str],
    params: Sequence[Any],
    *,
    sort: Sort,
    id_column: str,
    cursor: str | None,
) -> tuple[str, list[Any]]:
    """``select`` with conditions and keyset, and its parameters; neither order nor limit.

    Raises:
        InvalidInput: the cursor is not one that this sort order gave out.
    """
    where = list(conditions)
    values = list(params)
    if cursor is not None:
        where.append(beyond(sort, id_column))
        values += values_of(cursor, sort, id_column)
    clause = f" WHERE {' AND '.join(where)}" if where else ""
    return f"{select}{clause}", values


def beyond(sort: Sort, id_column: str) -> str:
    """The condition for rows that come after a cursor."""
    sign = "<" if sort.descending else ">"
    if sort.column == id_column:
        return f"{id_column} {sign} ?"
    return f"({sort.column}, {id_column}) {sign} (?, ?)"


def values_of(cursor: str, sort: Sort, id_column: str) -> list[Any]:
    """The parameters of :func:`beyond`.

    Raises:
        InvalidInput: the cursor is not one that this sort order gave out.
    """
    value, last = _read_cursor(cursor, sort)
    return [last] if sort.column == id_column else [value, last]


def cut(
    rows: Sequence[Any], query: PageQuery, *, value: int, id: int
) -> tuple[list[Any], str | None]:
    """Drop the one row too many and make the cursor of the next page.

    Args:
        value: index of the sort value in a row.
        id: index of the id in a row.
    """
    if len(rows) <= query.limit:
        return list(rows), None
    kept = list(rows[: query.limit])
    return kept, cursor_at(query.sort, kept[-1][value], kept[-1][id])


def cursor_at(sort: Sort, value: Any, id: UUID) -> str:
    """The cursor of the page that begins beyond a row, whether there is one or not.

    Args:
        value: of the column that is sorted by.
    """
    packed = msgspec.json.encode([f"{sort.column}{'-' if sort.descending else '+'}", value, id])
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def _read_cursor(cursor: str, sort: Sort) -> tuple[Any, UUID]:
    shape = tuple[str, sort.type, UUID]  # type: ignore[name-defined]
    try:
        packed = base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        order, value, last = msgspec.json.decode(packed, type=shape)
    except (binascii.Error, UnicodeEncodeError, msgspec.DecodeError) as error:
        raise _bad_cursor(cursor) from error
    if order != f"{sort.column}{'-' if sort.descending else '+'}":
        raise _bad_cursor(cursor)
    if isinstance(value, dt.datetime) and value.tzinfo is None:
        raise _bad_cursor(cursor)
    return value, last


def _bad_cursor(cursor: str) -> InvalidInput:
    return InvalidInput(
        "The cursor does not belong to this list.",
        problems=[
            Problem(
                code="bad-cursor",
                message="not a cursor of this list and order",
                where="cursor",
                expected="the `next` of the page before, with the same sort and filters",
                got=cursor[:80],
                mend="start again without a cursor",
            )
        ],
    )
