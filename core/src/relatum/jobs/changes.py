"""What becomes of runs that no worker has: ended while they wait, tried again, dropped."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING
from uuid import UUID

from relatum.db.guarding import as_the_house
from relatum.values.problems import Conflict
from relatum.values.time import now

if TYPE_CHECKING:
    from relatum.db.database import Database

#: How long a run that was called off or dropped stays on record.
KEPT = dt.timedelta(days=7)
#: How long a dead letter waits for somebody.
DEAD = dt.timedelta(days=30)
#: The unique key of scheduled runs.
SCHEDULED = "@schedule"
FORGET_AT_ONCE = 5_000

_KEY_IS_TAKEN = (
    "EXISTS (SELECT 1 FROM core_queue o WHERE o.dedupe_key = core_queue.dedupe_key "
    "AND o.status IN ('queued', 'picked'))"
)
_AGAIN = (
    "UPDATE core_queue SET status = 'queued', stage = 0, attempts = 0, deliveries = 0, error = '', "
    "finished_at = NULL, progress = NULL, stopping = ?, execute_after = ?, updated = ? "
)


async def call_off(db: Database, run: UUID) -> bool:
    """End a run that waits; whether it did wait."""
    return await _bury(db, run, "queued")


async def drop_dead(db: Database, run: UUID) -> bool:
    """Let go of a dead letter; whether it was one."""
    return await _bury(db, run, "failed")


async def _bury(db: Database, run: UUID, status: str) -> bool:
    moment = now()
    async with db.transaction():
        with as_the_house():
            # holds the row, so that no worker takes it meanwhile
            held = await db.execute(
                "UPDATE core_queue SET updated = ? WHERE run = ? AND status = ?",
                *(moment, run, status),
            )
            if held != 1:
                return False
            await db.execute(
                "INSERT INTO core_job_done (run, job, state, key, unique_text, priority, args, "
                "error, attempts, enqueued_at, due_at, started_at, finished_at, expires_at) "
                "SELECT run, entrypoint, 'cancelled', limit_key, "
                "coalesce(substr(dedupe_key, length(entrypoint) + 2), ''), "
                "priority, payload, error, attempts, created, due_at, started_at, ?, ? "
                "FROM core_queue WHERE run = ?",
                *(moment, moment + KEPT, run),
            )
            await db.execute("DELETE FROM core_queue WHERE run = ?", run)
    return True


async def ask_to_stop(db: Database, run: UUID) -> bool:
    """Note that a running one is to stop; whether it runs."""
    with as_the_house():
        return (
            await db.execute(
                "UPDATE core_queue SET stopping = ? WHERE run = ? AND status = 'picked'", True, run
            )
            == 1
        )


async def try_again(db: Database, run: UUID) -> bool:
    """Let a dead letter wait for a worker again; whether it was one.

    Raises:
        Conflict: another run with its unique key waits or goes on.
    """
    moment = now()
    async with db.transaction():
        with as_the_house():
            moved = await db.execute(
                f"{_AGAIN} WHERE run = ? AND status = 'failed' AND NOT {_KEY_IS_TAKEN}",
                *(False, moment, moment, run),
            )
            dead = moved or await db.fetch_one(
                "SELECT 1 FROM core_queue WHERE run = ? AND status = 'failed'", run
            )
    if dead and not moved:
        raise Conflict(
            f"expected the unique key of run {run} to be free, got another run with it that waits "
            "or goes on; drop this one, or wait until the other is done"
        )
    return moved == 1


async def try_all_again(db: Database, job: str) -> int:
    """Let the dead letters of a job wait again; of those with one unique key, the newest.

    Returns how many; those whose key is taken stay where they are.
    """
    moment = now()
    with as_the_house():
        return await db.execute(
            f"{_AGAIN} WHERE entrypoint = ? AND status = 'failed' AND (dedupe_key IS NULL OR "  # noqa: S608 - fixed texts
            f"NOT {_KEY_IS_TAKEN} AND id IN (SELECT max(n.id) FROM core_queue n "
            "WHERE n.entrypoint = ? AND n.status = 'failed' GROUP BY n.dedupe_key))",
            *(False, moment, moment, job, job),
        )


async def forget_old(db: Database) -> int:
    """Delete runs that are over and whose time to be kept is too; returns how many.

    Dead letters too, when they are a month old; of those of one schedule all but the newest. In
    pieces: others write meanwhile.
    """
    moment = now()
    with as_the_house():
        return (
            await _delete(db, "core_job_done", "run", "expires_at < ?", moment)
            + await _delete(
                db, "core_queue", "id", "status = 'failed' AND finished_at < ?", moment - DEAD
            )
            + await _delete(
                db,
                "core_queue",
                "id",
                "status = 'failed' AND dedupe_key LIKE ? AND id NOT IN (SELECT max(id) "
                "FROM core_queue WHERE status = 'failed' GROUP BY dedupe_key)",
                f"%\n{SCHEDULED}",
            )
        )


async def _delete(db: Database, table: str, key: str, condition: str, value: object) -> int:
    gone = 0
    while True:
        some = await db.execute(
            f"DELETE FROM {table} WHERE {key} IN "  # noqa: S608 - fixed texts
            f"(SELECT {key} FROM {table} WHERE {condition} LIMIT ?)",
            *(value, FORGET_AT_ONCE),
        )
        gone += some
        if some < FORGET_AT_ONCE:
            return gone
