"""PgQueuer's loop over the house's own queue. Importing this imports PgQueuer (worker only)."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import datetime as dt
import logging
import sqlite3
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

from pgqueuer.core.executors import AbstractEntrypointExecutor, EntrypointExecutorParameters
from pgqueuer.core.qm import QueueManager
from pgqueuer.domain import models, types
from pgqueuer.domain.errors import RetryRequested
from pgqueuer.ports.repository import EntrypointExecutionParameter

from relatum.db.signals import FAULTS
from relatum.jobs.engine.embedded import EmbeddedRepository
from relatum.jobs.engine.ended import CHANNEL
from relatum.jobs.engine.repository import HouseRepository
from relatum.jobs.running import Attempt, Outcome, Running
from relatum.jobs.schedules import has_schedule
from relatum.values.time import now

if TYPE_CHECKING:
    from relatum.config.settings import Jobs as Limits
    from relatum.db.database import Database
    from relatum.db.signals import Signals
    from relatum.hooks.declarations import Job
    from relatum.hooks.registry import Registry
    from relatum.jobs.engine.rows import QueuedJob

log = logging.getLogger("relatum.jobs")

#: How long an idle worker relies on being told; signals may be lost.
POLL = dt.timedelta(seconds=5)
#: Between two attempts to reach a database that does not answer; the last one is kept to.
BACKOFF = (0.1, 0.5, 1.0, 2.0, 5.0)
#: How long the end of a run waits for others that come along to the disk.
GATHER_SECONDS = 0.001
LOST = (*FAULTS, sqlite3.OperationalError)


class HandedBackError(RetryRequested):
    """The run waits again as before; this was no try. Known by its name to the repository."""


class PatientRepository:
    """A repository that waits out a database that does not answer, instead of ending the loop.

    What only looks answers that there is nothing; what ends a run is tried again until it is
    written, or the worker stops and the run comes back by itself.
    """

    def __init__(self, inner: HouseRepository) -> None:
        self._inner = inner
        self._faults = 0
        #: ended, and still to be gathered by PgQueuer
        self._over: set[int] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def dequeue(self, *args: Any, **kwargs: Any) -> list[models.Job]:
        """Runs to work on; none while the database does not answer."""
        return cast(
            "list[models.Job]", await self._looked(self._inner.dequeue, [], *args, **kwargs)
        )

    async def eligible_queued_work(self, entrypoints: list[types.QueueEntrypoint]) -> int:
        """Whether something is ready."""
        return cast("int", await self._looked(self._inner.eligible_queued_work, 0, entrypoints))

    async def queued_work(self, entrypoints: list[types.QueueEntrypoint]) -> int:
        """Whether something waits."""
        return cast("int", await self._looked(self._inner.queued_work, 0, entrypoints))

    async def next_deferred_eta(
        self, entrypoints: list[types.QueueEntrypoint]
    ) -> dt.timedelta | None:
        """How long until something is due."""
        found = await self._looked(self._inner.next_deferred_eta, None, entrypoints)
        return cast("dt.timedelta | None", found)

    async def log_jobs(self, job_status: list[Any]) -> None:
        """End runs; of those that PgQueuer gathers, :class:`Ending` has ended nearly all before."""
        left = [entry for entry in job_status if not self._ended(entry[0].id)]
        if left:
            await self._until_written(self._inner.log_jobs, left)

    async def end(self, rows: list[QueuedJob]) -> None:
        """End runs that are noted, and know that they are."""
        await self._until_written(self._inner.log_jobs, [(row, "successful", None) for row in rows])
        self._over.update(row.id for row in rows)

    def _ended(self, id: int) -> bool:
        if id not in self._over:
            return False
        self._over.discard(id)
        return True

    async def retry_job(self, *args: Any) -> None:
        """Put a run back."""
        await self._until_written(self._inner.retry_job, *args)

    async def update_heartbeat(self, job_ids: list[types.JobId]) -> None:
        """Say that runs are being worked on."""
        await self._looked(self._inner.update_heartbeat, None, job_ids)

    async def _looked(self, work: Any, nothing: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            answer = await work(*args, **kwargs)
        except LOST as error:
            await self._wait(error)
            return nothing
        self._faults = 0
        return answer

    async def _until_written(self, work: Any, *args: Any) -> None:
        while True:
            try:
                await work(*args)
            except LOST as error:
                await self._wait(error)
            else:
                self._faults = 0
                return

    async def _wait(self, error: BaseException) -> None:
        seconds = BACKOFF[min(self._faults, len(BACKOFF) - 1)]
        self._faults += 1
        log.warning("the queue does not answer, next try in %g s: %r", seconds, error)
        await asyncio.sleep(seconds)


class Ending:
    """Writes at once that runs are over: in one transaction those that end while it writes.

    PgQueuer gathers for a tenth of a second; a seat that many wait for would be free so late.
    """

    def __init__(self, repository: PatientRepository) -> None:
        self._repository = repository
        self._waiting: list[tuple[QueuedJob, asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def end(self, row: QueuedJob) -> None:
        """Returns when it is on disk that this run, which is noted, is over."""
        loop = asyncio.get_running_loop()
        written = loop.create_future()
        self._waiting.append((row, written))
        if self._writer is None:
            # in a context of its own: it writes for many
            self._writer = loop.create_task(self._write(), context=contextvars.Context())
        await asyncio.shield(written)

    async def _write(self) -> None:
        try:
            while self._waiting:
                # what ends in the same moment comes along: one wait for the disk instead of several
                await asyncio.sleep(GATHER_SECONDS)
                batch, self._waiting = self._waiting, []
                await self._together(batch)
        finally:
            self._writer = None

    async def _together(self, batch: list[tuple[QueuedJob, asyncio.Future[None]]]) -> None:
        try:
            await self._repository.end([row for row, _ in batch])
        except Exception as error:  # noqa: BLE001 - told to whom it concerns
            for _, written in batch:
                if not written.done():
                    written.set_exception(error)
        else:
            for _, written in batch:
                if not written.done():
                    written.set_result(None)


class _Executor(AbstractEntrypointExecutor):
    """Runs one job's function for PgQueuer, and tells it what to do with the run."""

    def __init__(self, engine: Engine, job_id: str, at_once: int) -> None:
        super().__init__(
            EntrypointExecutorParameters(
                concurrency_limit=at_once, func=_unused, accepts_context=True, on_failure="hold"
            )
        )
        self._engine = engine
        self._job_id = job_id

    async def execute(self, job: models.Job, context: models.Context) -> None:
        await self._engine.execute(self._job_id, cast("QueuedJob", job))


async def _unused(job: models.Job, context: models.Context) -> None:
    """PgQueuer wants a function; ours is called by the executor."""


class Entrypoints(Mapping[str, AbstractEntrypointExecutor]):
    """What PgQueuer may take: the jobs whose plugins are on at this moment."""

    def __init__(self, engine: Engine, registry: Registry) -> None:
        self._engine = engine
        self._registry = registry

    def __iter__(self) -> Iterator[str]:
        return iter(self._registry.jobs.ids())

    def __len__(self) -> int:
        return len(self._registry.jobs)

    def __getitem__(self, job_id: str) -> AbstractEntrypointExecutor:
        job = self._registry.jobs.find(job_id)
        # one that was switched off since it was taken is handed back
        return _Executor(self._engine, job_id, 0 if job is None else job.at_once)


class _Manager(QueueManager):
    """PgQueuer's loop, without its probe of NOTIFY: the house's signals mend themselves."""

    async def listener_healthy(
        self,
        timeout: dt.timedelta = dt.timedelta(seconds=10),  # noqa: ASYNC109 - PgQueuer's name
    ) -> models.HealthCheckEvent:
        return models.HealthCheckEvent(
            channel=self.channel,
            sent_at=models.utc_now(),
            type="health_check_event",
            id=types.HealthCheckId(self.queue_manager_id),
        )

    async def verify_structure(self) -> None:
        """The tables are those of the house's migrations."""

    async def _dispatch(
        self, job: Any, jbuff: Any, hbuff: Any, heartbeat_timeout: dt.timedelta
    ) -> None:
        """Without a task for each run's signs of life: the engine gives them for all together."""
        await super()._dispatch(job, jbuff, hbuff, dt.timedelta(0))


class Engine:
    """One worker's hold of the queue: PgQueuer's loop, or one look after another (``drain``)."""

    def __init__(
        self,
        registry: Registry,
        repository: HouseRepository,
        running: Running,
        *,
        concurrency: int,
        heartbeat: dt.timedelta,
    ) -> None:
        self._registry = registry
        self._running = running
        self._concurrency = concurrency
        self._heartbeat = heartbeat
        self._repository = repository
        self._entrypoints = Entrypoints(self, registry)
        self._patient = PatientRepository(repository)
        self._ending = Ending(self._patient)
        self.manager = _Manager(queries=cast("Any", self._patient), channel=types.Channel(CHANNEL))
        self.manager.entrypoint_registry = cast("Any", self._entrypoints)

    # -- PgQueuer's loop -------------------------------------------------------------------------

    async def run(self) -> None:
        """Take runs and work on them until :meth:`stop`; returns when the last one has ended."""
        beating = asyncio.create_task(self._beat())
        try:
            await self.manager.run(
                dequeue_timeout=POLL,
                batch_size=max(self._concurrency // 2, 1),
                max_concurrent_tasks=self._concurrency,
                heartbeat_timeout=self._heartbeat,
                log_aggregation_interval=dt.timedelta(0),
            )
        finally:
            beating.cancel()
            await asyncio.wait([beating])

    def stop(self) -> None:
        """Take nothing new."""
        self.manager.shutdown.set()

    async def give_back(self) -> int:
        """What this worker still has waits again, as if it had not been tried; returns how many."""
        return await self._repository.give_back(self.manager.queue_manager_id)

    def nudge(self) -> None:
        """Look now: what may run has changed."""
        self._repository.driver.tell()

    def close(self) -> None:
        """Let go of what a worker holds besides runs."""
        if isinstance(self._repository, EmbeddedRepository):
            self._repository.close()

    async def execute(self, job_id: str, row: QueuedJob) -> None:
        """One try at a run.

        Raises:
            RetryRequested: it failed, and is to be tried again.
            HandedBackError: the worker stops, or its plugin is off: it waits as before.
        """
        job = self._registry.jobs.find(job_id)
        if job is None:
            raise HandedBackError
        if row.stopping:
            moment = now()
            outcome = Outcome(state="cancelled", started_at=moment, finished_at=moment)
        else:
            outcome = await self._running.carry_out(
                job, _attempt(row), self._finish_of(job, row) if job.atomic else None
            )
        if outcome.state == "handed_back":
            raise HandedBackError
        if outcome.state == "retried":
            if has_schedule(job):
                with contextlib.suppress(*LOST):
                    await self._running.note_schedule(job, outcome)
            raise RetryRequested(delay=outcome.delay, reason=outcome.error)
        self._repository.note(outcome.ended(row.id, row.run, job))
        await self._ending.end(row)

    def _finish_of(self, job: Job, row: QueuedJob) -> Any:
        async def finish(outcome: Outcome) -> None:
            await self._repository.finish_inside(row, outcome.ended(row.id, row.run, job))

        return finish

    # -- one look after another ------------------------------------------------------------------

    async def once(self) -> int:
        """Work on what is ready at this moment, as many as fit; returns how many runs."""
        limits = {
            types.QueueEntrypoint(job.id): EntrypointExecutionParameter(job.at_once)
            for job in self._registry.jobs
        }
        rows = await self._repository.dequeue(
            batch_size=self._concurrency,
            entrypoints=limits,
            queue_manager_id=self.manager.queue_manager_id,
            global_concurrency_limit=None,
            heartbeat_timeout=self._heartbeat,
        )
        if not rows:
            return 0
        beating = asyncio.create_task(self._beat())
        try:
            await asyncio.gather(*(self._drive(cast("QueuedJob", row)) for row in rows))
        finally:
            beating.cancel()
            await asyncio.wait([beating])
        return len(rows)

    async def _beat(self) -> None:
        """Signs of life for everything that goes on here, three before it counts as dead."""
        while True:
            await asyncio.sleep(self._heartbeat.total_seconds() / 3)
            try:
                await self._patient.update_heartbeat(self._repository.going_on())
            except Exception:
                log.exception("runs that go on could not be marked as alive; trying again soon")

    async def _drive(self, row: QueuedJob) -> None:
        try:
            await self.execute(row.entrypoint, row)
        except RetryRequested as asked:
            record = models.TracebackRecord.from_exception(asked, row.id)
            await self._patient.retry_job(row, asked.delay, record)
        else:
            await self._patient.log_jobs([(row, "successful", None)])


def _attempt(row: QueuedJob) -> Attempt:
    return Attempt(
        id=row.run,
        job=row.entrypoint,
        args=row.payload,
        context=row.headers or {},
        key=row.limit_key,
        number=row.attempt,
        due=row.due_at,
    )


def make_engine(
    db: Database,
    registry: Registry,
    signals: Signals,
    running: Running,
    *,
    limits: Limits,
) -> Engine:
    """The engine of one worker."""
    kind = EmbeddedRepository if db.kind == "sqlite" else HouseRepository
    repository = kind(db, signals, max_deliveries=limits.max_deliveries)
    return Engine(
        registry,
        repository,
        running,
        concurrency=limits.concurrency,
        heartbeat=dt.timedelta(seconds=limits.heartbeat_seconds),
    )
