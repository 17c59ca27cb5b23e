"""Following the log for as long as the process lives: every handler on a lane of its own.

One reader looks what is decided and keeps the newest events in memory. Whoever keeps up takes them
from there; whoever is behind reads the log for itself, in slices that leave room for the others.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from relatum.events.lanes import Lane
from relatum.events.positions import BusyError, Range
from relatum.events.rounds import ROUND_SECONDS, Rounds
from relatum.events.window import Window

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relatum.db.database import Database
    from relatum.events.log import EventLog, Horizon
    from relatum.events.taking import Pick, Taker
    from relatum.events.types import Event
    from relatum.hooks.declarations import Handler
    from relatum.hooks.registry import Registry

log = logging.getLogger("relatum.handlers")

POLL_SECONDS = 1.0
#: While numbers are handed out and not decided: nobody tells when a transaction is undone.
UNDECIDED_SECONDS = 0.05
#: Events that come together are looked at together.
GATHER_SECONDS = 0.005
#: Positions are read no more often than this: others may have replayed, paused or split.
REFRESH_SECONDS = 0.25
#: A handler that finds nothing of its own writes its position only after so many foreign events.
SCAN_UNWRITTEN = 5_000
#: Batches at a time: on PostgreSQL each holds a connection of the pool, on SQLite the writer.
AT_ONCE = {"sqlite": 1_000, "postgresql": 5}
CATCHING_UP_AT_ONCE = {"sqlite": 1, "postgresql": 2}
#: On SQLite, whoever catches up leaves the file to other processes for so long …
GIVE_WAY_SECONDS = 0.003
#: … each time it has written for so long.
GIVE_WAY_AFTER = 0.03


class Follower:
    """What one process does while it follows the log; made anew for each time it begins."""

    def __init__(
        self,
        db: Database,
        events: EventLog,
        registry: Registry,
        *,
        horizon: Horizon,
        taker: Taker,
        shards: bool,
    ) -> None:
        self._db = db
        self._events = events
        self._registry = registry
        self._horizon = horizon
        self._taker = taker
        self._shards = shards
        self._window = Window(events)
        self._wake = asyncio.Event()
        self._lanes: dict[str, Lane] = {}
        self._live = asyncio.Semaphore(AT_ONCE[db.kind])
        self._catching_up = asyncio.Semaphore(CATCHING_UP_AT_ONCE[db.kind])
        #: handlers that keep up share transactions where each of those waits for the disk
        self._rounds = Rounds(db, taker) if db.kind == "sqlite" else None
        self._until = 0
        self._refreshed = 0.0
        self._written = 0.0
        self._finishing = False
        self._known: frozenset[str] = frozenset()

    async def run_forever(self) -> None:
        """Follow until cancelled. Faults of the database are logged and waited out."""
        end = self._events.listen(self._wake.set)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._arrange_forever())
                if self._rounds is not None:
                    group.create_task(self._rounds.run_forever())
                while True:
                    self._wake.clear()
                    await self._rest(await self._look(group))
        finally:
            end()

    async def finish(self) -> None:
        """Take nothing new from now on; returns when the batches that run have ended."""
        self._finishing = True
        for lane in list(self._lanes.values()):
            await lane.idle.wait()

    async def _rest(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return
        await asyncio.sleep(GATHER_SECONDS)

    async def _look(self, group: asyncio.TaskGroup) -> float:
        """Look what is new and wake whom it concerns; returns how long to rest."""
        try:
            handlers = list(self._registry.handlers)
            await self._refresh(group, handlers)
            self._until = await self._horizon.now()
            types = frozenset(type_ for handler in handlers for type_ in handler.events)
            await self._window.extend(self._until, types)
        except Exception:
            log.exception("handlers stopped for a moment")
            return POLL_SECONDS
        for lane in self._lanes.values():
            if lane.retry or lane.scanned < self._until:
                lane.go.set()
        return UNDECIDED_SECONDS if self._horizon.undecided else POLL_SECONDS

    # -- which lanes there are -------------------------------------------------------------------

    async def _refresh(self, group: asyncio.TaskGroup, handlers: Sequence[Handler]) -> None:
        ids = [handler.id for handler in handlers]
        known = frozenset(ids)
        if known == self._known and time.monotonic() - self._refreshed < REFRESH_SECONDS:
            return
        moves = {key: lane.moves for key, lane in self._lanes.items() if not lane.working}
        ranges = await ranges_of(self._taker, self._events, handlers)
        due = await self._taker.parking.handlers_due(ids) if ids else set()
        self._refreshed, self._known = time.monotonic(), known
        there = {each.id: each for several in ranges.values() for each in several}
        for key in self._lanes.keys() - there.keys():
            lane = self._lanes.pop(key)
            lane.ended = True
            lane.go.set()
        for key, each in there.items():
            found = self._lanes.get(key)
            if found is None:
                found = self._lanes[key] = Lane(each, self._db.kind)
                group.create_task(self._follow(found))
            elif moves.get(key) == found.moves and not found.working:
                found.adopt(each)
            found.retry = found.retry or (each.lo == 0 and each.handler in due)
        for handler in handlers:
            self._set_barriers(handler, ranges[handler.id])

    def _set_barriers(self, handler: Handler, ranges: Sequence[Range]) -> None:
        too_many = len(ranges) > self._wanted(handler)
        barrier = max(each.position for each in ranges) if too_many else None
        for each in ranges:
            self._lanes[each.id].barrier = barrier

    def _wanted(self, handler: Handler) -> int:
        return handler.shards if self._shards else 1

    async def _arrange_forever(self) -> None:
        """Split and merge ranges until there are as many as each handler wants."""
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            try:
                for handler in list(self._registry.handlers):
                    await self._arrange(handler)
            except Exception:
                log.exception("the ranges of a handler stay as they are for now")
                await asyncio.sleep(POLL_SECONDS)

    async def _arrange(self, handler: Handler) -> None:
        lanes = [lane for lane in self._lanes.values() if lane.at.handler == handler.id]
        wanted = self._wanted(handler)
        if not lanes or len(lanes) == wanted:
            return
        if len(lanes) > wanted and len({lane.at.position for lane in lanes}) == len(lanes):
            return
        await self._taker.positions.fit(handler.id, wanted)
        self._refreshed = 0.0
        self._wake.set()

    # -- one lane --------------------------------------------------------------------------------

    async def _follow(self, lane: Lane) -> None:
        while not lane.ended:
            await lane.go.wait()
            lane.go.clear()
            lane.idle.clear()
            try:
                while await self._step(lane):
                    pass
            except BusyError:
                lane.lost()
                self._refreshed = 0.0
            except Exception:
                log.exception("handler %s stopped for a moment", lane.at.handler)
                await asyncio.sleep(POLL_SECONDS)
            finally:
                lane.idle.set()

    async def _step(self, lane: Lane) -> bool:
        """Take the lane one batch further; ``False`` when there is nothing to do."""
        handler = self._registry.handlers.find(lane.at.handler)
        if handler is None or lane.ended or lane.at.paused or lane.resting or self._finishing:
            return False
        if lane.retry:
            lane.retry = False
            async with self._live:
                await self._taker.retry_due(handler)
        until = self._until if lane.barrier is None else min(self._until, lane.barrier)
        if lane.scanned >= until and not self._at_barrier(lane):
            return False
        if lane.barrier is None and self._window.covers(lane.scanned):
            return await self._keep_up(lane, handler)
        return await self._catch_up(lane, handler, until)

    @staticmethod
    def _at_barrier(lane: Lane) -> bool:
        """Whether neighbours wait for it to write down where it is."""
        return lane.barrier is not None and lane.at.position < lane.barrier <= lane.scanned

    async def _keep_up(self, lane: Lane, handler: Handler) -> bool:
        after, window = lane.scanned, self._window
        events, reached = window.pick(after, handler.events, lane.at, handler.batch)
        if not events and reached - lane.at.position < SCAN_UNWRITTEN:
            lane.scanned = reached
            return False

        def pick() -> tuple[Sequence[Event], int]:
            # again: more may have come while the turn to write did
            if not window.covers(after):
                return events, reached
            return window.pick(after, handler.events, lane.at, handler.batch)

        at = await self._take_in_round(lane, handler, pick)
        if at is None:
            async with self._live:
                began = time.perf_counter()
                _, at = await self._taker.take(handler, lane.at, pick)
                lane.quick = time.perf_counter() - began < ROUND_SECONDS
        lane.moved(at)
        lane.up_to_date()
        return True

    async def _take_in_round(self, lane: Lane, handler: Handler, pick: Pick) -> Range | None:
        """Together with other handlers, where that is worth it; ``None``: it has to go alone."""
        if self._rounds is None or not lane.quick:
            return None
        try:
            at, seconds = await self._rounds.take(handler, lane.at, pick)
        except BusyError:
            raise
        except Exception as error:  # noqa: BLE001 - alone it is told what it was
            log.debug("handler %s goes alone: %r", handler.id, error)
            return None
        lane.quick = seconds < ROUND_SECONDS
        return at

    async def _catch_up(self, lane: Lane, handler: Handler, until: int) -> bool:
        limit = lane.limit(handler.batch)
        events = await self._events.read(
            lane.scanned,
            until=until,
            types=handler.events,
            limit=limit,
            where=lane.at.condition(self._db.kind),
            holds=lane.at.holds,
        )
        full = len(events) == limit
        reached = events[-1].seq if full else until
        if not events and lane.barrier is None and reached - lane.at.position < SCAN_UNWRITTEN:
            lane.scanned = reached
            return True
        async with self._catching_up if full else self._live:
            began = time.perf_counter()
            rate = lane.rate(len(events))
            count, at = await self._taker.take(
                handler, lane.at, lambda: (events, reached), rate=rate
            )
            lane.moved(at)
            lane.took(count, time.perf_counter() - began, handler.batch)
            await self._give_way(time.perf_counter() - began)
        return True

    async def _give_way(self, seconds: float) -> None:
        """On SQLite, processes that wait for the file get it only while nobody holds it."""
        self._written += seconds
        if self._db.kind == "sqlite" and self._written >= GIVE_WAY_AFTER:
            self._written = 0.0
            await asyncio.sleep(GIVE_WAY_SECONDS)


async def ranges_of(
    taker: Taker, events: EventLog, handlers: Sequence[Handler]
) -> dict[str, list[Range]]:
    """The ranges of the handlers; those that have never run begin where they say."""
    ids = [handler.id for handler in handlers]
    found = await taker.positions.ranges(ids) if ids else {}
    missing = [handler for handler in handlers if handler.id not in found]
    if not missing:
        return found
    last = await events.last()
    for handler in missing:
        if handler.begin == "now":
            await taker.positions.create(handler.id, last, None, last)
        else:
            total = await events.count(until=last, types=handler.events)
            await taker.positions.create(handler.id, 0, total, last)
    return await taker.positions.ranges(ids)
