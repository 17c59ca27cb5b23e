"""Leads and the qualification form."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from relatum.api import Amount, CustomerDraft
from relatum_sales_pipeline.qualification import Choice, TestResult
from relatum_sales_pipeline.types.deals import LineDraft
from relatum_sales_pipeline.types.pipelines import Key

Status = Literal["new", "working", "qualified", "disqualified", "converted"]
SourceName = Annotated[str, Meta(min_length=1, max_length=100)]
QuestionTitle = Annotated[str, Meta(min_length=1, max_length=300)]
OtherTitle = Annotated[str, Meta(max_length=300)]
BasisPoints = Annotated[int, Meta(ge=0, le=10_000)]

MOST_ANSWERS = 100
MOST_CHOICES = 20


class LeadDraft(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """Somebody who may buy: a customer that is known, or a new one.

    Attributes:
        source: where the lead came from; ``unknown`` rather than a guess.
        answers: question key → choice key.
    """

    customer_id: UUID | None = None
    customer: CustomerDraft | None = None
    source: SourceName = "unknown"
    owner_id: UUID | None = None
    answers: Annotated[dict[Key, Key], Meta(max_length=MOST_ANSWERS)] = {}


class LeadChange(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """What is to change of a lead; a field left out stays as it is."""

    source: SourceName | UnsetType = UNSET
    owner_id: UUID | UnsetType | None = UNSET
    status: Literal["new", "working", "disqualified"] | UnsetType = UNSET


class Qualification(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """Answers to the form: question key → choice key; ``null`` takes an answer back."""

    answers: Annotated[dict[Key, Key | None], Meta(min_length=1, max_length=MOST_ANSWERS)]


class Conversion(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """The deal that a lead becomes. Customer and owner are the lead's."""

    name: Annotated[str, Meta(min_length=1, max_length=300)]
    pipeline: Key | None = None
    stage: Key | None = None
    value: Amount | None = None
    expected_close: dt.date | None = None
    lines: Annotated[list[LineDraft], Meta(max_length=200)] = []


class Probability(msgspec.Struct, kw_only=True, frozen=True):
    """``lead.p``, or why it is not shown."""

    value: float | None
    reason: str


class Lead(msgspec.Struct, kw_only=True, frozen=True):
    """A lead as read.

    Attributes:
        fit, behaviour: the two tests with their reasons.
        engagement: ``lead.engagement`` at this moment.
        grade: letter of ``lead.fit`` and digit of ``lead.engagement``; ``None`` without answers.
    """

    id: UUID
    customer_id: UUID | None
    customer: str | None
    customer_kind: str
    source: str
    status: str
    owner_id: UUID | None
    owner: str | None
    deal_id: UUID | None
    fit: TestResult
    behaviour: TestResult
    engagement: float
    grade: str | None
    probability: Probability
    version: int
    created_at: dt.datetime
    updated_at: dt.datetime


class LeadQuery(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """Which leads, in which order, which page.

    ``sort`` is ``created_at``, ``updated_at``, ``fit`` or ``behaviour``; ``-`` turns it round.
    """

    status: Status | None = None
    source: str | None = None
    owner_id: UUID | None = None
    customer_id: UUID | None = None
    customer_kind: Literal["person", "organisation"] | None = None
    sort: str = "-created_at"
    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    cursor: str | None = None


class QuestionDraft(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """A question to be put on the form."""

    key: Key
    test: Literal["fit", "behaviour"]
    customer_kind: Literal["person", "organisation", "both"] = "both"
    title: QuestionTitle
    title_vi: OtherTitle = ""
    weight: BasisPoints
    position: Annotated[int, Meta(ge=0, le=10_000)] = 100
    choices: Annotated[list[Choice], Meta(min_length=2, max_length=MOST_CHOICES)]


class QuestionEdit(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """What is to change of a question. Answers given keep the weight and match of their day."""

    title: QuestionTitle | UnsetType = UNSET
    title_vi: OtherTitle | UnsetType = UNSET
    weight: BasisPoints | UnsetType = UNSET
    position: Annotated[int, Meta(ge=0, le=10_000)] | UnsetType = UNSET
    choices: Annotated[list[Choice], Meta(min_length=2, max_length=MOST_CHOICES)] | UnsetType = (
        UNSET
    )
    active: bool | UnsetType = UNSET
