"""Calling a job's function: what it is given, and what its end means for the run."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import logging
import random
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

import msgspec

from relatum.config.redaction import redacted
from relatum.db.database import to_json
from relatum.db.guarding import as_the_house
from relatum.events.calling import call
from relatum.events.context import Context, because
from relatum.hooks.gate import owner
from relatum.hooks.isolation import describe
from relatum.jobs.engine.ended import Ended, note_schedules
from relatum.jobs.schedules import has_schedule
from relatum.jobs.types import Progress
from relatum.telemetry.logs import about
from relatum.telemetry.traces import span
from relatum.values.ids import new_id
from relatum.values.time import now

if TYPE_CHECKING:
    from relatum.db.database import Database
    from relatum.hooks.declarations import Job, Retry
    from relatum.hooks.registry import Registry
    from relatum.telemetry.metrics import Metrics

log = logging.getLogger("relatum.jobs")

State = Literal["succeeded", "retried", "failed", "cancelled", "handed_back"]

#: An atomic job holds the writer of SQLite, and rows of PostgreSQL, until it ends.
ATOMIC_SECONDS = 10.0
REPORT_SECONDS = 0.5
#: Under this name the trace of whoever asked stands beside the context.
TRACE = "trace"
LONGEST_ERROR = 2_000
LONGEST_RESULT = 100_000


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One try at a run, as the function's caller needs it.

    Attributes:
        args: JSON.
        context: on whose request, and the trace it belongs to.
    """

    id: UUID
    job: str
    args: str | bytes | None = None
    context: Mapping[str, Any] = {}
    key: str = ""
    number: int = 1
    due: dt.datetime


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How a try ended.

    Attributes:
        result: JSON.
        delay: before the next try, of one that is ``retried``.
    """

    state: State
    started_at: dt.datetime
    finished_at: dt.datetime
    result: str | None = None
    error: str = ""
    delay: dt.timedelta = dt.timedelta(0)

    def ended(self, id: int, run: UUID, job: Job) -> Ended:
        """As it is written down; only of a run that is over."""
        if self.state not in ("succeeded", "failed", "cancelled"):
            raise ValueError(f"expected a run that is over, got one that is {self.state}")
        return Ended(
            id=id,
            run=run,
            job=job.id,
            state=self.state,
            result=self.result,
            error=self.error,
            started_at=self.started_at,
            finished_at=self.finished_at,
            expires_at=self.finished_at + job.keep,
            scheduled=has_schedule(job),
        )


#: Ends a run in the database, inside the transaction of an atomic job; raises when the run is not
#: ours any more.
Finish = Callable[[Outcome], Awaitable[None]]


class Going:
    """The :class:`~relatum.jobs.types.Run` that a function is given."""

    def __init__(self, db: Database, attempt: Attempt, args: Any) -> None:
        self.id = attempt.id
        self.args = args
        self.key = attempt.key
        self.attempt = attempt.number
        self.due = attempt.due
        self.job = attempt.job
        self.started = now()
        self.progress: Progress | None = None
        #: why its task was told to stop
        self.stop: Literal["", "cancel", "hand_back"] = ""
        self._db = db
        self._task = asyncio.current_task()
        self._reported = 0.0

    @property
    def cancelled(self) -> bool:
        return self.stop == "cancel"

    async def report(self, done: int, total: int = 0, note: str = "") -> None:
        """Tell how far it is; written at most twice a second, never inside a transaction.

        A row that is written in the job's own transaction would keep the worker from saying that
        it is alive.
        """
        self.progress = Progress(done=done, total=total, note=note[:300])
        moment = time.monotonic()
        if moment - self._reported < REPORT_SECONDS or self._db.in_transaction():
            return
        self._reported = moment
        with as_the_house():
            await self._db.execute(
                "UPDATE core_queue SET progress = ? WHERE run = ? AND status = 'picked'",
                to_json(self.progress),
                self.id,
            )

    def end(self, why: Literal["cancel", "hand_back"]) -> None:
        """Cut the function off where it waits."""
        if not self.stop and self._task is not None:
            self.stop = why
            self._task.cancel()


class Running:
    """Runs functions of jobs, in this process.

    Attributes:
        going: what runs now, by the id of the run.
    """

    def __init__(self, db: Database, registry: Registry, *, metrics: Metrics | None = None) -> None:
        self._db = db
        self._registry = registry
        self._metrics = metrics
        self.going: dict[UUID, Going] = {}

    async def alone(self, job: Job, args: str | None) -> bool:
        """Run a job outside of the queue; whether it succeeded."""
        attempt = Attempt(id=new_id(), job=job.id, args=args, due=now())
        outcome = await self.carry_out(job, attempt)
        if has_schedule(job):
            await self.note_schedule(job, outcome)
        return outcome.state == "succeeded"

    async def note_schedule(self, job: Job, outcome: Outcome) -> None:
        """Note with the job's schedule how a try went, when that does not end its run."""
        state: Literal["succeeded", "failed"] = "failed" if outcome.error else "succeeded"
        over = msgspec.structs.replace(outcome, state=state)
        with as_the_house():
            await note_schedules(self._db, [over.ended(0, new_id(), job)])

    async def carry_out(self, job: Job, attempt: Attempt, finish: Finish | None = None) -> Outcome:
        """One try, in the task of the caller; whatever the function does comes out as an outcome.

        Args:
            finish: for an atomic job: writes its end into the transaction of its effects.

        Raises:
            CancelledError: the task was cancelled by somebody else than this class.
        """
        began = time.monotonic()
        try:
            args = _args_of(job, attempt)
        except msgspec.MsgspecError as error:
            return self._count(job, began, _unreadable(job, error))
        going = self.going[attempt.id] = Going(self._db, attempt, args)
        try:
            with _around(job, attempt):
                outcome = await self._outcome(job, going, finish)
        finally:
            # from here on nobody cancels this task
            del self.going[attempt.id]
        return self._count(job, began, outcome)

    def _count(self, job: Job, began: float, outcome: Outcome) -> Outcome:
        if self._metrics is not None:
            self._metrics.jobs_started.add(job.id)
            self._metrics.job_seconds.observe((job.id, outcome.state), time.monotonic() - began)
        return outcome

    async def _outcome(self, job: Job, going: Going, finish: Finish | None) -> Outcome:
        try:
            return await self._call(job, going, finish)
        except asyncio.CancelledError:
            if not going.stop:
                raise
            task = asyncio.current_task()
            if task is not None:
                task.uncancel()
            state: State = "cancelled" if going.stop == "cancel" else "handed_back"
            return Outcome(state=state, started_at=going.started, finished_at=now())
        except Exception as error:  # noqa: BLE001 - kept with the run
            if going.stop == "cancel":
                return Outcome(
                    state="cancelled",
                    started_at=going.started,
                    finished_at=now(),
                    error=_text(error),
                )
            return _after_failure(job, going, error)

    async def _call(self, job: Job, going: Going, finish: Finish | None) -> Outcome:
        plugin = self._registry.plugin_of(job.id)
        seconds = job.timeout.total_seconds()
        if not job.atomic:
            async with plugin.at_work():
                result = await call(seconds, job.run, plugin, going)
            return _success(job, going, result)
        async with self._db.transaction():
            async with plugin.at_work():
                result = await call(min(seconds, ATOMIC_SECONDS), job.run, plugin, going)
            outcome = _success(job, going, result)
            if finish is not None:
                await finish(outcome)
            return outcome

    def end_all(self) -> None:
        """Cut off everything that runs here, so that it is handed back."""
        for going in list(self.going.values()):
            going.end("hand_back")


@contextlib.contextmanager
def _around(job: Job, attempt: Attempt) -> Iterator[None]:
    """As the house, on the request of whoever asked, and said so in the log and in traces."""
    context, parent = _context_of(attempt)
    with (
        as_the_house(),
        because(
            context.why,
            actor=context.actor,
            request=context.request,
            token=context.token,
            session=context.session,
        ),
        about(job=job.id, run=str(attempt.id), plugin=owner(job.id), request=context.request),
        span(f"job {job.id}", parent=parent, attempt=attempt.number),
    ):
        yield


def _context_of(attempt: Attempt) -> tuple[Context, str]:
    try:
        context = msgspec.convert(attempt.context, Context, strict=False)
    except msgspec.ValidationError:
        return Context(), ""
    return context, str(attempt.context.get(TRACE, ""))


def _args_of(job: Job, attempt: Attempt) -> Any:
    if job.args is None:
        return None
    return msgspec.json.decode(attempt.args or b"{}", type=job.args)


def _unreadable(job: Job, error: Exception) -> Outcome:
    moment = now()
    kind = job.args.__name__ if job.args is not None else "nothing"
    return Outcome(
        state="failed",
        started_at=moment,
        finished_at=moment,
        error=(
            f"The arguments no longer fit {kind} ({error}): the run was asked for by another "
            "version of the plugin. Give what it lacks a default and try it again, or drop it."
        )[:LONGEST_ERROR],
    )


def _success(job: Job, going: Going, result: Any) -> Outcome:
    state: State = "cancelled" if going.cancelled else "succeeded"
    return Outcome(
        state=state,
        started_at=going.started,
        finished_at=now(),
        result=_stored_result(job, result),
    )


def _stored_result(job: Job, result: Any) -> str | None:
    if result is None:
        return None
    try:
        text = to_json(result)
    except (TypeError, ValueError, msgspec.MsgspecError) as error:
        log.warning("the result of %s is not kept: %s", job.id, error)
        return None
    if len(text) > LONGEST_RESULT:
        log.warning("the result of %s is not kept: %d characters", job.id, len(text))
        return None
    return text


def _after_failure(job: Job, going: Going, error: Exception) -> Outcome:
    text = _text(error)
    last = going.attempt >= job.retry.attempts
    if last:
        log.error("job %s failed for good: %s", job.id, text, exc_info=error)
    else:
        log.warning("job %s failed, try %d: %s", job.id, going.attempt, text, exc_info=error)
    return Outcome(
        state="failed" if last else "retried",
        started_at=going.started,
        finished_at=now(),
        error=text,
        delay=dt.timedelta(0) if last else delay_of(job.retry, going.attempt),
    )


def delay_of(retry: Retry, attempt: int) -> dt.timedelta:
    """How long to wait after a failed attempt (1 is the first)."""
    longest = retry.most.total_seconds()
    try:
        plain = min(retry.first.total_seconds() * retry.factor ** (attempt - 1), longest)
    except OverflowError:
        plain = longest
    spread = random.uniform(1 - retry.jitter, 1 + retry.jitter)
    return dt.timedelta(seconds=plain * spread)


def _text(error: BaseException) -> str:
    return redacted(describe(error))[:LONGEST_ERROR]
