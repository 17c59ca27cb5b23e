"""The records of core's import targets: what a row of a file may say."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from relatum.customers.types import (
    ContactPointDraft,
    CustomerKind,
    ExternalId,
    FieldKey,
    Label,
    LinkKind,
    Name,
    Role,
    SourceName,
    Tag,
)
from relatum.interactions.types import Amount, Direction, KindId, Short

Raw = Annotated[str, Meta(max_length=500)]
Channel = Annotated[str, Meta(pattern="^[a-z][a-z0-9_]*$", max_length=60)]


class CustomerRecord(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """A customer as an import brings it.

    ``link.parent_of`` names customers (by external id) this one is the parent of,
    ``linked_by.parent_of`` those that are the parent of this one; they may come later in the file.
    """

    external_id: ExternalId | None = None
    display_name: Name
    kind: CustomerKind | None = None
    phone: list[Raw] = []
    email: list[Raw] = []
    address: list[Raw] = []
    website: list[Raw] = []
    zalo: list[Raw] = []
    facebook: list[Raw] = []
    contact_points: list[ContactPointDraft] = []
    roles: list[Role] | None = None
    tags: list[Tag] = []
    fields: dict[FieldKey, Any] = {}
    external_ids: dict[SourceName, ExternalId] = {}
    link: dict[LinkKind, list[ExternalId]] = {}
    linked_by: dict[LinkKind, list[ExternalId]] = {}


class LinkRecord(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """A link between two customers, each by its external id."""

    source: ExternalId
    kind: LinkKind
    target: ExternalId
    role: Label = ""
    since: dt.date | None = None
    until: dt.date | None = None


class InteractionRecord(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """An interaction as an import brings it.

    ``customer`` is an external id of the plan's source, ``customer_id`` an id of this house; with
    neither the interaction is anonymous.
    """

    kind: KindId
    occurred_at: Annotated[dt.datetime, Meta(tz=True)]
    idempotency_key: Short | None = None
    customer: ExternalId | None = None
    customer_id: UUID | None = None
    channel: Channel = "other"
    direction: Direction = "observed"
    payload: dict[str, Any] = {}
    money: Amount | None = None
    handle: Short | None = None
    subject: Short | None = None
    actor: Short | None = None
