"""Messages to customers as they are asked for, kept, and handed to a channel."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Annotated, Literal, get_args
from uuid import UUID

import msgspec
from msgspec import Meta

from relatum.contact.profile import Word
from relatum.contact.types import Objection

if TYPE_CHECKING:
    from relatum.contact.gate import Permit

#: ``planned``: allowed, waits for its time. ``deferred``: the gate is asked again when it is due.
#: ``denied``: the gate said no, at once or right before sending. ``sending``: handed over, no
#: answer yet. ``uncertain``: nobody can say whether it was sent; a person does.
State = Literal[
    "planned",
    "deferred",
    "denied",
    "sending",
    "sent",
    "delivered",
    "failed",
    "bounced",
    "uncertain",
    "cancelled",
]
STATES: tuple[State, ...] = get_args(State)


class Content(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a message says.

    Attributes:
        text: the plain text, always.
        html: the same as HTML, for channels that have it; empty for none.
    """

    text: Annotated[str, Meta(min_length=1, max_length=50_000)]
    subject: Annotated[str, Meta(max_length=200, pattern=r"^[^\x00-\x1f]*\Z")] = ""
    html: Annotated[str, Meta(max_length=200_000)] = ""


class MessageDraft(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A message that somebody wants to send; the gate decides.

    Attributes:
        address: one of the customer's contact points; empty takes the primary one of the channel.
        at: when it is to be sent; at once when it is empty.
        sender: the name it comes from, where the law asks for one.
        reference: of the asker's own; asking again under it gives the same message.
    """

    customer: UUID
    channel: Word
    purpose: Word
    content: Content
    address: Annotated[str, Meta(max_length=500)] = ""
    at: dt.datetime | None = None
    sender: Annotated[str, Meta(max_length=100)] = ""
    reference: Annotated[str, Meta(max_length=200)] = ""


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A message as it stands.

    Attributes:
        verdict: the gate's latest verdict about it; ``reasons`` are its reasons.
        due_at: when it is sent, or the gate asked again; None once it is over.
        attempts: how often it was handed to the channel.
        provider_reference: the provider's name of it.
        detail: what the channel said last.
    """

    id: UUID
    customer: UUID
    verdict: UUID
    channel: str
    purpose: str
    subject: str
    text: str
    html: str
    state: State
    due_at: dt.datetime | None
    created_at: dt.datetime
    created_by: str
    plugin: str
    reference: str
    attempts: int
    ended_at: dt.datetime | None
    provider_reference: str
    detail: str
    reasons: list[Objection] = []


class MessageQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which messages, the newest first."""

    customer: UUID | None = None
    state: State | None = None
    channel: str | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    cursor: str | None = None


class Parcel(msgspec.Struct, frozen=True, kw_only=True):
    """One message as a channel gets it, with the right to send it once.

    Attributes:
        permit: of the contact gate; its ``address`` is where the message goes.
        key: the same in every attempt: what a provider knows a repetition by.
        advertising: whether it is advertising by the profile of the law.
        unsubscribe: the address of a page that takes the consent back, also by a bare POST
            (RFC 8058); empty for what needs no consent, or without a public address.
    """

    permit: Permit
    message: UUID
    key: str
    purpose: str
    content: Content
    sender: str = ""
    advertising: bool = False
    unsubscribe: str = ""
