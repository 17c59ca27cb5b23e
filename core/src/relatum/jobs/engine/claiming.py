"""Taking runs out of the queue to work on them: which, by whom, and which not any more."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from relatum.jobs.engine import one_trip, seats
from relatum.jobs.engine.bookkeeping import put_away, remove
from relatum.jobs.engine.ended import Ended
from relatum.jobs.engine.taken import (
    COLUMNS,
    READY,
    AtOnce,
    Taken,
    in_order,
    locked,
    one_of,
    rows_of,
)

if TYPE_CHECKING:
    from relatum.db.database import Database

#: So many runs become ready in one go when their time has come.
MOST_PROMOTED = 1_000

_FIRST = "c.entrypoint = {} AND c.status = 'queued' AND c.stage = 0 ORDER BY c.priority DESC, c.id"
_READY_EMBEDDED = (
    f"SELECT {COLUMNS} FROM json_each(?) AS jobs CROSS JOIN core_queue q WHERE q.id IN ("  # noqa: S608 - names of our own
    f"SELECT c.id FROM core_queue c WHERE {_FIRST.format('jobs.value')} LIMIT ?) "
    "ORDER BY q.priority DESC, q.id LIMIT ?"
)
_READY_SERVER = (
    f"SELECT {COLUMNS} FROM unnest(?::text[]) AS jobs(job) CROSS JOIN LATERAL ("  # noqa: S608 - names of our own
    f"SELECT * FROM core_queue c WHERE {_FIRST.format('jobs.job')} LIMIT ? "
    "FOR UPDATE SKIP LOCKED) q ORDER BY q.priority DESC, q.id LIMIT ?"
)


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """Who wants how many runs of which jobs.

    Attributes:
        jobs: their ids.
        at_once: how many runs of a job may go on for each key.
        most: no more than so many.
        stale_before: runs of other workers that gave no sign since then are taken as well;
            ``None``: do not look for them now.
        quick: only runs that are known to be ready, if that is enough.
        max_deliveries: a run that was taken so often without coming to an end is a dead letter.
        keep: how long it is known that a run was cancelled.
    """

    jobs: Sequence[str]
    at_once: AtOnce
    worker: UUID
    most: int
    moment: dt.datetime
    stale_before: dt.datetime | None
    max_deliveries: int
    quick: bool = False
    keep: dt.timedelta = dt.timedelta(days=7)


class Claim(msgspec.Struct, frozen=True):
    """What came of a wish: the runs, and how many rows were looked at (some could not run)."""

    rows: list[Taken]
    seen: int


async def claim(db: Database, wish: Wish) -> Claim:
    """Take runs, higher priorities first; in one transaction."""
    if wish.quick and db.kind == "postgresql" and not db.in_transaction():
        rows = await one_trip.take(db, wish)
        if rows:
            return Claim(rows, len(rows))
    async with db.transaction():
        await promote(db, wish.moment)
        found = await _ready(db, wish)
        if wish.stale_before is not None:
            found = in_order([*found, *await _stale(db, wish)])[: wish.most]
        if not found:
            return Claim([], 0)
        return Claim(await _sort_out(db, wish, found), len(found))


async def promote(db: Database, moment: dt.datetime) -> None:
    """Runs whose time has come are ready."""
    await db.execute(
        f"UPDATE core_queue SET stage = {READY} WHERE id IN ("  # noqa: S608 - names of our own
        "SELECT id FROM core_queue WHERE status = 'queued' AND stage = 1 AND execute_after <= ? "
        f"ORDER BY execute_after LIMIT {MOST_PROMOTED}{locked(db)})",
        moment,
    )


async def _ready(db: Database, wish: Wish) -> list[Taken]:
    if db.kind == "sqlite":
        jobs = msgspec.json.encode(wish.jobs).decode()
        return rows_of(await db.fetch(_READY_EMBEDDED, jobs, wish.most, wish.most))
    return rows_of(await db.fetch(_READY_SERVER, list(wish.jobs), wish.most, wish.most))


async def _stale(db: Database, wish: Wish) -> list[Taken]:
    """Runs whose worker has not been heard of; our own are alive, however late their signs."""
    return rows_of(
        await db.fetch(
            f"SELECT {COLUMNS} FROM core_queue q WHERE q.status = 'picked' AND q.heartbeat < ? "  # noqa: S608 - names of our own
            f"AND q.queue_manager_id <> ? AND {one_of('q.entrypoint', wish.jobs)} "
            f"ORDER BY q.priority DESC, q.id LIMIT ?{locked(db)}",
            wish.stale_before,
            wish.worker,
            *wish.jobs,
            wish.most,
        )
    )


async def _sort_out(db: Database, wish: Wish, found: list[Taken]) -> list[Taken]:
    await seats.hold(db, {row.key for row in found if wish.at_once(row.entrypoint)})
    over = await _already_over(db, found)
    cancelled = [row for row in found if row.stopping and row.run not in over]
    alive = [row for row in found if row.run not in over and not row.stopping]
    poison = [row for row in alive if row.deliveries >= wish.max_deliveries]
    alive = [row for row in alive if row.deliveries < wish.max_deliveries]
    fresh = await seats.seat(
        db, [row for row in alive if row.status == "queued"], wish.at_once, wish.moment
    )
    chosen = in_order([*fresh, *(row for row in alive if row.status == "picked")])
    await _mark(db, wish, chosen)
    gone = [row for row in found if row.run in over] + cancelled + poison
    if gone:
        await remove(db, [row.id for row in found if row.run in over])
        await put_away(db, [(row, _cancelled(row, wish)) for row in cancelled])
        await _bury(db, poison, wish.moment)
        await seats.wake(db, {row.key for row in gone}, wish.at_once, wish.moment)
    return [
        row._replace(
            status="picked",
            queue_manager_id=wish.worker,
            updated=wish.moment,
            heartbeat=wish.moment,
            started_at=wish.moment,
            deliveries=row.deliveries + 1,
        )
        for row in chosen
    ]


async def _already_over(db: Database, found: list[Taken]) -> set[UUID]:
    """Runs that came to their end, and whose worker died before the queue knew of it."""
    again = [row.run for row in found if row.deliveries]
    if not again:
        return set()
    rows = await db.fetch_in("SELECT run FROM core_job_done WHERE run IN ({})", again)
    return {run for (run,) in rows}


async def _mark(db: Database, wish: Wish, rows: list[Taken]) -> None:
    if rows:
        await db.execute(
            "UPDATE core_queue SET status = 'picked', queue_manager_id = ?, heartbeat = ?, "  # noqa: S608 - names of our own
            "updated = ?, started_at = ?, deliveries = deliveries + 1 "
            f"WHERE {one_of('id', rows)}",
            wish.worker,
            *[wish.moment] * 3,
            *(row.id for row in rows),
        )


def _cancelled(row: Taken, wish: Wish) -> Ended:
    return Ended(
        id=row.id,
        run=row.run,
        job=row.entrypoint,
        state="cancelled",
        started_at=row.started_at or wish.moment,
        finished_at=wish.moment,
        expires_at=wish.moment + wish.keep,
    )


def _poison(row: Taken) -> str:
    return (
        f"expected the worker to finish or fail this run, got none of both {row.deliveries} times: "
        "it was killed, or stood still for longer than the heartbeat allows; look for what the job "
        "does to its process, then try it again"
    )


async def _bury(db: Database, rows: list[Taken], moment: dt.datetime) -> None:
    """A run that kills its worker again and again must not be given to another one."""
    await db.execute_many(
        "UPDATE core_queue SET status = 'failed', error = ?, finished_at = ?, updated = ?, "
        "attempts = ?, deliveries = 0, queue_manager_id = NULL WHERE id = ?",
        [
            (
                _poison(row),
                *[moment] * 2,
                row.attempts + row.deliveries,
                row.id,
            )
            for row in rows
        ],
    )
