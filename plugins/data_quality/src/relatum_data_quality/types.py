"""Findings, scores and outside data as they cross the plugin's borders."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from relatum.api import CustomerDraft

State = Literal["open", "mended", "accepted", "gone"]
Cut = Literal["all", "owner", "team", "source"]
OwnKind = Literal[
    "required", "digits", "number", "words", "domain", "not_future", "not_past", "not_older"
]
Reason = Annotated[str, Meta(min_length=1, max_length=500)]


class Finding(msgspec.Struct, kw_only=True, frozen=True):
    """What one rule found in one customer.

    Attributes:
        certain: whether the rule knows how to mend it.
        version: of the customer after it was mended here; empty otherwise.
    """

    id: UUID
    customer: UUID
    rule: str
    dimension: str
    severity: str
    field: str
    certain: bool
    state: State
    reason: str
    found_at: dt.datetime
    changed_at: dt.datetime | None
    changed_by: str
    version: int | None


class FindingQuery(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Which findings, the newest first."""

    state: State = "open"
    rule: str = ""
    dimension: str = ""
    customer: UUID | None = None
    owner: UUID | None = None
    certain: bool | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    cursor: str | None = None


class Change(msgspec.Struct, kw_only=True, frozen=True):
    """One value before and after."""

    target: str
    before: str
    after: list[str]
    kind: str = ""


class Task(msgspec.Struct, kw_only=True, frozen=True):
    """A finding with exactly what mending would change, as the viewer sees the customer.

    Attributes:
        values: what is wrong, as far as the viewer sees it.
        changes: empty when a person has to say what is right.
    """

    finding: Finding
    display_name: str
    values: list[str]
    changes: list[Change]


class Acceptance(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Why something stays as it is."""

    reason: Reason


class Many(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Findings of one rule to be mended together."""

    findings: Annotated[list[UUID], Meta(min_length=1, max_length=200)]


class Mended(msgspec.Struct, kw_only=True, frozen=True):
    """What came of it: those that were mended, and those that were not as the rule saw them."""

    mended: list[UUID]
    left: list[UUID]


class Quality(msgspec.Struct, kw_only=True, frozen=True):
    """The index of some customers, and the means behind it; no index without customers."""

    customers: int
    index: float | None
    completeness: float = 0.0
    validity: float = 0.0
    uniqueness: float = 0.0
    freshness: float = 0.0
    consistency: float = 0.0
    part: str = ""
    day: dt.date | None = None


class IndexQuery(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Cut by what; how many days of the trend."""

    by: Cut = "all"
    days: Annotated[int, Meta(ge=1, le=1000)] = 90


class Index(msgspec.Struct, kw_only=True, frozen=True):
    """Now, in parts, and over the days."""

    now: Quality
    parts: list[Quality]
    trend: list[Quality]


class OutsideRecord(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """One record from outside, and how what stands against it was handled.

    Attributes:
        customer: whom it is about; its values become proposals. Without, it is somebody new.
        handled: ``distinct``: somebody looked, it is nobody who is there; ``incomplete``: it is
            taken though it is incomplete; ``left_out``: it stays out.
    """

    record: CustomerDraft
    customer: UUID | None = None
    handled: list[Literal["distinct", "incomplete", "left_out"]] = []


class OutsideBatch(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Outside data that is to be added, all of it or nothing."""

    source: Annotated[str, Meta(pattern="^[a-z][a-z0-9_.-]{0,59}$")]
    records: Annotated[list[OutsideRecord], Meta(min_length=1, max_length=1000)]


class Added(msgspec.Struct, kw_only=True, frozen=True):
    """What came of a batch.

    Attributes:
        created: customers that are new.
        proposals: values that wait for a person.
        verified: values that were left out because the customer has a verified one.
    """

    created: list[UUID]
    proposals: int
    verified: int
    left_out: int


class Proposal(msgspec.Struct, kw_only=True, frozen=True):
    """A value from outside for a field of a customer."""

    id: UUID
    customer: UUID
    source: str
    field: str
    value: str
    state: Literal["open", "taken", "left"]
    made_at: dt.datetime


class Answer(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Whether a proposal is taken."""

    take: bool


class OwnRuleDraft(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A rule of the company itself, as it is to be.

    Attributes:
        field: ``point:<kind>`` or ``field:<key>``.
        people: ``person`` or ``organisation``; empty for both.
        role: only customers with this role; empty for all. ``tag`` likewise.
        weight: of the field for the index, where the settings do not weigh it.
        least: of ``digits`` how many, of ``number`` the number itself; empty for no bound.
        words: what is allowed, for ``words`` and ``domain``.
        days: for ``not_older``.
    """

    kind: OwnKind
    field: Annotated[str, Meta(pattern="^(point|field):[a-z][a-z0-9_]{0,53}$")]
    people: Literal["", "person", "organisation"] = ""
    role: Annotated[str, Meta(pattern="^[a-z]{0,20}$")] = ""
    tag: Annotated[str, Meta(max_length=60)] = ""
    severity: Literal["error", "warning", "note"] = "warning"
    weight: Annotated[int, Meta(ge=0, le=10)] = 1
    title_en: Annotated[str, Meta(max_length=120)] = ""
    title_vi: Annotated[str, Meta(max_length=120)] = ""
    least: Annotated[str, Meta(max_length=30)] = ""
    most: Annotated[str, Meta(max_length=30)] = ""
    words: list[str] = []
    days: Annotated[int, Meta(ge=0, le=36500)] | None = None


class OwnRule(OwnRuleDraft, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A rule of the company itself."""

    id: UUID
    active: bool
    version: int


class OwnPreview(msgspec.Struct, kw_only=True, frozen=True):
    """What a rule would find.

    Attributes:
        whole: whether everybody was looked at whom the viewer sees.
        first: id and name of some of those who were found.
    """

    looked: int
    found: int
    whole: bool
    first: list[tuple[UUID, str]]
