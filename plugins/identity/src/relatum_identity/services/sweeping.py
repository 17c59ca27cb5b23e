"""Sweeps: everybody compared and the model learned anew, or only those that changed since."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Literal
from uuid import UUID

import msgspec
import numpy as np

from relatum.api import Plugin
from relatum_identity.engine.deciding import AUTO, REVIEW, rule_of
from relatum_identity.engine.learning import RULES, Model
from relatum_identity.engine.linking import (
    FEWEST_TO_LEARN,
    Linked,
    evidence,
    link,
    link_some,
    queue,
)
from relatum_identity.engine.preparing import statistics_of
from relatum_identity.engine.schema import Schema
from relatum_identity.services.keys import Keys
from relatum_identity.services.models import Models, nameless
from relatum_identity.services.pairs import Found, Pairs
from relatum_identity.services.records import KINDS, Records, read_records, schema_of
from relatum_identity.settings import Settings
from relatum_identity.types import Kind

#: From this share of all changed customers on, comparing everybody is not much more.
MOST_CHANGED = 0.2
#: When there are so many times as many, what was learned is of another company.
GROWN = 1.5
#: A key that more customers have is left to whole sweeps.
MOST_HOLDERS = 2_000
#: How often those who turn out to belong to a group are added to those who changed.
MOST_ROUNDS = 8


class Swept(msgspec.Struct, frozen=True, kw_only=True):
    """What a sweep came to; ``looked_at`` are those whose pairs were found anew."""

    people: int
    organisations: int = 0
    looked_at: int
    compared: int
    sure: int
    to_review: int
    merged: int
    whole: bool


class _Part(msgspec.Struct, frozen=True, kw_only=True):
    """The sweep of one kind."""

    there: int
    looked_at: int
    compared: int
    found: list[Found]
    whole: bool


class Sweeping:
    """One sweep over people, and one over organisations."""

    def __init__(self, plugin: Plugin) -> None:
        self._plugin = plugin
        self._settings: Settings = plugin.settings
        self._db = plugin.house.db
        self._keys = Keys(self._db, self._settings)
        self._models = Models(self._db)
        self._pairs = Pairs(plugin)

    async def sweep(self, extent: Literal["changed", "all"] = "all") -> Swept:
        """Find pairs; beside the event loop, which stays free.

        Args:
            extent: ``changed`` looks only at those who changed since the last sweep and those they
                hang together with, where what was learned still fits.
        """
        changed, rows = await self._keys.waiting()
        parts: dict[Kind, _Part] = {}
        for kind in KINDS:
            parts[kind] = await self._of_kind(kind, changed if extent == "changed" else None)
        await self._keys.looked_at(rows)
        merged = 0
        if self._settings.auto_merge:
            merged = await self._pairs.merge_sure(by=f"plugin:{self._plugin.id}")
        found = [one for part in parts.values() for one in part.found]
        sure = sum(one.proposal == "auto" for one in found)
        return Swept(
            people=parts["person"].there,
            organisations=parts["organisation"].there,
            looked_at=sum(part.looked_at for part in parts.values()),
            compared=sum(part.compared for part in parts.values()),
            sure=sure,
            to_review=len(found) - sure,
            merged=merged,
            whole=any(part.whole for part in parts.values()),
        )

    async def _of_kind(self, kind: Kind, changed: set[UUID] | None) -> _Part:
        count = await self._db.fetch_one("SELECT count(*) FROM core_customer WHERE kind = ?", kind)
        there = int(count[0]) if count else 0
        if changed is not None:
            model = await self._fitting(kind, there)
            some = await self._of(kind, changed)
            if not some and (model is not None or there < FEWEST_TO_LEARN):
                return _Part(there=there, looked_at=0, compared=0, found=[], whole=False)
            if model is not None and len(some) <= MOST_CHANGED * there:
                return await self._some(kind, some, model, there)
        return await self._whole(kind)

    async def _of(self, kind: Kind, customers: set[UUID]) -> set[UUID]:
        rows = await self._db.fetch_in(
            "SELECT id, kind FROM core_customer WHERE id IN ({})", sorted(customers)
        )
        return {id for id, other in rows if other == kind}

    async def _fitting(self, kind: Kind, there: int) -> Model | None:
        """What was learned, when it still says something about those who are there."""
        model = await self._models.learned(kind)
        if model is None or not model.learned or model.rules != RULES:
            return None
        if model.schema != schema_of(self._settings, kind):
            return None
        fits = there / GROWN <= model.statistics.records <= there * GROWN
        return model if fits else None

    # -- everybody -------------------------------------------------------------------------------

    async def _whole(self, kind: Kind) -> _Part:
        records = await read_records(self._db, self._settings, kind)
        size = len(records.ids)
        if size < 2:
            await self._pairs.replace_candidates([], kind=kind)
            return _Part(there=size, looked_at=size, compared=0, found=[], whole=True)
        linked = await asyncio.to_thread(learned_from, records, schema_of(self._settings, kind))
        await self._models.add(linked.model, kind)
        found = found_pairs(linked, records)
        await self._pairs.replace_candidates(found, kind=kind)
        return _Part(
            there=size, looked_at=size, compared=linked.candidate_pairs, found=found, whole=True
        )

    # -- those who changed -----------------------------------------------------------------------

    async def _some(self, kind: Kind, changed: set[UUID], model: Model, there: int) -> _Part:
        """Pairs of those who changed, and of everybody they are or were in a group with."""
        anew = await self._pairs.together_with(changed)
        beside: set[UUID] = set()
        records, linked = await self._linked(kind, anew, model)
        for _ in range(MOST_ROUNDS):
            grown_anew, grown_beside = _grown(records, linked, anew, beside)
            if (grown_anew, grown_beside) == (anew, beside):
                break
            anew = await self._pairs.together_with(grown_anew)
            beside = grown_beside - anew
            records, linked = await self._linked(kind, anew | beside, model)
        found = [
            one for one in found_pairs(linked, records) if one.first in anew or one.second in anew
        ]
        await self._pairs.replace_candidates(found, kind=kind, of=anew)
        return _Part(
            there=there,
            looked_at=len(anew),
            compared=linked.candidate_pairs,
            found=found,
            whole=False,
        )

    async def _linked(self, kind: Kind, wanted: set[UUID], model: Model) -> tuple[Records, Linked]:
        keys = await self._keys.of(sorted(wanted))
        near = await self._keys.holding(sorted(keys), each=MOST_HOLDERS)
        records = await read_records(self._db, self._settings, kind, sorted(wanted | near))
        mask = [id in wanted for id in records.ids]
        return records, await asyncio.to_thread(link_some, records.columns, mask, model)


def _grown(
    records: Records, linked: Linked, anew: set[UUID], beside: set[UUID]
) -> tuple[set[UUID], set[UUID]]:
    """Who must be looked at too: groups are known when all their pairs are.

    Whoever a member of a group may surely be the same as, whatever a chain makes of it, belongs
    to those found anew; groups that are only doubtfully the same are only to be known.
    """
    sure = linked.probabilities >= linked.model.schema.auto_from
    more_anew, more_beside = set(anew), set(beside)
    for row in range(linked.left.size):
        first, second = records.ids[linked.left[row]], records.ids[linked.right[row]]
        if first not in anew and first not in beside:
            first, second = second, first
        if first in anew:
            (more_anew if sure[row] else more_beside).add(second)
        elif sure[row]:
            more_beside.add(second)
    return more_anew, more_beside - more_anew


def learned_from(records: Records, schema: Schema) -> Linked:
    """A whole sweep; frequencies as they are kept, so that later verdicts are the same."""
    statistics = nameless(statistics_of(records.columns, schema))
    return link(records.columns, schema, statistics=statistics)


def found_pairs(linked: Linked, records: Records) -> list[Found]:
    """Pairs to be put down: the sure ones, and for each two groups the likeliest doubtful one."""
    sure = np.flatnonzero(linked.decisions == AUTO)
    rows: Sequence[int] = [*sure.tolist(), *queue(linked).tolist()]
    return [
        Found(
            first=records.ids[linked.left[row]],
            second=records.ids[linked.right[row]],
            proposal="review" if linked.decisions[row] == REVIEW else "auto",
            probability=round(float(linked.probabilities[row]), 6),
            weight=round(float(linked.weights[row]), 3),
            evidence=evidence(linked, row),
            rule=rule_of(linked.model, linked.likeness, row),
        )
        for row in rows
    ]
