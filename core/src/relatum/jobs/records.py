"""Runs as they are stored and as they are reported."""

from __future__ import annotations

import datetime as dt
import heapq
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from relatum.db.database import marks
from relatum.db.guarding import as_the_house
from relatum.db.pages import Page, PageQuery, Sort, cut, paginate
from relatum.hooks.gate import owner
from relatum.jobs.types import JobRun, Progress, QueueStatus, RunState
from relatum.values.problems import NotFound
from relatum.values.time import now

if TYPE_CHECKING:
    from collections.abc import Collection

    from relatum.db.database import Database

#: What a status of ``core_queue`` means.
STATES: dict[str, RunState] = {"queued": "waiting", "picked": "running", "failed": "failed"}
STATUSES: dict[RunState, str] = {state: status for status, state in STATES.items()}
NEWEST = Sort("run", UUID, descending=True)

_QUEUED = (
    "SELECT run, entrypoint, status, limit_key, dedupe_key, priority, attempts + deliveries, "
    "created, due_at, started_at, finished_at, progress, error, payload, NULL FROM core_queue"
)
_DONE = (
    "SELECT run, job, state, key, unique_text, priority, attempts, "
    "enqueued_at, due_at, started_at, finished_at, NULL, error, args, result FROM core_job_done"
)


async def one_run(db: Database, run: UUID) -> JobRun:
    """One run, wherever it stands.

    Raises:
        NotFound: there is none, or it is over and its time to be kept as well.
    """
    with as_the_house():
        # in this order: a run goes from the queue to those that are over
        queued, done = await db.fetch_together(
            (f"{_QUEUED} WHERE run = ?", (run,)), (f"{_DONE} WHERE run = ?", (run,))
        )
    if not queued and not done:
        raise NotFound(
            f"expected the id of a run, got {run}; there is none, or it is over and forgotten"
        )
    return job_run((done or queued)[0])


async def latest_runs(db: Database, job: str, uniques: Sequence[str]) -> dict[str, JobRun]:
    """The last run of a job with each unique key, wherever it stands."""
    with as_the_house():
        done = await db.fetch_in(f"{_DONE} WHERE unique_text IN ({{}}) AND job = ?", uniques, job)
        keys = [dedupe_key(job, unique) for unique in uniques]
        queued = await db.fetch_in(f"{_QUEUED} WHERE dedupe_key IN ({{}})", keys)
    runs = sorted(map(job_run, [*done, *queued]), key=lambda run: run.id)
    return {run.unique: run for run in runs}


async def find_runs(
    db: Database,
    *,
    job: str,
    states: Sequence[RunState],
    limit: int,
    cursor: str | None,
    asked_from: dt.datetime | None = None,
    asked_before: dt.datetime | None = None,
) -> Page[JobRun]:
    """The newest first: of one job or all, in some states or any, asked for at some time.

    Raises:
        InvalidInput: the cursor is not one of this list.
    """
    queued = [STATUSES[state] for state in states if state in STATUSES]
    over = [state for state in states if state not in STATUSES]
    queries: list[PageQuery] = []
    for select, columns, wanted in (
        (_QUEUED, ("entrypoint", "status", "created"), queued),
        (_DONE, ("job", "state", "enqueued_at"), over),
    ):
        if wanted or not states:
            where, params = _conditions(columns, job, wanted, asked_from, asked_before)
            queries.append(
                paginate(
                    select,
                    where,
                    params,
                    sort=NEWEST,
                    id_column="run",
                    limit=limit,
                    cursor=cursor,
                )
            )
    with as_the_house():
        found = await db.fetch_together(*((query.sql, query.params) for query in queries))
    merged = list(heapq.merge(*found, key=lambda row: row[0].int, reverse=True))
    kept, following = cut(merged, queries[0], value=0, id=0)
    return Page([job_run(row) for row in kept], following)


def _conditions(
    columns: tuple[str, str, str],
    job: str,
    states: Sequence[str],
    asked_from: dt.datetime | None,
    asked_before: dt.datetime | None,
) -> tuple[list[str], list[Any]]:
    """Conditions and their parameters, with the names that a table has for job, state and time."""
    of_job, state, asked = columns
    where, params = [], list[Any]()
    if job:
        where.append(f"{of_job} = ?")
        params.append(job)
    if states:
        where.append(f"{state} IN ({marks(len(states))})")
        params += states
    for sign, moment in ((">=", asked_from), ("<", asked_before)):
        if moment is not None:
            where.append(f"{asked} {sign} ?")
            params.append(moment)
    return where, params


async def queue_statuses(db: Database, on: Collection[str]) -> list[QueueStatus]:
    """How many runs of each job stand where; jobs without any are left out.

    Args:
        on: the ids of the jobs whose plugins are on.
    """
    moment = now()
    count = "SELECT entrypoint, status, count(*) FROM core_queue GROUP BY entrypoint, status"
    oldest_ready = (
        "SELECT entrypoint, min(execute_after) FROM core_queue WHERE status = 'queued' "
        "AND stage < 2 AND execute_after <= ? GROUP BY entrypoint"
    )
    with as_the_house():
        rows, oldest = await db.fetch_together((count, ()), (oldest_ready, (moment,)))
    counts: dict[str, dict[str, int]] = {}
    for job, status, number in rows:
        counts.setdefault(job, {})[STATES[status]] = number
    since = {job: (moment - _moment(after)).total_seconds() for job, after in oldest}
    return [
        QueueStatus(
            job=job,
            on=job in on,
            waiting=of.get("waiting", 0),
            running=of.get("running", 0),
            failed=of.get("failed", 0),
            oldest_seconds=max(since.get(job, 0.0), 0.0),
        )
        for job, of in sorted(counts.items())
    ]


def _moment(value: dt.datetime | str) -> dt.datetime:
    """SQLite gives back an expression as it is stored."""
    return dt.datetime.fromisoformat(value) if isinstance(value, str) else value


def job_run(row: Sequence[Any]) -> JobRun:
    """A row of either table."""
    run, job, state, key, unique, priority, attempts, enqueued, due, started, finished = row[:11]
    progress, error, args, result = row[11:]
    return JobRun(
        id=run,
        job=job,
        plugin=owner(job),
        state=STATES.get(state, state),
        key=key,
        unique=unique_of(unique, job),
        priority=priority,
        attempts=attempts,
        enqueued_at=enqueued,
        due_at=due,
        started_at=started,
        finished_at=finished,
        progress=msgspec.json.decode(progress, type=Progress) if progress else None,
        error=error,
        args=msgspec.json.decode(args) if args else None,
        result=msgspec.json.decode(result) if result else None,
    )


def dedupe_key(job: str, unique: str) -> str | None:
    """How ``unique`` is stored: apart for each job."""
    return f"{job}\n{unique}" if unique else None


def unique_of(stored: str | None, job: str) -> str:
    """The reverse of :func:`dedupe_key`."""
    return (stored or "").removeprefix(f"{job}\n")
