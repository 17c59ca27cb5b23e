"""A run as it lies in the queue, and the ways one batch of them is named in a statement."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from relatum.db.database import marks

if TYPE_CHECKING:
    from relatum.db.database import Database

#: How many runs of a job may go on at once for each key; 0 is no limit.
AtOnce = Callable[[str], int]
#: A job and a key of its runs.
Key = tuple[str, str]

READY, LATER, PARKED = 0, 1, 2


class Taken(NamedTuple):
    """A row of ``core_queue``, in the order of :data:`COLUMNS`.

    ``deliveries`` counts how often a worker has taken it since a try last came to an end.
    """

    id: int
    run: UUID
    entrypoint: str
    limit_key: str
    priority: int
    status: str
    attempts: int
    deliveries: int
    stopping: bool
    queue_manager_id: UUID | None
    created: dt.datetime
    updated: dt.datetime
    heartbeat: dt.datetime
    execute_after: dt.datetime
    due_at: dt.datetime
    started_at: dt.datetime | None
    dedupe_key: str | None
    payload: str | None
    headers: str | None
    error: str

    @property
    def key(self) -> Key:
        return self.entrypoint, self.limit_key

    @property
    def tries(self) -> int:
        """How often it has begun, deliveries after a crash among them."""
        return self.attempts + max(self.deliveries, 1)

    @property
    def unique(self) -> str:
        """The text that no other run of this job may have at the same time."""
        return (self.dedupe_key or "").partition("\n")[2]


COLUMNS = ", ".join(f"q.{name}" for name in Taken._fields)


def rows_of(rows: Iterable[Sequence[object]]) -> list[Taken]:
    """What a SELECT of :data:`COLUMNS` answered."""
    return [Taken._make(row) for row in rows]


def in_order(rows: Iterable[Taken]) -> list[Taken]:
    """Higher priorities first, among equals the older one."""
    return sorted(rows, key=lambda row: (-row.priority, row.id))


def one_of(column: str, values: Sequence[object]) -> str:
    """``column IN (…)`` with a mark for each value."""
    return f"{column} IN ({marks(len(values))})"


def locked(db: Database) -> str:
    """What a SELECT says to get only rows that nobody else is at; SQLite has one writer."""
    return "" if db.kind == "sqlite" else " FOR UPDATE SKIP LOCKED"
