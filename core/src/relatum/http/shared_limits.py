"""Limits that several processes keep together, through a table on PostgreSQL.

Every process counts for itself, as :mod:`relatum.http.limits` says, and settles with the table what
it has let through: a caller's share after a twentieth of what they may spend a minute, everybody's
once a second. So the steady rate is the same however many processes there are; a burst may be
larger by a twentieth for each process, which is then owed. Attempts to come in are rare and worth a
guess each: those are settled one by one, before they are let through.

On SQLite one process answers requests, and there is nothing to settle.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any

from relatum.access.accounts.digests import digest_of
from relatum.http.limits import WINDOW, RateLimit

if TYPE_CHECKING:
    from relatum.db.database import Database

log = logging.getLogger("relatum.limits")

#: A caller's share of a minute that one process may let through before it settles.
SHARES = 20
#: Everything that was let through is settled after so many seconds.
SETTLE_SECONDS = 1.0
SWEEP_SECONDS = 600.0
_ROUNDING = 0.001

#: ``now()`` is one moment for the whole statement; in one order, so that two processes that settle
#: for the same callers never wait for each other.
_SETTLE = (
    "INSERT INTO core_rate (id, spent_until) "
    "SELECT id, now() + cost * interval '1 second' "
    "FROM unnest(?::text[], ?::float8[]) AS taken(id, cost) ORDER BY id "
    "ON CONFLICT (id) DO UPDATE SET spent_until = "
    "greatest(core_rate.spent_until, now()) + (excluded.spent_until - now()) "
    "RETURNING id, extract(epoch FROM spent_until - now())::float8"
)
#: One request, counted only if it fits; nothing comes back when it does not.
_TAKE = (
    "INSERT INTO core_rate AS known (id, spent_until) VALUES (?, now() + ? * interval '1 second') "
    "ON CONFLICT (id) DO UPDATE SET spent_until = "
    "greatest(known.spent_until, now()) + (excluded.spent_until - now()) "
    "WHERE greatest(known.spent_until, now()) + (excluded.spent_until - now()) "
    "<= now() + ? * interval '1 second' "
    "RETURNING extract(epoch FROM spent_until - now())::float8"
)
_LEFT = "SELECT extract(epoch FROM spent_until - now())::float8 FROM core_rate WHERE id = ?"
_SWEEP = "DELETE FROM core_rate WHERE spent_until < now()"


class SharedLimit:
    """A limit of requests a minute for each of many callers, whichever process they ask.

    Made by :meth:`SharedLimits.limit`.
    """

    def __init__(self, limit: RateLimit, kind: str, together: SharedLimits, *, exact: bool) -> None:
        self._limit = limit
        self._kind = kind
        self._together = together
        self._exact = exact
        self._share = max(1, limit.a_minute // SHARES)
        #: requests let through here that the table does not know of
        self._open: dict[object, int] = {}
        self._settling: dict[object, asyncio.Task[None]] = {}

    async def take(self, caller: object) -> None:
        """Count one request of a caller.

        Raises:
            TooMany: this one does not fit any more; it is not counted.
        """
        limit = self._limit
        if not limit.a_minute or not self._together.shares:
            limit.take(caller)
            return
        if self._exact:
            await self._together.alone(self._take(caller))
            return
        limit.take(caller)
        count = self._open[caller] = self._open.get(caller, 0) + 1
        self._together.remember(self)
        if count >= self._share:
            await self._settle_share(caller)

    async def _take(self, caller: object) -> None:
        limit, db = self._limit, self._together.db
        limit.refuse(caller)
        key = self.key_of(caller)
        taken = await db.execute_returning(_TAKE, key, limit.step, WINDOW + _ROUNDING)
        if taken:
            limit.owe(caller, taken[0][0])
            return
        left = await db.fetch_one(_LEFT, key)
        limit.owe(caller, left[0] if left else 0.0)
        limit.refuse(caller)

    async def _settle_share(self, caller: object) -> None:
        """Settle for one caller; who comes meanwhile waits for the same."""
        task = self._settling.get(caller)
        if task is None:
            task = self._together.begin(self._together.settle([(self, [caller])]))
            self._settling[caller] = task
            task.add_done_callback(lambda _: self._settling.pop(caller, None))
        await asyncio.shield(task)

    def callers(self) -> list[object]:
        """Those for whom something is not settled."""
        return list(self._open)

    def owed(self, callers: Sequence[object]) -> dict[str, tuple[object, int]]:
        """Key → caller and requests, which count as settled from now on."""
        return {
            self.key_of(caller): (caller, count)
            for caller in callers
            if (count := self._open.pop(caller, 0))
        }

    def put_back(self, caller: object, count: int) -> None:
        """Settling failed: these are still to be settled."""
        self._open[caller] = self._open.get(caller, 0) + count

    def learn(self, caller: object, seconds: float) -> None:
        """The table says for how long a caller has spent what they may."""
        self._limit.owe(caller, seconds + self._open.get(caller, 0) * self._limit.step)

    @property
    def step(self) -> float:
        """Seconds that one request costs."""
        return self._limit.step

    def key_of(self, caller: object) -> str:
        """How a caller is stored: nobody reads addresses out of the table."""
        return f"{self._kind}:{digest_of(str(caller))[:40]}"


class SharedLimits:
    """The limits of one process, and settling them with those of others.

    Args:
        clock: seconds that only grow. With another one than the machine's nothing is shared: the
            table goes by the database's.
    """

    def __init__(self, db: Database, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.db = db
        self.shares = db.kind == "postgresql" and clock is time.monotonic
        self._clock = clock
        self._open: set[SharedLimit] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._swept = time.monotonic()

    def limit(self, kind: str, a_minute: int, what: str, *, exact: bool = False) -> SharedLimit:
        """A limit.

        Args:
            kind: of callers, a short name.
            a_minute: requests; 0 is no limit.
            what: what is limited, for the problem.
            exact: never more, also in a burst; costs a statement each.
        """
        limit = RateLimit(a_minute, what, clock=self._clock)
        return SharedLimit(limit, kind, self, exact=exact)

    def remember(self, limit: SharedLimit) -> None:
        """Settle for all callers of this limit soon."""
        self._open.add(limit)
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(SETTLE_SECONDS, self._settle_soon)

    def begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do it apart from the transaction and the viewer of whoever asks."""
        task = asyncio.get_running_loop().create_task(work, context=contextvars.Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def alone(self, work: Coroutine[Any, Any, None]) -> None:
        """As :meth:`begin`, and wait for it."""
        await asyncio.shield(self.begin(work))

    def _settle_soon(self) -> None:
        self._timer = None
        some, self._open = self._open, set()
        _ = self.begin(self.settle([(limit, limit.callers()) for limit in some]))

    async def settle(self, some: Sequence[tuple[SharedLimit, Sequence[object]]]) -> None:
        """Tell the table what was let through, and learn what others have let through."""
        owed = {
            key: (limit, caller, count)
            for limit, callers in some
            for key, (caller, count) in limit.owed(callers).items()
        }
        if not owed:
            return
        costs = [count * limit.step for limit, _, count in owed.values()]
        try:
            rows = await self.db.execute_returning(_SETTLE, list(owed), costs)
            await self._sweep()
        except Exception as error:  # noqa: BLE001 - without the table each process counts for itself
            log.warning("limits are not shared for the moment: %r", error)
            for limit, caller, count in owed.values():
                limit.put_back(caller, count)
                self.remember(limit)
            return
        for key, seconds in rows:
            limit, caller, _ = owed[key]
            limit.learn(caller, seconds)

    async def _sweep(self) -> None:
        if time.monotonic() - self._swept > SWEEP_SECONDS:
            self._swept = time.monotonic()
            await self.db.execute(_SWEEP)
