"""Fingerprints by which a check finds those who may be the same, without looking at everybody."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from uuid import UUID

from relatum.api import Database, new_ids
from relatum_identity.engine.blocking import keys_of
from relatum_identity.engine.preparing import Statistics, prepare
from relatum_identity.engine.schema import Columns, Schema
from relatum_identity.services.records import read_people

#: Keys are made without what was learned, so that they stay the same when more is known.
_NOTHING_KNOWN = Statistics(records=2)


def fingerprints(columns: Columns, schema: Schema) -> list[set[str]]:
    """The keys of each record, as they are stored."""
    prepared = prepare(columns, schema, _NOTHING_KNOWN)
    found: list[set[str]] = [set() for _ in range(prepared.size)]
    for key in keys_of(prepared):
        for place, text in enumerate(key.texts):
            if text:
                digest = hashlib.blake2b(text.encode(), digest_size=9).hexdigest()
                found[place].add(f"{key.id}:{digest}")
    return found


class Keys:
    """The only writer of keys."""

    def __init__(self, db: Database, schema: Schema, birth_field: str) -> None:
        self._db = db
        self._schema = schema
        self._birth_field = birth_field

    async def renew(self, customers: Sequence[UUID]) -> None:
        """Write the keys of these customers as they are now; those that are gone have none."""
        people = await read_people(self._db, self._birth_field, customers)
        wanted = {
            (id, key)
            for id, keys in zip(people.ids, fingerprints(people.columns, self._schema), strict=True)
            for key in keys
        }
        rows = await self._db.fetch_in(
            "SELECT id, customer_id, key FROM identity_key WHERE customer_id IN ({})", customers
        )
        there = {(customer, key): id for id, customer, key in rows}
        stale = [(id,) for pair, id in there.items() if pair not in wanted]
        if stale:
            await self._db.execute_many("DELETE FROM identity_key WHERE id = ?", stale)
        fresh = sorted(wanted - there.keys())
        await self._db.insert(
            "identity_key",
            ("id", "customer_id", "key"),
            [(id, *pair) for id, pair in zip(new_ids(len(fresh)), fresh, strict=True)],
        )

    async def forget(self) -> None:
        """Remove all keys, before they are written anew."""
        await self._db.execute("DELETE FROM identity_key")

    async def holders(self, keys: Sequence[str], *, each: int, most: int) -> list[UUID]:
        """Who has any of these keys, rare keys first.

        Args:
            each: a key that more customers have finds nobody.
            most: customers in all.
        """
        counted = await self._db.fetch_in(
            "SELECT key, count(*) FROM identity_key WHERE key IN ({}) GROUP BY key", keys
        )
        rare = sorted((count, key) for key, count in counted if count <= each)
        rows = await self._db.fetch_in(
            "SELECT key, customer_id FROM identity_key WHERE key IN ({})", [key for _, key in rare]
        )
        rank = {key: place for place, (_, key) in enumerate(rare)}
        rows = sorted(rows, key=lambda row: (rank[row[0]], row[1]))
        return list(dict.fromkeys(customer for _, customer in rows))[:most]
