"""Reading pages and changing single rows: what every service does alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from msgspec import UNSET

from relatum.api import Database, Page, cut, fold, paginate, sort_from

T = TypeVar("T")


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """How one noun is listed.

    Attributes:
        select: up to ``WHERE``.
        sorts: public name → (expression of ``select``, its type, its index in a row).
        id_column: as written in ``select``.
        id_index: its index in a row.
    """

    select: str
    sorts: Mapping[str, tuple[str, type[Any], int]]
    id_column: str = "id"
    id_index: int = 0


class Conditions:
    """Conditions joined by AND, with their parameters."""

    def __init__(self) -> None:
        self.sql: list[str] = []
        self.params: list[Any] = []

    def add(self, sql: str, *params: Any) -> None:
        self.sql.append(sql)
        self.params += params

    def equal(self, **columns: Any) -> None:
        """Those columns that are not ``None`` have these values."""
        for column, value in columns.items():
            if value is not None:
                self.add(f"{column.replace('__', '.')} = ?", value)

    def words(self, column: str, text: str) -> None:
        """Every word of ``text`` occurs in a column that holds folded text."""
        for word in fold(text).split():
            escaped = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
            self.add(f"{column} LIKE ? ESCAPE '\\'", f"%{escaped}%")


async def fetch_page(
    db: Database,
    listing: Listing,
    where: Conditions,
    *,
    sort: str,
    limit: int,
    cursor: str | None,
    read: Callable[[Sequence[tuple[Any, ...]]], list[T]],
) -> Page[T]:
    """One page of a listing.

    Raises:
        InvalidInput: an unknown sort order or a foreign cursor.
    """
    order = sort_from(
        sort, {name: (column, kind) for name, (column, kind, _) in listing.sorts.items()}
    )
    asked = paginate(
        listing.select,
        where.sql,
        where.params,
        sort=order,
        id_column=listing.id_column,
        limit=limit,
        cursor=cursor,
    )
    rows = await db.fetch(asked.sql, *asked.params)
    value = next(index for column, _, index in listing.sorts.values() if column == order.column)
    kept, following = cut(rows, asked, value=value, id=listing.id_index)
    return Page(read(kept), following)


def given_fields(edit: msgspec.Struct) -> dict[str, Any]:
    """The fields of an edit that are set."""
    values = {name: getattr(edit, name) for name in edit.__struct_fields__}
    return {name: value for name, value in values.items() if value is not UNSET}


async def update(db: Database, table: str, id: UUID, values: Mapping[str, Any]) -> None:
    """Set columns of one row."""
    if values:
        columns = ", ".join(f"{name} = ?" for name in values)
        sql = f"UPDATE {table} SET {columns} WHERE id = ?"  # noqa: S608 - names of our own
        await db.execute(sql, *values.values(), id)


async def read_rows(
    db: Database, table: str, columns: Sequence[str], ids: Sequence[UUID]
) -> dict[UUID, dict[str, Any]]:
    """Rows of a table by id, each as a mapping of its columns."""
    names = ", ".join(columns)
    rows = await db.fetch_in(f"SELECT {names} FROM {table} WHERE id IN ({{}})", ids)  # noqa: S608 - names of our own
    found = [dict(zip(columns, row, strict=True)) for row in rows]
    return {row["id"]: row for row in found}


async def write_rows(db: Database, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Set every column that the rows name (all name the same) where the id is theirs."""
    if rows:
        columns = [name for name in rows[0] if name != "id"]
        assignments = ", ".join(f"{name} = ?" for name in columns)
        await db.execute_many(
            f"UPDATE {table} SET {assignments} WHERE id = ?",  # noqa: S608 - names of our own
            [(*(row[name] for name in columns), row["id"]) for row in rows],
        )


async def insert_rows(db: Database, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that all name the same columns."""
    if rows:
        await db.insert(table, tuple(rows[0]), [tuple(row.values()) for row in rows])


async def delete_rows(db: Database, table: str, ids: Sequence[UUID]) -> None:
    """Delete rows by id."""
    await db.execute_many(f"DELETE FROM {table} WHERE id = ?", [(id,) for id in ids])  # noqa: S608 - names of our own


async def used_in(
    db: Database, places: Sequence[tuple[str, str]], ids: Sequence[UUID]
) -> set[UUID]:
    """Those of the ids that some (table, column) points at."""
    used: set[UUID] = set()
    for table, column in places:
        sql = f"SELECT DISTINCT {column} FROM {table} WHERE {column} IN ({{}})"  # noqa: S608 - names of our own
        used |= {row[0] for row in await db.fetch_in(sql, ids)}
    return used
