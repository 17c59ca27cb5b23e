"""The worker of a process: takes runs from the queue, and looks after the schedules."""

from __future__ import annotations

import asyncio
import importlib
import logging
from typing import TYPE_CHECKING

from relatum.db.guarding import as_the_house
from relatum.jobs.engine.ended import STOP_CHANNEL
from relatum.values.time import now

if TYPE_CHECKING:
    from relatum.config.settings import Jobs as Limits
    from relatum.db.database import Database
    from relatum.db.signals import Signals
    from relatum.hooks.registry import Registry
    from relatum.jobs.engine.loop import Engine
    from relatum.jobs.service import Jobs

log = logging.getLogger("relatum.jobs")

#: How often schedules are looked at when none is due sooner.
TICK_SECONDS = 5.0
#: How often the queue is asked who is to stop, beside being told.
STOP_SECONDS = 5.0
#: For what is cut off to be handed back.
HAND_BACK_SECONDS = 3.0
GIVE_BACK_SECONDS = 0.8


class Worker:
    """One per house. Nothing of it runs until :meth:`run_forever` or :meth:`drain`.

    Attributes:
        running: what goes on here, and how it is called.
    """

    def __init__(
        self,
        db: Database,
        registry: Registry,
        signals: Signals,
        jobs: Jobs,
        limits: Limits,
    ) -> None:
        self._db = db
        self._registry = registry
        self._signals = signals
        self._jobs = jobs
        self._schedules = jobs.schedules_of
        self.running = jobs.running
        self._limits = limits
        self._engine: Engine | None = None
        self._loop: asyncio.Task[None] | None = None
        self._finishing = asyncio.Event()
        self._look = asyncio.Event()
        registry.gate.listen(self._changed)

    # -- as long as the process does --------------------------------------------------------------

    async def run_forever(self, *, warm_up: float = 0.0) -> None:
        """Work until cancelled; what goes on then is handed back, and is not counted as a try.

        Args:
            warm_up: seconds before the engine is imported, for processes that have to answer first.
        """
        await asyncio.sleep(warm_up)
        engine = await self._made()
        if self._finishing.is_set():
            engine.stop()
        loop = self._loop = asyncio.create_task(engine.run(), name="queue")
        others = [
            asyncio.create_task(self._follow_schedules(), name="schedules"),
            asyncio.create_task(self._follow_stops(engine), name="stops"),
        ]
        try:
            await asyncio.wait([loop, *others], return_when=asyncio.FIRST_COMPLETED)
            if self._finishing.is_set():
                await asyncio.Future()  # nothing to do but to be cancelled
        finally:
            await self._end(engine, loop, others)
        for task in (loop, *others):
            if not task.cancelled() and (error := task.exception()) is not None:
                raise error

    async def finish(self) -> None:
        """Take nothing new from now on; returns when what goes on has ended."""
        self._finishing.set()
        if self._engine is not None:
            self._engine.stop()
        if self._loop is not None:
            await asyncio.wait([self._loop])

    async def _end(
        self, engine: Engine, loop: asyncio.Task[None], others: list[asyncio.Task[None]]
    ) -> None:
        for task in others:
            task.cancel()
        engine.stop()
        self.running.end_all()
        _, late = await asyncio.wait([loop, *others], timeout=HAND_BACK_SECONDS)
        if late:
            await self._give_back(engine, late)
        self.close()

    async def _give_back(self, engine: Engine, late: set[asyncio.Task[None]]) -> None:
        """A function that catches its cancellation must not keep its run from going on elsewhere
        until the heartbeat is missed: this process is about to end."""
        for task in late:
            log.warning("%s does not end in time; what it has is given back", task.get_name())
            task.cancel()
        await asyncio.wait(late, timeout=GIVE_BACK_SECONDS)
        try:
            async with asyncio.timeout(GIVE_BACK_SECONDS):
                await engine.give_back()
        except Exception:
            log.exception("what was going on comes back when its heartbeat is missed")

    def close(self) -> None:
        """Let go of the queue; called when nothing goes on any more."""
        if self._engine is not None:
            self._engine.close()
            self._engine = None

    # -- once -------------------------------------------------------------------------------------

    async def drain(self) -> int:
        """Run everything that is ready now, also what that asks for, and every schedule that is
        due; returns how many tries were made."""
        engine = await self._made()
        tried = 0
        with as_the_house():
            while True:
                await self._schedules.tick(self._jobs.enqueue_many)
                ran = await engine.once()
                if not ran:
                    return tried
                tried += ran

    # -- what it follows --------------------------------------------------------------------------

    async def _follow_schedules(self) -> None:
        while True:
            self._look.clear()
            wait = TICK_SECONDS
            try:
                await self._schedules.tick(self._jobs.enqueue_many)
                due = await self._schedules.next_due()
                if due is not None:
                    wait = min(max((due - now()).total_seconds(), 0.02), TICK_SECONDS)
            except Exception:
                log.exception("schedules stop for a moment")
            try:
                async with asyncio.timeout(wait):
                    await self._look.wait()
            except TimeoutError:
                continue

    async def _follow_stops(self, engine: Engine) -> None:
        """Stop runs that somebody called off, wherever that was."""
        asked = asyncio.Event()

        def hear(text: str | None) -> None:
            if not text:
                asked.set()
                return
            for run, going in list(self.running.going.items()):
                if str(run) == text:
                    going.end("cancel")

        end = self._signals.listen(STOP_CHANNEL, hear)
        try:
            while True:
                asked.clear()
                if self.running.going:
                    await self._stop_asked()
                try:
                    async with asyncio.timeout(STOP_SECONDS):
                        await asked.wait()
                except TimeoutError:
                    continue
        finally:
            end()

    async def _stop_asked(self) -> None:
        try:
            with as_the_house():
                rows = await self._db.fetch(
                    "SELECT run FROM core_queue WHERE status = 'picked' AND stopping = ?", True
                )
        except Exception:
            log.exception("cannot see who is to stop")
            return
        for (run,) in rows:
            going = self.running.going.get(run)
            if going is not None:
                going.end("cancel")

    def _changed(self) -> None:
        """Plugins have gone on or off."""
        self._look.set()
        if self._engine is not None:
            self._engine.nudge()

    async def _made(self) -> Engine:
        """The engine; its library is imported now, beside the requests."""
        if self._engine is None:
            module = await asyncio.to_thread(importlib.import_module, "relatum.jobs.engine.loop")
            self._engine = module.make_engine(
                self._db,
                self._registry,
                self._signals,
                self.running,
                limits=self._limits,
            )
        return self._engine
