"""Runs declared jobs when they are due, one after the other, in this process.

A run is claimed by moving its due time in the database, so that of several processes one runs it.
A job of a plugin that is off is not due; times that passed meanwhile count as one.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import msgspec

from relatum.events.calling import call
from relatum.values.time import now

if TYPE_CHECKING:
    from relatum.db.database import Database
    from relatum.hooks.declarations import Job
    from relatum.hooks.registry import Registry

log = logging.getLogger("relatum.jobs")

POLL_SECONDS = 5.0
JOB_SECONDS = 600.0
LONGEST_ERROR = 2_000


class JobStatus(msgspec.Struct, kw_only=True, frozen=True):
    """When a job ran, when it is due, and what went wrong the last time."""

    id: str
    due_at: dt.datetime
    last_started_at: dt.datetime | None
    last_finished_at: dt.datetime | None
    failures: int
    error: str


class JobRunner:
    """One per process."""

    def __init__(self, db: Database, registry: Registry, *, time_zone: str) -> None:
        self._db = db
        self._registry = registry
        self._zone = ZoneInfo(time_zone)

    async def run_forever(self) -> None:
        """Run what is due until cancelled."""
        while True:
            try:
                await self.run_due()
            except Exception:
                log.exception("jobs stopped for a moment")
            await asyncio.sleep(POLL_SECONDS)

    async def run_due(self) -> int:
        """Run every job that is due now; returns how many ran."""
        moment = now()
        ran = 0
        for job in list(self._registry.jobs):
            if self._registry.jobs.find(job.id) is None:
                continue  # switched off by what ran before it
            due = await self._due(job, moment)
            if due <= moment and await self._claim(job, due, moment):
                await self.run_now(job.id)
                ran += 1
        return ran

    async def run_now(self, job_id: str) -> bool:
        """Run one job whether it is due or not; returns whether it succeeded.

        Raises:
            NotFound: there is no such job, or its plugin is off.
        """
        job = self._registry.jobs.get(job_id)
        started = now()
        error = ""
        try:
            await call(JOB_SECONDS, job.run, self._registry.plugin_of(job_id))
        except Exception as problem:
            log.exception("job %s failed", job_id)
            error = f"{type(problem).__name__}: {problem}"[:LONGEST_ERROR]
        await self._db.execute(
            "INSERT INTO core_job (id, due_at, last_started_at, last_finished_at, failures, error) "
            "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
            "last_started_at = excluded.last_started_at, "
            "last_finished_at = excluded.last_finished_at, error = excluded.error, "
            "failures = CASE WHEN excluded.error = '' THEN 0 ELSE core_job.failures + 1 END",
            job_id,
            self.next_time(job, started),
            started,
            now(),
            1 if error else 0,
            error,
        )
        return not error

    def next_time(self, job: Job, after: dt.datetime) -> dt.datetime:
        """The next time the job is due after a moment."""
        if job.every is not None:
            return after + job.every
        if job.daily_at is None:
            return dt.datetime.max.replace(tzinfo=dt.UTC)
        hour, _, minute = job.daily_at.partition(":")
        local = after.astimezone(self._zone)
        next_run = local.replace(hour=int(hour), minute=int(minute), second=0, microsecond=0)
        if next_run <= local:
            next_run += dt.timedelta(days=1)
        return next_run.astimezone(dt.UTC)

    async def _due(self, job: Job, moment: dt.datetime) -> dt.datetime:
        row = await self._db.fetch_one("SELECT due_at FROM core_job WHERE id = ?", job.id)
        first = self.next_time(job, moment)
        if row is None:
            await self._db.execute(
                "INSERT INTO core_job (id, due_at) VALUES (?, ?) ON CONFLICT (id) DO NOTHING",
                job.id,
                first,
            )
            return first
        due: dt.datetime = row[0]
        if first < due:
            # The schedule has become tighter since the time was set.
            await self._move(job, due, first)
            return first
        return due

    async def _claim(self, job: Job, due: dt.datetime, moment: dt.datetime) -> bool:
        return await self._move(job, due, self.next_time(job, moment))

    async def _move(self, job: Job, due: dt.datetime, to: dt.datetime) -> bool:
        moved = await self._db.execute(
            "UPDATE core_job SET due_at = ? WHERE id = ? AND due_at = ?", to, job.id, due
        )
        return moved == 1

    async def status(self) -> list[JobStatus]:
        """Every job that has been seen and whose plugin is on."""
        rows = await self._db.fetch(
            "SELECT id, due_at, last_started_at, last_finished_at, failures, error "
            "FROM core_job ORDER BY id"
        )
        known = set(self._registry.jobs.ids())
        return [
            JobStatus(
                id=id,
                due_at=due,
                last_started_at=started,
                last_finished_at=finished,
                failures=failures,
                error=error,
            )
            for id, due, started, finished, failures, error in rows
            if id in known
        ]
