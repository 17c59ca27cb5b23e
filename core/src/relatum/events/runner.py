"""Runs durable handlers: in order, in batches, each batch with its position in one transaction."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from relatum.db.database import marks
from relatum.events.calling import call
from relatum.events.log import Horizon
from relatum.values.ids import new_id
from relatum.values.problems import NotFound
from relatum.values.time import now

if TYPE_CHECKING:
    from relatum.db.database import Database
    from relatum.events.log import EventLog
    from relatum.events.types import Event
    from relatum.hooks.declarations import Handler
    from relatum.hooks.registry import Registry

log = logging.getLogger("relatum.handlers")

#: Seconds before the first, second, … try again; after the last an event stays parked.
BACKOFF = (1, 5, 30, 120, 600)
POLL_SECONDS = 1.0
HANDLER_SECONDS = 10.0
BEHIND = "waits behind an event that is parked"
LONGEST_ERROR = 2_000
#: A handler that finds nothing of its own writes its position only after so many foreign events.
SCAN_UNWRITTEN = 5_000


class OvertakenError(Exception):
    """Another process has handled this batch; nothing of ours is kept."""


class HandlerStatus(msgspec.Struct, kw_only=True, frozen=True):
    """Where one handler stands.

    ``lag`` counts events of its types that it has not taken yet; ``waiting`` parked events that
    will be tried again by themselves or wait behind such a one; ``given_up`` those that need
    somebody.
    """

    id: str
    position: int
    lag: int
    waiting: int
    given_up: int
    error: str


class HandlerRunner:
    """One per process. Handlers of plugins that are off keep their position and do not run."""

    def __init__(self, db: Database, events: EventLog, registry: Registry) -> None:
        self._db = db
        self._events = events
        self._registry = registry
        self._horizon = Horizon(db, events)
        self._wake = asyncio.Event()
        self._turn = asyncio.Lock()
        #: how far each handler has looked beyond its position without finding anything for it
        self._scanned: dict[str, tuple[int, int]] = {}
        events.listen(self._wake.set)

    async def run_forever(self) -> None:
        """Follow the log until cancelled. Faults of the database are logged and waited out."""
        while True:
            self._wake.clear()
            try:
                worked = await self.run_once()
            except Exception:
                log.exception("handlers stopped for a moment")
                worked = 0
            if not worked:
                try:
                    async with asyncio.timeout(POLL_SECONDS):
                        await self._wake.wait()
                except TimeoutError:
                    continue

    async def run_once(self) -> int:
        """Bring every handler as far as it gets now; returns the number of events handled."""
        async with self._turn:
            until = await self._horizon.now()
            handled = 0
            for handler in list(self._registry.handlers):
                handled += await self._catch_up(handler, until)
            return handled

    async def _catch_up(self, handler: Handler, until: int) -> int:
        handled = await self._retry_due(handler)
        while self._registry.handlers.find(handler.id) is not None:
            count, more = await self._one_batch(handler, until)
            handled += count
            if not more:
                break
        return handled

    async def _one_batch(self, handler: Handler, until: int) -> tuple[int, bool]:
        position = await self._position(handler)
        seen_from, seen_to = self._scanned.get(handler.id, (0, 0))
        # Looked at from another position: another process has replayed or handled meanwhile.
        after = seen_to if seen_from == position else position
        if after >= until:
            return 0, False
        events = await self._events.read(
            after, until=until, types=handler.events, limit=handler.batch
        )
        reached = events[-1].seq if len(events) == handler.batch else until
        if not events and reached - position < SCAN_UNWRITTEN:
            self._scanned[handler.id] = (position, reached)
            return 0, False
        try:
            await self._take(handler, events, position, reached)
        except OvertakenError:
            log.info("handler %s is followed by another process too", handler.id)
        return len(events), len(events) == handler.batch

    async def _take(
        self, handler: Handler, events: Sequence[Event], position: int, reached: int
    ) -> None:
        free, behind = await self._split(handler, events)
        try:
            await self._handle(handler, free, behind, position, reached)
        except OvertakenError:
            raise
        except Exception as error:  # noqa: BLE001 - told one by one
            log.warning("handler %s failed on a batch, trying one by one: %r", handler.id, error)
            await self._one_by_one(handler, events, {e.customer for e in behind}, position)

    async def _split(
        self, handler: Handler, events: Sequence[Event]
    ) -> tuple[list[Event], list[Event]]:
        """Events that may run, and those that wait behind a parked one of the same customer."""
        rows = await self._db.fetch(
            "SELECT DISTINCT customer_id FROM core_parked_event WHERE handler = ?", handler.id
        )
        blocked = {row[0] for row in rows if row[0] is not None}
        free = [event for event in events if event.customer not in blocked]
        return free, [event for event in events if event.customer in blocked]

    async def _handle(
        self,
        handler: Handler,
        events: Sequence[Event],
        behind: Sequence[Event],
        position: int,
        reached: int,
    ) -> None:
        plugin = self._registry.plugin_of(handler.id)
        async with self._db.transaction():
            await self._move(handler, position, reached)
            if events:
                await call(HANDLER_SECONDS, handler.handle, plugin, events)
            await self._park(handler, behind, error=BEHIND)

    async def _one_by_one(
        self,
        handler: Handler,
        events: Sequence[Event],
        blocked: set[UUID | None],
        position: int,
    ) -> None:
        blocked = blocked - {None}
        for event in events:
            try:
                waits = event.customer in blocked
                await self._handle(
                    handler, [] if waits else [event], [event] if waits else [], position, event.seq
                )
            except OvertakenError:
                raise
            except Exception as error:
                log.exception("handler %s failed on event %d", handler.id, event.seq)
                if event.customer is not None:
                    blocked.add(event.customer)
                async with self._db.transaction():
                    await self._move(handler, position, event.seq)
                    await self._park(handler, [event], error=describe(error), attempts=1)
            position = event.seq

    async def _position(self, handler: Handler) -> int:
        row = await self._db.fetch_one("SELECT position FROM core_handler WHERE id = ?", handler.id)
        if row is not None:
            return int(row[0])
        begin = 0 if handler.begin == "beginning" else await self._events.last()
        await self._db.execute(
            "INSERT INTO core_handler (id, position, updated_at) VALUES (?, ?, ?) "
            "ON CONFLICT (id) DO NOTHING",
            handler.id,
            begin,
            now(),
        )
        return begin

    async def _move(self, handler: Handler, position: int, reached: int) -> None:
        """Take the turn: the row stays locked until this transaction ends."""
        moved = await self._db.execute(
            "UPDATE core_handler SET position = ?, updated_at = ? WHERE id = ? AND position = ?",
            reached,
            now(),
            handler.id,
            position,
        )
        if moved != 1:
            raise OvertakenError

    async def _park(
        self, handler: Handler, events: Sequence[Event], *, error: str, attempts: int = 0
    ) -> None:
        moment = now()
        retry = moment + dt.timedelta(seconds=BACKOFF[0])
        columns = (
            "id",
            "handler",
            "seq",
            "customer_id",
            "attempts",
            "retry_at",
            "error",
            "parked_at",
        )
        rows = [
            (new_id(), handler.id, event.seq, event.customer, attempts, retry, error, moment)
            for event in events
        ]
        await self._db.insert(
            "core_parked_event", columns, rows, on_conflict="ON CONFLICT (handler, seq) DO NOTHING"
        )

    async def _retry_due(self, handler: Handler) -> int:
        """Try the first parked event of each customer whose time has come, then those behind it."""
        rows = await self._db.fetch(
            "SELECT seq, customer_id, attempts, retry_at FROM core_parked_event "
            "WHERE handler = ? ORDER BY seq",
            handler.id,
        )
        stopped: set[UUID] = set()
        done = 0
        for seq, customer, attempts, retry_at in rows:
            if customer in stopped:
                continue
            if retry_at is None or (attempts and retry_at > now()):
                if customer is not None:
                    stopped.add(customer)
                continue
            if await self._retry_one(handler, seq, attempts):
                done += 1
            elif customer is not None:
                stopped.add(customer)
        return done

    async def _retry_one(self, handler: Handler, seq: int, attempts: int) -> bool:
        events = await self._events.by_seq([seq])
        plugin = self._registry.plugin_of(handler.id)
        try:
            async with self._db.transaction():
                taken = await self._db.execute(
                    "DELETE FROM core_parked_event WHERE handler = ? AND seq = ?", handler.id, seq
                )
                if taken != 1:
                    return True
                await call(HANDLER_SECONDS, handler.handle, plugin, events)
        except Exception as error:  # noqa: BLE001 - kept with the event
            again = (
                now() + dt.timedelta(seconds=BACKOFF[attempts]) if attempts < len(BACKOFF) else None
            )
            await self._db.execute(
                "UPDATE core_parked_event SET attempts = ?, retry_at = ?, error = ? "
                "WHERE handler = ? AND seq = ?",
                attempts + 1,
                again,
                describe(error),
                handler.id,
                seq,
            )
            return False
        return True

    async def status(self) -> list[HandlerStatus]:
        """Every declared handler that is on, by id."""
        return [await self._status_of(handler) for handler in self._registry.handlers]

    async def _status_of(self, handler: Handler) -> HandlerStatus:
        position = await self._db.fetch_one(
            "SELECT position FROM core_handler WHERE id = ?", handler.id
        )
        reached = int(position[0]) if position else 0
        types = handler.events
        behind = f"SELECT count(*) FROM core_event WHERE seq > ? AND type IN ({marks(len(types))})"  # noqa: S608 - placeholders only
        waiting = "SELECT retry_at, attempts, error FROM core_parked_event WHERE handler = ?"
        lag, parked = await self._db.fetch_together(
            (behind, (reached, *types)), (f"{waiting} ORDER BY seq", (handler.id,))
        )
        errors = [row[2] for row in parked if row[1]]
        return HandlerStatus(
            id=handler.id,
            position=reached,
            lag=int(lag[0][0]),
            waiting=sum(row[0] is not None for row in parked),
            given_up=sum(row[0] is None for row in parked),
            error=errors[0] if errors else "",
        )

    async def retry(self, handler_id: str) -> int:
        """Try everything parked at this handler now; returns how many events went through.

        Raises:
            NotFound: there is no such handler, or its plugin is off.
        """
        handler = self._registry.handlers.get(handler_id)
        async with self._turn:
            await self._db.execute(
                "UPDATE core_parked_event SET attempts = 0, retry_at = ? WHERE handler = ?",
                now(),
                handler.id,
            )
            return await self._retry_due(handler)

    async def replay(self, handler_id: str) -> None:
        """Empty the handler's projection and start again at the beginning of the log.

        Raises:
            NotFound: there is no such handler, or it declares no ``reset``.
        """
        handler = self._registry.handlers.get(handler_id)
        if handler.reset is None:
            raise NotFound(
                f"expected a handler that can be reset, got {handler_id!r}; "
                "its plugin declares no reset"
            )
        async with self._turn, self._db.transaction():
            await handler.reset(self._registry.plugin_of(handler_id))
            self._scanned.pop(handler_id, None)
            await self._db.execute("DELETE FROM core_parked_event WHERE handler = ?", handler_id)
            await self._db.execute(
                "UPDATE core_handler SET position = 0, updated_at = ? WHERE id = ?",
                now(),
                handler_id,
            )
        self._wake.set()


def describe(error: BaseException) -> str:
    """An error for the record: its type and text, bounded."""
    return f"{type(error).__name__}: {error}"[:LONGEST_ERROR]
