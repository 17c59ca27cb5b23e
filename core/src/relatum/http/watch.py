"""Time limits for many tasks with one timer.

``asyncio.timeout`` arms and disarms a timer for every request, which costs more than all other
checks of the edge together; here a request enters and leaves a dictionary, and a timer looks at it
once in a while.
"""

from __future__ import annotations

import asyncio
from typing import Any

STEP = 0.25


class Watch:
    """Cancels tasks that are inside for too long.

    Args:
        seconds: how long a task may take; noticed up to ``STEP`` seconds (or a quarter of the
            limit, when that is less) later.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._step = min(STEP, seconds / 4)
        self._since: dict[asyncio.Task[Any], float] = {}
        self._expired: set[asyncio.Task[Any]] = set()
        #: the process ends; nobody inside gets more time
        self.ended = False
        self._loop: asyncio.AbstractEventLoop | None = None

    def enter(self) -> asyncio.Task[Any]:
        """From now on the current task is watched."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("expected to be called in a task of the event loop, got none")
        loop = task.get_loop()
        self._since[task] = loop.time()
        if self._loop is not loop:
            self._loop = loop
            loop.call_later(self._step, self._look)
        return task

    def renew(self) -> None:
        """The current task has come on (a part of a long answer is out): its time begins anew."""
        task = asyncio.current_task()
        if task is not None and task in self._since:
            self._since[task] = task.get_loop().time()

    def leave(self, task: asyncio.Task[Any]) -> bool:
        """The task is done; returns whether it was cancelled because it took too long."""
        del self._since[task]
        if task in self._expired:
            self._expired.discard(task)
            task.uncancel()
            return True
        return False

    def end(self) -> int:
        """Cancel all that are inside; returns how many."""
        self.ended = True
        late = self._since.keys() - self._expired
        for task in late:
            self._expired.add(task)
            task.cancel()
        return len(late)

    def _look(self) -> None:
        loop = self._loop
        if loop is None or not self._since:
            # nobody is inside: the next one who enters starts the timer again
            self._loop = None
            return
        limit = loop.time() - self._seconds
        for task, since in list(self._since.items()):
            if since < limit and task not in self._expired:
                self._expired.add(task)
                task.cancel()
        loop.call_later(self._step, self._look)
