"""Who is likely the same as somebody, asked before saving."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from uuid import UUID

import numpy as np

from relatum.api import Plugin
from relatum_identity.engine.comparing import compare
from relatum_identity.engine.deciding import AUTO, judge, rule_of
from relatum_identity.engine.learning import Model
from relatum_identity.engine.linking import told
from relatum_identity.engine.preparing import prepare
from relatum_identity.engine.schema import Columns, Value
from relatum_identity.services.keys import Keys, fingerprints
from relatum_identity.services.models import Models
from relatum_identity.services.records import FIELDS, People, read_people, schema_of
from relatum_identity.settings import Settings
from relatum_identity.types import Evidence, Likely, Sought

#: A key that more customers have says nothing about one of them.
MOST_HOLDERS = 300
#: Customers that one draft is compared with, those with the rarest key in common first.
MOST_COMPARED = 600
MOST_LIKELY = 5


class Checking:
    """Compares drafts with the customers that have something in common with them."""

    def __init__(self, plugin: Plugin) -> None:
        settings: Settings = plugin.settings
        self._db = plugin.house.db
        self._birth_field = settings.birth_field
        self._schema = schema_of(settings)
        self._keys = Keys(self._db, self._schema, settings.birth_field)

    async def of(self, sought: Sequence[Sought]) -> list[list[Likely]]:
        """For each the customers that are likely the same, as far as the viewer sees them."""
        drafts = columns_of(sought)
        keys = sorted(set().union(*fingerprints(drafts, self._schema)))
        holders = await self._keys.holders(
            keys, each=MOST_HOLDERS, most=MOST_COMPARED * len(sought)
        )
        people = await read_people(self._db, self._birth_field, holders)
        if not people.ids:
            return [[] for _ in sought]
        model = await Models(self._db).newest(self._schema)
        return await asyncio.to_thread(_judged, drafts, people, model)


def columns_of(sought: Sequence[Sought]) -> Columns:
    """Drafts as the engine wants them."""
    columns: dict[str, list[Value]] = {each.name: [] for each in FIELDS}
    for each in sought:
        columns["name"].append(each.display_name)
        columns["birth"].append(each.birth.isoformat() if each.birth else None)
        for kind in ("phone", "email", "address"):
            columns[kind].append([p.raw for p in each.contact_points if p.kind == kind] or None)
    return dict(columns)


def _judged(drafts: Columns, people: People, model: Model) -> list[list[Likely]]:
    """Every draft with every customer that was found: a few hundred pairs."""
    columns: Columns = {name: [*drafts[name], *people.columns[name]] for name in drafts}
    prepared = prepare(columns, model.schema, model.statistics)
    asked, there = prepared.size - len(people.ids), len(people.ids)
    left = np.repeat(np.arange(asked, dtype=np.int32), there)
    right = np.tile(np.arange(asked, prepared.size, dtype=np.int32), asked)
    likeness = compare(prepared, left, right)
    _, sure, decisions = judge(model, likeness)
    found: list[list[Likely]] = [[] for _ in range(asked)]
    for row in np.argsort(-sure, kind="stable"):
        some = found[left[row]]
        if not decisions[row] or len(some) == MOST_LIKELY:
            continue
        place = int(right[row]) - asked
        id: UUID = people.ids[place]
        some.append(
            Likely(
                customer=id,
                display_name=str(people.columns["name"][place]),
                probability=round(float(sure[row]), 6),
                proposal="auto" if decisions[row] == AUTO else "review",
                evidence=[
                    Evidence(field=name, level=level, bits=bits)
                    for name, (level, bits) in told(model, likeness, int(row)).items()
                ],
                rule=rule_of(model, likeness, int(row)),
            )
        )
    return found
