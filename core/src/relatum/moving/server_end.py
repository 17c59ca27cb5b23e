"""PostgreSQL at either end of a move: connections of its own, beside no pool."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Literal, Self

import asyncpg

from relatum.moving.checksums import Checksum, Columns, server_checksum
from relatum.moving.ends import Batch
from relatum.moving.kinds import Kind
from relatum.moving.layouts import JOURNAL, Layout, listed, quoted, server_layouts
from relatum.values.problems import ConfigurationError, Unavailable

BATCH_ROWS = 20_000
#: Of tables with bytes in them: a row may be long.
FEW_ROWS = 500
LEAST_VERSION = 13

#: A value as SQLite stores it.
_STORED = {
    Kind.text: "{c}::text",
    Kind.json: "{c}::text",
    Kind.jsonb: "{c}::text",
    Kind.integer: "{c}",
    Kind.boolean: "{c}::int",
    Kind.uuid: "{c}::text",
    Kind.moment: "replace(to_char({c} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'), "
    "'.000000', '') || '+00:00'",
    Kind.wall: "replace(to_char({c}, 'YYYY-MM-DD HH24:MI:SS.US'), '.000000', '')",
    Kind.date: "to_char({c}, 'YYYY-MM-DD')",
    Kind.time: "replace(to_char({c}::interval, 'HH24:MI:SS.US'), '.000000', '')",
    Kind.duration: "extract(epoch FROM {c})::float8",
    Kind.bytes: "{c}",
    Kind.single: "{c}",
    Kind.double: "{c}",
    Kind.decimal: "{c}::text",
}
#: Rows written ever, of tables that hold something lasting.
_WRITTEN = (
    "SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::bigint FROM pg_stat_user_tables "
    "WHERE schemaname = current_schema()"
)
_SETTINGS = {
    "TimeZone": "UTC",
    "DateStyle": "ISO, YMD",
    "extra_float_digits": "1",
    "application_name": "relatum move",
    "standard_conforming_strings": "on",
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
}


async def _connect(url: str) -> Any:
    try:
        connection = await asyncpg.connect(url, server_settings=_SETTINGS)
    except (OSError, asyncpg.PostgresError, TimeoutError) as error:
        raise Unavailable(
            f"expected a PostgreSQL server that answers, got {type(error).__name__}: {error}; "
            "start it, or mend the address"
        ) from error
    encoding = await connection.fetchval("SHOW server_encoding")
    version = connection.get_server_version().major
    if encoding != "UTF8" or version < LEAST_VERSION:
        await connection.close()
        raise ConfigurationError(
            f"expected PostgreSQL {LEAST_VERSION} or newer with a database in UTF8, got {version} "
            f"and {encoding}; create the database with `createdb -E UTF8 -T template0`"
        )
    return connection


class ServerSource:
    """A PostgreSQL database as it is at this moment, whoever writes meanwhile."""

    kind: Literal["postgresql"] = "postgresql"

    def __init__(self, connection: Any, snapshot: str, written: int) -> None:
        self._connection = self.connection = connection
        self._written = written
        #: by which other connections and programs see the same moment
        self.snapshot = snapshot

    @classmethod
    async def open(cls, url: str) -> Self:
        """Connect and hold the moment.

        Raises:
            ConfigurationError: the server is too old, or the database is not in UTF-8.
            Unavailable: it does not answer.
        """
        connection = await _connect(url)
        written = await connection.fetchval(_WRITTEN)
        await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        return cls(connection, await connection.fetchval("SELECT pg_export_snapshot()"), written)

    async def has_changed(self) -> bool:
        """Whether somebody has written since, as far as the server has counted it yet; lets go of
        the moment."""
        await self._connection.execute("ROLLBACK")
        return bool(await self._connection.fetchval(_WRITTEN) != self._written)

    async def layouts(self) -> dict[str, Layout]:
        return await server_layouts(self._connection)

    async def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in await self._connection.fetch(sql)]

    async def checksum(self, table: str, columns: Columns) -> Checksum:
        return await server_checksum(self._connection, table, columns)

    async def counters(self, layouts: Mapping[str, Layout]) -> dict[str, int]:
        found = {}
        for layout in layouts.values():
            for column in layout.columns:
                if column.counts:
                    name = await self._connection.fetchval(
                        "SELECT pg_get_serial_sequence($1, $2)", quoted(layout.name), column.name
                    )
                    row = await self._connection.fetchrow(
                        f"SELECT last_value, is_called FROM {name}"  # noqa: S608 - as above
                    )
                    found[layout.name] = row[0] if row[1] else 0
        return found

    async def batches(
        self, layout: Layout, columns: Columns, after: Sequence[str] | None
    ) -> AsyncIterator[Batch]:
        forms = ", ".join(_STORED[columns[name]].format(c=quoted(name)) for name in layout.names)
        behind, order = "", ""
        if layout.key:
            order = f" ORDER BY {listed(layout.key)}"
        if layout.key and after:
            marks = ", ".join(
                f"${number}::text::{layout.column(name).declared}"
                for number, name in enumerate(layout.key, start=1)
            )
            behind = f" WHERE ({listed(layout.key)}) > ({marks})"
        places = [layout.names.index(name) for name in layout.key]
        few = any(kind is Kind.bytes for kind in columns.values())
        cursor = await self._connection.cursor(
            f"SELECT {forms} FROM {quoted(layout.name)}{behind}{order}",  # noqa: S608 - as above
            *(after or ()),
        )
        while rows := await cursor.fetch(FEW_ROWS if few else BATCH_ROWS):
            last = tuple(str(rows[-1][place]) for place in places)
            yield Batch(rows=len(rows), values=rows, last=last or None)

    async def close(self) -> None:
        await self._connection.close()


class ServerTarget:
    """A PostgreSQL database that is being filled."""

    kind: Literal["postgresql"] = "postgresql"

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        #: the server's major version
        self.version: int = connection.get_server_version().major

    @classmethod
    async def open(cls, url: str) -> Self:
        """Connect.

        Raises:
            ConfigurationError: the server is too old, or the database is not in UTF-8.
            Unavailable: it does not answer.
        """
        connection = await _connect(url)
        # A lost moment of a crash is a batch that is copied again: its note is lost with it.
        await connection.execute("SET synchronous_commit = off")
        await connection.execute("SET maintenance_work_mem = '256MB'")
        return cls(connection)

    async def layouts(self) -> dict[str, Layout]:
        return await server_layouts(self._connection)

    async def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in await self._connection.fetch(sql)]

    async def checksum(self, table: str, columns: Columns) -> Checksum:
        return await server_checksum(self._connection, table, columns)

    async def journal(self) -> dict[str, str]:
        if await self._connection.fetchval("SELECT to_regclass($1)", JOURNAL) is None:
            return {}
        return dict(await self.rows(f"SELECT part, note FROM {JOURNAL}"))  # noqa: S608

    async def together(self, statements: Sequence[str], notes: Mapping[str, str | None]) -> None:
        async with self._connection.transaction():
            for statement in statements:
                await self._connection.execute(statement)
            await self._note(notes)

    async def write(
        self, layout: Layout, columns: Columns, batch: Batch, notes: Mapping[str, str | None]
    ) -> None:
        async with self._connection.transaction():
            await self._connection.copy_to_table(
                layout.name,
                source=io.BytesIO(batch.lines),
                columns=list(layout.names),
                format="text",
            )
            await self._note(notes)

    async def _note(self, notes: Mapping[str, str | None]) -> None:
        for part, note in notes.items():
            if note is None:
                await self._connection.execute(f"DELETE FROM {JOURNAL} WHERE part = $1", part)  # noqa: S608
            else:
                await self._connection.execute(
                    f"INSERT INTO {JOURNAL} (part, note) VALUES ($1, $2) "  # noqa: S608
                    "ON CONFLICT (part) DO UPDATE SET note = excluded.note",
                    part,
                    note,
                )

    async def clear(self) -> None:
        mine = "= current_schema()::regnamespace"
        statements = await self.rows(
            "SELECT 'DROP TABLE ' || oid::regclass || ' CASCADE' FROM pg_class "  # noqa: S608 - no input
            f"WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace {mine} "
            "UNION ALL SELECT 'DROP FUNCTION ' || oid::regprocedure || ' CASCADE' FROM pg_proc p "
            f"WHERE pronamespace {mine} AND NOT EXISTS (SELECT 1 FROM pg_depend d "
            "WHERE d.objid = p.oid AND d.deptype = 'e') "
            "UNION ALL SELECT 'DROP TYPE ' || oid::regtype || ' CASCADE' FROM pg_type t "
            f"WHERE typtype = 'e' AND typnamespace {mine} AND NOT EXISTS (SELECT 1 FROM pg_depend "
            "d WHERE d.objid = t.oid AND d.deptype = 'e')"
        )
        await self.together([statement for (statement,) in statements], {})

    async def extras(self, layouts: Mapping[str, Layout]) -> list[tuple[str, str]]:
        keys = await self.rows(
            "SELECT c.relname, k.conname, pg_get_constraintdef(k.oid) FROM pg_constraint k "
            "JOIN pg_class c ON c.oid = k.conrelid WHERE k.contype = 'f' AND k.conparentid = 0 "
            "AND c.relnamespace = current_schema()::regnamespace ORDER BY 1, 2"
        )
        foreign = [
            (
                f"ALTER TABLE {quoted(table)} DROP CONSTRAINT {quoted(name)}",
                f"ALTER TABLE {quoted(table)} ADD CONSTRAINT {quoted(name)} {definition}",
            )
            for table, name, definition in keys
        ]
        triggers = await self.rows(
            "SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
            "WHERE NOT t.tgisinternal AND t.tgparentid = 0 AND t.tgenabled = 'O' "
            "AND c.relnamespace = current_schema()::regnamespace ORDER BY 1, 2"
        )
        quiet = [
            (
                f"ALTER TABLE {quoted(table)} DISABLE TRIGGER {quoted(name)}",
                f"ALTER TABLE {quoted(table)} ENABLE TRIGGER {quoted(name)}",
            )
            for table, name in triggers
        ]
        indexes = [
            (f"DROP INDEX {quoted(name)}", statement)
            for layout in layouts.values()
            for name, statement in layout.indexes.items()
        ]
        return [*quiet, *foreign, *indexes]

    async def settle(self, layouts: Mapping[str, Layout], counters: Mapping[str, int]) -> None:
        for layout in layouts.values():
            for column in layout.columns:
                if column.counts:
                    await self._connection.execute(
                        "SELECT setval(pg_get_serial_sequence($1, $2), greatest(n, 1), n > 0) "  # noqa: S608
                        f"FROM (SELECT greatest(max({quoted(column.name)})::bigint, $3) n "
                        f"FROM {quoted(layout.name)}) t",
                        quoted(layout.name),
                        column.name,
                        counters.get(layout.name, 0),
                    )
        for name in layouts:
            await self._connection.execute(f"ANALYZE {quoted(name)}")

    async def close(self) -> None:
        await self._connection.close()
