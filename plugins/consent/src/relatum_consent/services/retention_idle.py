"""How long the business has had nothing to do with customers, and who still waits for something."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from relatum.api import Database, Plugin
from relatum_consent import events as facts
from relatum_consent.types import OPEN

if TYPE_CHECKING:
    from relatum.api import House

#: What counts, beside the record itself: a table, the moment of a row, and which rows.
SOURCES = (
    ("core_interaction", "occurred_at", "1 = 1"),
    ("core_message", "coalesce(ended_at, due_at, created_at)", "1 = 1"),
    ("core_consent", "recorded_at", "1 = 1"),
    ("core_contact_preference", "set_at", "1 = 1"),
    ("consent_request", "coalesce(closed_at, received_at)", "1 = 1"),
    ("core_event", "recorded_at", f"by LIKE 'account:%' AND type <> '{facts.RETENTION}'"),
)
_RECORD = "SELECT id, kind, created_at, updated_at FROM core_customer WHERE id IN ({})"
_ABSORBED = (
    "SELECT absorbed_id, customer_id FROM core_merge "
    "WHERE undone_at IS NULL AND customer_id IN ({})"
)
_HELD = (
    "SELECT customer_id FROM core_contact_hold "
    "WHERE kind = 'legal' AND lifted_at IS NULL AND customer_id IN ({})"
)


class Quiet(msgspec.Struct, kw_only=True):
    """What is known of one customer: their kind, when something last happened, what is open."""

    kind: str
    last_at: dt.datetime
    stays: str = ""


class Idleness:
    """Answers for pages of customers, with one question to each table. Call it as the house."""

    def __init__(self, plugin: Plugin) -> None:
        self._house: House = plugin.house
        self._db: Database = plugin.house.db

    async def of(self, customers: Sequence[UUID]) -> dict[UUID, Quiet]:
        """Those of them that there are. ``stays`` names a legal hold or an open request.

        Whatever was there of those merged into them counts as theirs; what is archived does not
        count here.
        """
        found = {
            id: Quiet(kind=kind, last_at=max(created, updated))
            for id, kind, created, updated in await self._db.fetch_in(_RECORD, customers)
        }
        now_of: dict[UUID, UUID] = dict(await self._db.fetch_in(_ABSORBED, list(found)))
        now_of |= {id: id for id in found}
        for table, moment, wanted in SOURCES:
            rows = await self._db.fetch_in(
                f"SELECT customer_id, max({moment}) FROM {table} WHERE {wanted} "  # noqa: S608 - names of our own
                "AND customer_id IN ({}) GROUP BY customer_id",
                list(now_of),
            )
            for id, last in rows:
                quiet = found[now_of[id]]
                quiet.last_at = max(quiet.last_at, _moment(last))
        for id in await self._named(_HELD, found):
            found[id].stays = "legal-hold"
        for id in await self._asking(list(found)):
            found[id].stays = "open-request"
        return found

    async def archived_since(self, moment: dt.datetime) -> set[UUID]:
        """With whom something happened since that is archived, as they are known today.

        Raises:
            ArchivedAway: a file of the archive cannot be read, so that nobody knows.
        """
        ids = await self._house.interactions.archived_since(moment)
        rows = await self._db.fetch_in(
            "SELECT absorbed_id, customer_id FROM core_merge "
            "WHERE undone_at IS NULL AND absorbed_id IN ({})",
            list(ids),
        )
        return ids | {customer for _, customer in rows}

    async def _named(self, sql: str, customers: dict[UUID, Quiet]) -> set[UUID]:
        return {id for (id,) in await self._db.fetch_in(sql, list(customers))}

    async def _asking(self, customers: Sequence[UUID]) -> set[UUID]:
        states = ", ".join(f"'{state}'" for state in OPEN)
        rows = await self._db.fetch_in(
            f"SELECT customer_id FROM consent_request WHERE state IN ({states}) "  # noqa: S608 - names of our own
            "AND customer_id IN ({})",
            customers,
        )
        return {id for (id,) in rows}


def _moment(stored: dt.datetime | str) -> dt.datetime:
    """An expression comes back from SQLite as it is stored."""
    return stored if isinstance(stored, dt.datetime) else dt.datetime.fromisoformat(stored)
