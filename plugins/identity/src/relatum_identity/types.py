"""Pairs and questions as they cross the plugin's borders."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from relatum.api import ContactPointDraft

State = Literal["candidate", "auto_merged", "merged", "distinct", "unmerged"]
Proposal = Literal["auto", "review"]
Kind = Literal["person", "organisation"]
Name = Annotated[str, Meta(min_length=1, max_length=300)]


class Evidence(msgspec.Struct, kw_only=True, frozen=True):
    """What one field says: its level of likeness, and its weight in bits."""

    field: str
    level: str
    bits: float


class Pair(msgspec.Struct, kw_only=True, frozen=True):
    """Two customers that are, or may be, one.

    Attributes:
        first, second: after a merge both are the survivor.
        proposal: ``auto`` when it is sure and no rule forbids.
        weight: of all fields in bits, before the prior.
        rule: what keeps it from being merged without a person; empty when nothing does.
    """

    id: UUID
    first: UUID
    second: UUID
    state: State
    proposal: Proposal
    probability: float
    weight: float
    evidence: list[Evidence]
    rule: str
    rules_version: str
    found_at: dt.datetime
    decided_at: dt.datetime | None
    decided_by: str
    merge: UUID | None


class PairQuery(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Which pairs, the likeliest first."""

    state: State = "candidate"
    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    cursor: str | None = None


class Decision(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What a person says of a pair.

    ``survivor`` is who stays after a merge; the one that came first when it is left out.
    """

    decision: Literal["merge", "distinct"]
    survivor: UUID | None = None
    reason: Annotated[str, Meta(max_length=500)] = ""


class Sought(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What is known of somebody who may be there already.

    ``birth`` (``YYYY-MM-DD``) is of people, ``tax_code`` (ten or thirteen digits) of organisations.
    """

    display_name: Name
    kind: Kind = "person"
    contact_points: Annotated[list[ContactPointDraft], Meta(max_length=50)] = []
    birth: dt.date | None = None
    tax_code: Annotated[str, Meta(max_length=60)] = ""


class Question(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Some that may be there already."""

    items: Annotated[list[Sought], Meta(min_length=1, max_length=100)]


class Likely(msgspec.Struct, kw_only=True, frozen=True):
    """A customer who is likely the same as one that was asked about, and why."""

    customer: UUID
    display_name: str
    probability: float
    proposal: Proposal
    evidence: list[Evidence]
    rule: str


class Answered(msgspec.Struct, kw_only=True, frozen=True):
    """For each that was asked about those who are likely the same, the likeliest first."""

    items: list[list[Likely]]
