"""When, and by whom, each field of a customer was said last: from what the log says of changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from relatum.customers import events as facts
from relatum.customers.merging.choosing import FIELD, Origin, source_of
from relatum.events.types import Event

if TYPE_CHECKING:
    from uuid import UUID

    from relatum.events.log import EventLog

#: Changes further back than this count as the beginning.
MOST_CHANGES = 500


async def origins_of(events: EventLog, customer: UUID) -> dict[str, Origin]:
    """By field; ``""`` is when the customer was created. Called as the house."""
    found = await events.of_customer(
        customer, types=[facts.CREATED, facts.UPDATED], limit=MOST_CHANGES
    )
    return read_origins(found)


def read_origins(events: Sequence[Event]) -> dict[str, Origin]:
    """As :func:`origins_of`, from events with the newest first."""
    origins: dict[str, Origin] = {}
    for event in events:
        for name in _said(event):
            origins.setdefault(name, Origin(event.recorded_at, source_of(event.by)))
    return origins


def _said(event: Event) -> Iterator[str]:
    if event.type == facts.CREATED:
        yield ""
        return
    changes = event.read(facts.CustomerUpdated).changes
    for name, (before, after) in changes.items():
        if name != "fields":
            yield name
            continue
        for key in {**before, **after}:
            if before.get(key) != after.get(key):
                yield f"{FIELD}{key}"
