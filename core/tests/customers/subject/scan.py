"""A full scan of a database for everything about one person, by other means than the code checked.

Every row of every table is read with the database's own driver. A row is about the person when any
cell of it that the database declares a UUID is an id of theirs, or the key of a row that is; until
nothing more is found. It knows nothing of foreign keys, of classes, or of Relatum.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import closing
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg

Counts = Mapping[str, int]


class Row(NamedTuple):
    """Of a table: its key when that is a UUID, and every UUID in it."""

    table: str
    key: UUID | None
    named: frozenset[UUID]


async def scan(url: str, customer: UUID) -> dict[str, int]:
    """How many rows of each table are about the customer."""
    rows, merged = await (_sqlite(url) if url.startswith("sqlite") else _postgresql(url))
    ids = {customer, *(absorbed for into, absorbed in merged if into == customer)}
    return count(rows, ids)


def count(rows: Iterable[Row], ids: set[UUID]) -> dict[str, int]:
    """Rows by table that name one of the ids, or hang on a row that does."""
    left = list(rows)
    found: Counter[str] = Counter()
    known = set(ids)
    while True:
        hit = [row for row in left if _is_about(row, known, ids)]
        if not hit:
            return dict(found)
        found.update(row.table for row in hit)
        taken = set(map(id, hit))
        left = [row for row in left if id(row) not in taken]
        known |= {row.key for row in hit if row.key is not None}


def _is_about(row: Row, known: set[UUID], ids: set[UUID]) -> bool:
    if row.table == "core_customer":
        return row.key in ids
    return bool(row.named & known)


def differences(counted: Counts, scanned: Counts) -> list[str]:
    """Where two counts are not equal, in words."""
    return [
        f"{table}: {counted.get(table, 0)} handed over, {scanned.get(table, 0)} in the database"
        for table in sorted({*counted, *scanned})
        if counted.get(table, 0) != scanned.get(table, 0)
    ]


async def _sqlite(url: str) -> tuple[list[Row], list[tuple[UUID, UUID]]]:
    rows: list[Row] = []
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        names = [
            name
            for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            if not name.startswith("sqlite_")
        ]
        for table in names:
            about = connection.execute(f'PRAGMA table_info("{table}")').fetchall()
            uuids = {name for _, name, type_, *_ in about if type_ == "UUID"}
            keys = [name for _, name, _, _, _, place in about if place]
            cursor = connection.execute(f'SELECT * FROM "{table}"')
            columns = [each[0] for each in cursor.description]
            for values in cursor.fetchall():
                given = dict(zip(columns, values, strict=True))
                rows.append(_row(table, {n: _uuid(given[n]) for n in uuids}, keys))
        merged = connection.execute(
            "SELECT customer_id, absorbed_id FROM core_merge WHERE undone_at IS NULL"
        ).fetchall()
    return rows, [(UUID(str(into)), UUID(str(gone))) for into, gone in merged]


async def _postgresql(url: str) -> tuple[list[Row], list[tuple[UUID, UUID]]]:
    rows: list[Row] = []
    connection = await asyncpg.connect(url)
    try:
        names = await connection.fetch(
            "SELECT table_name::text FROM information_schema.tables "
            "WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'"
        )
        for (table,) in names:
            keys = await connection.fetch(
                "SELECT a.attname::text FROM pg_index i JOIN pg_attribute a "
                "ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey) "
                "WHERE i.indisprimary AND i.indrelid = $1::text::regclass",
                f'"{table}"',
            )
            for given in await connection.fetch(f'SELECT * FROM "{table}"'):
                uuids = {n: UUID(str(v)) for n, v in given.items() if _is_uuid(v)}
                rows.append(_row(table, uuids, [name for (name,) in keys]))
        merged = await connection.fetch(
            "SELECT customer_id, absorbed_id FROM core_merge WHERE undone_at IS NULL"
        )
        return rows, [(UUID(str(into)), UUID(str(gone))) for into, gone in merged]
    finally:
        await connection.close()


def _is_uuid(value: Any) -> bool:
    return isinstance(value, UUID)


def _uuid(value: Any) -> UUID | None:
    return None if value is None else UUID(str(value))


def _row(table: str, uuids: Mapping[str, UUID | None], keys: list[str]) -> Row:
    key = uuids.get(keys[0]) if len(keys) == 1 else None
    named = {value for value in uuids.values() if value is not None}
    return Row(table, key, frozenset(named))
