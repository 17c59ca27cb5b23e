"""Telling those who remember an identity that it is another one now."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from relatum.db.database import Database


class Changes:
    """Whose account, sessions or tokens changed in this process, told after the commit."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._listeners: list[Callable[[UUID], None]] = []

    def listen(self, listener: Callable[[UUID], None]) -> None:
        """Call ``listener`` with the account after each committed change."""
        self._listeners.append(listener)

    def tell(self, account: UUID) -> None:
        """Something about this account changes with the current transaction."""

        def now() -> None:
            for listener in self._listeners:
                listener(account)

        self._db.after_commit(now)
