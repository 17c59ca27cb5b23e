"""Threads with a connection each, and the shortest way of handing them work.

``loop.run_in_executor`` makes two futures, a lock and a chain of callbacks for every call; half of
a point read's time went there. Here one queue leads in and one call into the loop leads out.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

from relatum.db.finishing import to_end
from relatum.values.problems import Unavailable

T = TypeVar("T")
Errand = tuple[
    "asyncio.Future[Any]", asyncio.AbstractEventLoop, Callable[..., Any], tuple[Any, ...]
]


class ConnectionThreads:
    """``count`` threads that each open one connection when they get their first work."""

    def __init__(self, name: str, count: int, opener: Callable[[], sqlite3.Connection]) -> None:
        self._name = name
        self._count = count
        self._opener = opener
        self._errands: SimpleQueue[Errand | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._closed = False

    def start(self, work: Callable[..., T], *args: Any) -> asyncio.Future[T]:
        """Begin ``work(connection, *args)`` on a thread.

        It runs to its end even when the future is cancelled meanwhile.

        Raises:
            Unavailable: the database is closed.
        """
        if self._closed:
            raise Unavailable("expected an open database, got one that is closed; open it first")
        if not self._threads:
            self._begin()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._errands.put((future, loop, work, args))
        return future

    async def run(self, work: Callable[..., T], *args: Any) -> T:
        """The result of ``work(connection, *args)``."""
        return await self.start(work, *args)

    async def run_to_end(self, work: Callable[..., T], *args: Any) -> T:
        """As :meth:`run`, but a cancelled caller waits until the work has ended."""
        return await to_end(self.start(work, *args))

    def close(self) -> None:
        """Wait for running work; every thread closes its connection."""
        self._closed = True
        for _ in self._threads:
            self._errands.put(None)
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def _begin(self) -> None:
        # Daemons: a program that forgets to close must still end, and SQLite survives that.
        self._threads = [
            threading.Thread(target=self._serve, name=f"{self._name}-{n}", daemon=True)
            for n in range(self._count)
        ]
        for thread in self._threads:
            thread.start()

    def _serve(self) -> None:
        connection: sqlite3.Connection | None = None
        while (errand := self._errands.get()) is not None:
            future, loop, work, args = errand
            try:
                if connection is None:
                    connection = self._opener()
                result = work(connection, *args)
            except BaseException as error:  # noqa: BLE001 - belongs to whoever waits for it
                _tell(loop, _fail, future, error)
            else:
                _tell(loop, _succeed, future, result)
            # Nothing of this errand is kept alive while waiting for the next one.
            del errand, future, loop, work, args
        if connection is not None:
            connection.close()


def _tell(loop: asyncio.AbstractEventLoop, *call: Any) -> None:
    try:
        loop.call_soon_threadsafe(*call)
    except RuntimeError:
        # The loop is closed: nobody waits any more.
        return


def _succeed(future: asyncio.Future[T], result: T) -> None:
    if not future.done():
        future.set_result(result)


def _fail(future: asyncio.Future[Any], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)
