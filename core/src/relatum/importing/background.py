"""Work that waits in a table and is done one piece after the other, outside of requests."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

log = logging.getLogger("relatum.background")

#: Work that another process asked for, or that broke off, is found by looking this often.
POLL_SECONDS = 30.0


class Background:
    """Does what waits, as soon as somebody says that there is something.

    Args:
        step: does the next piece and says whether there was one.
    """

    def __init__(self, step: Callable[[], Awaitable[bool]]) -> None:
        self._step = step
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """There is something to do."""
        self._woken.set()

    async def run_once(self) -> int:
        """Everything that waits now; returns how many pieces."""
        done = 0
        while await self._step():
            done += 1
        return done

    async def run_forever(self) -> None:
        """Until cancelled. What is broken off by that waits for the next start."""
        while True:
            self._woken.clear()
            try:
                await self.run_once()
            except Exception:
                log.exception("background work stopped for a moment")
            try:
                await asyncio.wait_for(self._woken.wait(), POLL_SECONDS)
            except TimeoutError:
                continue
