"""Writing down what happened to accounts, and telling those who remember an identity."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from relatum.events.types import NewEvent

if TYPE_CHECKING:
    from relatum.db.database import Database
    from relatum.events.log import EventLog


class Changes:
    """Facts about accounts, and whose account, sessions or tokens changed in this process."""

    def __init__(self, db: Database, events: EventLog) -> None:
        self._db = db
        self._events = events
        self._listeners: list[Callable[[UUID], None]] = []

    def listen(self, listener: Callable[[UUID], None]) -> None:
        """Call ``listener`` with the account after each committed change."""
        self._listeners.append(listener)

    async def record(
        self, account: UUID | None, kind: str, fact: msgspec.Struct, *, by: str
    ) -> None:
        """Append a fact in the caller's transaction, and tell of it after the commit."""
        await self._events.append([NewEvent(type=kind, payload=fact)], by=by)
        if account is not None:
            self.tell(account)

    def tell(self, account: UUID) -> None:
        """Something about this account changes with the current transaction."""

        def now() -> None:
            for listener in self._listeners:
                listener(account)

        self._db.after_commit(now)
