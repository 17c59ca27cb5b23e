"""Several handlers in one transaction: on SQLite each transaction waits for the disk on its own.

Each batch has a savepoint of its own, so that one that fails takes nothing of the others with it;
it then gets a transaction to itself.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from relatum.db.database import Database
    from relatum.events.positions import Range
    from relatum.events.taking import Pick, Taker
    from relatum.hooks.declarations import Handler

#: After so long a round ends, whoever still waits; others who write want their turn.
ROUND_SECONDS = 0.03


@dataclass
class _Request:
    handler: Handler
    at: Range
    pick: Pick
    answer: asyncio.Future[tuple[Range, float]]


class Rounds:
    """Gathers what handlers want to take, and takes it together."""

    def __init__(self, db: Database, taker: Taker) -> None:
        self._db = db
        self._taker = taker
        self._waiting: list[_Request] = []
        self._wake = asyncio.Event()

    async def take(self, handler: Handler, at: Range, pick: Pick) -> tuple[Range, float]:
        """The range where it stands when the round is on disk, and how long its batch took.

        Raises:
            BusyError: another worker is at this range.
            Exception: the batch or the whole round failed; nothing of it is kept, and it is to be
                tried by itself.
        """
        answer: asyncio.Future[tuple[Range, float]] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Request(handler, at, pick, answer))
        self._wake.set()
        return await answer

    async def run_forever(self) -> None:
        """Make rounds until cancelled."""
        while True:
            await self._wake.wait()
            await self._round()
            if not self._waiting:
                self._wake.clear()

    async def _round(self) -> None:
        done: list[tuple[_Request, tuple[Range, float]]] = []
        failed: list[tuple[_Request, Exception]] = []
        try:
            async with self._db.transaction():
                began = time.perf_counter()
                while self._waiting and time.perf_counter() - began < ROUND_SECONDS:
                    request = self._waiting.pop(0)
                    started = time.perf_counter()
                    try:
                        async with self._db.savepoint():
                            at = await self._taker.take_inside(
                                request.handler, request.at, request.pick
                            )
                    except Exception as error:  # noqa: BLE001 - told to who asked
                        failed.append((request, error))
                    else:
                        done.append((request, (at, time.perf_counter() - started)))
        except Exception as error:  # noqa: BLE001 - nothing of the round is on disk
            failed += [(request, error) for request, _ in done]
            done = []
            if not failed:
                failed, self._waiting = [(each, error) for each in self._waiting], []
        for request, result in done:
            if not request.answer.done():
                request.answer.set_result(result)
        for request, reason in failed:
            if not request.answer.done():
                request.answer.set_exception(reason)
