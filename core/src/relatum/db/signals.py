"""Telling other tasks and other processes on the same database that something has happened.

A signal carries no data that matters: whoever hears it looks into the database. It may come twice,
and may be lost with a connection, so everybody also looks now and then without one.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import asyncpg

from relatum.db.embedded import EmbeddedEngine
from relatum.values.problems import Unavailable

if TYPE_CHECKING:
    from relatum.db.database import Database

log = logging.getLogger("relatum.signals")

#: Called in the event loop with the signal's text; ``None`` when all that is known is that another
#: process has written something.
Listener = Callable[[str | None], None]

#: How often the file is asked whether another process has written to it.
WATCH_SECONDS = 0.05
#: How often it is assumed that another process has written something, where nobody can tell.
LOOK_SECONDS = 1.0
#: Between two attempts to connect; the last one is kept to.
BACKOFF = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0)
#: A connection that says nothing is asked whether it still is one.
ALIVE_SECONDS = 15.0
ANSWER_SECONDS = 5.0
#: A connection that lasted so long was one; attempts begin anew.
WELL_SECONDS = 1.0
CLOSE_SECONDS = 2.0
#: PostgreSQL takes 7,999 bytes with a notification.
LONGEST_TEXT = 7_000

#: What a lost or refused connection raises.
FAULTS = (
    OSError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    # a connection that broke while it was asked something else
    asyncpg.InternalClientError,
    Unavailable,
)

_TELL = "SELECT pg_notify(c, t) FROM unnest($1::text[], $2::text[]) AS n(c, t)"


class Signals:
    """One per house. ``send`` works at once; hearing other processes needs :meth:`run_forever`.

    PostgreSQL: LISTEN on a connection of its own; NOTIFY right after the commit, what gathers
    meanwhile together. A NOTIFY *inside* a transaction would make all commits wait for each other.
    SQLite: within the process at commit, between processes by watching ``PRAGMA data_version``.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        engine = db.engine
        #: where LISTEN works: nowhere behind a pooler that nothing leads past
        self._address = "" if isinstance(engine, EmbeddedEngine) else engine.listen_address
        self._listeners: dict[str, list[Listener]] = {}
        self._channels = asyncio.Event()
        self._outbox: set[tuple[str, str]] = set()
        self._teller: asyncio.Task[None] | None = None
        #: the connection that listens, while there is one; it also tells, because then we know
        #: which notifications are our own
        self._connection: asyncpg.Connection[Any] | None = None
        self._turn = asyncio.Lock()

    def listen(self, channel: str, listener: Listener) -> Callable[[], None]:
        """Call ``listener`` for every signal on a channel; the answer ends that.

        A listener returns at once and does not raise; what it does is to wake somebody.
        """
        self._listeners.setdefault(channel, []).append(listener)
        self._channels.set()

        def end() -> None:
            with contextlib.suppress(ValueError):
                self._listeners[channel].remove(listener)

        return end

    async def send(self, channel: str, text: str = "") -> None:
        """Tell everybody, after the current transaction is on disk (never, if it is undone)."""
        self.send_after_commit(channel, text)

    def send_after_commit(self, channel: str, text: str = "") -> None:
        """As :meth:`send`, for callers that cannot wait.

        Raises:
            ValueError: the text is longer than a signal can be.
        """
        if len(text.encode()) > LONGEST_TEXT:
            raise ValueError(f"expected a signal of at most {LONGEST_TEXT:,} bytes, got more")
        self._db.after_commit(lambda: self._tell(channel, text))

    def _tell(self, channel: str, text: str) -> None:
        self._hear(channel, text)
        if self._db.kind == "sqlite":
            return
        self._outbox.add((channel, text))
        if self._teller is None or self._teller.done():
            # a context of its own: the sender's transaction and viewer are none of its business
            self._teller = asyncio.get_running_loop().create_task(
                self._empty_outbox(), context=contextvars.Context()
            )

    async def _empty_outbox(self) -> None:
        while self._outbox:
            some, self._outbox = list(self._outbox), set()
            try:
                await self._notify(some)
            except FAULTS as error:
                # others look without a signal too
                log.warning("other processes were not told: %r", error)

    async def _notify(self, signals: list[tuple[str, str]]) -> None:
        columns = [each[0] for each in signals], [each[1] for each in signals]
        async with self._turn:
            if self._connection is not None and not self._connection.is_closed():
                await self._connection.execute(_TELL, *columns, timeout=ANSWER_SECONDS)
                return
        async with self._db.engine.connection() as pooled:  # type: ignore[union-attr]
            await pooled.execute(_TELL, *columns)

    def _hear(self, channel: str, text: str | None) -> None:
        for listener in list(self._listeners.get(channel, ())):
            try:
                listener(text)
            except Exception:
                log.exception("a listener on %s failed", channel)

    def _hear_everything(self) -> None:
        for channel in list(self._listeners):
            self._hear(channel, None)

    async def close(self) -> None:
        """Tell what has not been told yet; give up after two seconds."""
        if self._teller is not None and not self._teller.done():
            await asyncio.wait({self._teller}, timeout=CLOSE_SECONDS)
            self._teller.cancel()

    async def run_forever(self) -> None:
        """Hear other processes until cancelled; a lost connection is waited out."""
        engine = self._db.engine
        if isinstance(engine, EmbeddedEngine):
            await self._watch_file(engine)
        elif self._address:
            await self._listen_to_server()
        else:
            await self._look_now_and_then()

    async def _look_now_and_then(self) -> None:
        """Behind a pooler there is no LISTEN: something may always have happened."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self._hear_everything()

    async def _watch_file(self, engine: EmbeddedEngine) -> None:
        seen = await engine.version_of_others()
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            version = await engine.version_of_others()
            if version != seen:
                seen = version
                self._hear_everything()

    async def _listen_to_server(self) -> None:
        failures = 0
        while True:
            try:
                connection = await asyncpg.connect(
                    self._address,
                    timeout=ANSWER_SECONDS,
                    server_settings={"application_name": f"relatum signals {os.getpid()}"},
                )
            except FAULTS as error:
                self._complain(failures, error)
            else:
                since = time.monotonic()
                try:
                    await self._stay_connected(connection)
                except FAULTS as error:
                    # one that ends at once (a server that only follows) is no better than none
                    if time.monotonic() - since > WELL_SECONDS:
                        failures = 0
                    self._complain(failures, error)
                finally:
                    self._connection = None
                    connection.terminate()
            await asyncio.sleep(BACKOFF[min(failures, len(BACKOFF) - 1)])
            failures += 1

    def _complain(self, failures: int, error: Exception) -> None:
        if failures == 0:
            log.warning("signals of other processes are not heard for now: %r", error)

    async def _stay_connected(self, connection: asyncpg.Connection[Any]) -> None:
        """Listen on every channel that somebody here listens on, until the connection is lost."""
        ended = asyncio.Event()

        def end(_: object) -> None:
            ended.set()
            self._channels.set()

        connection.add_termination_listener(end)
        self._connection = connection
        known: set[str] = set()
        while not ended.is_set():
            self._channels.clear()
            new = self._listeners.keys() - known
            async with self._turn:
                for channel in sorted(new):
                    await connection.add_listener(channel, self._heard)
            known |= new
            if new:
                # what was sent before we listened is lost
                self._hear_everything()
            try:
                async with asyncio.timeout(ALIVE_SECONDS):
                    await self._channels.wait()
            except TimeoutError:
                async with self._turn:
                    await connection.fetchval("SELECT 1", timeout=ANSWER_SECONDS)
        raise ConnectionResetError("the connection that listens was closed")

    def _heard(
        self, connection: asyncpg.Connection[Any], process: int, channel: str, text: object
    ) -> None:
        if process != connection.get_server_pid():
            self._hear(channel, str(text))
