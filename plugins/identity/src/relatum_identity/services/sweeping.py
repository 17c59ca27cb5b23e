"""The sweep: everybody compared, the model learned anew, pairs put down."""

from __future__ import annotations

import asyncio

import msgspec
import numpy as np

from relatum.api import Plugin
from relatum_identity.engine.deciding import AUTO, REVIEW, rule_of
from relatum_identity.engine.linking import Linked, evidence, link, queue
from relatum_identity.services.models import Models
from relatum_identity.services.pairs import Found, Pairs
from relatum_identity.services.records import People, read_people, schema_of
from relatum_identity.settings import Settings


class Swept(msgspec.Struct, frozen=True, kw_only=True):
    """What a sweep came to."""

    people: int
    compared: int
    sure: int
    to_review: int
    merged: int


class Sweeping:
    """One sweep over all people."""

    def __init__(self, plugin: Plugin) -> None:
        self._plugin = plugin
        self._settings: Settings = plugin.settings

    async def sweep(self) -> Swept:
        """Compare everybody; beside the event loop, which stays free."""
        db = self._plugin.house.db
        people = await read_people(db, self._settings.birth_field)
        if len(people.ids) < 2:
            await Pairs(self._plugin).replace_candidates([])
            return Swept(people=len(people.ids), compared=0, sure=0, to_review=0, merged=0)
        linked = await asyncio.to_thread(link, people.columns, schema_of(self._settings))
        await Models(db).add(linked.model)
        found = found_pairs(linked, people)
        pairs = Pairs(self._plugin)
        await pairs.replace_candidates(found)
        merged = (
            await pairs.merge_sure(by=f"plugin:{self._plugin.id}")
            if self._settings.auto_merge
            else 0
        )
        sure = sum(each.proposal == "auto" for each in found)
        return Swept(
            people=len(people.ids),
            compared=linked.candidate_pairs,
            sure=sure,
            to_review=len(found) - sure,
            merged=merged,
        )


def found_pairs(linked: Linked, people: People) -> list[Found]:
    """Pairs to be put down: the sure ones, and for each two groups the likeliest doubtful one."""
    sure = np.flatnonzero(linked.decisions == AUTO)
    rows = [*sure.tolist(), *queue(linked).tolist()]
    return [
        Found(
            first=people.ids[linked.left[row]],
            second=people.ids[linked.right[row]],
            proposal="review" if linked.decisions[row] == REVIEW else "auto",
            probability=round(float(linked.probabilities[row]), 6),
            weight=round(float(linked.weights[row]), 3),
            evidence=evidence(linked, row),
            rule=rule_of(linked.model, linked.likeness, row),
        )
        for row in rows
    ]
