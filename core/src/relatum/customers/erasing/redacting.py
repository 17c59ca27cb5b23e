"""The log keeps its place and its order, and loses what it said of the person.

Events of the person keep their type, their time and who wrote them, so that counts stay what they
were; texts in them are replaced unless they are ids, codes or times, and the values of changed
fields go altogether. Events of others lose quotations only. Every redaction is noted for the seals.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from relatum.customers.erasing.marks import (
    Marks,
    blanked_json,
    blanked_text,
    changed_text,
    scrubbed_text,
)
from relatum.customers.erasing.types import TableCount
from relatum.customers.events import UPDATED
from relatum.events.redacting import Change, Redactions, stored_events

if TYPE_CHECKING:
    from relatum.db.database import Database
    from relatum.hooks.registry import Registry

PAGE = 5_000


class Redactor:
    """Decides what becomes of one event, live or archived. No I/O.

    Args:
        own: what the person is known by, shared or not.
        others: what can be told with certainty in texts about others.
    """

    def __init__(
        self, ids: frozenset[str], own: Marks, others: Marks, registry: Registry | None = None
    ) -> None:
        self._ids = ids
        self._own = own
        self._others = others
        self._registry = registry

    def of(self, type_: str, customer: str, payload: str, context: str | None) -> tuple[str, Any]:
        """Payload and context as they are from now on."""
        after: str | None
        if customer in self._ids:
            after = None if context is None else blanked_text(context, self._own)
            return self._own_payload(type_, payload), after
        after = None if context is None else scrubbed_text(context, self._ids, self._others)
        return scrubbed_text(payload, self._ids, self._others), after

    def _own_payload(self, type_: str, payload: str) -> str:
        try:
            decoded = msgspec.json.decode(payload)
        except msgspec.DecodeError:
            return self._own.blank_free(payload)
        after = blanked_json(decoded, self._own)
        if type_ == UPDATED and isinstance(after, dict):
            after["changes"] = {name: [None, None] for name in after.get("changes", {})}
        if after == decoded:
            return payload
        # a handler reads it again some day: it has to be what its type says
        for text in (
            msgspec.json.encode(after).decode(),
            changed_text(payload, self._own.blank),
            changed_text(payload, self._own.replace),
        ):
            if self._fits(type_, text):
                return text
        return msgspec.json.encode(after).decode()

    def _fits(self, type_: str, payload: str) -> bool:
        declared = self._registry.event_types.find(type_) if self._registry else None
        if declared is None:
            return True
        try:
            msgspec.json.decode(payload, type=declared.payload)
        except msgspec.DecodeError:
            return False
        return True


class Redacting:
    """Goes through the log in the database, in the caller's transaction. Call it as the house."""

    def __init__(self, db: Database, redactions: Redactions) -> None:
        self._db = db
        self._redactions = redactions

    async def redact(self, redactor: Redactor, receipt: UUID) -> list[TableCount]:
        """Every event that tells of the person."""
        last, total = -(2**63), 0
        select = f"{stored_events(self._db.kind)} WHERE seq > ? ORDER BY seq LIMIT {PAGE}"
        while True:
            rows = await self._db.fetch(select, last)
            changes = await asyncio.to_thread(_changes, rows, redactor)
            await self._write(changes, receipt)
            total += len(changes)
            if len(rows) < PAGE:
                break
            last = rows[-1][0]
        return [TableCount(table="core_event", act="redact", rows=total)] if total else []

    async def _write(self, changes: Sequence[Change], receipt: UUID) -> None:
        if not changes:
            return
        await self._redactions.note(changes, receipt)
        await self._db.execute_many(
            "UPDATE core_event SET payload = ?, context = ? WHERE seq = ?",
            [(_text(c.after[6]), _text(c.after[7]), c.after[0]) for c in changes],
        )


def _changes(rows: Sequence[Sequence[Any]], redactor: Redactor) -> list[Change]:
    found = []
    for row in rows:
        payload, context = _text(row[6]) or "", _text(row[7])
        after = redactor.of(_text(row[1]) or "", _text(row[3]) or "", payload, context)
        if after != (payload, context):
            found.append(Change(row, (*row[:6], *after)))
    return found


def _text(value: Any) -> str | None:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
