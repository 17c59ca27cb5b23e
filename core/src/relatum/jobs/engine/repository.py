"""PgQueuer's repository over the tables of the house: the same on SQLite and PostgreSQL.

PgQueuer gives the loop, the heartbeats and the buffers; everything that is written is ours. What is
not asked for by its loop (statistics, logs, schedules of its own) is not kept at all.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from pgqueuer.domain.models import (
    CancellationEvent,
    HealthCheckEvent,
    Job,
    LogStatistics,
    QueueStatistics,
    TracebackRecord,
    utc_now,
)
from pgqueuer.domain.settings import DBSettings
from pgqueuer.domain.types import Channel, HealthCheckId, JobId

from relatum.db.guarding import as_the_house
from relatum.jobs import changes
from relatum.jobs.engine import bookkeeping, looking, seats
from relatum.jobs.engine.claiming import Claim, Wish, claim
from relatum.jobs.engine.driver import HouseDriver
from relatum.jobs.engine.ended import CHANNEL, HANDED_BACK, Ended
from relatum.jobs.engine.one_hop import Work
from relatum.jobs.engine.rows import QueuedJob, queued_job
from relatum.jobs.engine.taken import Taken
from relatum.values.time import now

if TYPE_CHECKING:
    from pgqueuer.domain.types import JOB_STATUS
    from pgqueuer.ports.repository import EntrypointExecutionParameter

    from relatum.db.database import Database
    from relatum.db.signals import Signals

T = TypeVar("T")

#: How often somebody looks for runs of dead workers, and for parked ones that nobody woke.
LOOK_SECONDS = 2.0
#: How often those whose time has come are told of it by a worker that finds enough without them.
PROMOTE_SECONDS = 0.05
#: So often a batch is asked for in which no run could go on (no seat, poison), then others wait.
TRIES = 50
#: How long a run that was ended without a word of its job is kept.
KEPT = dt.timedelta(days=7)
LONGEST_ERROR = 2_000

_STATES: Mapping[str, Any] = {
    "successful": "succeeded",
    "canceled": "cancelled",
    "deleted": "cancelled",
    "exception": "failed",
    "failed": "failed",
}


class HouseRepository:
    """One for each queue manager of a process."""

    def __init__(
        self,
        db: Database,
        signals: Signals,
        *,
        max_deliveries: int = 3,
        look_seconds: float = LOOK_SECONDS,
        clock: Callable[[], dt.datetime] = now,
    ) -> None:
        """``max_deliveries``: a run that was taken so often without coming to an end is a dead
        letter. ``look_seconds``: how often to look for runs of dead workers. ``clock``: another
        one than that of the machine, which is set by that of the server where there is one."""
        self._clock = clock
        self._set_by_server = clock is now and db.kind == "postgresql"
        self._behind = dt.timedelta(0)
        self._db = db
        self._driver = HouseDriver(db, signals)
        self._max_deliveries = max_deliveries
        self._look_seconds = look_seconds
        self._look_at = 0.0
        self._promote_at = 0.0
        self._limits: dict[str, int] = {}
        self._taken: dict[int, Taken] = {}
        self._noted: dict[int, Ended] = {}
        self._idle = False
        self._full = False
        self.qbe = SimpleNamespace(
            settings=DBSettings(queue_table="core_queue", channel=Channel(CHANNEL))
        )

    @property
    def driver(self) -> HouseDriver:
        return self._driver

    def at_once(self, job: str) -> int:
        """How many runs of a job may go on for each key, as the worker said last; 0 is no limit."""
        return self._limits.get(job, 0)

    def note(self, ended: Ended) -> None:
        """What came of a run that has ended; written with the next batch. Its place is free."""
        self._noted[ended.id] = ended
        if self._full:
            self._full = False
            self._driver.tell()

    async def finish_inside(self, job: QueuedJob, ended: Ended) -> None:
        """Put a run away in the transaction of its own writes.

        Raises:
            Superseded: another worker has it by now. Let the transaction be undone.
        """
        row = self._taken.get(job.id)
        if row is None:
            raise bookkeeping.superseded(ended.run)
        with as_the_house():
            await bookkeeping.finish_inside(self._db, row, ended, self.at_once)

    def _now(self) -> dt.datetime:
        """The same on all machines: who is ahead must not take the others for dead."""
        return self._clock() + self._behind

    async def _set_clock(self) -> None:
        if self._set_by_server:
            (server,) = await self._db.fetch_one("SELECT clock_timestamp()") or (self._clock(),)
            self._behind = server - self._clock()

    async def _together(self, work: Work[T], *, lasting: bool = True) -> T:
        """Do several statements in one transaction, which ``work`` opens; one that is not
        ``lasting`` may be undone by a power cut."""
        return await work(self._db)

    # -- taking ----------------------------------------------------------------------------------

    async def dequeue(
        self,
        batch_size: int,
        entrypoints: Mapping[Any, EntrypointExecutionParameter],
        queue_manager_id: UUID,
        global_concurrency_limit: int | None,
        heartbeat_timeout: dt.timedelta,
    ) -> list[Job]:
        """Runs to work on, higher priorities first; ``concurrency_limit`` counts for each key.

        A worker that has ``global_concurrency_limit`` of them gets no more.

        Raises:
            ValueError: the batch is to have no rows.
        """
        if batch_size < 1:
            raise ValueError(f"expected a batch of at least 1, got {batch_size}")
        self._limits = {str(job): each.concurrency_limit for job, each in entrypoints.items()}
        most = batch_size
        if global_concurrency_limit is not None:
            most = min(most, self._room(queue_manager_id, global_concurrency_limit))
        self._full = most < 1
        if self._full or not entrypoints:
            return []
        with as_the_house():
            rows = await self._claim(queue_manager_id, most, heartbeat_timeout)
        self._taken.update((row.id, row) for row in rows)
        return [queued_job(row._asdict()) for row in rows]

    def _room(self, worker: UUID, limit: int) -> int:
        """How many more fit. Those that have ended and are being put away take no place, as long
        as they do not pile up."""
        taken = [id for id, row in self._taken.items() if row.queue_manager_id == worker]
        going_on = sum(1 for id in taken if id not in self._noted)
        return min(limit - going_on, 2 * limit - len(taken))

    async def _claim(self, worker: UUID, most: int, stale_after: dt.timedelta) -> list[Taken]:
        look = time.monotonic() >= self._look_at
        jobs = list(self._limits)
        if look:
            self._look_at = time.monotonic() + self._look_seconds
            await self._set_clock()
            await seats.rouse(self._db, jobs, self.at_once, self._now())
        elif self._idle and not await looking.anything_ready(self._db, jobs, self._now()):
            return []
        found = Claim([], 0)
        for _ in range(TRIES):
            moment = self._now()
            quick = not look and time.monotonic() < self._promote_at
            if not quick:
                self._promote_at = time.monotonic() + PROMOTE_SECONDS
            wish = Wish(
                jobs=jobs,
                at_once=self.at_once,
                worker=worker,
                most=most,
                moment=moment,
                stale_before=moment - stale_after if look else None,
                max_deliveries=self._max_deliveries,
                quick=quick,
            )
            found = await self._together(partial(claim, wish=wish), lasting=False)
            if found.rows or not found.seen:
                break
        self._idle = not found.seen
        return found.rows

    async def _stop(self, ids: Sequence[int]) -> None:
        if ids:
            event = CancellationEvent(
                channel=Channel(CHANNEL),
                sent_at=utc_now(),
                type="cancellation_event",
                ids=[JobId(id) for id in ids],
            )
            self._driver.tell(event.model_dump_json())

    # -- ending ----------------------------------------------------------------------------------

    async def log_jobs(
        self, job_status: Sequence[tuple[Job, JOB_STATUS, TracebackRecord | None]]
    ) -> None:
        """Put away a batch of runs that are over; dead letters stay in the queue as ``failed``.

        What was not :meth:`note`-d is told from status and traceback; a run that was cut off
        although nobody wanted it to stop goes back into the queue.
        """
        endings: list[bookkeeping.Ending] = []
        with as_the_house():
            for job, status, traceback in job_status:
                row = self._taken.get(job.id)
                if row is None:
                    continue
                ended = self._noted.get(job.id)
                if ended is None and status == "canceled" and not await self._wanted(row):
                    await self._back(row, self._now(), "", counts=False)
                    continue
                endings.append((row, ended or _ended(row, status, traceback, self._now())))
            woken = bool(endings) and await self._together(
                partial(bookkeeping.finish, endings=endings, at_once=self.at_once)
            )
        for job, _, _ in job_status:
            self._forget(job.id)
        await self._tell(woken)

    async def _wanted(self, row: Taken) -> bool:
        return row.id in await bookkeeping.asked_to_stop(self._db, row.queue_manager_id)

    def _forget(self, id: int) -> None:
        self._taken.pop(id, None)
        self._noted.pop(id, None)

    async def _tell(self, others: bool = True) -> None:
        """There is something to take: a seat in this worker, or runs for every one."""
        self._idle = self._full = False
        if others:
            await self._driver.announce()
        else:
            self._driver.tell()

    async def retry_job(
        self, job: Job, delay: dt.timedelta, traceback_record: TracebackRecord | None
    ) -> None:
        """Back into the queue, for ``delay`` from now on; it counts as a try, unless the error is
        named :data:`HANDED_BACK`."""
        row = self._taken.get(job.id)
        if row is None:
            return
        handed_back = traceback_record is not None and (
            traceback_record.exception_type == HANDED_BACK
        )
        noted = self._noted.get(job.id)
        error = noted.error if noted else "" if handed_back else _text(traceback_record)
        with as_the_house():
            await self._back(row, self._now() + delay, error or row.error, counts=not handed_back)
        self._forget(job.id)
        await self._tell()

    async def _back(self, row: Taken, at: dt.datetime, error: str, *, counts: bool) -> None:
        await bookkeeping.retry(
            self._db,
            row,
            at=at,
            moment=self._now(),
            error=error,
            counts=counts,
            at_once=self.at_once,
        )

    async def give_back(self, worker: UUID) -> int:
        """Everything that a worker still has goes back into the queue; returns how much."""
        with as_the_house():
            count = await bookkeeping.give_back(self._db, worker, self._now())
        for id in [id for id, row in self._taken.items() if row.queue_manager_id == worker]:
            self._forget(id)
        if count:
            await self._tell()
        return count

    def going_on(self) -> list[JobId]:
        """Every run that was taken and has not come to its end."""
        return [JobId(id) for id in self._taken]

    async def update_heartbeat(self, job_ids: Sequence[int]) -> None:
        """Their workers are alive; also learns which of them somebody wants to stop."""
        workers = {row.queue_manager_id for id in job_ids if (row := self._taken.get(id))}
        with as_the_house():
            for worker in workers:
                await bookkeeping.beat(self._db, worker, list(job_ids), self._now())
                await self._stop(await bookkeeping.asked_to_stop(self._db, worker))

    # -- what an operator does -------------------------------------------------------------------

    async def requeue_jobs(self, ids: Sequence[int]) -> None:
        """Dead letters wait again, as if they had never been tried."""
        for run in await looking.runs_of(self._db, ids):
            await changes.try_again(self._db, run)
        await self._tell()

    async def mark_job_as_cancelled(self, ids: Sequence[int]) -> None:
        """Runs that wait are over; those that go on are asked to stop."""
        for run in await looking.runs_of(self._db, ids):
            if not await changes.call_off(self._db, run):
                await changes.ask_to_stop(self._db, run)
        mine = [id for id in ids if id in self._taken]
        await self._stop(mine)
        await self._tell()

    # -- looking ---------------------------------------------------------------------------------

    async def queued_work(self, entrypoints: Sequence[str]) -> int:
        """Whether runs wait, for their time or a worker; those without a seat do not count. A
        worker that is full does not care."""
        return 0 if self._full else int(await looking.anything_waits(self._db, entrypoints))

    async def eligible_queued_work(self, entrypoints: Sequence[str]) -> int:
        """Whether runs wait for a worker that can take them: one that is full takes none, and is
        told when one of its own ends."""
        return (
            0
            if self._full
            else int(await looking.anything_ready(self._db, entrypoints, self._now()))
        )

    async def next_deferred_eta(self, entrypoints: Sequence[str]) -> dt.timedelta | None:
        """How long until the next run's time comes, of whichever job; a worker that is full does
        not care."""
        if self._full:
            return None
        at = await looking.next_time(self._db)
        return None if at is None else max(at - self._now(), dt.timedelta(0))

    async def list_failed_jobs(self, limit: int = 100, order: str = "DESC") -> list[Job]:
        """Dead letters, the newest first unless ``order`` is ``ASC``."""
        rows = await looking.dead_letters(self._db, limit, newest_first=order != "ASC")
        return [queued_job(row._asdict()) for row in rows]

    async def queue_size(self) -> list[QueueStatistics]:
        """How many runs of each job and priority stand where."""
        return [
            QueueStatistics(count=count, entrypoint=job, priority=priority, status=status)
            for job, priority, status, count in await looking.sizes(self._db)
        ]

    async def job_status(self, ids: Sequence[int]) -> list[tuple[JobId, JOB_STATUS]]:
        """Where those runs stand that are in the queue."""
        return [(JobId(id), status) for id, status in await looking.statuses(self._db, ids)]

    # -- what PgQueuer's loop wants besides ------------------------------------------------------

    async def notify_health_check(self, health_check_event_id: HealthCheckId) -> None:
        """The listeners of this process answer; that of the server watches itself."""
        event = HealthCheckEvent(
            channel=Channel(CHANNEL),
            sent_at=utc_now(),
            type="health_check_event",
            id=health_check_event_id,
        )
        self._driver.tell(event.model_dump_json())

    async def has_table(self, table: str) -> bool:
        """Migrations see to the tables; those of PgQueuer's statistics are not missed."""
        return True

    async def table_has_column(self, table: str, column: str) -> bool:
        return True

    async def table_has_index(self, table: str, index: str) -> bool:
        return True

    async def has_user_defined_enum(self, key: str, enum: str) -> bool:
        return True

    async def aggregate_logs(self) -> None:
        """There is no log of the queue: what is over stands in ``core_job_done``."""

    async def log_statistics(
        self, limit: int | None, last: dt.timedelta | None = None
    ) -> list[LogStatistics]:
        return []


def _ended(
    row: Taken, status: str, traceback: TracebackRecord | None, moment: dt.datetime
) -> Ended:
    return Ended(
        id=row.id,
        run=row.run,
        job=row.entrypoint,
        state=_STATES[status],
        error=_text(traceback),
        started_at=row.started_at or moment,
        finished_at=moment,
        expires_at=moment + KEPT,
    )


def _text(traceback: TracebackRecord | None) -> str:
    if traceback is None:
        return ""
    return f"{traceback.exception_type}: {traceback.exception_message}"[:LONGEST_ERROR]
