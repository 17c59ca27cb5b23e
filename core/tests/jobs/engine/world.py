"""Workers on one queue, with rows written by hand and a clock that only moves when told to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID, uuid4

from pgqueuer.domain.models import TracebackRecord
from pgqueuer.ports.repository import EntrypointExecutionParameter

from relatum.db.database import Database
from relatum.db.signals import Signals
from relatum.jobs.engine.embedded import EmbeddedRepository
from relatum.jobs.engine.ended import HANDED_BACK, Ended
from relatum.jobs.engine.repository import HouseRepository
from relatum.jobs.engine.rows import QueuedJob

START = dt.datetime(2026, 5, 4, 8, 0, tzinfo=dt.UTC)
STALE = dt.timedelta(seconds=30)
KEEP = dt.timedelta(days=7)

Make = Callable[..., HouseRepository]


class Worker:
    """A queue manager without its loop."""

    def __init__(self, world: World, repository: HouseRepository) -> None:
        self.id = uuid4()
        self.world = world
        self.repository = repository

    async def take(
        self, limits: Mapping[str, int], most: int = 10, *, load: int | None = None
    ) -> list[QueuedJob]:
        """Runs of these jobs, each with the limit of its keys."""
        jobs: list[Any] = await self.repository.dequeue(
            most,
            {job: EntrypointExecutionParameter(limit) for job, limit in limits.items()},
            self.id,
            load,
            STALE,
        )
        return jobs

    async def end(self, job: QueuedJob, state: Any = "succeeded", **more: Any) -> None:
        """Its job's function has returned, or failed for good."""
        moment = self.world.moment
        self.repository.note(
            Ended(
                id=job.id,
                run=job.run,
                job=job.entrypoint,
                state=state,
                started_at=moment,
                finished_at=moment,
                expires_at=moment + KEEP,
                **more,
            )
        )
        status: Any = {"succeeded": "successful", "cancelled": "canceled", "failed": "failed"}
        await self.repository.log_jobs([(job, status[state], None)])

    async def retry(self, job: QueuedJob, delay: dt.timedelta) -> None:
        """Its job's function has failed, not for good."""
        await self.repository.retry_job(job, delay, traceback(job, "ValueError"))

    async def hand_back(self, job: QueuedJob) -> None:
        """The worker stops before the job is done."""
        await self.repository.retry_job(job, dt.timedelta(0), traceback(job, HANDED_BACK))


class World:
    """One queue and those who work on it."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.moment = START
        self.signals = Signals(db)
        self._repositories: list[HouseRepository] = []

    def worker(self, make: Make | None = None, **settings: Any) -> Worker:
        """A worker in a process of its own, as far as the queue can tell."""
        if make is None:
            make = EmbeddedRepository if self.db.kind == "sqlite" else HouseRepository
        repository = make(
            self.db, self.signals, clock=lambda: self.moment, **{"look_seconds": 0.0, **settings}
        )
        self._repositories.append(repository)
        return Worker(self, repository)

    def close(self) -> None:
        """The processes end."""
        for repository in self._repositories:
            if isinstance(repository, EmbeddedRepository):
                repository.close()

    def pass_time(self, seconds: float) -> None:
        """Later."""
        self.moment += dt.timedelta(seconds=seconds)

    async def ask(
        self,
        job: str,
        *,
        priority: int = 0,
        at: dt.datetime | None = None,
        key: str = "",
        unique: str = "",
        payload: str | None = None,
    ) -> UUID:
        """A run, written as the façade writes it."""
        return (await self.ask_many(job, 1, priority, at, key, unique, payload))[0]

    async def ask_many(
        self,
        job: str,
        count: int,
        priority: int = 0,
        at: dt.datetime | None = None,
        key: str = "",
        unique: str = "",
        payload: str | None = None,
    ) -> list[UUID]:
        """Equal runs."""
        due = at or self.moment
        runs = [uuid4() for _ in range(count)]
        values = {
            "priority": priority,
            **dict.fromkeys(("created", "updated", "heartbeat"), self.moment),
            **dict.fromkeys(("execute_after", "due_at"), due),
            "status": "queued",
            "stage": int(due > self.moment),
            "entrypoint": job,
            "dedupe_key": f"{job}\n{unique}" if unique else None,
            "payload": payload,
            **dict.fromkeys(("attempts", "deliveries"), 0),
            "limit_key": key,
            "error": "",
            "stopping": False,
        }
        await self.db.insert(
            "core_queue", [*values, "run"], [[*values.values(), run] for run in runs]
        )
        return runs

    async def row(self, run: UUID) -> dict[str, Any] | None:
        """What the queue knows of a run."""
        names = ("id", "status", "stage", "attempts", "deliveries", "error", "queue_manager_id")
        names += ("execute_after", "stopping", "due_at")
        found = await self.db.fetch_one(
            f"SELECT {', '.join(names)} FROM core_queue WHERE run = ?", run
        )
        return None if found is None else dict(zip(names, found, strict=True))

    async def done(self, run: UUID) -> dict[str, Any] | None:
        """What is known of a run that is over."""
        names = ("state", "result", "error", "attempts", "args", "key", "unique_text", "due_at")
        found = await self.db.fetch_one(
            f"SELECT {', '.join(names)} FROM core_job_done WHERE run = ?", run
        )
        return None if found is None else dict(zip(names, found, strict=True))


def traceback(job: QueuedJob, kind: str) -> TracebackRecord:
    """What PgQueuer makes of an exception."""
    return TracebackRecord(
        job_id=job.id,
        timestamp=START,
        exception_type=kind,
        exception_message="no luck",
        traceback="",
        additional_context=None,
    )
