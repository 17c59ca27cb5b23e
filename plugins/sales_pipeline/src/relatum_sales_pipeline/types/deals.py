"""Deals: what comes in, what changes, what is read."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from relatum.api import Amount
from relatum_sales_pipeline.types.pipelines import Key, Outcome

Name = Annotated[str, Meta(min_length=1, max_length=300)]
Source = Annotated[str, Meta(pattern="^[a-z][a-z0-9_.-]{0,59}$")]
Reference = Annotated[str, Meta(min_length=1, max_length=200)]
Competitor = Annotated[str, Meta(max_length=200)]
Note = Annotated[str, Meta(max_length=1000)]
CurrencyCode = Annotated[str, Meta(pattern="^[A-Z]{3}$")]
UnitAmount = Annotated[int, Meta(ge=0, le=10**17)]

MOST_LINES = 200
MOST_PASSAGES = 500


class LineDraft(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """A product in a deal.

    Attributes:
        quantity: up to three decimals.
        unit_amount: minor units of the deal's currency; the list price of the day when left out.
    """

    product_id: UUID
    quantity: Decimal = Decimal(1)
    unit_amount: UnitAmount | None = None


class Passage(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """A deal came into a stage (its key) at a moment."""

    stage: Key
    at: dt.datetime


class DealDraft(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """A deal to be made.

    Attributes:
        pipeline: its key; the first pipeline when left out.
        stage: its key; the first stage when left out.
        team_id: the owner's team when left out.
        value: what the deal is worth; when left out, its lines say what it may be worth.
        currency: of the lines, when there is no value; the company's when left out.
        engaged_on: the day work on it began.
        closed_on: the day it was won or lost (today when left out); none for an open stage.
        lost_reason: the key of one, for a lost stage only.
        external_ref: its id in another system ``external_source``; known once for each source.
        history: how it came to its stage, if known: ascending, the last one being its stage.
    """

    name: Name
    customer_id: UUID | None = None
    pipeline: Key | None = None
    stage: Key | None = None
    owner_id: UUID | None = None
    team_id: UUID | None = None
    lines: Annotated[list[LineDraft], Meta(max_length=MOST_LINES)] = []
    value: Amount | None = None
    currency: CurrencyCode | None = None
    expected_close: dt.date | None = None
    engaged_on: dt.date | None = None
    closed_on: dt.date | None = None
    lost_reason: Key | None = None
    competitor: Competitor = ""
    external_source: Source | None = None
    external_ref: Reference | None = None
    history: Annotated[list[Passage], Meta(max_length=MOST_PASSAGES)] = []


class DealChange(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """What is to change of a deal; a field left out stays as it is. Stages change by a move."""

    name: Name | UnsetType = UNSET
    customer_id: UUID | UnsetType | None = UNSET
    owner_id: UUID | UnsetType | None = UNSET
    team_id: UUID | UnsetType | None = UNSET
    lines: Annotated[list[LineDraft], Meta(max_length=MOST_LINES)] | UnsetType = UNSET
    value: Amount | UnsetType | None = UNSET
    expected_close: dt.date | UnsetType | None = UNSET
    engaged_on: dt.date | UnsetType | None = UNSET
    closed_on: dt.date | UnsetType = UNSET
    lost_reason: Key | UnsetType | None = UNSET
    competitor: Competitor | UnsetType = UNSET


class DealMove(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """Where a deal goes.

    Attributes:
        stage: key of a stage of the deal's pipeline.
        closed_on: the day of winning or losing; today when left out.
        value: what it was won for, when that is to be set with the move.
    """

    stage: Key
    closed_on: dt.date | None = None
    lost_reason: Key | None = None
    competitor: Competitor | UnsetType = UNSET
    value: Amount | UnsetType = UNSET
    note: Note = ""


class Line(msgspec.Struct, kw_only=True, frozen=True):
    """A line as read; ``amount`` is quantity × unit amount, ``None`` where that is not known."""

    product_id: UUID
    product: str
    quantity: Decimal
    unit_amount: int | None
    amount: int | None


class Deal(msgspec.Struct, kw_only=True, frozen=True):
    """A deal as read.

    Attributes:
        probability: of its stage, in basis points.
        lines_value: the sum of the lines, where every line has a price.
        last_activity_at: the newest interaction about it, or with its customer while it was open.
        rotting: it is open and nothing happened for the days its stage allows.
        version: grows by one with each change; its ETag.
    """

    id: UUID
    name: str
    customer_id: UUID | None
    customer: str | None
    pipeline: str
    stage: str
    stage_title: str
    outcome: str
    probability: int
    owner_id: UUID | None
    owner: str | None
    team_id: UUID | None
    team: str | None
    lines: list[Line]
    value: Amount | None
    lines_value: Amount | None
    currency: str
    expected_close: dt.date | None
    engaged_on: dt.date | None
    closed_on: dt.date | None
    lost_reason: str | None
    competitor: str
    external_source: str | None
    external_ref: str | None
    stage_since: dt.datetime
    last_activity_at: dt.datetime | None
    rotting: bool
    version: int
    created_at: dt.datetime
    updated_at: dt.datetime


class StageEntry(msgspec.Struct, kw_only=True, frozen=True):
    """One step of a deal's history; ``from_stage`` is ``None`` for the first."""

    from_stage: str | None
    to_stage: str
    at: dt.datetime
    by: str
    note: str


class DealQuery(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """Which deals, in which order, which page.

    Attributes:
        q: words that all occur in the name, without regard to case and marks.
        stage: its key, with ``pipeline`` or in any pipeline that has such a stage.
        rotting: only those that rot (true) or do not (false).
        minimum, maximum: value in minor units.
        sort: ``name``, ``value``, ``expected_close``, ``stage_since``,
            ``created_at`` or ``updated_at``; ``-`` before it turns it round.
    """

    q: str = ""
    pipeline: str | None = None
    stage: str | None = None
    outcome: Outcome | None = None
    owner_id: UUID | None = None
    team_id: UUID | None = None
    customer_id: UUID | None = None
    product_id: UUID | None = None
    currency: CurrencyCode | None = None
    lost_reason: str | None = None
    external_ref: str | None = None
    minimum: int | None = None
    maximum: int | None = None
    expected_from: dt.date | None = None
    expected_until: dt.date | None = None
    closed_from: dt.date | None = None
    closed_until: dt.date | None = None
    rotting: bool | None = None
    sort: str = "-updated_at"
    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    cursor: str | None = None
