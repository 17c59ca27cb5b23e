"""What the database file still holds of rows that are gone: freed pages, the write-ahead log."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from relatum.db.database import Database

#: Readers that are in the middle of something keep the log from being cut; seconds between tries.
_TRIES = (0.05, 0.2, 0.5, 1.0, 2.0, 4.0)


async def clean(db: Database, tables: Iterable[str]) -> bool:
    """Write the file anew without what was deleted, and cut the log behind it.

    On PostgreSQL the freed space of the tables is given back to them; the server overwrites it.

    Returns:
        whether the log could be cut; readers may hold it for a while.
    """
    engine: Any = db.engine
    if db.kind == "postgresql":
        for table in sorted(set(tables)):
            await db.engine.run_ddl(f'VACUUM "{table}"')
        return True
    async with engine.write_lock:
        await engine.writer.run(_vacuum)
        for pause in _TRIES:
            if await engine.writer.run(_cut):
                return True
            await asyncio.sleep(pause)
    return False


def _vacuum(connection: sqlite3.Connection) -> None:
    # the copy may be as large as the database: not in memory
    connection.execute("PRAGMA temp_store = FILE")
    try:
        connection.execute("VACUUM")
    finally:
        connection.execute("PRAGMA temp_store = MEMORY")


def _cut(connection: sqlite3.Connection) -> bool:
    busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy
