"""What customers are and were known by, and what of it others share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from relatum.customers.erasing.marks import Person
from relatum.customers.events import UPDATED
from relatum.customers.rows import SORT_KEY_LENGTH
from relatum.values.names import name_sort_key
from relatum.values.text import fold, sort_key

if TYPE_CHECKING:
    from relatum.db.database import Database

#: How names of people and of organisations are ordered.
_ORDERS = (name_sort_key, sort_key)
#: A field of these classes tells who somebody is.
_TELLING = "'contact', 'identity', 'finance'"


class Known(msgspec.Struct, frozen=True):
    """Somebody, with and without what others are known by as well.

    Attributes:
        certain: what in a text can be nobody else.
        shared: how many names and addresses others have too.
    """

    person: Person
    certain: Person
    shared: int


class Knowing:
    """Reads it from what there is and from what the log and the journal remember. As the house."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def of(self, ids: Sequence[UUID]) -> Known:
        """What any of these is known by."""
        person = Person()
        await self._now(ids, person)
        await self._before(ids, person)
        await self._absorbed(ids, person)
        person.names.discard("")
        certain = await self._without_shared(ids, person)
        shared = sum(
            len(mine) - len(left)
            for mine, left in (
                (person.names, certain.names),
                (person.phones, certain.phones),
                (person.emails, certain.emails),
                (person.phrases, certain.phrases),
            )
        )
        return Known(person, certain, shared)

    async def _now(self, ids: Sequence[UUID], person: Person) -> None:
        rows = await self._db.fetch_in(
            "SELECT display_name, fields FROM core_customer WHERE id IN ({})", list(ids)
        )
        telling = await self._db.fetch(
            f"SELECT key FROM core_customer_field WHERE sensitivity IN ({_TELLING})"  # noqa: S608 - our own
        )
        for name, fields in rows:
            person.names.add(name)
            values = msgspec.json.decode(fields or "{}")
            person.phrases |= {
                str(values[key]) for (key,) in telling if isinstance(values.get(key), str)
            }
        points = await self._db.fetch_in(
            "SELECT kind, raw, normalised FROM core_contact_point WHERE customer_id IN ({})",
            list(ids),
        )
        for kind, raw, normalised in points:
            person.take(kind, raw)
            person.take(kind, normalised)

    async def _before(self, ids: Sequence[UUID], person: Person) -> None:
        """Names and addresses that were changed since."""
        rows = await self._db.fetch_in(
            "SELECT payload FROM core_event WHERE customer_id IN ({}) AND type = ?",
            list(ids),
            UPDATED,
        )
        for (payload,) in rows:
            changes = msgspec.json.decode(payload).get("changes", {})
            person.names |= {name for name in changes.get("display_name", ()) if name}
            _points_in(changes.get("contact_points", ()), person)

    async def _absorbed(self, ids: Sequence[UUID], person: Person) -> None:
        """Those who were merged into them, as the journal has them."""
        rows = await self._db.fetch_in(
            "SELECT name FROM core_merge WHERE customer_id IN ({}) AND undone_at IS NULL", list(ids)
        )
        person.names |= {name for (name,) in rows}
        kept = await self._db.fetch_in(
            "SELECT r.table_name, r.content FROM core_merge_row r "
            "JOIN core_merge m ON m.id = r.merge_id WHERE m.customer_id IN ({}) "
            "AND m.undone_at IS NULL AND r.content IS NOT NULL "
            "AND r.table_name IN ('core_customer', 'core_contact_point')",
            list(ids),
        )
        for table, content in kept:
            row = msgspec.json.decode(content)
            if table == "core_customer":
                person.names.add(str(row.get("display_name") or ""))
            else:
                _points_in(row, person)

    async def _without_shared(self, ids: Sequence[UUID], person: Person) -> Person:
        gone = set(ids)
        keys = {key(name)[:SORT_KEY_LENGTH] for name in person.names for key in _ORDERS}
        same = await self._db.fetch_in(
            "SELECT id, display_name FROM core_customer WHERE sort_key IN ({})",
            list(keys),
        )
        names = {fold(name) for id, name in same if id not in gone}
        staff = await self._db.fetch("SELECT name FROM core_account")
        names |= {fold(name) for (name,) in staff}
        values = [*person.phones, *person.emails, *person.phrases]
        points = await self._db.fetch_in(
            "SELECT customer_id, raw, normalised FROM core_contact_point WHERE raw IN ({})", values
        ) + await self._db.fetch_in(
            "SELECT customer_id, raw, normalised FROM core_contact_point WHERE normalised IN ({})",
            values,
        )
        shared = {t for id, *texts in points if id not in gone for t in texts}
        shared |= {
            raw
            for kind in ("phones", "emails", "phrases")
            for raw in getattr(person, kind)
            if raw.strip().lower() in {each.strip().lower() for each in shared}
        }
        return Person(
            names={name for name in person.names if fold(name) not in names},
            phones=person.phones - shared,
            emails=person.emails - shared,
            phrases=person.phrases - shared,
        )


def _points_in(value: Any, person: Person) -> None:
    """Contact points anywhere in a decoded value."""
    if isinstance(value, list):
        for each in value:
            _points_in(each, person)
    elif isinstance(value, dict):
        kind = value.get("kind")
        for name in ("raw", "normalised"):
            if isinstance(kind, str) and isinstance(value.get(name), str):
                person.take(kind, value[name])
        for each in value.values():
            _points_in(each, person)
