"""Facts about consent and contact."""

from __future__ import annotations

from uuid import UUID

import msgspec

from relatum.hooks.declarations import EventType
from relatum.values.text import Text


class ConsentRecorded(msgspec.Struct, frozen=True):
    """A line was added to the ledger of consents."""

    consent_id: UUID
    purpose: str
    channel: str


class ContactHeld(msgspec.Struct, frozen=True):
    """A customer is not to be contacted for now, or may be again."""

    hold_id: UUID
    kind: str


class ContactPreferenceSet(msgspec.Struct, frozen=True):
    """How a customer wants to be contacted."""

    restricted: bool
    quiet_from: str | None
    quiet_until: str | None


GRANTED = "core.consent_granted"
WITHDRAWN = "core.consent_withdrawn"
HELD = "core.contact_held"
LIFTED = "core.contact_hold_lifted"
PREFERENCE_SET = "core.contact_preference_set"

EVENT_TYPES = [
    EventType(
        id=GRANTED,
        title=Text(en="Consent given", vi="Đã đồng ý nhận liên hệ"),
        payload=ConsentRecorded,
    ),
    EventType(
        id=WITHDRAWN,
        title=Text(en="Consent taken back", vi="Đã rút lại đồng ý"),
        payload=ConsentRecorded,
    ),
    EventType(id=HELD, title=Text(en="Contact held", vi="Tạm ngừng liên hệ"), payload=ContactHeld),
    EventType(
        id=LIFTED,
        title=Text(en="Contact allowed again", vi="Cho phép liên hệ lại"),
        payload=ContactHeld,
    ),
    EventType(
        id=PREFERENCE_SET,
        title=Text(en="Contact preference set", vi="Đã đặt cách liên hệ"),
        payload=ContactPreferenceSet,
    ),
]
