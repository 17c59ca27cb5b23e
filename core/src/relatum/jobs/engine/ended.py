"""What became of runs that a worker had taken."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal
from uuid import UUID

import msgspec

if TYPE_CHECKING:
    from relatum.db.database import Database

#: The channel on which workers hear that there is something to do.
CHANNEL = "core_queue"
#: The channel on which workers hear that a run is to stop; the text is its id.
STOP_CHANNEL = "core_job_stop"
#: How an error is named that is none: the worker stops, and gives back what it had taken.
HANDED_BACK = "HandedBackError"


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """One run that came to its end here.

    Attributes:
        id: of its row in the queue.
        result: JSON.
        expires_at: how long what came of it is kept; of no concern to one that failed.
        scheduled: the job has a schedule, whose row tells how it went the last time.
    """

    id: int
    run: UUID
    job: str
    state: Literal["succeeded", "cancelled", "failed"]
    result: str | None = None
    error: str = ""
    started_at: dt.datetime
    finished_at: dt.datetime
    expires_at: dt.datetime
    scheduled: bool = False


async def note_schedules(db: Database, ended: Sequence[Ended]) -> None:
    """Note with scheduled jobs how they went; called in the transaction that ends the runs."""
    rows = [
        (one.started_at, one.finished_at, one.error, one.error, one.job)
        for one in ended
        if one.scheduled
    ]
    if rows:
        await db.execute_many(
            "UPDATE core_job SET last_started_at = ?, last_finished_at = ?, error = ?, "
            "failures = CASE WHEN ? = '' THEN 0 ELSE failures + 1 END WHERE id = ?",
            rows,
        )
