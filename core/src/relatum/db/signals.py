"""Telling other tasks and other processes on the same database that something has happened.

A signal carries no data that matters: whoever hears it looks into the database. It may come twice,
and may be lost with a connection, so everybody also looks now and then without one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from relatum.db.database import Database

#: Called in the event loop with the signal's text; ``None`` when all that is known is that another
#: process has written something.
Listener = Callable[[str | None], None]


class Signals:
    """One per house. ``send`` works at once; hearing other processes needs :meth:`run_forever`.

    PostgreSQL: LISTEN and NOTIFY on a connection of its own. SQLite: within the process at commit,
    between processes by watching ``PRAGMA data_version``.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self._listeners: dict[str, list[Listener]] = {}

    def listen(self, channel: str, listener: Listener) -> Callable[[], None]:
        """Call ``listener`` for every signal on a channel; the answer ends that."""
        self._listeners.setdefault(channel, []).append(listener)
        return lambda: self._listeners[channel].remove(listener)

    async def send(self, channel: str, text: str = "") -> None:
        """Tell everybody, after the current transaction is on disk (never, if it is undone)."""
        self._db.after_commit(lambda: self._hear(channel, text))

    def _hear(self, channel: str, text: str | None) -> None:
        for listener in list(self._listeners.get(channel, ())):
            listener(text)

    async def run_forever(self) -> None:
        """Hear other processes until cancelled; a lost connection is waited out."""
