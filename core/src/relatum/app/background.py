"""What a process does besides answering requests: named works, each started again when it ends.

``serve`` does both lists, ``web`` and ``worker`` one each.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING

import msgspec

from relatum.app.following import follow_configuration
from relatum.telemetry.logs import about

if TYPE_CHECKING:
    from relatum.app.house import House
    from relatum.telemetry.process import Process

log = logging.getLogger("relatum.background")

#: Seconds before a work that ended starts again: doubled each time, up to the most.
FIRST_WAIT = 1.0
MOST_WAIT = 60.0
#: A work that ran for so long was well; its next end counts as the first.
WELL_SECONDS = 120.0
WARM_UP_SECONDS = 0.5
#: For cancelled works to hand back what they had.
HAND_BACK_SECONDS = 5.0


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """Something that goes on as long as the process does.

    Attributes:
        run: until it is cancelled; what it had is then handed back.
        finish: take nothing new, and return when what is going on has ended.
    """

    name: str
    run: Callable[[], Awaitable[None]]
    finish: Callable[[], Awaitable[None]] | None = None


def background_web(house: House) -> list[Work]:
    """What a process that answers requests needs beside them."""
    return [
        Work(name="signals", run=house.signals.run_forever),
        Work(name="configuration", run=lambda: follow_configuration(house)),
    ]


def background_work(house: House) -> list[Work]:
    """Jobs and handlers."""
    return [
        Work(name="signals", run=house.signals.run_forever),
        Work(name="configuration", run=lambda: follow_configuration(house)),
        Work(name="handlers", run=house.handlers.run_forever, finish=house.handlers.finish),
        Work(
            name="jobs",
            run=lambda: house.worker.run_forever(warm_up=_warm_up(house)),
            finish=house.worker.finish,
        ),
    ]


def _warm_up(house: House) -> float:
    """What answers requests does that first; importing the engine takes a part of a second."""
    return WARM_UP_SECONDS if house.process.answers else 0.0


def background_of(house: House) -> list[Work]:
    """The works of this process, by its role; each once."""
    process = house.process
    works = background_web(house) if process.answers else []
    works += background_work(house) if process.works else []
    return list({work.name: work for work in works}.values())


class Supervisor:
    """Keeps works going until told to stop.

    Args:
        works: with different names.
        process: whose works they are; it knows how often they ended.
        first_wait: seconds before a work that ended starts again for the first time.
    """

    def __init__(
        self, works: Iterable[Work], process: Process, *, first_wait: float = FIRST_WAIT
    ) -> None:
        self._works = list(works)
        self._process = process
        self._first_wait = first_wait
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._stopping = False

    def start(self) -> None:
        """Begin all of them, each as a task of its own."""
        for work in self._works:
            self._process.restarts.setdefault(work.name, 0)
            self._tasks[work.name] = asyncio.create_task(self._keep(work), name=work.name)

    async def stop(self, seconds: float) -> None:
        """End all of them.

        Args:
            seconds: in which what is going on may come to its end; the rest is cancelled then, and
                hands back what it had.
        """
        self._stopping = True
        if not self._tasks:
            return
        if seconds > 0:
            await self._finish(seconds)
        for task in self._tasks.values():
            task.cancel()
        _, left = await asyncio.wait(self._tasks.values(), timeout=HAND_BACK_SECONDS)
        for task in left:
            log.error("%s does not end; what it had comes back by itself", task.get_name())
        self._tasks.clear()

    async def _finish(self, seconds: float) -> None:
        ends = [
            asyncio.create_task(_call(work.finish), name=work.name)
            for work in self._works
            if work.finish is not None
        ]
        if not ends:
            return
        ended, late = await asyncio.wait(ends, timeout=seconds)
        for task in late:
            log.warning(
                "%s did not come to an end within %g s; what is left is handed back",
                task.get_name(),
                seconds,
            )
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        for task in ended:
            if task.exception() is not None:
                log.error("%s could not finish", task.get_name(), exc_info=task.exception())

    async def _keep(self, work: Work) -> None:
        wait = self._first_wait
        while True:
            began = time.monotonic()
            error = await _ended(work)
            if self._stopping:
                return
            if time.monotonic() - began > WELL_SECONDS:
                wait = self._first_wait
            self._process.restarts[work.name] += 1
            self._process.failing[work.name] = (
                "it returned" if error is None else type(error).__name__
            )
            log.error("%s ended and starts again in %g s", work.name, wait, exc_info=error or False)
            await asyncio.sleep(wait)
            self._process.failing.pop(work.name, None)
            wait = min(wait * 2, MOST_WAIT)


async def _call(finish: Callable[[], Awaitable[None]]) -> None:
    await finish()


async def _ended(work: Work) -> BaseException | None:
    """Let it go on until it ends; returns what it ended with."""
    try:
        with about(work=work.name):
            await work.run()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin may raise anything, also exit
        return error
    return None
