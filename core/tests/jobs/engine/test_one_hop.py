"""A transaction in one go on the thread that writes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from relatum.db.database import Database
from relatum.db.embedded import EmbeddedEngine
from relatum.jobs.engine.one_hop import in_one_hop

FULL, NORMAL = 2, 1


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    database = await Database.open(f"sqlite:///{tmp_path / 'one.sqlite3'}", durability="full")
    await database.execute("CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT)")
    yield database
    await database.close()


def engine_of(db: Database) -> EmbeddedEngine:
    assert isinstance(db.engine, EmbeddedEngine)
    return db.engine


async def test_several_statements_are_one_transaction(db: Database) -> None:
    async def work(inner: Any) -> list[Any]:
        async with inner.transaction():
            await inner.execute("INSERT INTO note (id, text) VALUES (?, ?)", 1, "a")
            await inner.insert("note", ("id", "text"), [(2, "b"), (3, "c")])
        rows = await inner.fetch_in("SELECT id FROM note WHERE id IN ({}) AND id < ?", [1, 2, 3], 3)
        gone = await inner.execute_returning("DELETE FROM note WHERE id = 1 RETURNING id")
        return [rows, gone, await inner.execute("UPDATE note SET text = 'd'")]

    assert await in_one_hop(engine_of(db), work, lasting=True) == [[(1,), (2,)], [(1,)], 2]
    assert await db.fetch("SELECT id, text FROM note ORDER BY id") == [(2, "d"), (3, "d")]


async def test_nothing_stays_of_what_fails(db: Database) -> None:
    async def work(inner: Any) -> None:
        await inner.execute("INSERT INTO note (id) VALUES (1)")
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await in_one_hop(engine_of(db), work, lasting=False)
    assert await db.fetch("SELECT id FROM note") == []
    assert await db.fetch("PRAGMA synchronous") == [(FULL,)]


async def test_work_that_waits_is_refused(db: Database) -> None:
    async def work(inner: Any) -> None:
        await inner.execute("INSERT INTO note (id) VALUES (1)")
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="got work that waits"):
        await in_one_hop(engine_of(db), work, lasting=True)
    assert await db.fetch("SELECT id FROM note") == []


@pytest.mark.parametrize(("lasting", "inside"), [(True, FULL), (False, NORMAL)])
async def test_only_what_may_be_forgotten_does_not_wait_for_the_disk(
    db: Database, lasting: bool, inside: int
) -> None:
    async def work(inner: Any) -> Any:
        return await inner.fetch("PRAGMA synchronous")

    assert await in_one_hop(engine_of(db), work, lasting=lasting) == [(inside,)]

    def look(connection: Any) -> Any:
        return connection.execute("PRAGMA synchronous").fetchone()

    assert await engine_of(db).writer.run(look) == (FULL,)


async def test_it_takes_turns_with_other_writers(db: Database) -> None:
    seen: list[str] = []

    async def work(inner: Any) -> None:
        seen.append("hop")
        await inner.execute("INSERT INTO note (text) VALUES ('hop')")

    async def long() -> None:
        async with db.transaction():
            await db.execute("INSERT INTO note (text) VALUES ('long')")
            await asyncio.sleep(0.05)
            seen.append("long")

    first = asyncio.create_task(long())
    await asyncio.sleep(0.01)
    await in_one_hop(engine_of(db), work, lasting=True)
    await first
    assert seen == ["long", "hop"]
