"""PostgreSQL hands out numbers before commit: what commits late must not be skipped.

Numbers are drawn and held by raw connections beside the database under test, so that the order of
drawing and committing is exactly what each test says.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from relatum.events.log import Horizon

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.parametrize("relatum_database_kind", ["postgresql"], indirect=True),
]

INSERT = (
    "INSERT INTO core_event (type, version, recorded_at, by, payload) "
    "VALUES ('probe.happened', 1, now(), 'system', json_build_object('n', $1::int))"
)


class Writer:
    """A connection of somebody else, with one transaction that it keeps open."""

    def __init__(self, connection: asyncpg.Connection[Any]) -> None:
        self.connection = connection
        self.transaction = connection.transaction()

    async def write(self, *numbers: int) -> None:
        for n in numbers:
            await self.connection.execute(INSERT, n)

    async def begin(self, *numbers: int) -> None:
        self.transaction = self.connection.transaction()
        await self.transaction.start()
        await self.write(*numbers)

    async def commit(self) -> None:
        await self.transaction.commit()

    async def roll_back(self) -> None:
        await self.transaction.rollback()


@pytest.fixture
async def writer(relatum_database_url: str) -> AsyncIterator[Callable[[], Awaitable[Writer]]]:
    made: list[asyncpg.Connection[Any]] = []

    async def make() -> Writer:
        made.append(await asyncpg.connect(relatum_database_url))
        return Writer(made[-1])

    yield make
    for connection in made:
        await connection.close()


async def test_what_commits_late_is_not_skipped(scene: Any, writer: Any) -> None:
    scene.declare("writer")
    slow, quick = await writer(), await writer()
    await slow.begin(1)
    await quick.write(2)
    await scene.runner.run_once()
    assert await scene.seen("writer") == [], "2 must wait: 1 may still come before it"
    await slow.commit()
    await scene.runner.run_once()
    assert await scene.seen("writer") == [1, 2]


async def test_a_naive_reader_skips_it(
    scene: Any, writer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control: the same story with a reader that remembers only the last number."""

    async def last(self: Horizon) -> int:
        return int(await self._log.last())

    monkeypatch.setattr(Horizon, "now", last)
    scene.declare("writer")
    slow, quick = await writer(), await writer()
    await slow.begin(1)
    await quick.write(2)
    await scene.runner.run_once()
    await slow.commit()
    for _ in range(3):
        await scene.runner.run_once()
    assert await scene.seen("writer") == [2], "the story does not show the fault any more"


async def test_the_newest_of_all_transactions_is_waited_for(scene: Any, writer: Any) -> None:
    """Nothing has ended since it began, so it lies beyond the end of a snapshot."""
    scene.declare("writer")
    slow = await writer()
    await slow.begin(1)
    for _ in range(3):
        await scene.runner.run_once()
    assert await scene.position("writer") == 0
    await slow.commit()
    await scene.runner.run_once()
    assert await scene.seen("writer") == [1]


async def test_what_was_rolled_back_leaves_a_gap_and_stops_nobody(scene: Any, writer: Any) -> None:
    scene.declare("writer")
    slow, quick = await writer(), await writer()
    await slow.begin(1)
    await quick.write(2)
    await slow.roll_back()
    await scene.runner.run_once()
    assert await scene.seen("writer") == [2]


async def test_what_is_decided_is_handled_while_a_later_one_is_open(
    scene: Any, writer: Any
) -> None:
    scene.declare("writer")
    slow, quick = await writer(), await writer()
    await quick.write(1)
    await scene.runner.run_once()
    await slow.begin(2)
    await quick.write(3)
    await scene.runner.run_once()
    assert await scene.seen("writer") == [1]
    await slow.commit()
    await scene.runner.run_once()
    assert await scene.seen("writer") == [1, 2, 3]


async def test_a_row_of_writers_that_overlap_does_not_hold_it_up_for_ever(
    scene: Any, writer: Any
) -> None:
    """At every moment somebody has a transaction open, but none of them for long."""
    scene.declare("writer")
    writers = [await writer(), await writer()]
    await writers[0].begin(0)
    for n in range(1, 20):
        await writers[n % 2].begin(n)
        await scene.runner.run_once()
        await writers[(n - 1) % 2].commit()
        await scene.runner.run_once()
    seen = await scene.seen("writer")
    assert seen == list(range(len(seen)))
    assert len(seen) >= 17, f"only {len(seen)} of 20 handled"


async def test_a_long_transaction_elsewhere_holds_nothing_up(scene: Any, writer: Any) -> None:
    scene.declare("writer")
    elsewhere, quick = await writer(), await writer()
    await elsewhere.begin()
    await elsewhere.connection.execute("INSERT INTO probe_seen (handler, n) VALUES ('x', 1)")
    await elsewhere.connection.execute("SELECT count(*) FROM core_event")
    await quick.write(1)
    await scene.runner.run_once()
    assert await scene.seen("writer") == [1]


async def test_numbers_drawn_by_a_copy_that_is_still_going_on(scene: Any, writer: Any) -> None:
    """COPY draws numbers as lines come in and writes rows later.

    A sequence is written ahead by 32 numbers, so that drawing some of those leaves no trace of the
    transaction either: it has no id yet that a snapshot could show.
    """
    scene.declare("writer")
    copying, quick = await writer(), await writer()
    await quick.write(2_000)
    go_on = asyncio.Event()

    async def lines() -> AsyncIterator[bytes]:
        for n in range(20):
            payload = f'{{"n":{n},"long":"{"x" * 2_000}"}}'
            yield f"probe.happened\t1\t2026-11-22 08:00+00\tsystem\t{payload}\n".encode()
            if n == 10:
                await go_on.wait()

    copy = asyncio.create_task(
        copying.connection.copy_to_table(
            "core_event",
            source=lines(),
            columns=["type", "version", "recorded_at", "by", "payload"],
        )
    )
    drawn = 0
    async with asyncio.timeout(10):
        while drawn < 4:
            await asyncio.sleep(0.01)
            row = await scene.db.fetch_one("SELECT last_value FROM core_event_seq_seq")
            drawn = row[0]
    await quick.write(1_000)
    for _ in range(3):
        await scene.runner.run_once()
    go_on.set()
    await copy
    await scene.runner.run_once()
    assert sorted(await scene.seen("writer")) == [*range(20), 1_000, 2_000]


async def test_many_writers_of_random_length(scene: Any, writer: Any) -> None:
    """A runner follows while ten writers hold their transactions for random times."""
    scene.declare("writer", batch=11)
    numbers = random.Random(20261122)

    async def write(which: int) -> None:
        each = await writer()
        for n in range(12):
            await each.begin(which * 100 + n)
            await asyncio.sleep(numbers.random() * 0.01)
            if numbers.random() < 0.2:
                await each.roll_back()
            else:
                await each.commit()

    async def follow() -> None:
        while True:
            await scene.runner.run_once()
            await asyncio.sleep(0)

    following = asyncio.create_task(follow())
    await asyncio.gather(*(write(which) for which in range(10)))
    following.cancel()
    ended = await asyncio.gather(following, return_exceptions=True)
    assert isinstance(ended[0], asyncio.CancelledError), ended
    for _ in range(3):
        await scene.runner.run_once()
    assert await scene.seen("writer") == await scene.logged()
