from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from relatum.db.database import Database


@pytest.fixture
async def db(relatum_empty_database_url: str) -> AsyncIterator[Database]:
    """A database without tables of the house, with one table of notes."""
    database = await Database.open(relatum_empty_database_url)
    await database.execute("CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT NOT NULL)")
    await database.execute("CREATE TABLE counter (id INTEGER PRIMARY KEY, n INTEGER NOT NULL)")
    await database.execute("INSERT INTO counter (id, n) VALUES (1, 0)")
    yield database
    await database.close()
