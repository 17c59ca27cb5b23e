"""Who is likely the same as somebody, asked before saving."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from uuid import UUID

import msgspec
import numpy as np

from relatum.api import Plugin
from relatum_identity.engine.comparing import compare
from relatum_identity.engine.deciding import AUTO, judge, rule_of
from relatum_identity.engine.learning import Model
from relatum_identity.engine.linking import told
from relatum_identity.engine.preparing import prepare
from relatum_identity.engine.schema import Columns
from relatum_identity.services.keys import Holders, Keys, fingerprints
from relatum_identity.services.models import Models
from relatum_identity.services.records import (
    KINDS,
    Records,
    columns_of,
    read_records,
    schema_of,
)
from relatum_identity.settings import Settings
from relatum_identity.types import Evidence, Kind, Likely, Proposal, Sought

#: A key that more customers have says nothing about one of them.
MOST_HOLDERS = 300
#: Customers that one draft is compared with, those with the rarest key in common first.
MOST_COMPARED = 400
MOST_LIKELY = 5


class Alike(msgspec.Struct, frozen=True, kw_only=True):
    """A draft, and a customer or an earlier draft that is likely the same."""

    index: int
    customer: UUID | None
    draft: int | None
    display_name: str
    probability: float
    proposal: Proposal
    evidence: list[Evidence]
    rule: str


class Checking:
    """Compares drafts with the customers that have something in common with them."""

    def __init__(self, plugin: Plugin) -> None:
        self._settings: Settings = plugin.settings
        self._db = plugin.house.db
        self._keys = Keys(self._db, self._settings)

    async def of(self, sought: Sequence[Sought]) -> list[list[Likely]]:
        """For each the customers that are likely the same, as far as the viewer sees them."""
        found: list[list[Likely]] = [[] for _ in sought]
        for one in await self.among(sought):
            if one.customer is not None:
                found[one.index].append(
                    Likely(
                        customer=one.customer,
                        display_name=one.display_name,
                        probability=one.probability,
                        proposal=one.proposal,
                        evidence=one.evidence,
                        rule=one.rule,
                    )
                )
        return found

    async def among(self, sought: Sequence[Sought]) -> list[Alike]:
        """Who drafts are likely the same as, also among earlier drafts; the likeliest first."""
        found: list[Alike] = []
        for kind in KINDS:
            places = [place for place, each in enumerate(sought) if each.kind == kind]
            if places:
                some = await self._of_kind(kind, [sought[place] for place in places])
                found += [
                    msgspec.structs.replace(
                        one,
                        index=places[one.index],
                        draft=None if one.draft is None else places[one.draft],
                    )
                    for one in some
                ]
        return found

    async def _of_kind(self, kind: Kind, sought: Sequence[Sought]) -> list[Alike]:
        schema = schema_of(self._settings, kind)
        drafts = columns_of(sought, kind)
        keys = fingerprints(drafts, schema)
        holders = await self._keys.holders(keys, drafts, each=MOST_HOLDERS)
        wanted = list(dict.fromkeys(id for some in _rarest(keys, holders) for id in some))
        records = await read_records(self._db, self._settings, kind, wanted)
        if not records.ids and len(sought) == 1:
            return []
        model = await Models(self._db).newest(schema, kind)
        place = {id: number for number, id in enumerate(records.ids)}
        pairs = [
            (index, len(sought) + place[id])
            for index, some in enumerate(_rarest(keys, holders))
            for id in some
            if id in place
        ]
        pairs += _of_batch(keys)
        return await asyncio.to_thread(_judged, drafts, records, pairs, model)


def _rarest(keys: Sequence[set[str]], holders: Holders) -> list[list[UUID]]:
    """For each draft who has something in common with it, those with rare keys first."""
    found = []
    for some in keys:
        ranked = sorted((len(holders[key]), key) for key in some if key in holders)
        who = dict.fromkeys(id for _, key in ranked for id in holders[key])
        found.append(list(who)[:MOST_COMPARED])
    return found


def _of_batch(keys: Sequence[set[str]]) -> list[tuple[int, int]]:
    """Drafts that have a key in common with an earlier one."""
    having: dict[str, list[int]] = {}
    for place, some in enumerate(keys):
        for key in some:
            having.setdefault(key, []).append(place)
    pairs = {
        (later, earlier)
        for places in having.values()
        for number, later in enumerate(places)
        for earlier in places[:number][-MOST_LIKELY:]
    }
    return sorted(pairs)


def _judged(
    drafts: Columns, records: Records, pairs: Sequence[tuple[int, int]], model: Model
) -> list[Alike]:
    """The pairs that are more than distinct: a few hundred for one draft."""
    if not pairs:
        return []
    columns: Columns = {name: [*drafts[name], *records.columns[name]] for name in drafts}
    prepared = prepare(columns, model.schema, model.statistics)
    asked = prepared.size - len(records.ids)
    left, right = np.array(pairs, dtype=np.int32).T
    likeness = compare(prepared, left, right)
    _, sure, decisions = judge(model, likeness)
    found: list[Alike] = []
    counts: dict[int, int] = {}
    for row in np.argsort(-sure, kind="stable").tolist():
        index, place = pairs[row]
        if not decisions[row] or counts.get(index, 0) == MOST_LIKELY:
            continue
        counts[index] = counts.get(index, 0) + 1
        found.append(
            Alike(
                index=index,
                customer=records.ids[place - asked] if place >= asked else None,
                draft=None if place >= asked else place,
                display_name=str(columns["name"][place]),
                probability=round(float(sure[row]), 6),
                proposal="auto" if decisions[row] == AUTO else "review",
                evidence=[
                    Evidence(field=name, level=level, bits=bits)
                    for name, (level, bits) in told(model, likeness, row).items()
                ],
                rule=rule_of(model, likeness, row),
            )
        )
    return found
