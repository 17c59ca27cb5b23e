"""One range of one handler as this process follows it."""

from __future__ import annotations

import asyncio
import random
import time

from relatum.events.positions import Range

#: How long one batch of somebody who catches up should take, in seconds: on SQLite everybody else
#: who writes waits for it.
TARGET_SECONDS = {"sqlite": 0.03, "postgresql": 0.25}
#: The first batch; later ones are as large as the target allows.
FIRST_LIMIT = 100
#: After another worker was faster.
REST_SECONDS = (0.2, 0.6)
#: Over how many seconds a rate is averaged.
RATE_SECONDS = 5.0


class Lane:
    """Where a range stands, as far as this process knows, and how fast it goes.

    Attributes:
        at: the range as it is in the database.
        scanned: how far the log was looked through without finding anything for it.
        barrier: to go no further than this, so that neighbours can be merged.
        retry: something parked may be due.
        quick: its last batch was over soon enough to share a transaction with others.
        moves: grows with everything that this process does to the range.
    """

    def __init__(self, at: Range, kind: str) -> None:
        self.at = at
        self.scanned = at.position
        self.barrier: int | None = None
        self.retry = False
        self.moves = 0
        self.idle = asyncio.Event()
        self.idle.set()
        self.quick = True
        self.ended = False
        self.go = asyncio.Event()
        self._target = TARGET_SECONDS[kind]
        self._limit = float(FIRST_LIMIT)
        self._rest_until = 0.0
        self._rate = 0.0
        self._measured: float | None = None

    def adopt(self, at: Range) -> None:
        """What the database says, when nobody here has moved it since it was asked."""
        if at.position != self.at.position or not self._same_customers(at):
            self.scanned = at.position
        self.at = at

    def moved(self, at: Range) -> None:
        """We have taken it further."""
        self.moves += 1
        self.scanned = max(self.scanned, at.position) if self._same_customers(at) else at.position
        self.at = at

    def _same_customers(self, at: Range) -> bool:
        """Whether what was looked through says anything about a range of this id: after others were
        merged into it, it does not."""
        return (at.lo, at.hi) == (self.at.lo, self.at.hi)

    def lost(self) -> None:
        """Another worker is at it: leave it to that one for a moment."""
        self.moves += 1
        self._measured = None
        seconds = random.uniform(*REST_SECONDS)
        loop = asyncio.get_running_loop()
        self._rest_until = loop.time() + seconds
        loop.call_later(seconds + 0.001, self.go.set)

    @property
    def working(self) -> bool:
        """Whether something is going on."""
        return not self.idle.is_set()

    @property
    def resting(self) -> bool:
        return asyncio.get_running_loop().time() < self._rest_until

    def limit(self, most: int) -> int:
        """How many events to take at a time while catching up."""
        return max(1, min(most, int(self._limit)))

    def took(self, events: int, seconds: float, most: int) -> None:
        """Fit the next batch to how long this one took."""
        fitting = events * self._target / max(seconds, 1e-6)
        self._limit = max(1.0, min(most, fitting, self._limit * 2))

    def rate(self, events: int) -> float:
        """Events a second of late, with so many more now; 0 for the first."""
        before, self._measured = self._measured, time.monotonic()
        if before is None:
            self._rate = 0.0
            return 0.0
        passed = max(self._measured - before, 1e-6)
        weight = min(1.0, passed / RATE_SECONDS) if self._rate else 1.0
        self._rate += weight * (events / passed - self._rate)
        return round(self._rate, 1)

    def up_to_date(self) -> None:
        """It has caught up."""
        self._measured = None
        self._rate = 0.0
