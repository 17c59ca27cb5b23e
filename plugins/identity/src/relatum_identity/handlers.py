"""What follows from events: the keys of customers that came or changed, and undone merges."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec

from relatum.api import Event, Handler, Plugin
from relatum_identity.services.keys import Keys
from relatum_identity.services.pairs import Pairs
from relatum_identity.settings import Settings

CREATED = "core.customer_created"
UPDATED = "core.customer_updated"
MERGED = "core.customers_merged"
UNMERGED = "core.customers_unmerged"


class _Unmerged(msgspec.Struct):
    """What is read of the payload of ``UNMERGED``."""

    merge_id: UUID
    survivor: UUID
    absorbed: UUID


def _keys(plugin: Plugin) -> Keys:
    settings: Settings = plugin.settings
    return Keys(plugin.house.db, settings)


async def renew_keys(plugin: Plugin, events: Sequence[Event]) -> None:
    """Those that changed are found by what they are now."""
    customers = {event.customer for event in events if event.customer is not None}
    undone = [event.read(_Unmerged) for event in events if event.type == UNMERGED]
    customers |= {id for each in undone for id in (each.survivor, each.absorbed)}
    await _keys(plugin).renew(sorted(customers))
    await Pairs(plugin).taken_back([each.merge_id for each in undone])


async def forget_keys(plugin: Plugin) -> None:
    """Before the log is read again."""
    await _keys(plugin).forget()


HANDLERS = [
    Handler(
        id="identity.keys",
        events=(CREATED, UPDATED, MERGED, UNMERGED),
        handle=renew_keys,
        reset=forget_keys,
    )
]
