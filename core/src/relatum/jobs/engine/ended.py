"""What became of runs that a worker had taken."""

from __future__ import annotations

import datetime as dt
from typing import Literal
from uuid import UUID

import msgspec

#: The channel on which workers hear that there is something to do.
CHANNEL = "core_queue"
#: How an error is named that is none: the worker stops, and gives back what it had taken.
HANDED_BACK = "HandedBackError"


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """One run that came to its end here.

    Attributes:
        id: of its row in the queue.
        result: JSON.
        expires_at: how long what came of it is kept; of no concern to one that failed.
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
