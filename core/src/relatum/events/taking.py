"""Handing events to a handler: each batch in one transaction with its position."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

import msgspec

from relatum.events.calling import call
from relatum.events.parking import BEHIND, Parked, Parking, describe
from relatum.events.positions import BusyError, Positions, Range
from relatum.telemetry.logs import about
from relatum.telemetry.metrics import Metrics
from relatum.telemetry.traces import span

if TYPE_CHECKING:
    from relatum.db.database import Database
    from relatum.events.log import EventLog
    from relatum.events.types import Event
    from relatum.hooks.declarations import Handler
    from relatum.hooks.registry import Registry

log = logging.getLogger("relatum.handlers")

HANDLER_SECONDS = 10.0
#: PostgreSQL undid a transaction for another one's sake; it is simply done again.
_UNDONE = frozenset({"40001", "40P01"})

#: Says, inside the transaction, which events to take and how far that reaches.
Pick = Callable[[], "tuple[Sequence[Event], int]"]


class Identities(Protocol):
    """Knows that customers were merged; the room of customers does."""

    async def read(self, events: Sequence[Event]) -> Sequence[Event]:
        """The events under the ids that their customers have now, in their order."""


class Taker:
    """Takes batches, and takes up what is parked.

    Attributes:
        identities: under which ids customers are now; as the log has them, where nobody knows.
    """

    def __init__(
        self, db: Database, events: EventLog, registry: Registry, *, metrics: Metrics | None = None
    ) -> None:
        self._db = db
        self._events = events
        self._registry = registry
        self._metrics = metrics or Metrics()
        self.positions = Positions(db)
        self.parking = Parking(db)
        self.identities: Identities | None = None

    async def take(
        self, handler: Handler, at: Range, pick: Pick, *, rate: float = 0.0
    ) -> tuple[int, Range]:
        """One batch: as a whole or, if it fails, event by event.

        Returns:
            How many events there were, and the range where it stands now.

        Raises:
            BusyError: another worker is at this range; nothing of ours is kept.
        """
        events: Sequence[Event] = ()
        reached = at.position
        try:
            async with self._db.transaction():
                events, reached = pick()
                await self._handle(handler, at, events, reached, rate)
        except BusyError:
            raise
        except Exception as error:
            if not events:
                raise
            if getattr(error, "sqlstate", None) in _UNDONE:
                raise BusyError from error
            log.warning("handler %s failed on a batch, trying one by one: %r", handler.id, error)
            return len(events), await self._one_by_one(handler, at, events)
        return len(events), msgspec.structs.replace(at, position=reached)

    async def take_inside(self, handler: Handler, at: Range, pick: Pick) -> Range:
        """One batch as a whole, in the caller's transaction.

        Returns:
            The range where it stands once that is committed.

        Raises:
            BusyError: another worker is at this range.
            Exception: whatever the handler raised.
        """
        events, reached = pick()
        await self._handle(handler, at, events, reached, 0.0)
        return msgspec.structs.replace(at, position=reached)

    async def _handle(
        self, handler: Handler, at: Range, events: Sequence[Event], reached: int, rate: float
    ) -> None:
        parked = await self.positions.take(at, reached, handled=len(events), rate=rate)
        if not events:
            return
        blocked: set[UUID] = set()
        if parked:
            blocked = await self.parking.blocked(handler.id, _customers(events))
        free = [event for event in events if event.customer not in blocked] if blocked else events
        if free:
            await self._call(handler, free)
        if blocked:
            behind = [event for event in events if event.customer in blocked]
            await self.parking.park(handler.id, behind, error=BEHIND)

    async def _call(self, handler: Handler, events: Sequence[Event]) -> None:
        """Let the handler have them; noted are the time it takes and whether it fails."""
        if self.identities is not None:
            events = await self.identities.read(events)
        plugin = self._registry.plugin_of(handler.id)
        first, last = events[0].seq, events[-1].seq
        shown = str(first) if first == last else f"{first}-{last}"
        began = perf_counter()
        with (
            about(handler=handler.id, events=shown, plugin=plugin.id),
            span(f"handler {handler.id}", kind="consumer", relatum__events=len(events)),
        ):
            try:
                async with plugin.at_work():
                    await call(HANDLER_SECONDS, handler.handle, plugin, plugin.given(events))
            except Exception:
                self._metrics.handler_failures.add(handler.id)
                raise
            finally:
                self._metrics.handler_seconds.observe((handler.id,), perf_counter() - began)
        self._metrics.handler_events.add(handler.id, n=len(events))

    async def _one_by_one(self, handler: Handler, at: Range, events: Sequence[Event]) -> Range:
        for event in events:
            try:
                async with self._db.transaction():
                    await self._handle(handler, at, [event], event.seq, 0.0)
            except BusyError:
                raise
            except Exception as error:
                log.exception("handler %s failed on event %d", handler.id, event.seq)
                async with self._db.transaction():
                    await self.positions.take(at, event.seq, handled=1, rate=0.0)
                    await self.parking.park(handler.id, [event], error=describe(error), attempts=1)
            at = msgspec.structs.replace(at, position=event.seq)
        return at

    async def retry_due(self, handler: Handler) -> int:
        """Try the first parked event of each customer whose time has come, then those behind it.

        Returns:
            How many went through.
        """
        done = after = 0
        while heads := await self.parking.heads(handler.id, after):
            for head in heads:
                after = head.seq
                done += await self._retry_customer(handler, head)
        return done

    async def _retry_customer(self, handler: Handler, head: Parked) -> int:
        done = 0
        row = [head]
        while row:
            for parked in row:
                if not parked.due() or not await self._retry_one(handler, parked):
                    return done
                done += 1
            row = await self.parking.behind(handler.id, row[-1])
        return done

    async def _retry_one(self, handler: Handler, parked: Parked) -> bool:
        events = await self._events.by_seq([parked.seq])
        try:
            async with self._db.transaction():
                await self.positions.hold(handler.id, parked.customer)
                if not await self.parking.pick_up(handler.id, parked.seq):
                    return True
                await self._call(handler, events)
        except BusyError:
            return False
        except Exception as error:  # noqa: BLE001 - kept with the event
            await self.parking.failed_again(handler.id, parked, describe(error))
            return False
        return True


def _customers(events: Sequence[Event]) -> set[UUID]:
    return {event.customer for event in events if event.customer is not None}
