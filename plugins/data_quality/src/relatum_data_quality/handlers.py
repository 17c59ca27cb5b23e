"""What follows from events: customers that came or changed are looked at again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

import msgspec

from relatum.api import Event, Handler, Plugin
from relatum_data_quality.scoring import POINTS
from relatum_data_quality.services.evaluating import Evaluating
from relatum_data_quality.services.verifications import Noted, note
from relatum_data_quality.settings import Settings

CREATED = "core.customer_created"
UPDATED = "core.customer_updated"
MERGED = "core.customers_merged"
UNMERGED = "core.customers_unmerged"


class _Updated(msgspec.Struct):
    """What is read of the payload of ``UPDATED``."""

    changes: dict[str, tuple[Any, Any]]


class _Unmerged(msgspec.Struct):
    """What is read of the payload of ``UNMERGED``."""

    survivor: UUID
    absorbed: UUID


async def look_again(plugin: Plugin, events: Sequence[Event]) -> None:
    """Note what was written anew, then apply the rules."""
    customers = {event.customer for event in events if event.customer is not None}
    for event in events:
        if event.type == UNMERGED:
            two = event.read(_Unmerged)
            customers |= {two.survivor, two.absorbed}
    db = plugin.house.db
    there = {
        row[0]
        for row in await db.fetch_in(
            "SELECT id FROM core_customer WHERE id IN ({})", sorted(customers)
        )
    }
    noted = [one for event in events for one in _written(event, plugin.settings)]
    await note(db, [one for one in noted if one[0] in there])
    await Evaluating(plugin).again(there)


def _written(event: Event, settings: Settings) -> Iterator[Noted]:
    """The fields that a change wrote: trust in them begins anew."""
    if event.type != UPDATED or event.customer is None:
        return
    changes = event.read(_Updated).changes
    before, after = changes.get("contact_points", ([], []))
    for kind in POINTS:
        if _raw(before, kind) != _raw(after, kind) and _raw(after, kind):
            yield event.customer, kind, event.recorded_at, False, event.by
    before, after = changes.get("fields", ({}, {}))
    for field, key in (("birth", settings.birth_field), ("need", settings.need_field)):
        if after.get(key) is not None and before.get(key) != after.get(key):
            yield event.customer, field, event.recorded_at, False, event.by


def _raw(points: Sequence[Any], kind: str) -> list[str]:
    return [str(p.get("raw")) for p in points if p.get("kind") == kind]


async def forget(plugin: Plugin) -> None:
    """Before the log is read again; what people confirmed stays."""
    await plugin.house.db.execute(
        "DELETE FROM data_quality_verification WHERE confirmed = ?", False
    )


HANDLERS = [
    Handler(
        id="data_quality.changed",
        events=(CREATED, UPDATED, MERGED, UNMERGED),
        handle=look_again,
        reset=forget,
    )
]
