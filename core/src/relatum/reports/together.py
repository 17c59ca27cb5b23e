"""Work that several wait for is done once, and goes on when one of them stops waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, TypeVar, cast

T = TypeVar("T")

#: Seconds for which an answer that nobody waited for is kept.
KEPT = 10.0


class Shared:
    """Running work by what it is about.

    An answer is given to those who wait for it and then forgotten: nobody gets an old one, except
    whoever comes back within ten seconds for one that was not waited for.
    """

    def __init__(self) -> None:
        self._running: dict[Hashable, asyncio.Task[Any]] = {}

    async def get(self, about: Hashable, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The answer of the work that runs, or of new work; it sees what the first one saw."""
        task = self._running.get(about)
        if task is None or task.get_loop() is not asyncio.get_running_loop():
            task = asyncio.create_task(work())
            self._running[about] = task
            task.add_done_callback(lambda done: self._done(about, done))
        answer = await asyncio.shield(task)
        self._forget(about, task)
        return cast("T", answer)

    def _done(self, about: Hashable, task: asyncio.Task[Any]) -> None:
        if task.cancelled() or task.exception() is not None:
            self._forget(about, task)
        else:
            task.get_loop().call_later(KEPT, self._forget, about, task)

    def _forget(self, about: Hashable, task: asyncio.Task[Any]) -> None:
        if self._running.get(about) is task:
            del self._running[about]
