"""PgQueuer's loop over the repository: how soon it wakes, and whom it takes for dead."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from relatum.config.settings import Jobs as Limits
from relatum.db.database import Database
from relatum.db.signals import Signals
from relatum.hooks.context import Plugin
from relatum.hooks.declarations import Job
from relatum.hooks.gate import Gate
from relatum.hooks.registry import Registry
from relatum.jobs.engine.embedded import WorkersLock
from relatum.jobs.engine.loop import Engine, make_engine
from relatum.jobs.service import Jobs
from relatum.values.text import Text
from relatum.values.time import now


class Process:
    """One process with a worker, as far as the queue can tell."""

    def __init__(self, db: Database, heartbeat: float) -> None:
        self.db = db
        self.signals = Signals(db)
        self.registry = Registry(Gate({"probe"}))
        self.registry.plugins["probe"] = Plugin("probe", version="1.0")
        self.jobs = Jobs(db, self.registry, self.signals)
        self._heartbeat = heartbeat
        self._tasks: list[asyncio.Task[None]] = []
        self.engine: Engine | None = None
        self.began: list[float] = []

    def declare(self, seconds: float = 0.0, **more: Any) -> None:
        async def run(plugin: Any, run: Any) -> None:
            self.began.append(time.perf_counter())
            await asyncio.sleep(seconds)

        title = Text(en="Job", vi="Việc")
        self.registry.jobs.put(Job(id="probe.job", title=title, run=run, **more))

    def work(self) -> None:
        self.engine = make_engine(
            self.db,
            self.registry,
            self.signals,
            self.jobs.running,
            limits=Limits(concurrency=4, heartbeat_seconds=self._heartbeat),
        )
        self._tasks = [
            asyncio.create_task(self.engine.run()),
            asyncio.create_task(self.signals.run_forever()),
        ]

    async def stop(self) -> None:
        if self.engine is not None:
            self.engine.stop()
            await asyncio.wait_for(self._tasks[0], 20)
            self._tasks[1].cancel()
            await asyncio.wait(self._tasks)
            self.engine.close()
        await self.signals.close()


@pytest.fixture
async def processes(relatum_database_url: str) -> AsyncIterator[Any]:
    opened: list[Process] = []

    async def start(heartbeat: float = 30.0) -> Process:
        db = await Database.open(relatum_database_url, durability="normal")
        opened.append(Process(db, heartbeat))
        return opened[-1]

    yield start
    for process in opened:
        await process.stop()
        await process.db.close()


async def _until(condition: Any, seconds: float = 20.0) -> None:
    async with asyncio.timeout(seconds):
        while True:
            found = condition()
            if await found if asyncio.iscoroutine(found) else found:
                return
            await asyncio.sleep(0.01)


async def test_what_runs_long_is_not_taken_for_dead(processes: Any) -> None:
    one, other = await processes(1.0), await processes(1.0)
    for process in (one, other):
        process.declare(3.5)
        process.work()
    await one.jobs.enqueue("probe.job")
    await _until(lambda: _done(one.db, 1))
    assert len(one.began) + len(other.began) == 1


async def _done(db: Database, count: int) -> bool:
    return (await db.fetch_one("SELECT count(*) FROM core_job_done")) == (count,)


async def test_another_process_hears_of_a_run_at_once(processes: Any) -> None:
    asks, works = await processes(), await processes()
    for process in (asks, works):
        process.declare()
    works.work()
    await asyncio.sleep(0.3)
    waits = []
    for number in range(5):
        await asyncio.sleep(0.15)
        async with asks.db.transaction():
            await asks.jobs.enqueue("probe.job")
        committed = time.perf_counter()
        await _until(lambda number=number: len(works.began) > number)
        waits.append(works.began[-1] - committed)
    assert sorted(waits)[2] < 1.0, "polling alone takes five seconds"


async def test_a_run_for_later_starts_at_its_time(processes: Any) -> None:
    process = await processes()
    process.declare()
    process.work()
    due = now() + dt.timedelta(seconds=1)
    began = time.perf_counter()
    await process.jobs.enqueue("probe.job", at=due)
    await _until(lambda: process.began)
    assert 0.9 < process.began[0] - began < 3.0


async def test_one_seat_is_handed_on_without_a_pause(processes: Any) -> None:
    process = await processes()
    process.declare(0.01, at_once=1)
    await asyncio.gather(*(process.jobs.enqueue("probe.job", key="k") for _ in range(20)))
    process.work()
    await _until(lambda: len(process.began) == 20)
    assert process.began[-1] - process.began[0] < 8.0
    assert min(b - a for a, b in zip(process.began, process.began[1:], strict=False)) >= 0.01


@pytest.mark.parametrize("relatum_database_kind", ["sqlite"])
async def test_what_a_dead_process_left_is_taken_up_at_once(processes: Any) -> None:
    dead, heir = await processes(), await processes()
    for process in (dead, heir):
        process.declare()
    run = await dead.jobs.enqueue("probe.job")
    await dead.db.execute(
        "UPDATE core_queue SET status = 'picked', deliveries = 1, heartbeat = ?, "
        "queue_manager_id = ?",
        now(),
        run,
    )
    heir.work()
    await _until(lambda: _done(heir.db, 1), 10)
    assert (await heir.jobs.get(run)).attempts == 2


@pytest.mark.parametrize("relatum_database_kind", ["sqlite"])
async def test_who_is_not_alone_waits_for_the_heartbeat(processes: Any) -> None:
    there, comes = await processes(), await processes()
    lock = WorkersLock(there.db.engine.path)
    assert lock.alone()
    lock.share()
    comes.declare()
    run = await there_asks(comes)
    comes.work()
    await asyncio.sleep(1.0)
    assert (await comes.jobs.get(run)).state == "running", "its worker may be alive"
    lock.close()
    await comes.db.execute("DELETE FROM core_queue")


async def there_asks(process: Process) -> Any:
    """A run that somebody else has."""
    run = await process.jobs.enqueue("probe.job")
    await process.db.execute(
        "UPDATE core_queue SET status = 'picked', heartbeat = ?, queue_manager_id = ?", now(), run
    )
    return run


def test_the_lock_is_let_go_by_close(tmp_path: Any) -> None:
    first, second, third = (WorkersLock(tmp_path / "file.sqlite3") for _ in range(3))
    assert first.alone()
    first.share()
    assert not second.alone()
    first.close()
    second.close()
    assert third.alone()
    third.close()
