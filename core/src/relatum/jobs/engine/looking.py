"""What lies in the queue, for those who decide whether there is something to do."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from relatum.db.guarding import as_the_house
from relatum.jobs.engine.taken import COLUMNS, Taken, one_of, rows_of

if TYPE_CHECKING:
    from relatum.db.database import Database


async def anything_ready(db: Database, jobs: Sequence[str], moment: dt.datetime) -> bool:
    """Whether a run of these jobs could be taken now; or its time has come, of whichever job."""
    return await _any(
        db,
        f"SELECT 1 FROM core_queue WHERE status = 'queued' AND stage = 0 "  # noqa: S608 - names of our own
        f"AND {one_of('entrypoint', jobs)}",
        *jobs,
    ) or await _any(
        db,
        "SELECT 1 FROM core_queue WHERE status = 'queued' AND stage = 1 AND execute_after <= ?",
        moment,
    )


async def anything_waits(db: Database, jobs: Sequence[str]) -> bool:
    """Whether a run of these jobs could be taken now or later."""
    return await _any(
        db,
        f"SELECT 1 FROM core_queue WHERE status = 'queued' AND stage < 2 "  # noqa: S608 - names of our own
        f"AND {one_of('entrypoint', jobs)}",
        *jobs,
    )


async def _any(db: Database, sql: str, *params: Any) -> bool:
    with as_the_house():
        return await db.fetch_one(f"{sql} LIMIT 1", *params) is not None


async def next_time(db: Database) -> dt.datetime | None:
    """When the next run's time comes."""
    with as_the_house():
        row = await db.fetch_one(
            "SELECT execute_after FROM core_queue WHERE status = 'queued' AND stage = 1 "
            "ORDER BY execute_after LIMIT 1"
        )
    return None if row is None else row[0]


async def runs_of(db: Database, ids: Sequence[int]) -> list[UUID]:
    """Their own ids."""
    with as_the_house():
        rows = await db.fetch_in("SELECT run FROM core_queue WHERE id IN ({}) ORDER BY id", ids)
    return [run for (run,) in rows]


async def dead_letters(db: Database, limit: int, *, newest_first: bool) -> list[Taken]:
    """Runs that failed for good."""
    order = "DESC" if newest_first else "ASC"
    with as_the_house():
        return rows_of(
            await db.fetch(
                f"SELECT {COLUMNS} FROM core_queue q WHERE q.status = 'failed' "  # noqa: S608 - names of our own
                f"ORDER BY q.created {order}, q.id {order} LIMIT ?",
                limit,
            )
        )


async def sizes(db: Database) -> list[tuple[Any, ...]]:
    """Job, priority, status and how many."""
    with as_the_house():
        return await db.fetch(
            "SELECT entrypoint, priority, status, count(*) FROM core_queue "
            "GROUP BY entrypoint, priority, status ORDER BY entrypoint, priority, status"
        )


async def statuses(db: Database, ids: Sequence[int]) -> list[tuple[Any, ...]]:
    """Id and status."""
    with as_the_house():
        return await db.fetch_in("SELECT id, status FROM core_queue WHERE id IN ({})", ids)
