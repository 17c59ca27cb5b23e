"""Accounts: organisations as the sales team sees them, with what belongs to them."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from relatum.api import Amount

BuyerRole = Literal[
    "decider", "economic_buyer", "influencer", "user", "champion", "blocker", "gatekeeper"
]
Long = Annotated[str, Meta(max_length=20_000)]


class BuyerDraft(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """Somebody and the part they play in the decision about a deal."""

    customer_id: UUID
    role: BuyerRole


class Buyer(msgspec.Struct, kw_only=True, frozen=True):
    """As read, with the name."""

    customer_id: UUID
    customer: str | None
    role: str


class PlanDraft(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """What we want to reach with an account in a year."""

    owner_id: UUID | None = None
    goal: Long = ""
    risks: Long = ""
    target: Amount | None = None


class AccountPlan(msgspec.Struct, kw_only=True, frozen=True):
    """A plan as read."""

    customer_id: UUID
    year: int
    owner_id: UUID | None
    goal: str
    risks: str
    target: Amount | None
    version: int
    updated_at: dt.datetime


class AccountDeals(msgspec.Struct, kw_only=True, frozen=True):
    """Deals of an account and of all below it, in one currency (minor units).

    ``open_value`` and ``weighted`` count open deals with a value; ``valueless`` how many have none.
    """

    currency: str
    open: int
    valueless: int
    won: int
    lost: int
    open_value: int
    weighted: int
    won_value: int


class AccountNode(msgspec.Struct, kw_only=True, frozen=True):
    """One organisation of the group; ``level`` 0 is the account itself."""

    customer_id: UUID
    name: str
    level: int
    parent_id: UUID | None


class Account(msgspec.Struct, kw_only=True, frozen=True):
    """An organisation with the group below it, rolled up.

    Attributes:
        group: the account and every organisation below it, by the links ``parent_of``.
        contacts: how many people have a link ``contact_of`` one of them.
        complete: false when the group is larger than what is rolled up.
    """

    customer_id: UUID
    name: str
    group: list[AccountNode]
    contacts: int
    deals: list[AccountDeals]
    rotting: int
    last_activity_at: dt.datetime | None
    plans: list[AccountPlan]
    complete: bool
