"""Events that a handler could not take, and those that wait behind them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from relatum.db.database import marks
from relatum.events.types import Event
from relatum.values.ids import new_id
from relatum.values.time import now

if TYPE_CHECKING:
    from relatum.db.database import Database

#: Seconds before the first, second, … try again; after the last an event stays parked.
BACKOFF = (1, 5, 30, 120, 600)
BEHIND = "waits behind an event that is parked"
LONGEST_ERROR = 2_000
#: Heads that are tried in one go.
AT_ONCE = 200

_COLUMNS = ("id", "handler", "seq", "customer_id", "attempts", "retry_at", "error", "parked_at")
_DUE = "retry_at IS NOT NULL AND (attempts = 0 OR retry_at <= ?)"


class Parked(msgspec.Struct, frozen=True):
    """An event that is parked; ``attempts`` is 0 for one that only waits behind another."""

    seq: int
    customer: UUID | None
    attempts: int
    retry_at: dt.datetime | None

    def due(self) -> bool:
        """Whether it may be tried now, as far as its own time goes."""
        return self.retry_at is not None and (self.attempts == 0 or self.retry_at <= now())


class ParkedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event that is parked, as it is reported.

    Attributes:
        attempts: 0 for one that only waits behind another of its customer.
        retry_at: when it is tried again by itself; ``None`` when somebody has to say so.
        event: what happened; ``None`` when the log has it no more.
    """

    seq: int
    customer: UUID | None
    attempts: int
    retry_at: dt.datetime | None
    parked_at: dt.datetime
    error: str
    event: Event | None = None


class Parking:
    """Reads and writes ``core_parked_event``."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def blocked(self, handler: str, customers: set[UUID]) -> set[UUID]:
        """Those of the customers who have something parked here."""
        rows = await self._db.fetch(
            "SELECT DISTINCT customer_id FROM core_parked_event "
            "WHERE handler = ? AND customer_id IS NOT NULL",
            handler,
        )
        return {row[0] for row in rows} & customers if rows else set()

    async def park(
        self, handler: str, events: Sequence[Event], *, error: str, attempts: int = 0
    ) -> None:
        """Put events aside; ``attempts`` is 0 for those that only wait behind another."""
        moment = now()
        retry = moment + dt.timedelta(seconds=BACKOFF[0])
        rows = [
            (new_id(), handler, event.seq, event.customer, attempts, retry, error, moment)
            for event in events
        ]
        await self._db.insert(
            "core_parked_event", _COLUMNS, rows, on_conflict="ON CONFLICT (handler, seq) DO NOTHING"
        )

    async def handlers_due(self, handlers: Sequence[str]) -> set[str]:
        """The handlers that may have something to try again now."""
        rows = await self._db.fetch(
            f"SELECT DISTINCT handler FROM core_parked_event WHERE {_DUE} "  # noqa: S608
            f"AND handler IN ({marks(len(handlers))})",
            *(now(), *handlers),
        )
        return {row[0] for row in rows}

    async def heads(self, handler: str, after: int) -> list[Parked]:
        """What may be tried now, in order: due, and first of its customer."""
        rows = await self._db.fetch(
            "SELECT seq, customer_id, attempts, retry_at FROM core_parked_event "  # noqa: S608
            f"WHERE handler = ? AND seq > ? AND {_DUE} AND NOT EXISTS (SELECT 1 "
            "FROM core_parked_event AS earlier WHERE earlier.handler = core_parked_event.handler "
            "AND earlier.customer_id = core_parked_event.customer_id "
            "AND earlier.seq < core_parked_event.seq) ORDER BY seq LIMIT ?",
            *(handler, after, now(), AT_ONCE),
        )
        return [Parked(*row) for row in rows]

    async def listed(self, handler: str, limit: int) -> list[ParkedEvent]:
        """What is parked at a handler: those that need somebody first, then in order."""
        rows = await self._db.fetch(
            "SELECT seq, customer_id, attempts, retry_at, parked_at, error FROM core_parked_event "
            "WHERE handler = ? ORDER BY CASE WHEN retry_at IS NULL THEN 0 ELSE 1 END, seq LIMIT ?",
            *(handler, limit),
        )
        return [
            ParkedEvent(**dict(zip(ParkedEvent.__struct_fields__, row, strict=False)))
            for row in rows
        ]

    async def behind(self, handler: str, head: Parked) -> list[Parked]:
        """What waits behind a head, in order."""
        if head.customer is None:
            return []
        rows = await self._db.fetch(
            "SELECT seq, customer_id, attempts, retry_at FROM core_parked_event "
            "WHERE handler = ? AND customer_id = ? AND seq > ? ORDER BY seq LIMIT ?",
            *(handler, head.customer, head.seq, AT_ONCE),
        )
        return [Parked(*row) for row in rows]

    async def pick_up(self, handler: str, seq: int) -> bool:
        """Take an event out of the parking; ``False`` when somebody else has."""
        return (
            await self._db.execute(
                "DELETE FROM core_parked_event WHERE handler = ? AND seq = ?", handler, seq
            )
            == 1
        )

    async def failed_again(self, handler: str, head: Parked, error: str) -> None:
        """Note another failure and when to try again; never, after the last."""
        attempts = head.attempts
        again = now() + dt.timedelta(seconds=BACKOFF[attempts]) if attempts < len(BACKOFF) else None
        await self._db.execute(
            "UPDATE core_parked_event SET attempts = ?, retry_at = ?, error = ? "
            "WHERE handler = ? AND seq = ?",
            *(attempts + 1, again, error, handler, head.seq),
        )

    async def wake(self, handler: str) -> None:
        """Let everything be tried at once."""
        await self._db.execute(
            "UPDATE core_parked_event SET attempts = 0, retry_at = ? WHERE handler = ?",
            *(now(), handler),
        )

    async def forget(self, handler: str) -> None:
        """Park nothing any more."""
        await self._db.execute("DELETE FROM core_parked_event WHERE handler = ?", handler)


def describe(error: BaseException) -> str:
    """An error for the record: its type and text, bounded."""
    return f"{type(error).__name__}: {error}"[:LONGEST_ERROR]
