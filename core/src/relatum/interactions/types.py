"""Interactions as they come in and as they are read."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

Direction = Literal["in", "out", "observed"]
KindId = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$", max_length=120)]
Short = Annotated[str, Meta(max_length=200)]

#: How far the clock of a source may run ahead of ours.
MOST_AHEAD = dt.timedelta(minutes=5)


class Amount(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Money in minor units of a currency (VND has none, so 1 is one đồng)."""

    amount: Annotated[int, Meta(ge=-(10**17), le=10**17)]
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")]


class InteractionDraft(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """Something that happened, about to be recorded.

    Attributes:
        customer_id: with whom; ``None`` for an anonymous one, which may carry a ``handle``.
        subject: what it is about, ``<plugin>.<noun>:<id>``.
        occurred_at: when it happened (aware); now when left out.
        idempotency_key: recording the same key again records nothing and answers the first one.
    """

    kind: KindId
    customer_id: UUID | None = None
    channel: Annotated[str, Meta(pattern="^[a-z][a-z0-9_]*$", max_length=60)] = "other"
    direction: Direction = "observed"
    occurred_at: dt.datetime | None = None
    payload: dict[str, Any] = {}
    money: Amount | None = None
    handle: Short | None = None
    subject: Short | None = None
    actor: Short | None = None
    idempotency_key: Short | None = None


class Interaction(msgspec.Struct, kw_only=True, frozen=True):
    """An interaction as recorded; it never changes.

    ``recorded_at`` is when the system learned of it; ``known`` is false for a kind whose plugin is
    off or gone (it is shown generically).
    """

    id: UUID
    kind: str
    kind_version: int
    customer_id: UUID | None
    channel: str
    direction: str
    occurred_at: dt.datetime
    recorded_at: dt.datetime
    payload: msgspec.Raw
    money: Amount | None
    handle: str | None
    subject: str | None
    actor: str | None
    idempotency_key: str | None


class InteractionQuery(msgspec.Struct, kw_only=True, frozen=True):
    """Which interactions, newest first unless ``sort`` says otherwise.

    ``sort`` is ``occurred_at`` or ``recorded_at``; ``-`` before it turns it round.
    """

    customer_id: UUID | None = None
    anonymous: bool | None = None
    kind: str | None = None
    channel: str | None = None
    direction: Direction | None = None
    subject: str | None = None
    occurred_from: dt.datetime | None = None
    occurred_before: dt.datetime | None = None
    recorded_from: dt.datetime | None = None
    recorded_before: dt.datetime | None = None
    sort: str = "-occurred_at"
    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    cursor: str | None = None
