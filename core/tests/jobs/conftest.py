"""Jobs of a plugin `probe`, and a clock for the runner."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from relatum.db.database import Database
from relatum.hooks.context import Plugin
from relatum.hooks.declarations import Job
from relatum.hooks.gate import Gate
from relatum.hooks.registry import Registry
from relatum.jobs import runner as runner_module
from relatum.jobs.runner import JobRunner
from relatum.values.text import Text


class Scene:
    """One process with a runner; ``ran`` lists the jobs that ran in it."""

    def __init__(self, db: Database, time_zone: str = "Asia/Ho_Chi_Minh") -> None:
        self.db = db
        self.gate = Gate({"probe"})
        self.registry = Registry(self.gate)
        self.registry.plugins["probe"] = Plugin("probe", version="1.0")
        self.runner = JobRunner(db, self.registry, time_zone=time_zone)
        self.ran: list[str] = []

    def declare(
        self, name: str, run: Callable[[Plugin], Awaitable[None]] | None = None, **when: Any
    ) -> Job:
        async def note(plugin: Plugin) -> None:
            self.ran.append(name)

        job = Job(id=f"probe.{name}", title=Text(en=name, vi=name), run=run or note, **when)
        self.registry.jobs.put(job)
        return job

    async def status(self, name: str) -> Any:
        return {status.id: status for status in await self.runner.status()}[f"probe.{name}"]


class Clock:
    """The time that the runner sees."""

    def __init__(self) -> None:
        self.moment = dt.datetime(2026, 11, 22, 8, 0, tzinfo=dt.UTC)

    def __call__(self) -> dt.datetime:
        return self.moment

    def forward(self, **distance: float) -> None:
        self.moment += dt.timedelta(**distance)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(runner_module, "now", clock)
    return clock


@pytest.fixture
async def scene(relatum_database_url: str, clock: Clock) -> AsyncIterator[Scene]:
    database = await Database.open(relatum_database_url)
    yield Scene(database)
    await database.close()


@pytest.fixture
async def other_process(relatum_database_url: str, clock: Clock) -> AsyncIterator[Scene]:
    """A second process on the same database."""
    database = await Database.open(relatum_database_url)
    yield Scene(database)
    await database.close()
