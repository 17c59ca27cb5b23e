"""How far each handler has come, and who may take it further at this moment.

Customers are divided by the last four hexadecimal digits of their ids (random in every id that we
make). A handler has one row for each *range* of them; a handler of one range has one row, whose id
is the handler's. Ranges are split and merged where they stand, so the number of them may change at
any time without an event being lost or handled twice.

Nobody leases anything. A batch begins by moving its range's row, which locks it until the batch
commits with its effects or is undone; on PostgreSQL whoever finds it locked goes elsewhere. The
lock ends with the connection, hence with the process. Whatever changes the ranges of a handler as a
whole locks its first row first.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from relatum.db.database import marks
from relatum.values.time import now

if TYPE_CHECKING:
    from relatum.db.database import Database
    from relatum.events.types import Event

#: Customers fall into so many classes; a range holds at least one.
SPACE = 0x10000
#: A process that hangs inside a batch is cut off by PostgreSQL; ``HANDLER_SECONDS`` comes before.
IDLE_MILLISECONDS = 30_000

_RANGES = (
    "SELECT id, handler, lo, hi, position, paused, handled, rate, replay_until, replay_total, "
    "started_at, updated_at FROM core_handler"
)
#: The class of a row's customer as text: in the order of the numbers, equal on both databases.
_CLASS = {
    "sqlite": "coalesce(substr(customer_id, 33), '0000')",
    "postgresql": "coalesce(substr(customer_id::text, 33), '0000') COLLATE \"C\"",
}
_ROW = "SELECT id FROM core_handler"
_TOUCH = "UPDATE core_handler SET updated_at = updated_at"
_MOVE = "UPDATE core_handler SET position = ?, handled = handled + ?, rate = ?, updated_at = ?"
_EXPECTED = "id = ? AND position = ? AND hi = ? AND NOT paused"
_TAKE = {
    "sqlite": f"{_MOVE} WHERE {_EXPECTED}",
    "postgresql": f"{_MOVE} WHERE id = ({_ROW} WHERE {_EXPECTED} FOR UPDATE SKIP LOCKED)",
}
_HOLDER = "handler = ? AND lo <= ? AND hi > ? AND NOT paused"
_HOLD = {
    "sqlite": f"{_TOUCH} WHERE {_HOLDER}",
    "postgresql": f"{_TOUCH} WHERE id = ({_ROW} WHERE {_HOLDER} FOR UPDATE SKIP LOCKED)",
}
_PARKED = "EXISTS (SELECT 1 FROM core_parked_event p WHERE p.handler = core_handler.handler)"
_CUT_OFF = {
    "sqlite": "",
    "postgresql": ", set_config('idle_in_transaction_session_timeout', "
    f"'{IDLE_MILLISECONDS}', true)",
}


class BusyError(Exception):
    """Another worker is at this range or has been faster; nothing of ours is kept."""


class Range(msgspec.Struct, frozen=True, kw_only=True):
    """A handler's customers from class ``lo`` up to (not with) ``hi``, and how far they are.

    Attributes:
        position: every event up to this number is handled or parked.
        handled: events since the handler began at the beginning of the log (the last time).
        rate: events a second while it was catching up last.
        replay_until, replay_total, started_at: of the handler's way from the beginning of the log
            to where the log ended then; in the first range only.
    """

    id: str
    handler: str
    lo: int
    hi: int
    position: int
    paused: bool = False
    handled: int = 0
    rate: float = 0.0
    replay_until: int | None = None
    replay_total: int | None = None
    started_at: dt.datetime | None = None
    updated_at: dt.datetime

    @classmethod
    def all_of(cls, handler: str, position: int) -> Range:
        """All customers of a handler, at this position."""
        moment = now()
        return cls(
            id=handler, handler=handler, lo=0, hi=SPACE, position=position, updated_at=moment
        )

    @property
    def whole(self) -> bool:
        """Whether it is all customers."""
        return self.lo == 0 and self.hi == SPACE

    def holds(self, customer: UUID | None) -> bool:
        """Whether events of this customer belong here; those of nobody belong to the first."""
        return self.lo <= class_of(customer) < self.hi

    def condition(self, kind: str) -> tuple[str, tuple[str, ...]]:
        """SQL to go on with after ``WHERE …``, and what it needs."""
        if self.whole:
            return "", ()
        lower, upper = f"{self.lo:04x}", f"{self.hi:04x}" if self.hi < SPACE else "g"
        return f" AND {_CLASS[kind]} >= ? AND {_CLASS[kind]} < ?", (lower, upper)


def class_of(customer: UUID | None) -> int:
    """Into which class a customer falls; 0 for nobody."""
    return customer.int & (SPACE - 1) if customer is not None else 0


class Positions:
    """Reads and moves the rows of ``core_handler``; everything but reading in a transaction."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def ranges(self, handlers: Sequence[str]) -> dict[str, list[Range]]:
        """The ranges of these handlers in order; a handler that never ran is not there."""
        rows = await self._db.fetch(
            f"{_RANGES} WHERE handler IN ({marks(len(handlers))}) ORDER BY handler, lo",
            *handlers,
        )
        found: dict[str, list[Range]] = {}
        for row in rows:
            each = _range_of(row)
            found.setdefault(each.handler, []).append(each)
        return found

    async def create(self, handler: str, position: int, total: int | None, until: int) -> None:
        """The first row of a handler, unless somebody was faster."""
        moment = now()
        await self._db.execute(
            "INSERT INTO core_handler (id, handler, lo, hi, position, paused, handled, rate, "
            "replay_until, replay_total, started_at, updated_at) "
            "VALUES (?, ?, 0, ?, ?, ?, 0, 0, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            *(handler, handler, SPACE, position, False),
            *((until, total, moment) if total is not None else (None, None, None)),
            moment,
        )

    async def take(self, at: Range, reached: int, *, handled: int, rate: float) -> bool:
        """Move a range and keep it to ourselves until the transaction ends.

        Returns:
            Whether anything is parked at the handler.

        Raises:
            BusyError: it is not where it was read, or another worker is at it.
        """
        params = (reached, handled, rate, now(), at.id, at.position, at.hi)
        sql = f"{_TAKE[self._db.kind]} RETURNING {_PARKED}{_CUT_OFF[self._db.kind]}"
        rows = await self._db.execute_returning(sql, *params)
        if not rows:
            raise BusyError
        return bool(rows[0][0])

    async def hold(self, handler: str, customer: UUID | None) -> None:
        """Keep the range of a customer to ourselves where it stands.

        Raises:
            BusyError: another worker is at it, or the handler is paused.
        """
        which = class_of(customer)
        sql = f"{_HOLD[self._db.kind]} RETURNING lo{_CUT_OFF[self._db.kind]}"
        if not await self._db.execute_returning(sql, handler, which, which):
            raise BusyError

    async def hold_all(self, handler: str) -> list[Range]:
        """Wait for everybody at this handler to end, and keep all its ranges to ourselves."""
        if self._db.kind == "postgresql":
            lock = "SELECT id FROM core_handler WHERE handler = ?"
            await self._db.fetch(f"{lock} AND lo = 0 FOR UPDATE", handler)
            await self._db.fetch(f"{lock} ORDER BY lo FOR UPDATE", handler)
        return (await self.ranges([handler])).get(handler, [])

    async def restart(self, handler: str, *, total: int, until: int) -> None:
        """Back to the beginning of the log, in one range; after :meth:`hold_all`."""
        moment = now()
        await self._db.execute("DELETE FROM core_handler WHERE handler = ? AND lo > 0", handler)
        await self._db.execute(
            "UPDATE core_handler SET position = 0, hi = ?, paused = ?, handled = 0, rate = 0, "
            "replay_until = ?, replay_total = ?, started_at = ?, updated_at = ? WHERE id = ?",
            *(SPACE, False, until, total, moment, moment, handler),
        )

    async def pause(self, handler: str, *, paused: bool) -> int:
        """Stand still, or go on; waits for a batch that is running. Returns the rows changed."""
        return await self._db.execute(
            "UPDATE core_handler SET paused = ?, rate = 0 WHERE handler = ?", paused, handler
        )

    async def fit(self, handler: str, wanted: int) -> bool:
        """Split or merge one step towards so many ranges, in a transaction of its own.

        It waits for the batches that are running at this handler.

        Returns:
            Whether anything was changed; neighbours can be merged only where they stand at the
            same place.
        """
        async with self._db.transaction():
            ranges = await self.hold_all(handler)
            if len(ranges) < wanted:
                return bool(ranges) and await self._split(ranges)
            return len(ranges) > wanted and await self._merge(ranges)

    async def _split(self, ranges: Sequence[Range]) -> bool:
        """Make two of the widest."""
        widest = max(ranges, key=lambda each: each.hi - each.lo)
        if widest.hi - widest.lo < 2:
            return False
        middle = (widest.lo + widest.hi) // 2
        await self._db.execute("UPDATE core_handler SET hi = ? WHERE id = ?", middle, widest.id)
        await self._db.execute(
            "INSERT INTO core_handler (id, handler, lo, hi, position, paused, handled, rate, "
            "updated_at) VALUES (?, ?, ?, ?, ?, ?, 0, 0, ?)",
            *(f"{widest.handler}/{middle:04x}", widest.handler, middle, widest.hi),
            *(widest.position, widest.paused, now()),
        )
        return True

    async def _merge(self, ranges: Sequence[Range]) -> bool:
        """Make one of the first two neighbours that stand at the same place."""
        for left, right in pairwise(ranges):
            if left.position == right.position:
                await self._db.execute("DELETE FROM core_handler WHERE id = ?", right.id)
                await self._db.execute(
                    "UPDATE core_handler SET hi = ?, handled = handled + ? WHERE id = ?",
                    *(right.hi, right.handled, left.id),
                )
                return True
        return False


def of_range(events: Sequence[Event], at: Range) -> list[Event]:
    """Those of the events that belong to a range."""
    if at.whole:
        return list(events)
    return [event for event in events if at.holds(event.customer)]


def _range_of(row: Sequence[Any]) -> Range:
    names = Range.__struct_fields__
    values = dict(zip(names, row, strict=True))
    values["paused"] = bool(values["paused"])
    return Range(**values)
