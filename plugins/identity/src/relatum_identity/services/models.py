"""What sweeps learned: stored without contact data, read once."""

from __future__ import annotations

import weakref
from uuid import UUID

import msgspec

from relatum.api import Database, new_id, now
from relatum_identity.engine.learning import Model, set_model
from relatum_identity.engine.preparing import Statistics, prepare
from relatum_identity.engine.schema import Schema

#: Values of contact data are remembered only when so many have them that they name nobody.
NAMES_NOBODY = 5
_OF_NAMES = ("name.family", "name.middle", "name.given", "name.first", "name.last")
_KEPT = 3
_READ: weakref.WeakKeyDictionary[Database, tuple[UUID, Model]] = weakref.WeakKeyDictionary()


class Models:
    """The only writer of models."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def add(self, model: Model) -> None:
        """Keep a model as the newest, and a few before it; what is the newest already stays."""
        kept = msgspec.structs.replace(model, statistics=_nameless(model.statistics))
        text = msgspec.json.encode(kept).decode()
        async with self._db.transaction():
            newest = await self._db.fetch_one(
                "SELECT model FROM identity_model ORDER BY learned_at DESC, id LIMIT 1"
            )
            if newest is not None and newest[0] == text:
                return
            await self._db.insert(
                "identity_model",
                ("id", "learned_at", "records", "model"),
                [(new_id(), now(), model.statistics.records, text)],
            )
            old = await self._db.fetch("SELECT id FROM identity_model ORDER BY learned_at DESC, id")
            for (id,) in old[_KEPT:]:
                await self._db.execute("DELETE FROM identity_model WHERE id = ?", id)

    async def newest(self, schema: Schema) -> Model:
        """The newest with the thresholds of the schema; what the schema sets when there is none."""
        row = await self._db.fetch_one(
            "SELECT id FROM identity_model ORDER BY learned_at DESC, id LIMIT 1"
        )
        if row is None:
            return await self._unlearned(schema)
        kept = _READ.get(self._db)
        if kept is None or kept[0] != row[0]:
            text = await self._db.fetch_one("SELECT model FROM identity_model WHERE id = ?", row[0])
            if text is None:
                return await self._unlearned(schema)
            kept = (row[0], msgspec.json.decode(text[0], type=Model))
            _READ[self._db] = kept
        return msgspec.structs.replace(kept[1], schema=schema)

    async def _unlearned(self, schema: Schema) -> Model:
        count = await self._db.fetch_one("SELECT count(*) FROM core_customer")
        records = max(int(count[0]) if count else 0, 2)
        empty = prepare({each.name: [] for each in schema.fields}, schema, Statistics(records))
        empty.size = records
        return set_model(empty)


def _nameless(statistics: Statistics) -> Statistics:
    """Counts of words of names, and of contact data that many share (an office's telephone)."""
    counts = {
        part: values
        if part in _OF_NAMES
        else {value: count for value, count in values.items() if count >= NAMES_NOBODY}
        for part, values in statistics.counts.items()
    }
    return Statistics(statistics.records, counts)
