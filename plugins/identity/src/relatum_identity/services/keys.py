"""Fingerprints by which those who may be the same are found, without looking at everybody."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from uuid import UUID

from relatum.api import Database, new_ids, now
from relatum_identity.engine.blocking import keys_of
from relatum_identity.engine.preparing import Statistics, prepare
from relatum_identity.engine.schema import Columns, Schema, as_list
from relatum_identity.engine.values import read_email, read_phone
from relatum_identity.services.records import read_some, schema_of
from relatum_identity.settings import Settings

#: Keys are made without what was learned, so that they stay the same when more is known.
_NOTHING_KNOWN = Statistics(records=2)
#: Who has a key, by key.
Holders = dict[str, list[UUID]]


def fingerprints(columns: Columns, schema: Schema) -> list[set[str]]:
    """The keys of each record, as they are stored."""
    prepared = prepare(columns, schema, _NOTHING_KNOWN)
    kind = schema.fields[0].kind
    found: list[set[str]] = [set() for _ in range(prepared.size)]
    for key in keys_of(prepared):
        for place, text in enumerate(key.texts):
            if text:
                digest = hashlib.blake2b(f"{kind}:{text}".encode(), digest_size=9).hexdigest()
                found[place].add(f"{key.id}:{digest}")
    return found


def _reach(drafts: Columns) -> Iterator[tuple[int, str]]:
    """Telephones and e-mails as they are stored, each with the place of its draft."""
    for column, read in (("phone", read_phone), ("email", read_email)):
        for place, value in enumerate(drafts.get(column, ())):
            for raw in as_list(value):
                if plain := read(raw):
                    yield place, plain


class Keys:
    """The only writer of keys, and of the list of customers whose keys are news."""

    def __init__(self, db: Database, settings: Settings) -> None:
        self._db = db
        self._settings = settings

    async def renew(self, customers: Sequence[UUID]) -> None:
        """Write the keys of these customers as they are now; those that are gone have none.

        The next sweep looks at those who are there.
        """
        wanted: set[tuple[UUID, str]] = set()
        there: list[UUID] = []
        for kind, records in (await read_some(self._db, self._settings, customers)).items():
            prints = fingerprints(records.columns, schema_of(self._settings, kind))
            wanted |= {
                (id, key) for id, keys in zip(records.ids, prints, strict=True) for key in keys
            }
            there += records.ids
        await self._write(customers, wanted)
        await self._wait(there)

    async def _write(self, customers: Sequence[UUID], wanted: set[tuple[UUID, str]]) -> None:
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

    async def _wait(self, customers: Sequence[UUID]) -> None:
        """A row for each; a customer who changes twice before a sweep has two."""
        await self._db.insert(
            "identity_waiting",
            ("id", "customer_id", "since"),
            [(id, one, now()) for id, one in zip(new_ids(len(customers)), customers, strict=True)],
        )

    async def waiting(self) -> tuple[set[UUID], list[UUID]]:
        """Who changed since a sweep looked, and the rows that say so."""
        rows = await self._db.fetch("SELECT id, customer_id FROM identity_waiting")
        return {customer for _, customer in rows}, [id for id, _ in rows]

    async def looked_at(self, rows: Sequence[UUID]) -> None:
        """Take these rows off the list; who changed meanwhile has newer ones."""
        await self._db.execute_many(
            "DELETE FROM identity_waiting WHERE id = ?", [(id,) for id in rows]
        )

    async def forget(self) -> None:
        """Remove all keys, before they are written anew."""
        await self._db.execute("DELETE FROM identity_key")
        await self._db.execute("DELETE FROM identity_waiting")

    async def of(self, customers: Sequence[UUID]) -> set[str]:
        """The keys of these customers."""
        rows = await self._db.fetch_in(
            "SELECT DISTINCT key FROM identity_key WHERE customer_id IN ({})", customers
        )
        return {key for (key,) in rows}

    async def holding(self, keys: Sequence[str], *, each: int) -> set[UUID]:
        """Everybody with one of the keys; a key that more than ``each`` have finds nobody."""
        some = await self._small(keys, each)
        rows = await self._db.fetch_in(
            "SELECT DISTINCT customer_id FROM identity_key WHERE key IN ({})", some
        )
        return {customer for (customer,) in rows}

    async def holders(self, keys: Sequence[set[str]], drafts: Columns, *, each: int) -> Holders:
        """Who has a key of a draft.

        Telephones and e-mails are looked up among the contact points as well: those who were
        written a moment ago have no keys yet; they are put with the draft's keys of that field.

        Args:
            keys: of each draft.
            drafts: their columns.
            each: a key that more customers have finds nobody.
        """
        every = sorted(set().union(*keys))
        small = await self._small(every, each)
        rows = await self._db.fetch_in(
            "SELECT key, customer_id FROM identity_key WHERE key IN ({})", small
        )
        found: Holders = {}
        for key, customer in rows:
            found.setdefault(key, []).append(customer)
        for key, some in (await self._reached(keys, drafts, each)).items():
            known = found.setdefault(key, [])
            known += [id for id in some if id not in known]
        return {key: sorted(some) for key, some in found.items()}

    async def _small(self, keys: Sequence[str], each: int) -> list[str]:
        rows = await self._db.fetch_in(
            "SELECT key, count(*) FROM identity_key WHERE key IN ({}) GROUP BY key", keys
        )
        return [key for key, count in rows if count <= each]

    async def _reached(self, keys: Sequence[set[str]], drafts: Columns, each: int) -> Holders:
        places: dict[str, list[int]] = {}
        for place, plain in _reach(drafts):
            places.setdefault(plain, []).append(place)
        rows = await self._db.fetch_in(
            "SELECT normalised, customer_id FROM core_contact_point "
            "WHERE normalised IN ({}) AND kind IN ('phone', 'email')",
            sorted(places),
        )
        having: Holders = {}
        for value, customer in rows:
            having.setdefault(value, []).append(customer)
        found: Holders = {}
        for value, customers in having.items():
            if len(customers) <= each:
                for place in places[value]:
                    for key in keys[place]:
                        if key.partition(":")[0] in {"phone", "email"}:
                            found.setdefault(key, []).extend(customers)
        return found
