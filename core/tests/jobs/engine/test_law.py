"""The queue against a model of it, on both databases; broken queues must be found out."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from core.tests.jobs.engine.machine import QueueMachine
from core.tests.jobs.engine.world import Make, World
from relatum.db.database import Database
from relatum.jobs.engine import bookkeeping, seats
from relatum.jobs.engine.embedded import EmbeddedRepository

FEW = settings(
    max_examples=12,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
MANY = settings(FEW, max_examples=300, stateful_step_count=60)
#: What breaks is found, not made small.
HUNT = settings(FEW, max_examples=120, derandomize=True, database=None, phases=[Phase.generate])


@pytest.fixture
def machine(relatum_database_url: str) -> Iterator[type[QueueMachine]]:
    with asyncio.Runner() as runner:
        database = runner.run(_open(relatum_database_url))
        yield _machine(runner, database)
        runner.run(database.close())


async def _open(url: str) -> Database:
    return await Database.open(url, durability="normal")


def _machine(runner: asyncio.Runner, db: Database, make: Make | None = None) -> type[QueueMachine]:
    name = "Machine" if make is None else "BrokenMachine"
    return type(name, (QueueMachine,), {"runner": runner, "world": World(db), "make": make})


def test_as_the_model(machine: type[QueueMachine]) -> None:
    run_state_machine_as_test(machine, settings=FEW)


@pytest.mark.thorough
@pytest.mark.timeout(3_600)
def test_as_the_model_for_long(machine: type[QueueMachine]) -> None:
    run_state_machine_as_test(machine, settings=MANY)


# -- broken ones -----------------------------------------------------------------------------------


class Deaf(EmbeddedRepository):
    """Its heartbeats go nowhere."""

    async def update_heartbeat(self, job_ids: Any) -> None:
        pass


class Greedy(EmbeddedRepository):
    """Does not care for seats."""

    def at_once(self, job: str) -> int:
        return 0


class Forgetful(EmbeddedRepository):
    """Loses what is over."""

    async def log_jobs(self, job_status: Any) -> None:
        pass


class Unfair(EmbeddedRepository):
    """Gives the last first."""

    async def dequeue(self, *args: Any, **kwargs: Any) -> Any:
        return (await super().dequeue(*args, **kwargs))[::-1]


class Hasty(EmbeddedRepository):
    """An hour ahead of everybody."""

    async def dequeue(self, *args: Any, **kwargs: Any) -> Any:
        clock = self._clock
        self._clock = lambda: clock() + dt.timedelta(hours=1)
        try:
            return await super().dequeue(*args, **kwargs)
        finally:
            self._clock = clock


class Patient(EmbeddedRepository):
    """Runs poison for ever."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "max_deliveries": 1_000})


class Possessive(EmbeddedRepository):
    """Ends runs that another worker has by now."""

    async def retry_job(self, job: Any, delay: Any, traceback_record: Any) -> None:
        found = await self._db.fetch_one(
            "SELECT queue_manager_id FROM core_queue WHERE id = ?", job.id
        )
        if found and job.id in self._taken:
            self._taken[job.id] = self._taken[job.id]._replace(queue_manager_id=found[0])
        await super().retry_job(job, delay, traceback_record)


class Strict(EmbeddedRepository):
    """Counts what was handed back as a try."""

    async def retry_job(self, job: Any, delay: Any, traceback_record: Any) -> None:
        await super().retry_job(job, delay, None)


class Twice(EmbeddedRepository):
    """Gives a run to the next one as well."""

    async def dequeue(self, *args: Any, **kwargs: Any) -> Any:
        jobs = await super().dequeue(*args, **kwargs)
        if len(jobs) > 3:
            await self._db.execute(
                "UPDATE core_queue SET status = 'queued' WHERE id = ?", jobs[-1].id
            )
        return jobs


class Blind(EmbeddedRepository):
    """Does not see what other workers left."""

    async def dequeue(self, *args: Any, **kwargs: Any) -> Any:
        *others, _ = args
        return await super().dequeue(*others, dt.timedelta(days=365))


on_sqlite = pytest.mark.parametrize("relatum_database_kind", ["sqlite"])


@on_sqlite
@pytest.mark.parametrize(
    "broken",
    [Deaf, Greedy, Possessive, Twice],
    ids=lambda each: each.__name__,
)
def test_a_broken_queue_is_found_out(relatum_database_url: str, broken: Make) -> None:
    _found_out(relatum_database_url, broken)


@on_sqlite
@pytest.mark.thorough
@pytest.mark.parametrize(
    "broken",
    [Forgetful, Unfair, Hasty, Patient, Strict, Blind],
    ids=lambda each: each.__name__,
)
def test_other_broken_queues_are_found_out(relatum_database_url: str, broken: Make) -> None:
    _found_out(relatum_database_url, broken)


@on_sqlite
def test_parked_runs_that_nobody_wakes_are_found_out(
    relatum_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def sleep(*_: Any) -> bool:
        return False

    monkeypatch.setattr(seats, "wake", sleep)
    _found_out(relatum_database_url, EmbeddedRepository)


@on_sqlite
@pytest.mark.thorough
def test_done_twice_is_found_out(
    relatum_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def leave(db: Database, ids: Any) -> set[int]:
        return set(ids)

    monkeypatch.setattr(bookkeeping, "remove", leave)
    _found_out(relatum_database_url, EmbeddedRepository)


def _found_out(url: str, make: Make) -> None:
    with asyncio.Runner() as runner:
        database = runner.run(_open(url))
        try:
            with pytest.raises(AssertionError):
                run_state_machine_as_test(_machine(runner, database, make), settings=HUNT)
        finally:
            runner.run(database.close())
