"""Messages as rows of their table."""

from __future__ import annotations

from typing import Any

import msgspec

from relatum.contact.gate import objections_of
from relatum.contact.outbox.types import Content, Message
from relatum.contact.profile import ChannelRule

COLUMNS = (
    *("id", "customer_id", "verdict_id", "channel", "purpose", "address", "sender", "subject"),
    *("text", "html", "state", "due_at", "created_at", "created_by", "plugin", "reference"),
    *("attempts", "asked"),
)
_SHOWN = (
    *("id", "customer_id", "verdict_id", "channel", "purpose", "subject", "text", "html", "state"),
    *("due_at", "created_at", "created_by", "plugin", "reference", "attempts", "ended_at"),
    *("provider_reference", "detail"),
)
SELECT = f"SELECT {', '.join(_SHOWN)} FROM core_message"  # noqa: S608 - names of our own
_FIELDS = tuple(
    {"customer_id": "customer", "verdict_id": "verdict"}.get(name, name) for name in _SHOWN
)
REASONS = "SELECT id, reasons FROM core_contact_verdict WHERE id IN ({})"
CREATED = _SHOWN.index("created_at")


def message_of(row: tuple[Any, ...], reasons: Any = ()) -> Message:
    """The message of a row of :data:`SELECT`, with the reasons of its verdict."""
    values = dict(zip(_FIELDS, row, strict=True))
    values["reference"] = values["reference"] or ""
    return Message(**values, reasons=objections_of(reasons) if reasons else [])


def labelled(content: Content, rule: ChannelRule | None) -> Content:
    """With the label of the law first, in the subject where there is one, else in the text."""
    if rule is None or not rule.labels or first_words(content).startswith(rule.labels):
        return content
    label = rule.labels[0]
    if content.subject:
        return msgspec.structs.replace(content, subject=f"{label} {content.subject}"[:200])
    return msgspec.structs.replace(content, text=f"{label} {content.text}")


def first_words(content: Content) -> str:
    """What the gate looks at for the label: the subject where there is one, else the text."""
    return (content.subject or content.text)[:10_000]
