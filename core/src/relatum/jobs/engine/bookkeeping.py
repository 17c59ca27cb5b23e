"""What becomes of runs that were taken: over, tried again, given back; the same on both databases.

Everything here may be done twice: what is not there any more, or belongs to another worker by now,
is left alone. That a run *succeeded* counts whoever has it meanwhile.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from relatum.jobs.engine import one_trip, seats
from relatum.jobs.engine.ended import Ended, note_schedules
from relatum.jobs.engine.taken import LATER, READY, AtOnce, Taken, one_of
from relatum.values.problems import Conflict

if TYPE_CHECKING:
    from relatum.db.database import Database

Ending = tuple[Taken, Ended]

_DONE = (
    *("run", "job", "state", "key", "unique_text", "priority", "args", "result", "error"),
    *("attempts", "enqueued_at", "due_at", "started_at", "finished_at", "expires_at"),
)


class Superseded(Conflict):
    """The run belongs to another worker by now, or is over: nothing of this try may stay."""


def superseded(run: UUID) -> Superseded:
    """The error for a try that came too late."""
    return Superseded(
        f"expected the run {run} to be this worker's, got one that another worker took over or "
        "that is over; nothing of this try is kept"
    )


async def finish(db: Database, endings: Sequence[Ending], at_once: AtOnce) -> bool:
    """Put runs away that are over, and mark those that failed as dead letters.

    Returns:
        Whether runs that waited for a seat may be ready now.
    """
    keys = {row.key for row, _ in endings if at_once(row.entrypoint)}
    if db.kind == "postgresql" and not keys and one_trip.nothing_special(endings):
        await one_trip.put_away(db, endings)
        return False
    over = [each for each in endings if each[1].state != "failed"]
    failed = [each for each in endings if each[1].state == "failed"]
    async with db.transaction():
        await put_away(db, over)
        await _fail(db, failed)
        await note_schedules(db, [ended for _, ended in endings])
        if not keys:
            return False
        await seats.hold(db, keys)
        return await seats.wake(db, keys, at_once, endings[0][1].finished_at)


async def put_away(db: Database, endings: Sequence[Ending]) -> None:
    """Out of the queue, and into the list of what is done. A run that is not in the queue any more
    has been put away before."""
    gone = await remove(db, [row.id for row, _ in endings])
    rows = [_done(row, ended) for row, ended in endings if row.id in gone]
    if rows:
        await db.insert("core_job_done", _DONE, rows, on_conflict="ON CONFLICT (run) DO NOTHING")


async def remove(db: Database, ids: Sequence[int]) -> set[int]:
    """Rows out of the queue; returns those that were there."""
    if not ids:
        return set()
    rows = await db.execute_returning(
        f"DELETE FROM core_queue WHERE {one_of('id', ids)} RETURNING id",  # noqa: S608 - names of our own
        *ids,
    )
    return {id for (id,) in rows}


def _done(row: Taken, ended: Ended) -> tuple[object, ...]:
    return (
        *(row.run, row.entrypoint, ended.state, row.limit_key, row.unique, row.priority),
        *(row.payload, ended.result, ended.error, row.tries, row.created, row.due_at),
        *(ended.started_at, ended.finished_at, ended.expires_at),
    )


async def _fail(db: Database, endings: Sequence[Ending]) -> None:
    if endings:
        await db.execute_many(
            "UPDATE core_queue SET status = 'failed', error = ?, finished_at = ?, updated = ?, "
            "attempts = ?, deliveries = 0, queue_manager_id = NULL "
            "WHERE id = ? AND status = 'picked' AND queue_manager_id = ?",
            [
                (
                    *(ended.error, ended.finished_at, ended.finished_at, row.tries),
                    *(row.id, row.queue_manager_id),
                )
                for row, ended in endings
            ],
        )


async def finish_inside(db: Database, row: Taken, ended: Ended, at_once: AtOnce) -> None:
    """Put one run away in the transaction of its own writes: its effect is there exactly once.

    Raises:
        Superseded: another worker has it by now. Let the transaction be undone.
    """
    mine = await db.execute(
        "DELETE FROM core_queue WHERE id = ? AND status = 'picked' AND queue_manager_id = ?",
        row.id,
        row.queue_manager_id,
    )
    if not mine:
        raise superseded(row.run)
    await db.insert("core_job_done", _DONE, [_done(row, ended)])
    await note_schedules(db, [ended])
    if at_once(row.entrypoint):
        await seats.hold(db, {row.key})
        await seats.wake(db, {row.key}, at_once, ended.finished_at)


async def retry(
    db: Database,
    row: Taken,
    *,
    at: dt.datetime,
    moment: dt.datetime,
    error: str,
    counts: bool,
    at_once: AtOnce,
) -> bool:
    """Back into the queue.

    Args:
        at: not before; a moment that is not later than ``moment`` is at once.
        counts: whether this was a try; a run that is only handed back was none.

    Returns:
        Whether it was still ours to give back.
    """
    async with db.transaction():
        mine = await db.execute(
            "UPDATE core_queue SET status = 'queued', stage = ?, execute_after = ?, updated = ?, "
            "attempts = ?, deliveries = ?, error = ?, queue_manager_id = NULL "
            "WHERE id = ? AND status = 'picked' AND queue_manager_id = ?",
            *(LATER if at > moment else READY, at, moment),
            *((row.tries, 0) if counts else (row.attempts, max(row.deliveries - 1, 0))),
            *(error, row.id, row.queue_manager_id),
        )
        if mine and at_once(row.entrypoint):
            await seats.hold(db, {row.key})
            await seats.wake(db, {row.key}, at_once, moment)
    return bool(mine)


async def give_back(db: Database, worker: UUID | None, moment: dt.datetime) -> int:
    """Back into the queue with all that a worker still has, not counted as tries.

    ``worker`` ``None``: what workers of all processes had that are not there any more; their
    deliveries count. Returns how many.
    """
    dead = worker is None
    return await db.execute(
        f"UPDATE core_queue SET status = 'queued', stage = {READY}, updated = ?, "  # noqa: S608 - names of our own
        f"deliveries = deliveries - {0 if dead else 1}, queue_manager_id = NULL "
        f"WHERE status = 'picked' {'' if dead else 'AND queue_manager_id = ?'}",
        moment,
        *(() if dead else (worker,)),
    )


async def beat(db: Database, worker: UUID | None, ids: Sequence[int], moment: dt.datetime) -> None:
    """The worker is alive and works on these."""
    await db.execute(
        "UPDATE core_queue SET heartbeat = ? WHERE status = 'picked' AND queue_manager_id = ? "  # noqa: S608 - names of our own
        f"AND {one_of('id', ids)}",
        moment,
        worker,
        *ids,
    )


async def asked_to_stop(db: Database, worker: UUID | None) -> list[int]:
    """Runs of a worker that somebody wants to end."""
    rows = await db.fetch(
        "SELECT id FROM core_queue WHERE status = 'picked' AND queue_manager_id = ? AND stopping",
        worker,
    )
    return [id for (id,) in rows]
