"""Links and requests as they cross the plugin's borders."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal, get_args
from uuid import UUID

import msgspec
from msgspec import Meta

RequestKind = Literal["access", "correct", "restrict", "erase", "withdraw", "object", "portability"]
RequestState = Literal["received", "identity_checked", "in_work", "extended", "answered", "refused"]
Source = Literal["preference_page", "email", "phone", "letter", "in_person"]
IdentityMethod = Literal["signed_link", "called_back", "document", "account", "in_person"]
Words = Annotated[str, Meta(max_length=2_000)]
SomeWords = Annotated[str, Meta(min_length=3, max_length=2_000)]

KINDS: tuple[RequestKind, ...] = get_args(RequestKind)
STATES: tuple[RequestState, ...] = get_args(RequestState)
#: States in which somebody still has to do something.
OPEN: tuple[RequestState, ...] = ("received", "identity_checked", "in_work", "extended")
#: Kinds after which processing has to stop.
STOPPING: frozenset[RequestKind] = frozenset({"restrict", "erase", "withdraw", "object"})
#: Kinds that this program can carry out; a correction is made by a person.
CARRIED_OUT: frozenset[RequestKind] = STOPPING | {"access", "portability"}


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A link to the preference page of one customer.

    Attributes:
        address: where it leads; empty once it is no longer good.
    """

    id: UUID
    customer: UUID
    made_at: dt.datetime
    made_by: str
    expires_at: dt.datetime
    revoked_at: dt.datetime | None
    address: str


class LinkDraft(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For whom a link is to be made."""

    customer: UUID


class RequestDraft(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request as it came in.

    Attributes:
        received_on: the day it came by the company's clock; today when empty.
        processors: whether processors or third parties must act too.
        words: what they said.
    """

    customer: UUID
    kind: RequestKind
    source: Source = "email"
    received_on: dt.date | None = None
    processors: bool = False
    words: Words = ""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A request of a data subject.

    Attributes:
        customer: empty once they are erased.
        answer_on: last day for the answer; ``stop_on`` for stopping, where something must stop.
        due_on: the earlier of those that are still to be met.
        result: id of what came of it: the receipt of an erasure, the export.
    """

    id: UUID
    customer: UUID | None
    kind: RequestKind
    state: RequestState
    source: str
    processors: bool
    received_at: dt.datetime
    recorded_by: str
    answer_on: dt.date
    stop_on: dt.date | None
    due_on: dt.date
    extended_days: int
    identity_method: str
    identity_by: str
    identity_at: dt.datetime | None
    carried_out_at: dt.datetime | None
    result: str
    closed_at: dt.datetime | None
    closed_by: str


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a request, in words."""

    id: UUID
    step: str
    words: str
    at: dt.datetime
    by: str


class RequestQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which requests, the first due first."""

    state: Literal["open", "answered", "refused"] = "open"
    customer: UUID | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    cursor: str | None = None


class Move(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The next step of a request.

    Attributes:
        do: ``check_identity`` needs ``method`` and words; ``start`` begins the work; ``carry_out``
            does what was asked; ``extend`` needs ``days`` and a reason; ``answer`` and ``refuse``
            close it, with what was said.
    """

    do: Literal["check_identity", "start", "carry_out", "extend", "answer", "refuse"]
    method: IdentityMethod | None = None
    days: int = 0
    words: Words = ""


class BreachDraft(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A breach as it was found.

    Attributes:
        title: what happened, without names of customers.
        kinds: the kinds of data it is about.
        people: about how many people.
        discovered_at: from then on the clock runs.
    """

    title: Annotated[str, Meta(min_length=3, max_length=200)]
    discovered_at: dt.datetime
    kinds: Annotated[str, Meta(max_length=500)] = ""
    people: Annotated[int, Meta(ge=0, le=1_000_000_000)] = 0


class Breach(msgspec.Struct, frozen=True, kw_only=True):
    """A breach in the record.

    Attributes:
        notify_by: until when the authority is to be told.
        notice: what it was told, and its reference; ``outcome`` what was done.
    """

    id: UUID
    title: str
    kinds: str
    people: int
    discovered_at: dt.datetime
    notify_by: dt.datetime
    recorded_at: dt.datetime
    recorded_by: str
    notified_at: dt.datetime | None
    notified_by: str
    notice: str
    closed_at: dt.datetime | None
    closed_by: str
    outcome: str


class BreachQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which breaches, the one to be reported first at the top."""

    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    cursor: str | None = None


class BreachMove(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``notify``: the authority was told; ``close``: nothing is left to do. In words."""

    do: Literal["notify", "close"]
    words: SomeWords


RetentionState = Literal["due", "approved", "kept", "erased", "ended"]
#: States in which somebody stands on the list of a schedule.
LISTED: tuple[RetentionState, ...] = ("due", "approved", "kept")


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """A customer on the list of a schedule, or what became of one.

    Attributes:
        customer: empty once they are erased.
        last_at: when something last happened with them, as far as it is not archived.
        erase_on: the first day on which they may be erased.
        kept_until: the last day on which they are not looked at again.
        stays: why they could not be erased, or are no longer due; a code.
        receipt: of the erasure.
    """

    id: UUID
    customer: UUID | None
    rule: str
    state: RetentionState
    last_at: dt.datetime
    listed_at: dt.datetime
    erase_on: dt.date
    kept_until: dt.date | None
    reason: str
    decided_by: str
    decided_at: dt.datetime | None
    stays: str
    ended_at: dt.datetime | None
    receipt: UUID | None


class DueQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which of the list, the first to be erased at the top."""

    state: RetentionState = "due"
    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    cursor: str | None = None
