"""The kinds of interaction that every business has; core declares them like a plugin would."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from relatum.hooks.declarations import InteractionKind
from relatum.values.text import Text

#: A number with every digit kept, as text.
DecimalText = Annotated[str, Meta(pattern=r"^-?\d{1,18}(\.\d{1,9})?$")]
Short = Annotated[str, Meta(max_length=300)]
Long = Annotated[str, Meta(max_length=100_000)]
#: Masked for those who do not see contact data.
Reach = Annotated[str, Meta(max_length=300, extra={"sensitivity": "contact"})]


class Purchase(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """One line of a sale, or a whole one. The money of the interaction is what was paid for it."""

    reference: Short = ""
    item: Short = ""
    description: Short = ""
    quantity: DecimalText = "1"
    unit_price: DecimalText | None = None


class Note(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    text: Long


class Call(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """``seconds``: how long it lasted; ``answered``: whether anybody spoke."""

    number: Reach = ""
    seconds: Annotated[int, Meta(ge=0, le=86_400)] = 0
    answered: bool = True
    summary: Long = ""


class Message(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    subject: Short = ""
    text: Long = ""


class Visit(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    place: Short = ""
    summary: Long = ""


class Meeting(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    title: Short = ""
    minutes: Annotated[int, Meta(ge=0, le=10_080)] = 0
    summary: Long = ""


KINDS = [
    InteractionKind(
        id="core.purchase",
        title=Text(en="Purchase", vi="Mua hàng"),
        payload=Purchase,
        icon="shopping-cart",
        template="relatum/kinds/purchase.html",
    ),
    InteractionKind(
        id="core.cancellation",
        title=Text(en="Cancelled purchase", vi="Huỷ mua hàng"),
        payload=Purchase,
        icon="receipt-refund",
        template="relatum/kinds/purchase.html",
    ),
    InteractionKind(
        id="core.note",
        title=Text(en="Note", vi="Ghi chú"),
        payload=Note,
        icon="note",
        template="relatum/kinds/note.html",
    ),
    InteractionKind(
        id="core.call",
        title=Text(en="Call", vi="Cuộc gọi"),
        payload=Call,
        icon="phone",
        template="relatum/kinds/call.html",
    ),
    InteractionKind(
        id="core.message",
        title=Text(en="Message", vi="Tin nhắn"),
        payload=Message,
        icon="message",
        template="relatum/kinds/message.html",
    ),
    InteractionKind(
        id="core.visit",
        title=Text(en="Visit", vi="Ghé thăm"),
        payload=Visit,
        icon="map-pin",
        template="relatum/kinds/visit.html",
    ),
    InteractionKind(
        id="core.meeting",
        title=Text(en="Meeting", vi="Cuộc hẹn"),
        payload=Meeting,
        icon="users",
        template="relatum/kinds/meeting.html",
    ),
]
