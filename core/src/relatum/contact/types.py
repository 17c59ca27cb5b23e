"""What is asked of the gate and what it answers."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from relatum.contact.profile import ClockTime, Word

Outcome = Literal["allow", "defer", "deny"]
ConsentState = Literal["granted", "withdrawn"]
#: How somebody gave or took back a consent. There is no way that needs no act of theirs.
Method = Literal["form", "preference_page", "signed_paper", "recorded_call", "message", "in_person"]
Scope = Literal["advertising", "everything"]
HoldKind = Literal["complaint", "dispute", "legal", "other"]
#: The kind of contact point that a channel reaches; ``other`` for channels that are not named.
KIND_OF_CHANNEL = {
    "sms": "phone",
    "call": "phone",
    "email": "email",
    "zalo": "zalo",
    "facebook": "facebook",
    "post": "address",
    "push": "device",
}

ANY_CHANNEL = "*"


class ContactRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody wants to contact a customer.

    Attributes:
        address: one of the customer's contact points, in any spelling; empty takes the primary one.
        at: when it would be sent; now when it is empty.
        body: the text, where the law asks how it begins (advertising by SMS).
        sender: the name it comes from, where the law asks for a name.
        plugin: who asks; ``core`` for a person at the screen.
        reference: of the asker's own; asking again under it gets the same verdict.
    """

    customer: UUID
    channel: Word
    purpose: Word
    address: Annotated[str, Meta(max_length=500)] = ""
    at: dt.datetime | None = None
    body: Annotated[str, Meta(max_length=10_000)] = ""
    sender: Annotated[str, Meta(max_length=100)] = ""
    plugin: Annotated[str, Meta(max_length=60)] = "core"
    reference: Annotated[str, Meta(max_length=200)] = ""


class Objection(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One rule that stands against a contact.

    Attributes:
        rule: its name, such as ``legal_cap``.
        detail: what it found, in words.
        until: when it no longer stands against it; None when waiting does not help.
        source: the law behind it.
    """

    rule: str
    detail: str
    until: dt.datetime | None = None
    source: str = ""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """The gate's stored answer to one request.

    Attributes:
        outcome: ``defer``: not at the time asked for, but from ``until`` on (ask again then).
        at: the time that was decided about.
        reasons: every rule that stands against it, in the order of the rules; the first names it.
        policy: profile and version that it was decided by.
    """

    id: UUID
    customer: UUID | None
    channel: str
    purpose: str
    outcome: Outcome
    at: dt.datetime
    decided_at: dt.datetime
    until: dt.datetime | None = None
    reasons: list[Objection] = []
    policy: str = ""
    plugin: str = "core"
    reference: str = ""


class Proof(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What shows that somebody consented: their act, and the words they saw.

    Attributes:
        method: what they did.
        wording: the sentence they agreed to, as it was shown or read to them.
        where: the address of the form, the number of the paper, the id of the recording.
    """

    method: Method
    wording: Annotated[str, Meta(min_length=10, max_length=2_000)]
    where: Annotated[str, Meta(min_length=1, max_length=500)]


class ConsentDraft(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A consent as somebody gave it, for one purpose and one channel (or ``*``, all channels)."""

    customer: UUID
    purpose: Word
    proof: Proof
    channel: Annotated[str, Meta(pattern=r"^(\*|[a-z][a-z0-9_]{0,39})$")] = ANY_CHANNEL
    given_at: dt.datetime | None = None
    expires_at: dt.datetime | None = None


class WithdrawalDraft(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A consent that somebody takes back; it needs no proof and no reason."""

    customer: UUID
    purpose: Word
    channel: Annotated[str, Meta(pattern=r"^(\*|[a-z][a-z0-9_]{0,39})$")] = ANY_CHANNEL
    method: Method = "message"
    note: Annotated[str, Meta(max_length=500)] = ""
    given_at: dt.datetime | None = None


class ConsentEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the ledger; lines are never changed."""

    id: UUID
    customer: UUID
    purpose: str
    channel: str
    state: ConsentState
    given_at: dt.datetime
    recorded_at: dt.datetime
    recorded_by: str
    method: str
    wording: str
    where: str
    expires_at: dt.datetime | None = None


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """What keeps a customer from being contacted for anything but what they ordered."""

    id: UUID
    customer: UUID
    kind: str
    reason: str
    placed_by: str
    since: dt.datetime
    lifted_at: dt.datetime | None = None


class HoldDraft(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An open complaint, a dispute: no offers while it stands."""

    customer: UUID
    kind: HoldKind = "complaint"
    reason: Annotated[str, Meta(max_length=500)] = ""


class Preference(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a customer wants to be contacted.

    Attributes:
        restricted: the customer's data are kept and otherwise not used: nobody contacts them.
        quiet_from: by the company's clock, with ``quiet_until``; over midnight when it is later.
    """

    restricted: bool = False
    quiet_from: ClockTime | None = None
    quiet_until: ClockTime | None = None


class RefusalDraft(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An address nobody may advertise to (or write to at all), whoever it belongs to."""

    kind: Literal["phone", "email"]
    address: Annotated[str, Meta(min_length=3, max_length=500)]
    scope: Scope = "advertising"
    source: Annotated[str, Meta(max_length=200)] = ""
