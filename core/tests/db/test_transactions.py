"""Together or not at all, on both databases."""

from __future__ import annotations

import asyncio
import random
import sqlite3

import asyncpg
import pytest

from relatum.db.database import Database

WRITE = "INSERT INTO note (id, text) VALUES (?, ?)"
DATABASE_ERRORS = (sqlite3.Error, asyncpg.PostgresError)


class Oops(Exception):
    """Raised on purpose."""


async def notes(db: Database) -> list[int]:
    return [row[0] for row in await db.fetch("SELECT id FROM note ORDER BY id")]


async def test_what_a_block_writes_stays(db: Database) -> None:
    async with db.transaction():
        await db.execute(WRITE, 1, "a")
        await db.execute(WRITE, 2, "b")
    assert await notes(db) == [1, 2]


async def test_a_block_that_raises_leaves_nothing(db: Database) -> None:
    with pytest.raises(Oops):
        async with db.transaction():
            await db.execute(WRITE, 1, "a")
            raise Oops
    assert await notes(db) == []
    assert not db.in_transaction()


async def test_a_block_reads_what_it_wrote_and_others_do_not(db: Database) -> None:
    async with db.transaction():
        await db.execute(WRITE, 1, "a")
        assert await notes(db) == [1]
        outside: asyncio.Task[list[int]] = await in_a_task_of_no_transaction(notes(db))
        assert await outside == []
    assert await notes(db) == [1]


async def in_a_task_of_no_transaction(coroutine):  # type: ignore[no-untyped-def]
    """A task with an empty context: it knows nothing of the transaction around it."""
    import contextvars

    return asyncio.get_running_loop().create_task(coroutine, context=contextvars.Context())


async def test_an_inner_block_joins_the_outer(db: Database) -> None:
    with pytest.raises(Oops):
        async with db.transaction():
            async with db.transaction():
                await db.execute(WRITE, 1, "a")
            assert db.in_transaction()
            raise Oops
    assert await notes(db) == []


async def test_a_joined_block_that_raises_is_undone_only_with_the_outer(db: Database) -> None:
    async with db.transaction():
        await db.execute(WRITE, 1, "a")
        with pytest.raises(Oops):
            async with db.transaction():
                await db.execute(WRITE, 2, "b")
                raise Oops
    assert await notes(db) == [1, 2]


async def test_a_savepoint_undoes_only_itself(db: Database) -> None:
    async with db.transaction():
        await db.execute(WRITE, 1, "a")
        with pytest.raises(Oops):
            async with db.savepoint():
                await db.execute(WRITE, 2, "b")
                raise Oops
        async with db.savepoint():
            await db.execute(WRITE, 3, "c")
    assert await notes(db) == [1, 3]


async def test_a_statement_that_fails_inside_a_savepoint_can_be_survived(db: Database) -> None:
    async with db.transaction():
        await db.execute(WRITE, 1, "a")
        with pytest.raises(DATABASE_ERRORS):
            async with db.savepoint():
                await db.execute(WRITE, 1, "the same key")
        await db.execute(WRITE, 2, "b")
    assert await notes(db) == [1, 2]


async def test_savepoints_nest(db: Database) -> None:
    async with db.transaction():
        with pytest.raises(Oops):
            async with db.savepoint():
                await db.execute(WRITE, 1, "a")
                async with db.savepoint():
                    await db.execute(WRITE, 2, "b")
                raise Oops
        await db.execute(WRITE, 3, "c")
    assert await notes(db) == [3]


async def test_a_savepoint_outside_is_a_transaction(db: Database) -> None:
    with pytest.raises(Oops):
        async with db.savepoint():
            await db.execute(WRITE, 1, "a")
            raise Oops
    assert await notes(db) == []


async def test_many_rows_go_in_together_or_not_at_all(db: Database) -> None:
    with pytest.raises(DATABASE_ERRORS):
        await db.execute_many(WRITE, [(1, "a"), (2, "b"), (1, "the same key")])
    with pytest.raises(DATABASE_ERRORS):
        await db.insert("note", ("id", "text"), [(1, "a"), (2, "b"), (1, "the same key")])
    assert await notes(db) == []
    await db.insert("note", ("id", "text"), [(n, "x") for n in range(5_000)])
    assert len(await notes(db)) == 5_000


async def test_a_task_begun_inside_that_outlives_the_block_is_in_no_transaction(
    db: Database,
) -> None:
    released = asyncio.Event()

    async def late() -> bool:
        await released.wait()
        inside = db.in_transaction()
        await db.execute(WRITE, 2, "b")
        return inside

    async with db.transaction():
        await db.execute(WRITE, 1, "a")
        task = asyncio.create_task(late())
    released.set()
    assert await task is False
    assert await notes(db) == [1, 2]


# -- after commit --------------------------------------------------------------------------------


async def test_after_commit_runs_once_the_rows_are_there(db: Database) -> None:
    heard: list[str] = []
    async with db.transaction():
        async with db.transaction():
            await db.execute(WRITE, 1, "a")
            db.after_commit(lambda: heard.append("inner"))
        assert heard == []
        db.after_commit(lambda: heard.append("outer"))
    assert heard == ["inner", "outer"]


async def test_after_commit_does_not_run_when_undone(db: Database) -> None:
    heard: list[str] = []
    with pytest.raises(Oops):
        async with db.transaction():
            db.after_commit(lambda: heard.append("never"))
            raise Oops
    assert heard == []


async def test_after_commit_outside_runs_at_once(db: Database) -> None:
    heard: list[str] = []
    db.after_commit(lambda: heard.append("now"))
    assert heard == ["now"]


async def test_after_commit_does_not_run_when_the_commit_fails(db: Database) -> None:
    """A constraint that is checked only at the end refuses the commit itself."""
    await db.execute(
        "CREATE TABLE child (id INTEGER PRIMARY KEY, note_id INTEGER "
        "REFERENCES note (id) DEFERRABLE INITIALLY DEFERRED)"
    )
    heard: list[str] = []
    with pytest.raises(DATABASE_ERRORS):
        async with db.transaction():
            await db.execute("INSERT INTO child (id, note_id) VALUES (1, 77)")
            db.after_commit(lambda: heard.append("never"))
    assert heard == []
    assert await db.fetch("SELECT id FROM child") == []
    await db.execute(WRITE, 1, "the connection is fit for the next one")


# -- cancelled in the middle ---------------------------------------------------------------------


async def pair(db: Database, n: int, committed: list[int]) -> None:
    async with db.transaction():
        db.after_commit(lambda: committed.append(n))
        await db.execute(WRITE, 2 * n, "first")
        await asyncio.sleep(0)
        await db.execute(WRITE, 2 * n + 1, "second")


@pytest.mark.parametrize("cancels", [1, 4])
async def test_cancelled_anywhere_leaves_both_rows_or_none(db: Database, cancels: int) -> None:
    """A task is cancelled after every number of turns of the loop and after random times."""
    random_numbers = random.Random(20261122)
    committed: list[int] = []
    cancelled = 0
    for n in range(1, 240):
        task = asyncio.create_task(pair(db, n, committed))
        if n % 2:
            await asyncio.sleep(random_numbers.random() * 0.003)
        else:
            for _ in range(n // 8):
                await asyncio.sleep(0)
        for _ in range(cancels):
            task.cancel()
            await asyncio.sleep(0)
        async with asyncio.timeout(20):
            cancelled += isinstance(
                (await asyncio.gather(task, return_exceptions=True))[0], BaseException
            )
        assert not db.in_transaction()
    found = await notes(db)
    whole = sorted(n for n in range(1, 240) if 2 * n in found)
    assert found == sorted([2 * n for n in whole] + [2 * n + 1 for n in whole])
    assert committed == whole, "who is told of a commit must match what was committed"
    assert cancelled > 20, "hardly anything was cancelled: this test shows nothing"
    async with asyncio.timeout(20):
        await asyncio.gather(*(pair(db, n, committed) for n in range(1_000, 1_030)))
    assert len(await notes(db)) == len(found) + 60


async def test_cancelled_while_waiting_for_its_turn(db: Database) -> None:
    entered, leave = asyncio.Event(), asyncio.Event()

    async def holder() -> None:
        async with db.transaction():
            await db.execute(WRITE, 1, "a")
            entered.set()
            await leave.wait()

    held = asyncio.create_task(holder())
    await entered.wait()
    waiting = [asyncio.create_task(pair(db, n, [])) for n in (10, 11)]
    await asyncio.sleep(0.02)
    waiting[0].cancel()
    await asyncio.sleep(0.02)
    leave.set()
    results = await asyncio.gather(held, *waiting, return_exceptions=True)
    assert isinstance(results[1], asyncio.CancelledError) or db.kind == "postgresql"
    assert {1, 22, 23} <= set(await notes(db))


# -- many at a time ------------------------------------------------------------------------------


async def test_concurrent_writers_lose_no_step(db: Database) -> None:
    async def step() -> None:
        async with db.transaction():
            await db.execute("UPDATE counter SET n = n + 1 WHERE id = 1")
            await asyncio.sleep(0)

    await asyncio.gather(*(step() for _ in range(200)))
    assert await db.fetch_one("SELECT n FROM counter") == (200,)


@pytest.mark.parametrize("relatum_database_kind", ["sqlite"], indirect=True)
async def test_embedded_writers_take_turns(db: Database) -> None:
    """What was read inside a transaction still holds when it writes: one writer at a time."""
    inside = 0

    async def step() -> None:
        nonlocal inside
        async with db.transaction():
            inside += 1
            assert inside == 1
            (n,) = (await db.fetch_one("SELECT n FROM counter")) or (0,)
            await asyncio.sleep(0)
            await db.execute("UPDATE counter SET n = ? WHERE id = 1", n + 1)
            inside -= 1

    await asyncio.gather(*(step() for _ in range(200)))
    assert await db.fetch_one("SELECT n FROM counter") == (200,)


@pytest.mark.parametrize("relatum_database_kind", ["sqlite"], indirect=True)
async def test_embedded_readers_do_not_wait_for_a_writer(db: Database) -> None:
    async with db.transaction():
        await db.execute(WRITE, 1, "a")
        reading = await in_a_task_of_no_transaction(notes(db))
        async with asyncio.timeout(5):
            assert await reading == []


@pytest.mark.parametrize("relatum_database_kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "sql", ["INSERT INTO note (id, text) VALUES (1, 'a')", "DELETE FROM counter", "DROP TABLE note"]
)
async def test_embedded_readers_refuse_to_write(db: Database, sql: str) -> None:
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        await db.fetch(sql)
    assert await db.fetch_one("SELECT n FROM counter") == (0,)


async def test_two_processes_write_in_turns(db: Database, relatum_empty_database_url: str) -> None:
    """A second engine on the same database, as another process has one."""
    other = await Database.open(relatum_empty_database_url)
    try:

        async def step(each: Database) -> None:
            async with each.transaction():
                await each.execute("UPDATE counter SET n = n + 1 WHERE id = 1")

        await asyncio.gather(*(step(each) for _ in range(60) for each in (db, other)))
        assert await other.fetch_one("SELECT n FROM counter") == (120,)
    finally:
        await other.close()
