"""A new key, and every secret value encrypted again under it.

What is in the event log and in the journals of imports stays as it is: those are history, and
sealed. It can be read with the old keys, which are kept. Answers that are kept for repeated
requests stay too: they are gone after a day.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from relatum.access.audit import events as facts
from relatum.access.audit.fields import place_of_field
from relatum.access.secrets import MARK, Secrets, is_encrypted, place_of
from relatum.db.database import to_json
from relatum.events.types import NewEvent
from relatum.values.problems import RelatumError

if TYPE_CHECKING:
    from relatum.config.keyring import Keyring
    from relatum.db.database import Database
    from relatum.events.log import EventLog

BATCH = 500
#: Tables and their columns with one encrypted text for each row. The custom fields of customers,
#: which are encrypted key by key, are gone through beside them.
ENCRYPTED = (("core_account", "totp_secret"), ("core_erased_kept", "content"))
#: of a row's id and its value, what is to be written instead
Renew = Callable[[UUID, str], str | None]


class Renewed(msgspec.Struct, kw_only=True):
    """What came of a rotation.

    Attributes:
        key: the current key.
        renewed: how many values were encrypted again.
        unreadable: places of values that could not be read; they stay as they are.
    """

    key: str
    renewed: int = 0
    unreadable: list[str] = []


class Rotation:
    """Changes keys while the house is in use; what was interrupted is taken up where it stopped."""

    def __init__(self, db: Database, events: EventLog, keys: Keyring, secrets: Secrets) -> None:
        self._db = db
        self._events = events
        self._keys = keys
        self._secrets = secrets

    async def rotate(self, *, by: str) -> Renewed:
        """Make a new current key and encrypt every secret again.

        Raises:
            ConfigurationError: the file of keys cannot be written.
        """
        await asyncio.to_thread(self._keys.rotate)
        return await self.renew(by=by)

    async def renew(self, *, by: str) -> Renewed:
        """Encrypt again whatever is not under the current key (after an interrupted rotation)."""
        done = Renewed(key=self._keys.current)
        for table, column in ENCRYPTED:
            await self._each(table, column, self._texts(table, column, done))
        await self._each("core_customer", "fields", await self._fields(done))
        payload = facts.KeysRotated(done.key, done.renewed)
        await self._events.append([NewEvent(type=facts.KEYS_ROTATED, payload=payload)], by=by)
        return done

    def _texts(self, table: str, column: str, done: Renewed) -> Renew:
        return lambda row, text: self._renewed(text, place_of(table, column, row), done)

    async def _fields(self, done: Renewed) -> Renew:
        found = await self._db.fetch(
            "SELECT key FROM core_customer_field WHERE sensitivity = 'secret'"
        )
        secret = {key for (key,) in found}

        def renew(customer: UUID, text: str) -> str | None:
            values: dict[str, Any] = msgspec.json.decode(text)
            new = {
                key: renewed
                for key in secret & values.keys()
                if (renewed := self._renewed(values[key], place_of_field(customer, key), done))
            }
            return to_json({**values, **new}) if new else None

        return renew

    def _renewed(self, value: Any, place: str, done: Renewed) -> str | None:
        if not is_encrypted(value):
            return None
        try:
            renewed = self._secrets.renewed(value, place)
        except RelatumError:
            done.unreadable.append(place)
            return None
        done.renewed += renewed is not None
        return renewed

    async def _each(self, table: str, column: str, renew: Renew) -> None:
        """Go through a table by its ids, a batch in a transaction."""
        last = UUID(int=0)
        lock = " FOR UPDATE" if self._db.kind == "postgresql" else ""
        select = (
            f"SELECT id, {column} FROM {table} "  # noqa: S608 - names of our own
            f"WHERE id > ? AND CAST({column} AS TEXT) LIKE ? ORDER BY id LIMIT ?{lock}"
        )
        update = f"UPDATE {table} SET {column} = ? WHERE id = ?"  # noqa: S608 - names of our own
        while True:
            async with self._db.transaction():
                rows = await self._db.fetch(select, last, f"%{MARK}%", BATCH)
                changed = [(new, id) for id, text in rows if (new := renew(id, text)) is not None]
                await self._db.execute_many(update, changed)
            if len(rows) < BATCH:
                return
            last = rows[-1][0]
