"""Durable handlers: in order per customer, in batches that commit with their position."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import msgspec

from relatum.events.following import SCAN_UNWRITTEN, Follower, ranges_of
from relatum.events.log import Horizon
from relatum.events.parking import ParkedEvent
from relatum.events.positions import BusyError, Range
from relatum.events.status import HandlerStatus, ReplayProgress, status_of
from relatum.events.taking import Identities, Taker
from relatum.values.problems import NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relatum.db.database import Database
    from relatum.events.log import EventLog
    from relatum.hooks.declarations import Handler
    from relatum.hooks.registry import Registry
    from relatum.telemetry.metrics import Metrics

__all__ = ["HandlerRunner", "HandlerStatus", "ParkedEvent", "ReplayProgress"]

log = logging.getLogger("relatum.handlers")


class HandlerRunner:
    """One per process. Handlers of plugins that are off keep their position and do not run.

    Any number of processes may run them at once: each takes what no other one is at.
    """

    def __init__(
        self,
        db: Database,
        events: EventLog,
        registry: Registry,
        *,
        shards: bool | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        """``shards`` says whether customers are divided as handlers want it; left out, they are
        on PostgreSQL and not on SQLite, which has one writer anyway."""
        self._db = db
        self._events = events
        self._registry = registry
        self._shards = shards if shards is not None else db.kind == "postgresql"
        self._horizon = Horizon(db, events)
        self._taker = Taker(db, events, registry, metrics=metrics)
        self._turn = asyncio.Lock()
        self._follower: Follower | None = None
        #: how far each range was looked through beyond its position without finding anything; one
        #: of other customers is another range, though it goes on under the same id
        self._scanned: dict[tuple[str, int, int], tuple[int, int]] = {}

    def identify_with(self, identities: Identities) -> None:
        """From now on events are handed over under the ids that their customers have then."""
        self._taker.identities = identities

    async def run_forever(self) -> None:
        """Follow the log until cancelled. Faults of the database are logged and waited out."""
        self._follower = Follower(
            self._db,
            self._events,
            self._registry,
            horizon=self._horizon,
            taker=self._taker,
            shards=self._shards,
        )
        await self._follower.run_forever()

    async def finish(self) -> None:
        """Take nothing new from now on; returns when the batches that run have ended.

        Whoever calls this cancels :meth:`run_forever` afterwards, or sooner: what runs then is
        undone, and is handled by whoever follows next.
        """
        if self._follower is not None:
            await self._follower.finish()

    async def run_once(self, handler_id: str | None = None, *, most: int | None = None) -> int:
        """Bring every handler (or one) as far as it gets now; returns the events handled.

        ``most`` is how many batches each range takes at most.

        Raises:
            NotFound: there is no such handler, or its plugin is off.
        """
        handlers = self._registry.handlers
        chosen = list(handlers) if handler_id is None else [handlers.get(handler_id)]
        async with self._turn:
            until = await self._horizon.now()
            ranges = await ranges_of(self._taker, self._events, chosen)
            handled = 0
            for handler in chosen:
                handled += await self._taker.retry_due(handler)
                handled += await self._bring_all(handler, ranges[handler.id], until, most)
            return handled

    async def _bring_all(
        self, handler: Handler, ranges: Sequence[Range], until: int, most: int | None
    ) -> int:
        """All ranges of a handler, which are then as many as it wants."""
        wanted = handler.shards if self._shards else 1
        handled = 0
        if len(ranges) < wanted:
            while await self._taker.positions.fit(handler.id, wanted):
                pass
            ranges = (await self._taker.positions.ranges([handler.id]))[handler.id]
        for each in ranges:
            exactly = len(ranges) > wanted
            handled += await self._bring(handler, each, until, exactly=exactly, most=most)
        if len(ranges) > wanted:
            while await self._taker.positions.fit(handler.id, wanted):
                pass
        return handled

    async def _bring(
        self, handler: Handler, at: Range, until: int, *, exactly: bool, most: int | None
    ) -> int:
        """``exactly``: write down that it has come so far, also if nothing was there for it."""
        handled = batches = 0
        try:
            more = not at.paused
            while more and batches != most and self._registry.handlers.find(handler.id) is not None:
                count, at, more = await self._one_batch(handler, at, until, exactly)
                handled += count
                batches += 1
        except BusyError:
            log.info("handler %s is followed by another process too", handler.id)
        return handled

    async def _one_batch(
        self, handler: Handler, at: Range, until: int, exactly: bool
    ) -> tuple[int, Range, bool]:
        seen_from, seen_to = self._scanned.get((at.id, at.lo, at.hi), (-1, 0))
        # Looked at from another position: another process has replayed or handled meanwhile.
        after = max(seen_to, at.position) if seen_from == at.position else at.position
        if after >= until and not (exactly and at.position < until):
            return 0, at, False
        where = at.condition(self._db.kind)
        types, limit = handler.events, handler.batch
        events = await self._events.read(
            after, until=until, types=types, limit=limit, where=where, holds=at.holds
        )
        full = len(events) == limit
        reached = events[-1].seq if full else until
        if not events and not exactly and reached - at.position < SCAN_UNWRITTEN:
            self._scanned[at.id, at.lo, at.hi] = (at.position, reached)
            return 0, at, False
        count, at = await self._taker.take(handler, at, lambda: (events, reached))
        return count, at, full

    async def status(self) -> list[HandlerStatus]:
        """Every declared handler that is on, by id."""
        handlers = list(self._registry.handlers)
        ids = [handler.id for handler in handlers]
        ranges = await self._taker.positions.ranges(ids) if ids else {}
        last = await self._events.last()
        for handler in handlers:
            if handler.id not in ranges:
                # it has never run: where it would begin
                begin = 0 if handler.begin == "beginning" else last
                ranges[handler.id] = [Range.all_of(handler.id, begin)]
        return [
            await status_of(self._db, self._events, handler, ranges[handler.id])
            for handler in handlers
        ]

    async def parked(self, handler_id: str, *, limit: int = 100) -> list[ParkedEvent]:
        """The events that a handler could not take and those behind them, with what happened.

        Raises:
            NotFound: there is no such handler, or its plugin is off.
        """
        handler = self._registry.handlers.get(handler_id)
        found = await self._taker.parking.listed(handler.id, limit)
        events = {event.seq: event for event in await self._events.by_seq([p.seq for p in found])}
        return [msgspec.structs.replace(each, event=events.get(each.seq)) for each in found]

    async def retry(self, handler_id: str) -> int:
        """Try everything parked at this handler now; returns how many events went through.

        Raises:
            NotFound: there is no such handler, or its plugin is off.
        """
        handler = self._registry.handlers.get(handler_id)
        async with self._turn:
            await self._taker.parking.wake(handler.id)
            return await self._taker.retry_due(handler)

    async def replay(self, handler_id: str) -> None:
        """Empty the handler's projection and start again at the beginning of the log.

        It waits for a batch that is running. The way back is made by whoever follows the log, in
        any process; it goes on after a restart, and :meth:`pause` stops it.

        Raises:
            NotFound: there is no such handler, or it declares no ``reset``.
        """
        handler = self._registry.handlers.get(handler_id)
        if handler.reset is None:
            raise NotFound(
                f"expected a handler that can be reset, got {handler_id!r}; "
                "its plugin declares no reset"
            )
        await ranges_of(self._taker, self._events, [handler])
        until = await self._events.last()
        total = await self._events.count(until=until, types=handler.events)
        positions = self._taker.positions
        async with self._turn, self._db.transaction():
            # first the rows, then the reset: a batch of another process may still be writing
            for each in await positions.hold_all(handler_id):
                self._scanned.pop((each.id, each.lo, each.hi), None)
            plugin = self._registry.plugin_of(handler_id)
            async with plugin.at_work():
                await handler.reset(plugin)
            await self._taker.parking.forget(handler_id)
            await positions.restart(handler_id, total=total, until=until)
            self._events.tell()

    async def pause(self, handler_id: str) -> None:
        """Let a handler stand where it is, in every process, until :meth:`resume`.

        Raises:
            NotFound: there is no such handler, or its plugin is off.
        """
        await self._set_paused(handler_id, paused=True)

    async def resume(self, handler_id: str) -> None:
        """Let a paused handler go on from where it stands.

        Raises:
            NotFound: there is no such handler, or its plugin is off.
        """
        await self._set_paused(handler_id, paused=False)

    async def _set_paused(self, handler_id: str, *, paused: bool) -> None:
        handler = self._registry.handlers.get(handler_id)
        await ranges_of(self._taker, self._events, [handler])
        async with self._db.transaction():
            await self._taker.positions.pause(handler_id, paused=paused)
            self._events.tell()
