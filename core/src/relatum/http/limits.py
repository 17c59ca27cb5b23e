"""How often somebody may ask: the generic cell rate algorithm (GCRA), in bounded memory.

For each caller one number is kept: when they will have used up what they asked for so far. A caller
may spend a whole minute's requests at once; from then on they come in at the steady rate.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from relatum.values.problems import TooMany

#: Callers remembered at most; beyond it those who asked least are forgotten.
MOST_CALLERS = 20_000
WINDOW = 60.0
_ROUNDING = 1e-6


class RateLimit:
    """A limit of requests a minute for each of many callers.

    Args:
        a_minute: how many; 0 is no limit.
        what: what is limited, for the problem.
        clock: seconds that only grow.
    """

    def __init__(
        self, a_minute: int, what: str = "requests", *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.a_minute = a_minute
        self._what = what
        self._clock = clock
        self.step = WINDOW / a_minute if a_minute else 0.0
        """Seconds that one request costs."""
        self._spent_until: dict[object, float] = {}

    def take(self, caller: object) -> None:
        """Count one request of a caller.

        Raises:
            TooMany: this one does not fit any more; it is not counted.
        """
        if not self.a_minute:
            return
        moment = self._clock()
        spent = max(self._spent_until.get(caller, moment), moment) + self.step
        wait = spent - moment - WINDOW
        if wait > _ROUNDING:
            raise TooMany.wait(wait, self._what)
        self._spent_until[caller] = spent
        if len(self._spent_until) > MOST_CALLERS:
            self._forget(moment)

    def refuse(self, caller: object) -> None:
        """Count nothing, and see whether one more request would fit.

        Raises:
            TooMany: it would not.
        """
        moment = self._clock()
        wait = self._spent_until.get(caller, moment) + self.step - moment - WINDOW
        if self.a_minute and wait > _ROUNDING:
            raise TooMany.wait(wait, self._what)

    def owe(self, caller: object, seconds: float) -> None:
        """A caller has spent at least so many seconds of requests, counted from now."""
        spent = self._clock() + seconds
        if spent > self._spent_until.get(caller, 0.0):
            self._spent_until[caller] = spent
            if len(self._spent_until) > MOST_CALLERS:
                self._forget(self._clock())

    def _forget(self, moment: float) -> None:
        """Drop who has nothing left to pay for; when that is not enough, who has the least."""
        kept = {caller: until for caller, until in self._spent_until.items() if until > moment}
        if len(kept) > MOST_CALLERS // 2:
            busiest = sorted(kept.items(), key=lambda item: item[1], reverse=True)
            kept = dict(busiest[: MOST_CALLERS // 2])
        self._spent_until = kept

    def __len__(self) -> int:
        return len(self._spent_until)
