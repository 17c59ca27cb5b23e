"""PgQueuer's way to the database: through the one of the house, and to its signals."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

from pgqueuer.core.tm import TaskManager
from pgqueuer.domain.models import TableChangedEvent, utc_now
from pgqueuer.domain.types import Channel

from relatum.db.guarding import as_the_house
from relatum.jobs.engine.ended import CHANNEL

if TYPE_CHECKING:
    from relatum.db.database import Database
    from relatum.db.signals import Signals

Callback = Callable[[str | bytes | bytearray], None]


class HouseDriver:
    """One for each repository. Statements join the transaction of the task that runs them."""

    def __init__(self, db: Database, signals: Signals) -> None:
        self._db = db
        self._signals = signals
        self._shutdown = asyncio.Event()
        self._tasks = TaskManager()
        self._ends: dict[tuple[str, Callback], Callable[[], None]] = {}
        self._telling = False

    async def fetch(self, query: str, *args: Any) -> list[dict[str, Any]]:
        """The rows of a statement of PgQueuer, which is for PostgreSQL (``$1``)."""
        engine: Any = self._db.engine
        with as_the_house():
            async with engine.connection() as connection:
                return [dict(row) for row in await connection.fetch(query, *args)]

    async def execute(self, query: str, *args: Any) -> str:
        """A statement of PgQueuer; the answer is PostgreSQL's."""
        engine: Any = self._db.engine
        with as_the_house():
            async with engine.connection() as connection:
                return str(await connection.execute(query, *args))

    async def add_listener(self, channel: str, callback: Callback) -> None:
        """Call ``callback`` with every signal; one without a text means a change of the queue."""
        self._ends[channel, callback] = self._signals.listen(channel, self._hear)

    def _hear(self, text: str | None) -> None:
        self.tell(text or "")

    def tell(self, payload: str = "") -> None:
        """Call the listeners of this process; without a payload about a change of the queue, which
        they hear of once for all that change in one turn of the loop."""
        if payload:
            self._deliver(payload)
        elif not self._telling:
            self._telling = True
            asyncio.get_running_loop().call_soon(self._deliver_change)

    def _deliver_change(self) -> None:
        self._telling = False
        self._deliver(changed())

    def _deliver(self, payload: str) -> None:
        for _, callback in list(self._ends):
            callback(payload)

    async def announce(self) -> None:
        """Tell every worker, of other processes too, that the queue has changed."""
        await self._signals.send(CHANNEL)

    async def remove_listener(self, channel: str, callback: Callback) -> None:
        """End what :meth:`add_listener` began."""
        end = self._ends.pop((channel, callback), None)
        if end is not None:
            end()

    async def notify(self, channel: str, payload: str) -> None:
        """Send a signal."""
        await self._signals.send(channel, payload)

    @property
    def shutdown(self) -> asyncio.Event:
        return self._shutdown

    @property
    def tm(self) -> TaskManager:
        return self._tasks

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for end in self._ends.values():
            end()
        self._ends.clear()


def changed() -> str:
    """What PgQueuer wants to hear when the queue has changed."""
    return TableChangedEvent(
        channel=Channel(CHANNEL),
        sent_at=utc_now(),
        type="table_changed_event",
        operation="insert",
        table="core_queue",
    ).model_dump_json()
