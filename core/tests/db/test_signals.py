"""Signals: heard after commit, in other processes too, also after a connection was lost."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from relatum.db.database import Database
from relatum.db.signals import LONGEST_TEXT, Signals

Make = Callable[[], Awaitable["Place"]]


class Place:
    """What stands for one process: a database and signals of its own, and what they heard."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.signals = Signals(db)
        self.heard: list[str | None] = []
        self.came = asyncio.Event()
        self.task: asyncio.Task[None] | None = None

    def listen(self, channel: str = "probe") -> Callable[[], None]:
        def hear(text: str | None) -> None:
            self.heard.append(text)
            self.came.set()

        return self.signals.listen(channel, hear)

    async def follow(self) -> None:
        """Run, and wait until it does."""
        self.task = asyncio.create_task(self.signals.run_forever())
        for _ in range(500):
            if self.db.kind == "sqlite" or self.signals._connection is not None:
                break
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        self.forget()

    def forget(self) -> None:
        self.heard.clear()
        self.came.clear()

    async def wait(self, seconds: float = 10) -> float:
        """Seconds until something is heard."""
        started = time.perf_counter()
        async with asyncio.timeout(seconds):
            await self.came.wait()
        return time.perf_counter() - started

    async def close(self) -> None:
        if self.task is not None:
            self.task.cancel()
            await asyncio.wait([self.task])
        await self.signals.close()
        await self.db.close()


@pytest.fixture
async def make(relatum_database_url: str) -> AsyncIterator[Make]:
    made: list[Place] = []

    async def one() -> Place:
        made.append(Place(await Database.open(relatum_database_url)))
        return made[-1]

    yield one
    for place in made:
        await place.close()


async def write(db: Database) -> None:
    """Something that another process can notice."""
    await db.execute("UPDATE core_handler SET position = position")
    await db.execute(
        "INSERT INTO core_handler (id, position, updated_at) VALUES ('probe.x', 1, ?) "
        "ON CONFLICT (id) DO UPDATE SET position = core_handler.position + 1",
        dt.datetime(2026, 11, 22, tzinfo=dt.UTC),
    )


async def test_heard_here_after_commit_and_never_before(make: Make) -> None:
    place = await make()
    end = place.listen()
    async with place.db.transaction():
        await place.signals.send("probe", "a")
        assert place.heard == []
    assert place.heard == ["a"]
    with pytest.raises(ZeroDivisionError):
        async with place.db.transaction():
            await place.signals.send("probe", "b")
            raise ZeroDivisionError
    await place.signals.send("other", "c")
    await place.signals.send("probe", "d")
    assert place.heard == ["a", "d"]
    end()
    end()
    await place.signals.send("probe", "e")
    assert place.heard == ["a", "d"]


async def test_a_listener_that_fails_stops_nobody(make: Make) -> None:
    place = await make()

    def broken(text: str | None) -> None:
        raise RuntimeError("on purpose")

    place.signals.listen("probe", broken)
    place.listen()
    await place.signals.send("probe", "a")
    assert place.heard == ["a"]


async def test_heard_by_another_process_within_100_ms(make: Make) -> None:
    here, there = await make(), await make()
    there.listen()
    await there.follow()
    took = []
    for _ in range(5):
        there.forget()
        async with here.db.transaction():
            await write(here.db)
            await here.signals.send("probe", "x")
        took.append(await there.wait())
    assert sorted(took)[2] < 0.1, took
    assert set(there.heard) <= {"x", None}


async def test_who_speaks_hears_it_once(make: Make) -> None:
    place = await make()
    place.listen()
    await place.follow()
    async with place.db.transaction():
        await write(place.db)
        await place.signals.send("probe", "x")
    await asyncio.sleep(0.3)
    assert place.heard == ["x"]


async def test_what_is_undone_is_told_to_nobody(make: Make) -> None:
    here, there = await make(), await make()
    there.listen()
    await there.follow()
    with contextlib.suppress(ZeroDivisionError):
        async with here.db.transaction():
            await write(here.db)
            await here.signals.send("probe", "x")
            raise ZeroDivisionError
    await asyncio.sleep(0.3)
    assert there.heard == []


async def test_a_channel_that_is_listened_to_later(make: Make) -> None:
    here, there = await make(), await make()
    there.listen("first")
    await there.follow()
    there.listen("second")
    await asyncio.sleep(0.2)
    there.forget()
    await write(here.db)
    await here.signals.send("second", "x")
    await there.wait()
    assert set(there.heard) <= {"x", None}


async def test_a_text_that_is_too_long_is_refused(make: Make) -> None:
    place = await make()
    with pytest.raises(ValueError, match="7,000 bytes"):
        await place.signals.send("probe", "x" * (LONGEST_TEXT + 1))


async def test_told_before_the_end(make: Make) -> None:
    """A command that ends right after its work has told the others."""
    here, there = await make(), await make()
    there.listen()
    await there.follow()
    await write(here.db)
    await here.signals.send("probe", "x")
    await here.signals.close()
    await there.wait(2)


@pytest.mark.postgres
@pytest.mark.parametrize("relatum_database_kind", ["postgresql"], indirect=True)
class TestOnPostgres:
    async def test_a_lost_connection_comes_back_and_tells_everybody_to_look(
        self, make: Make, relatum_database_url: str
    ) -> None:
        here, there = await make(), await make()
        there.listen()
        await there.follow()
        assert there.signals._connection is not None
        process = there.signals._connection.get_server_pid()
        killer = await asyncpg.connect(relatum_database_url)
        await killer.execute("SELECT pg_terminate_backend($1)", process)
        await killer.close()
        await there.wait()
        assert there.heard == [None], "what was missed meanwhile has to be looked for"
        there.forget()
        await here.signals.send("probe", "again")
        await there.wait()
        assert there.heard == ["again"]

    async def test_a_server_that_does_not_answer_is_tried_again(
        self, make: Make, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        place = await make()
        place.listen()
        monkeypatch.setattr("relatum.db.signals.BACKOFF", (0.01,))
        address, place.signals._address = place.signals._address, "postgresql://127.0.0.1:1/none"
        place.task = asyncio.create_task(place.signals.run_forever())
        await asyncio.sleep(0.2)
        assert place.heard == []
        place.signals._address = address
        await place.wait()

    async def test_many_are_told_in_few_notifications(
        self, make: Make, relatum_database_url: str
    ) -> None:
        place = await make()
        await place.follow()
        raw: list[Any] = []
        listening = await asyncpg.connect(relatum_database_url)
        await listening.add_listener("probe", lambda *_: raw.append(1))
        for _ in range(500):
            await place.signals.send("probe", "same")
        await place.signals.close()
        await asyncio.sleep(0.1)
        await listening.close()
        assert 1 <= len(raw) <= 3

    async def test_two_processes(self, make: Make, relatum_database_url: str) -> None:
        """A process of its own speaks, and ends at once."""
        there = await make()
        there.listen()
        await there.follow()
        program = (
            "import asyncio, sys\n"
            "from relatum.db.database import Database\n"
            "from relatum.db.signals import Signals\n"
            "async def main():\n"
            "    db = await Database.open(sys.argv[1])\n"
            "    signals = Signals(db)\n"
            "    async with db.transaction():\n"
            "        await signals.send('probe', 'from elsewhere')\n"
            "    await signals.close()\n"
            "    await db.close()\n"
            "asyncio.run(main())\n"
        )
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, relatum_database_url
        )
        assert await process.wait() == 0
        await there.wait()
        assert there.heard == ["from elsewhere"]
