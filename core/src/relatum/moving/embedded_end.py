"""SQLite at either end of a move: connections of its own, one thread at a time."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Literal, Self

from relatum.moving.canonical import teach
from relatum.moving.checksums import Checksum, Columns, embedded_checksum
from relatum.moving.ends import Batch
from relatum.moving.kinds import Kind
from relatum.moving.layouts import JOURNAL, Layout, embedded_layouts, listed, quoted
from relatum.values.problems import Unavailable

BATCH_ROWS = 20_000
BATCH_BYTES = 4 * 1024 * 1024
CACHE_KIB = 131_072
BUSY_SECONDS = 30

_ESCAPED = (
    "replace(replace(replace(replace({c}, '\\', '\\\\'), char(9), '\\t'), char(10), '\\n'), "
    "char(13), '\\r')"
)
#: A value as PostgreSQL's COPY reads it; what is not named here goes as it is stored.
_LINES = {
    Kind.text: _ESCAPED,
    # a bare number is kept as a number, and SQL would write it with 15 digits
    Kind.json: f"CASE typeof({{c}}) WHEN 'real' THEN relatum_exact({{c}}) ELSE {_ESCAPED} END",
    Kind.jsonb: f"CASE typeof({{c}}) WHEN 'real' THEN relatum_exact({{c}}) ELSE {_ESCAPED} END",
    Kind.decimal: "CASE typeof({c}) WHEN 'real' THEN relatum_exact({c}) ELSE {c} END",
    # hex() of nothing is an empty text
    Kind.bytes: "CASE WHEN {c} IS NOT NULL THEN '\\\\x' || lower(hex({c})) END",
    Kind.single: "relatum_exact({c})",
    Kind.double: "relatum_exact({c})",
    Kind.duration: "relatum_exact({c}) || ' seconds'",
}


class EmbeddedSource:
    """A SQLite database as it is at this moment, whoever writes meanwhile."""

    kind: Literal["sqlite"] = "sqlite"

    def __init__(self, path: Path) -> None:
        if not path.exists():
            raise Unavailable(f"expected a database at {path}, got no such file")
        self.path = path
        self._connection = _open(path)
        self._connection.execute("PRAGMA query_only = ON")
        self._written = self._version()
        # the snapshot begins with the first statement
        self._connection.execute("BEGIN")
        self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()

    async def layouts(self) -> dict[str, Layout]:
        return await asyncio.to_thread(embedded_layouts, self._connection)

    async def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return await asyncio.to_thread(lambda: self._connection.execute(sql).fetchall())

    async def checksum(self, table: str, columns: Columns) -> Checksum:
        return await asyncio.to_thread(embedded_checksum, self._connection, table, columns)

    async def counters(self, layouts: Mapping[str, Layout]) -> dict[str, int]:
        if not await self.rows("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'"):
            return {}
        return dict(await self.rows("SELECT name, seq FROM sqlite_sequence"))

    async def batches(
        self, layout: Layout, columns: Columns, after: Sequence[str] | None
    ) -> AsyncIterator[Batch]:
        batches = self._lines(layout, columns, after)
        while batch := await asyncio.to_thread(next, batches, None):
            yield batch

    def _lines(
        self, layout: Layout, columns: Columns, after: Sequence[str] | None
    ) -> Iterator[Batch]:
        forms = (
            f"coalesce({_LINES.get(columns[name], '{c}').format(c=quoted(name))}, '\\N')"
            for name in layout.names
        )
        number = "rowid" if layout.has_rowid else "0"
        behind = f" WHERE rowid > {int(after[0])}" if after else ""
        order = " ORDER BY rowid" if layout.has_rowid else ""
        cursor = self._connection.execute(
            f"SELECT {number}, {' || char(9) || '.join(forms)} "  # noqa: S608 - names of the catalogue
            f"FROM {quoted(layout.name)}{behind}{order}"
        )
        with closing(cursor):
            some: list[str] = []
            size = 0
            last = 0
            for last, line in cursor:
                some.append(line)
                size += len(line)
                if len(some) >= BATCH_ROWS or size >= BATCH_BYTES:
                    yield _batch(some, last if layout.has_rowid else None)
                    some, size = [], 0
            if some:
                yield _batch(some, last if layout.has_rowid else None)

    async def has_changed(self) -> bool:
        """Whether somebody has written since; lets go of the moment."""
        self._connection.rollback()
        return self._version() != self._written

    def _version(self) -> int:
        number: int = self._connection.execute("PRAGMA data_version").fetchone()[0]
        return number

    async def close(self) -> None:
        self._connection.close()


def _batch(lines: list[str], last: int | None) -> Batch:
    text = "\n".join(lines) + "\n"
    return Batch(rows=len(lines), lines=text.encode(), last=None if last is None else (str(last),))


class EmbeddedTarget:
    """A SQLite database that is being filled."""

    kind: Literal["sqlite"] = "sqlite"

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._connection = _open(path)
        # Rows come from a database whose references hold; they are checked once at the end.
        self._connection.execute("PRAGMA foreign_keys = OFF")
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")

    @classmethod
    async def open(cls, path: Path) -> Self:
        """Open the file, or begin it."""
        return await asyncio.to_thread(cls, path)

    async def layouts(self) -> dict[str, Layout]:
        return await asyncio.to_thread(embedded_layouts, self._connection)

    async def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return await asyncio.to_thread(lambda: self._connection.execute(sql).fetchall())

    async def checksum(self, table: str, columns: Columns) -> Checksum:
        return await asyncio.to_thread(embedded_checksum, self._connection, table, columns)

    async def journal(self) -> dict[str, str]:
        found = await self.rows(
            f"SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = '{JOURNAL}'"  # noqa: S608
        )
        if not found:
            return {}
        return dict(await self.rows(f"SELECT part, note FROM {JOURNAL}"))  # noqa: S608

    async def together(self, statements: Sequence[str], notes: Mapping[str, str | None]) -> None:
        def work() -> None:
            for statement in statements:
                self._connection.execute(statement)

        await asyncio.to_thread(self._in_transaction, work, notes)

    async def write(
        self, layout: Layout, columns: Columns, batch: Batch, notes: Mapping[str, str | None]
    ) -> None:
        marks = ", ".join("?" * len(layout.columns))
        statement = f"INSERT INTO {quoted(layout.name)} ({listed(layout.names)}) VALUES ({marks})"  # noqa: S608
        await asyncio.to_thread(
            self._in_transaction,
            lambda: self._connection.executemany(statement, batch.values),
            notes,
        )

    def _in_transaction(self, work: Any, notes: Mapping[str, str | None]) -> None:
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            work()
            for part, note in notes.items():
                if note is None:
                    connection.execute(f"DELETE FROM {JOURNAL} WHERE part = ?", (part,))  # noqa: S608
                else:
                    connection.execute(
                        f"INSERT OR REPLACE INTO {JOURNAL} (part, note) VALUES (?, ?)",  # noqa: S608
                        (part, note),
                    )
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    async def clear(self) -> None:
        tables = await self.rows(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' "
            "ESCAPE '\\'"
        )
        await self.together([f"DROP TABLE {quoted(name)}" for (name,) in tables], {})

    async def extras(self, layouts: Mapping[str, Layout]) -> list[tuple[str, str]]:
        return [
            (f"DROP INDEX {quoted(name)}", statement)
            for layout in layouts.values()
            for name, statement in layout.indexes.items()
        ]

    async def settle(self, layouts: Mapping[str, Layout], counters: Mapping[str, int]) -> None:
        def work() -> None:
            if _counts_numbers(self._connection):
                for table, number in counters.items():
                    self._connection.execute(
                        "UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?",
                        (number, table),
                    )
                    self._connection.execute(
                        "INSERT INTO sqlite_sequence (name, seq) SELECT ?, ? WHERE NOT EXISTS "
                        "(SELECT 1 FROM sqlite_sequence WHERE name = ?) AND EXISTS (SELECT 1 FROM "
                        "sqlite_master WHERE name = ? AND sql LIKE '%AUTOINCREMENT%')",
                        (table, number, table, table),
                    )
            orphan = self._connection.execute("PRAGMA foreign_key_check").fetchone()
            if orphan is not None:
                raise Unavailable(
                    f"expected every reference to name a row, got one of {orphan[0]} (row "
                    f"{orphan[1]}) that names none of {orphan[2]}; mend the source and move again"
                )
            self._connection.execute("ANALYZE")
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

        await asyncio.to_thread(work)

    async def close(self) -> None:
        self._connection.close()


def _counts_numbers(connection: sqlite3.Connection) -> bool:
    """Whether there is a table whose numbers are never given twice."""
    statement = "SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'"
    return connection.execute(statement).fetchone() is not None


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    connection.execute("PRAGMA temp_store = FILE")
    teach(connection)
    return connection
