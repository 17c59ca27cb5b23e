"""Jobs of a plugin `probe` in one process or several on one database, and a clock for schedules."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import msgspec
import pytest

from relatum.config.settings import Jobs as Limits
from relatum.db.database import Database
from relatum.db.signals import Signals
from relatum.hooks.context import Plugin
from relatum.hooks.declarations import Job, Retry
from relatum.hooks.gate import Gate
from relatum.hooks.registry import Registry
from relatum.jobs import schedules as schedules_module
from relatum.jobs.service import Jobs
from relatum.jobs.types import JobRun
from relatum.jobs.worker import Worker
from relatum.values.text import Text

NO_WAIT = Retry(attempts=3, first=dt.timedelta(0), most=dt.timedelta(0))


class Say(msgspec.Struct):
    """Arguments of most jobs here."""

    word: str = ""
    times: int = 1


class Scene:
    """What one process has; ``ran`` lists the words that its jobs got."""

    def __init__(self, db: Database, zone: str, limits: Limits) -> None:
        self.db = db
        self.gate = Gate({"probe"})
        self.registry = Registry(self.gate)
        self.registry.plugins["probe"] = Plugin("probe", version="1.0")
        self.signals = Signals(db)
        self.jobs = Jobs(db, self.registry, self.signals, time_zone=zone)
        self.worker = Worker(db, self.registry, self.signals, self.jobs, limits)
        self.ran: list[str] = []

    def declare(
        self,
        name: str = "say",
        run: Callable[[Plugin, Any], Awaitable[Any]] | None = None,
        **more: Any,
    ) -> str:
        """Declare ``probe.<name>``, which notes its word unless a function is given; its id."""

        async def note(plugin: Plugin, run: Any) -> None:
            self.ran.append(run.args.word or name)

        job = Job(
            id=f"probe.{name}",
            title=Text(en=name, vi=name),
            run=run or note,
            **{"args": Say, "retry": NO_WAIT, **more},
        )
        self.registry.jobs.put(job)
        return job.id

    async def say(self, word: str, **more: Any) -> Any:
        """Ask for a run of ``probe.say``."""
        return await self.jobs.enqueue("probe.say", Say(word=word), **more)

    async def only(self) -> JobRun:
        """The one run that there is."""
        (run,) = (await self.jobs.find()).items
        return run

    async def state(self, run: Any) -> str:
        return (await self.jobs.get(run)).state

    @contextlib.asynccontextmanager
    async def working(self) -> AsyncIterator[asyncio.Task[None]]:
        """The worker and the signals go on inside the block; then they are cancelled."""
        async with self.listening():
            task = asyncio.create_task(self.worker.run_forever())
            try:
                yield task
            finally:
                task.cancel()
                await asyncio.wait([task])

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Signals of other processes come in."""
        task = asyncio.create_task(self.signals.run_forever())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])

    async def close(self) -> None:
        self.worker.close()
        await self.signals.close()
        await self.db.close()


class Clock:
    """The time that schedules see: far back, so that what they ask for is due for the queue."""

    def __init__(self) -> None:
        self.moment = dt.datetime(2020, 3, 2, 8, 0, tzinfo=dt.UTC)

    def __call__(self) -> dt.datetime:
        return self.moment

    def forward(self, **distance: float) -> None:
        self.moment += dt.timedelta(**distance)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(schedules_module, "now", clock)
    return clock


@pytest.fixture
async def process(relatum_database_url: str) -> AsyncIterator[Callable[..., Awaitable[Scene]]]:
    """Makes processes on one database."""
    scenes: list[Scene] = []

    async def make(zone: str = "Asia/Ho_Chi_Minh", **limits: Any) -> Scene:
        scene = Scene(
            await Database.open(relatum_database_url, durability="normal"),
            zone,
            Limits(**{"concurrency": 4, "heartbeat_seconds": 2.0, **limits}),
        )
        scenes.append(scene)
        return scene

    yield make
    for scene in scenes:
        await scene.close()


@pytest.fixture
async def scene(process: Any) -> Scene:
    """One process."""
    found: Scene = await process()
    return found


async def until(test: Callable[[], Awaitable[bool]], seconds: float = 10) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(seconds):
        while not await test():  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.01)
