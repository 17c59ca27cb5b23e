"""Facts about interactions."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

import msgspec

from relatum.hooks.declarations import EventType
from relatum.values.text import Text


class InteractionFact(msgspec.Struct, frozen=True, omit_defaults=True):
    """Enough for a handler to know whether it cares; it reads the interaction for the rest."""

    interaction_id: UUID
    kind: str
    occurred_at: dt.datetime
    subject: str | None = None


RECORDED = "core.interaction_recorded"
RETRACTED = "core.interaction_retracted"

EVENT_TYPES = [
    EventType(
        id=RECORDED,
        title=Text(en="Interaction recorded", vi="Đã ghi tương tác"),
        payload=InteractionFact,
    ),
    EventType(
        id=RETRACTED,
        title=Text(en="Interaction taken back", vi="Đã rút lại tương tác"),
        payload=InteractionFact,
    ),
]
