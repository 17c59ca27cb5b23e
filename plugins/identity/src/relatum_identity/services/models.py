"""What sweeps learned: stored without contact data, read once."""

from __future__ import annotations

import weakref
from uuid import UUID

import msgspec

from relatum.api import Database, new_id, now
from relatum_identity.engine.learning import Model, set_model
from relatum_identity.engine.preparing import Statistics, prepare
from relatum_identity.engine.schema import Schema
from relatum_identity.types import Kind

#: Values of contact data are remembered only when so many have them that they name nobody.
NAMES_NOBODY = 5
_OF_NAMES = (
    "name.family",
    "name.middle",
    "name.given",
    "name.first",
    "name.last",
    "name.word",
)
_KEPT = 3
_READ: weakref.WeakKeyDictionary[Database, dict[Kind, tuple[UUID, Model]]] = (
    weakref.WeakKeyDictionary()
)


class Models:
    """The only writer of models."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def add(self, model: Model, kind: Kind = "person") -> None:
        """Keep a model as the newest of its kind, and a few before it; one that says the same as
        the newest is not kept twice.
        """
        statistics = nameless(model.statistics)
        text = msgspec.json.encode(msgspec.structs.replace(model, statistics=statistics)).decode()
        async with self._db.transaction():
            newest = await self._db.fetch_one(
                "SELECT model FROM identity_model WHERE kind = ? "
                "ORDER BY learned_at DESC, id LIMIT 1",
                kind,
            )
            if newest is not None and msgspec.json.decode(newest[0]) == msgspec.json.decode(text):
                return
            await self._db.insert(
                "identity_model",
                ("id", "kind", "learned_at", "records", "model"),
                [(new_id(), kind, now(), statistics.records, text)],
            )
            old = await self._db.fetch(
                "SELECT id FROM identity_model WHERE kind = ? ORDER BY learned_at DESC, id", kind
            )
            for (id,) in old[_KEPT:]:
                await self._db.execute("DELETE FROM identity_model WHERE id = ?", id)

    async def newest(self, schema: Schema, kind: Kind = "person") -> Model:
        """The newest with the thresholds of the schema; what the schema sets when there is none."""
        model = await self.learned(kind)
        # What was learned of other fields says nothing of these.
        if model is None or model.schema.fields != schema.fields:
            return await self._unlearned(schema, kind)
        return msgspec.structs.replace(model, schema=schema)

    async def learned(self, kind: Kind) -> Model | None:
        """The newest model as it was stored."""
        row = await self._db.fetch_one(
            "SELECT id FROM identity_model WHERE kind = ? ORDER BY learned_at DESC, id LIMIT 1",
            kind,
        )
        if row is None:
            return None
        kept = _READ.setdefault(self._db, {})
        if kind not in kept or kept[kind][0] != row[0]:
            text = await self._db.fetch_one("SELECT model FROM identity_model WHERE id = ?", row[0])
            if text is None:
                return None
            kept[kind] = (row[0], msgspec.json.decode(text[0], type=Model))
        return kept[kind][1]

    async def _unlearned(self, schema: Schema, kind: Kind) -> Model:
        count = await self._db.fetch_one("SELECT count(*) FROM core_customer WHERE kind = ?", kind)
        records = max(int(count[0]) if count else 0, 2)
        empty = prepare({each.name: [] for each in schema.fields}, schema, Statistics(records))
        empty.size = records
        return set_model(empty)


def nameless(statistics: Statistics) -> Statistics:
    """Counts of words of names, and of contact data that many share (an office's telephone)."""
    counts = {
        part: values
        if part in _OF_NAMES
        else {value: count for value, count in values.items() if count >= NAMES_NOBODY}
        for part, values in statistics.counts.items()
    }
    return Statistics(statistics.records, counts, statistics.means)
