"""What a freshly migrated PostgreSQL database holds, and putting a used one back to that.

Cloning a database takes about a third of a second, emptying one a few milliseconds; a suite does it
hundreds of times.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import asyncpg

#: A table that grew beyond this leaves more behind than it is worth to clean up.
MOST_BYTES = 4 * 1024 * 1024
LOCK_TIMEOUT = "2s"

CATALOGS = (
    "pg_attrdef",
    "pg_attribute",
    "pg_class",
    "pg_constraint",
    "pg_extension",
    "pg_index",
    "pg_namespace",
    "pg_proc",
    "pg_trigger",
    "pg_type",
)
TABLES = """
    SELECT oid::regclass::text FROM pg_class
    WHERE relkind = 'r' AND relnamespace NOT IN
        (SELECT oid FROM pg_namespace WHERE nspname IN ('pg_catalog', 'information_schema'))
    ORDER BY oid
"""
SEQUENCES = """
    SELECT format('%I.%I', schemaname, sequencename), coalesce(last_value, start_value),
        last_value IS NOT NULL
    FROM pg_sequences
"""
LARGEST = "SELECT max(pg_relation_size(oid)) FROM pg_class WHERE relkind = 'r'"
OTHERS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


@dataclass(frozen=True)
class Baseline:
    """The content of a migrated database: few rows, so they are kept in memory."""

    shape: str
    tables: tuple[str, ...]
    rows: dict[str, bytes]
    sequences: tuple[tuple[str, int, bool], ...]

    @classmethod
    async def take(cls, connection: Any) -> Baseline:
        """Read the baseline from a database that has just been migrated."""
        tables = tuple([row[0] for row in await connection.fetch(TABLES)])
        rows = {}
        for table in tables:
            if await connection.fetchval(f"SELECT EXISTS (SELECT FROM {table})"):  # noqa: S608 - a name from the catalogue
                rows[table] = await _copy_out(connection, table)
        sequences = tuple([tuple(row) for row in await connection.fetch(SEQUENCES)])
        return cls(await _shape(connection), tables, rows, sequences)

    async def restore(self, connection: Any) -> bool:
        """Put a database that was cloned from it back to the baseline.

        Returns:
            False when that cannot be done, and the database has to be replaced: its tables were
            changed, it grew large, a lock is not let go of, or the role may not do it.
        """
        try:
            await connection.execute(OTHERS)
            if not await self._is_restorable(connection):
                return False
            async with connection.transaction():
                await self._put_back(connection)
        except asyncpg.PostgresError:
            return False
        return True

    async def _is_restorable(self, connection: Any) -> bool:
        if await _shape(connection) != self.shape:
            return False
        return int(await connection.fetchval(LARGEST)) <= MOST_BYTES

    async def _put_back(self, connection: Any) -> None:
        await connection.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
        await connection.execute("SET LOCAL session_replication_role = replica")  # no foreign keys
        await connection.execute("; ".join(f"DELETE FROM {table}" for table in self.tables))  # noqa: S608 - names from the catalogue
        for table, rows in self.rows.items():
            await _copy_in(connection, table, rows)
        for name, value, called in self.sequences:
            await connection.execute(
                "SELECT setval($1::text::regclass, $2, $3)", name, value, called
            )


async def _shape(connection: Any) -> str:
    """Changes with every DDL statement: each writes or removes rows of the catalogues."""
    parts = [
        f"SELECT '{name}', count(*), max(xmin::text::bigint) FROM {name}"  # noqa: S608 - our constants
        for name in CATALOGS
    ]
    return str([tuple(row) for row in await connection.fetch(" UNION ALL ".join(parts))])


async def _copy_out(connection: Any, table: str) -> bytes:
    content = io.BytesIO()
    await connection.copy_from_query(f"TABLE {table}", output=content, format="binary")
    return content.getvalue()


async def _copy_in(connection: Any, table: str, rows: bytes) -> None:
    schema, _, name = table.rpartition(".")
    await connection.copy_to_table(
        name.strip('"'),
        schema_name=schema.strip('"') or None,
        source=io.BytesIO(rows),
        format="binary",
    )
