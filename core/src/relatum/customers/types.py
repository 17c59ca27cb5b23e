"""Customers as they come in, as they change and as they are read.

Drafts and changes refuse unknown fields; the same Struct checks the API, an import and (later) a
form. Texts are cleaned and contact points normalised by the service, not here.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from relatum.values.sensitivity import Sensitivity

CustomerKind = Literal["person", "organisation"]
Role = Literal["prospect", "customer", "partner", "supplier", "distributor", "investor", "employee"]
ContactKind = Literal[
    "phone", "email", "address", "zalo", "facebook", "website", "device", "card", "other"
]
LinkKind = Literal[
    "contact_of", "parent_of", "household_of", "referred_by", "manages", "influences"
]
FieldType = Literal["text", "integer", "decimal", "boolean", "date", "choice"]

Name = Annotated[str, Meta(min_length=1, max_length=300)]
Label = Annotated[str, Meta(max_length=100)]
Tag = Annotated[str, Meta(min_length=1, max_length=60)]
PurposeId = Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,39}$")]
FieldKey = Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,59}$")]
SourceName = Annotated[str, Meta(pattern="^[a-z][a-z0-9_.-]{0,59}$")]
ExternalId = Annotated[str, Meta(min_length=1, max_length=200)]

MOST_CONTACT_POINTS = 50
MOST_TAGS = 100


class ContactPointDraft(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """One way to reach or recognise a customer, as it was given."""

    kind: ContactKind
    raw: Annotated[str, Meta(min_length=1, max_length=500)]
    label: Label = ""
    primary: bool = False


class CustomerDraft(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """A customer to be created.

    ``external_ids`` maps a source (another system, an import plan) to the id the customer has
    there; one source knows an id once. A customer without ``owner`` belongs to the person who
    creates it, and without ``team`` to the first team of its owner.
    """

    display_name: Name
    kind: CustomerKind = "person"
    contact_points: Annotated[list[ContactPointDraft], Meta(max_length=MOST_CONTACT_POINTS)] = []
    roles: list[Role] = msgspec.field(default_factory=lambda: ["prospect"])
    tags: Annotated[list[Tag], Meta(max_length=MOST_TAGS)] = []
    fields: dict[FieldKey, Any] = {}
    external_ids: dict[SourceName, ExternalId] = {}
    owner: UUID | None = None
    team: UUID | None = None


class CustomerChange(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """What is to change; a field left out stays as it is.

    Lists replace the former list; ``fields`` are merged key by key, ``null`` removes one. What is
    sent back exactly as it was masked stays as it is. A new ``owner`` brings the owner's first
    team, unless ``team`` is given.
    """

    display_name: Name | UnsetType = UNSET
    kind: CustomerKind | UnsetType = UNSET
    contact_points: (
        Annotated[list[ContactPointDraft], Meta(max_length=MOST_CONTACT_POINTS)] | UnsetType
    ) = UNSET
    roles: list[Role] | UnsetType = UNSET
    tags: Annotated[list[Tag], Meta(max_length=MOST_TAGS)] | UnsetType = UNSET
    fields: dict[FieldKey, Any] | UnsetType = UNSET
    external_ids: dict[SourceName, ExternalId] | UnsetType = UNSET
    owner: UUID | UnsetType | None = UNSET
    team: UUID | UnsetType | None = UNSET


class ContactPoint(msgspec.Struct, kw_only=True, frozen=True):
    """As stored. ``normalised`` is E.164 for phones, the lower-case address for e-mail."""

    id: UUID
    kind: str
    raw: str
    normalised: str
    label: str
    primary: bool
    verified_at: dt.datetime | None


class Customer(msgspec.Struct, kw_only=True, frozen=True):
    """A customer as read. ``version`` grows by one with each change.

    ``owner`` is the account and ``team`` the team that the customer belongs to.
    """

    id: UUID
    kind: str
    display_name: str
    roles: list[str]
    tags: list[str]
    contact_points: list[ContactPoint]
    fields: dict[str, Any]
    external_ids: dict[str, str]
    version: int
    created_at: dt.datetime
    updated_at: dt.datetime
    owner: UUID | None = None
    team: UUID | None = None


class LinkDraft(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """``source`` is ``kind`` ``target``: Acme (source) is parent_of Bluth (target)."""

    source: UUID
    target: UUID
    kind: LinkKind
    role: Label = ""
    since: dt.date | None = None
    until: dt.date | None = None


class Link(msgspec.Struct, kw_only=True, frozen=True):
    """A link as read, with the names of both ends."""

    id: UUID
    source: UUID
    source_name: str
    target: UUID
    target_name: str
    kind: str
    role: str
    since: dt.date | None
    until: dt.date | None


class FieldDraft(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """A custom field of customers, declared before it is used.

    ``sensitivity`` says for whom it is masked; declaring a field again without it keeps it.
    ``purposes`` binds it to some: a plugin is given its values only for one of them (empty: for
    any); declaring a field again without them keeps them.
    """

    key: FieldKey
    type: FieldType = "text"
    title_en: Label = ""
    title_vi: Label = ""
    choices: list[Label] = []
    applies_to: Literal["person", "organisation", "both"] = "both"
    sensitivity: Sensitivity | None = None
    purposes: Annotated[list[PurposeId], Meta(max_length=20)] | None = None


class CustomerQuery(msgspec.Struct, kw_only=True, frozen=True):
    """Which customers, in which order, which page.

    Attributes:
        q: words that all occur in the name or a contact point, without regard to case and marks.
        ids: only these; all when it is empty.
        marked: words of ``q`` that have marks must (or must not all) stand in the name with them.
        unowned: only customers that belong to nobody.
        quiet_since: nothing happened between them and the business from this moment on.
        fields: custom field values that must be equal.
        field_from, field_until: bounds of custom fields, both included.
        sort: ``display_name``, ``created_at`` or ``updated_at``; ``-`` before it turns it round.
    """

    q: str = ""
    ids: Annotated[list[UUID], Meta(max_length=1_000)] = []
    marked: bool | None = None
    kind: CustomerKind | None = None
    role: Role | None = None
    tag: str | None = None
    phone: str | None = None
    email: str | None = None
    external_id: tuple[str, str] | None = None
    owner: UUID | None = None
    unowned: bool = False
    team: UUID | None = None
    quiet_since: dt.datetime | None = None
    fields: dict[str, str] = {}
    field_from: dict[str, str] = {}
    field_until: dict[str, str] = {}
    created_from: dt.datetime | None = None
    created_before: dt.datetime | None = None
    updated_from: dt.datetime | None = None
    updated_before: dt.datetime | None = None
    sort: str = "-created_at"
    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    cursor: str | None = None


class Turn(msgspec.Struct, kw_only=True, frozen=True):
    """One page of a list that can be turned both ways."""

    items: list[Customer]
    next: str | None = None
    previous: str | None = None
