"""Asking for background work, and looking after it.

A run is a row that is written in the transaction of whoever asks for it: it exists if and only if
that transaction is on disk. Workers (:mod:`relatum.jobs.worker`) take it from there.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

import asyncpg
import msgspec

from relatum.db.database import to_json
from relatum.db.guarding import as_the_house
from relatum.events.context import context_text
from relatum.hooks.checks import MOST_PRIORITY
from relatum.hooks.gate import owner
from relatum.jobs import changes, records
from relatum.jobs.engine.ended import CHANNEL, STOP_CHANNEL
from relatum.jobs.running import TRACE, Running
from relatum.jobs.schedules import Schedules
from relatum.jobs.types import JobRequest
from relatum.telemetry.traces import current_trace
from relatum.values.ids import new_id, new_ids
from relatum.values.problems import Conflict, InvalidInput
from relatum.values.time import now, utc

if TYPE_CHECKING:
    from relatum.db.database import Database
    from relatum.db.pages import Page
    from relatum.db.signals import Signals
    from relatum.hooks.declarations import Job
    from relatum.hooks.registry import Registry
    from relatum.jobs.types import JobRun, QueueStatus, RunState, ScheduleStatus
    from relatum.telemetry.metrics import Metrics

LONGEST_KEY = 200
#: A run whose unique key another one gives up and a third takes meanwhile is tried again.
TRIES = 5

_COLUMNS = (
    "priority",
    "created",
    "updated",
    "heartbeat",
    "execute_after",
    "status",
    "stage",
    "entrypoint",
    "dedupe_key",
    "payload",
    "headers",
    "attempts",
    "run",
    "limit_key",
    "deliveries",
    "due_at",
    "error",
    "stopping",
)
_INSERT = f"INSERT INTO core_queue ({', '.join(_COLUMNS)}) VALUES "  # noqa: S608 - names of our own
_ROW = f"({', '.join('?' * len(_COLUMNS))})"
_UNLESS_TAKEN = (
    " ON CONFLICT (dedupe_key) WHERE status IN ('queued', 'picked') AND dedupe_key IS NOT NULL "
    "DO NOTHING RETURNING run"
)
#: Rows of one statement: far below what either database takes as variables.
_SLICE = 1_000


class Jobs:
    """One per house; the same in processes that work and in those that only ask.

    Attributes:
        schedules_of: when jobs are due.
        running: what goes on in this process.
    """

    def __init__(
        self,
        db: Database,
        registry: Registry,
        signals: Signals,
        *,
        time_zone: str = "UTC",
        metrics: Metrics | None = None,
    ) -> None:
        self._db = db
        self._registry = registry
        self._signals = signals
        self._metrics = metrics
        self.schedules_of = Schedules(db, registry, time_zone=time_zone)
        self.running = Running(db, registry, metrics=metrics)

    # -- asking ----------------------------------------------------------------------------------

    async def enqueue(
        self,
        job: str,
        args: msgspec.Struct | None = None,
        *,
        at: dt.datetime | None = None,
        key: str = "",
        unique: str = "",
        priority: int | None = None,
    ) -> UUID:
        """Ask for one run, inside the caller's transaction if there is one.

        What each argument means: :class:`~relatum.jobs.types.JobRequest`.

        Returns:
            the id of the run; of the one that waits or goes on already, when ``unique`` hits.

        Raises:
            NotFound: no such job is declared.
            Conflict: its plugin is off.
            InvalidInput: the arguments are not what the job declares, or a key is too long.
        """
        request = JobRequest(args=args, at=at, key=key, unique=unique, priority=priority)
        return (await self.enqueue_many(job, [request]))[0]

    async def enqueue_many(self, job: str, requests: Sequence[JobRequest]) -> list[UUID]:
        """Ask for many runs of one job in one statement; raises as :meth:`enqueue`.

        Returns:
            the ids in the order of ``requests``.
        """
        declared = self._declared(job)
        moment = now()
        rows = _rows(declared, requests, moment)
        with as_the_house():
            if any(request.unique for request in requests):
                ids = await self._insert_unless_taken(rows)
            elif len(rows) == 1:
                await self._db.execute(_INSERT + _ROW, *rows[0])
                ids = [_run_of(rows[0])]
            else:
                await self._db.insert("core_queue", _COLUMNS, rows)
                ids = [_run_of(row) for row in rows]
        if rows:
            await self._signals.send(CHANNEL)
            if self._metrics is not None:
                self._metrics.jobs_enqueued.add(job, n=len(rows))
        return ids

    async def _insert_unless_taken(self, rows: list[list[Any]]) -> list[UUID]:
        """Insert rows, leaving out those whose unique key is taken; the id that stands for each."""
        by_key: dict[str, UUID] = {}
        left = rows
        async with self._db.transaction():
            for _ in range(TRIES):
                inserted: set[UUID] = set()
                for start in range(0, len(left), _SLICE):
                    some = left[start : start + _SLICE]
                    answer = await self._db.execute_returning(
                        _INSERT + ", ".join([_ROW] * len(some)) + _UNLESS_TAKEN,
                        *(value for row in some for value in row),
                    )
                    inserted.update(row[0] for row in answer)
                by_key |= {_key_of(row): _run_of(row) for row in left if _run_of(row) in inserted}
                left = [row for row in left if _run_of(row) not in inserted]
                wanted = [key for key in {_key_of(row) for row in left} if key not in by_key]
                if wanted:
                    standing = await self._db.fetch_in(
                        "SELECT dedupe_key, run FROM core_queue WHERE dedupe_key IN ({}) "
                        "AND status IN ('queued', 'picked')",
                        wanted,
                    )
                    by_key |= dict(standing)
                left = [row for row in left if _key_of(row) not in by_key]
                if not left:
                    break
            else:
                raise Conflict(
                    "expected a unique key that is taken or free, got one that changed hands "
                    f"{TRIES} times meanwhile; try again"
                )
        return [by_key.get(_key_of(row), _run_of(row)) for row in rows]

    def _declared(self, job: str) -> Job:
        declared = self._registry.jobs.find(job)
        if declared is not None:
            return declared
        if not self._registry.gate.is_on(owner(job)):
            raise Conflict(
                f"expected a job whose plugin is on, got {job!r}; switch {owner(job)!r} on first "
                "(it is off, or not installed)"
            )
        return self._registry.jobs.get(job)  # raises NotFound

    # -- looking ---------------------------------------------------------------------------------

    async def get(self, run: UUID) -> JobRun:
        """One run as it stands.

        Raises:
            NotFound: there is none, or it is over and its time to be kept (``Job.keep``) as well.
        """
        return await records.one_run(self._db, run)

    async def find(
        self,
        *,
        job: str = "",
        states: Sequence[RunState] = (),
        limit: int = 50,
        cursor: str | None = None,
        asked_from: dt.datetime | None = None,
        asked_before: dt.datetime | None = None,
    ) -> Page[JobRun]:
        """Runs, the newest first: of one job or all, in some states or any.

        Args:
            asked_from: those asked for at this moment or later; ``asked_before``: earlier than it.

        Raises:
            InvalidInput: the cursor is not one of this list.
        """
        return await records.find_runs(
            self._db,
            job=job,
            states=states,
            limit=limit,
            cursor=cursor,
            asked_from=asked_from,
            asked_before=asked_before,
        )

    async def latest(self, job: str, uniques: Sequence[str]) -> dict[str, JobRun]:
        """The last run of a job with each of some unique keys, wherever it stands; those without
        any, or whose run is forgotten, are left out."""
        return await records.latest_runs(self._db, job, uniques)

    async def queues(self) -> list[QueueStatus]:
        """How many runs of each job wait, go on, and have failed; jobs without any are left out."""
        return await records.queue_statuses(self._db, self._registry.jobs.ids())

    async def schedules(self) -> list[ScheduleStatus]:
        """Every job with a schedule, by id; also those whose plugins are off."""
        return await self.schedules_of.statuses()

    # -- changing --------------------------------------------------------------------------------

    async def cancel(self, run: UUID) -> JobRun:
        """End a run: one that waits at once; one that goes on is asked to stop, wherever it is.

        Raises:
            NotFound: there is no such run.
            Conflict: it is over, or a dead letter.
        """
        with as_the_house():
            if not await changes.call_off(self._db, run) and not await changes.ask_to_stop(
                self._db, run
            ):
                found = await self.get(run)
                raise Conflict(
                    f"expected a run that waits or goes on, got one that is {found.state}"
                    + ("; drop it instead" if found.state == "failed" else "")
                )
        await self._signals.send(STOP_CHANNEL, str(run))
        await self._signals.send(CHANNEL)
        return await self.get(run)

    async def retry(self, run: UUID) -> JobRun:
        """Let a dead letter run again, as if for the first time.

        Raises:
            NotFound: there is no such run.
            Conflict: it is no dead letter, or another run with its unique key waits or goes on.
        """
        try:
            moved = await changes.try_again(self._db, run)
        except (sqlite3.IntegrityError, asyncpg.UniqueViolationError):
            moved = await changes.try_again(self._db, run)  # says that the key is taken
        if not moved:
            await self._refuse_living(run)
        await self._signals.send(CHANNEL)
        return await self.get(run)

    async def retry_all(self, job: str) -> int:
        """Let all dead letters of a job run again; returns how many.

        Of those that share a unique key it is the newest, unless another run has the key.
        """
        try:
            moved = await changes.try_all_again(self._db, job)
        except (sqlite3.IntegrityError, asyncpg.UniqueViolationError):
            moved = await changes.try_all_again(self._db, job)
        await self._signals.send(CHANNEL)
        return moved

    async def drop(self, run: UUID) -> None:
        """Let go of a dead letter for good; it stays on record as cancelled for a while.

        Raises:
            NotFound: there is no such run.
            Conflict: it is no dead letter.
        """
        if not await changes.drop_dead(self._db, run):
            await self._refuse_living(run)

    async def _refuse_living(self, run: UUID) -> None:
        found = await self.get(run)
        raise Conflict(f"expected a run that has failed, got one that is {found.state}")

    async def run_now(self, job: str, args: msgspec.Struct | None = None) -> bool:
        """Run a job here and now, outside of the queue; returns whether it succeeded.

        Neither retried nor kept; a job with a schedule notes how it went.

        Raises:
            NotFound: there is no such job, or its plugin is off.
            InvalidInput: the arguments are not what the job declares.
        """
        declared = self._registry.jobs.get(job)
        return await self.running.alone(declared, _payload(declared, args))

    async def forget_old(self) -> int:
        """Delete runs that are over and whose time to be kept is too; returns how many."""
        return await changes.forget_old(self._db)


def _rows(job: Job, requests: Sequence[JobRequest], moment: dt.datetime) -> list[list[Any]]:
    """The values of ``_COLUMNS`` for each request."""
    context = _context()
    rows = []
    for run, request in zip(_ids(len(requests)), requests, strict=True):
        due = moment if request.at is None else utc(request.at)
        _check(request)
        priority = job.priority if request.priority is None else request.priority
        rows.append(
            [
                priority,
                moment,
                moment,
                moment,
                due,
                "queued",
                1 if due > moment else 0,
                job.id,
                records.dedupe_key(job.id, request.unique),
                _payload(job, request.args),
                context,
                0,
                run,
                request.key,
                0,
                due,
                "",
                False,
            ]
        )
    return rows


def _context() -> str | None:
    """On whose request this is, and the trace it belongs to, as JSON."""
    context, trace = context_text(""), current_trace()
    if not trace:
        return context
    return to_json({**msgspec.json.decode(context or "{}"), TRACE: trace})


_RUN = _COLUMNS.index("run")
_KEY = _COLUMNS.index("dedupe_key")


def _run_of(row: Sequence[Any]) -> UUID:
    run: UUID = row[_RUN]
    return run


def _key_of(row: Sequence[Any]) -> str:
    """What tells rows apart that must not stand beside each other."""
    return row[_KEY] or str(row[_RUN])


def _ids(count: int) -> list[UUID]:
    return [new_id()] if count == 1 else new_ids(count)


def _check(request: JobRequest) -> None:
    for name in ("key", "unique"):
        text = getattr(request, name)
        if len(text) > LONGEST_KEY or "\x00" in text:
            raise InvalidInput(
                f"expected a {name} of at most {LONGEST_KEY} characters without NUL, got "
                f"{len(text)}; use a shorter one, such as an id"
            )
    if not -MOST_PRIORITY <= (request.priority or 0) <= MOST_PRIORITY:
        raise InvalidInput(
            f"expected a priority from {-MOST_PRIORITY} to {MOST_PRIORITY}, got {request.priority}"
        )


def _payload(job: Job, args: msgspec.Struct | None) -> str | None:
    """The arguments as they are stored, after a look whether they are what the job declares."""
    if job.args is None:
        if args is None:
            return None
        raise InvalidInput(
            f"expected no arguments for {job.id}, got {type(args).__name__}; declare them with "
            "Job(args=…) or leave them out"
        )
    if args is None:
        args = _defaults(job, job.args)
    if not isinstance(args, job.args):
        raise InvalidInput(
            f"expected {job.args.__name__} as arguments of {job.id}, got {type(args).__name__}"
        )
    try:
        encoded = msgspec.json.encode(args)
        msgspec.json.decode(encoded, type=job.args)
    except (msgspec.MsgspecError, TypeError, ValueError) as error:
        raise InvalidInput(
            f"expected arguments of {job.id} as {job.args.__name__} declares them, got: {error}"
        ) from error
    return encoded.decode()


def _defaults(job: Job, kind: type[msgspec.Struct]) -> msgspec.Struct:
    try:
        return kind()
    except TypeError as error:
        raise InvalidInput(
            f"expected {kind.__name__} as arguments of {job.id}, got none; {error}"
        ) from error
