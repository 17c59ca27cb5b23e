"""Accounts: groups rolled up, plans, and who decides about a deal."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from relatum.api import Answer, Call, Plugin, expected_version, id_in_path, versioned
from relatum_sales_pipeline.permissions import DEALS_READ, DEALS_WRITE
from relatum_sales_pipeline.routes.verbs import get, put
from relatum_sales_pipeline.services.accounts import Accounts
from relatum_sales_pipeline.types.accounts import (
    Account,
    AccountPlan,
    Buyer,
    BuyerDraft,
    PlanDraft,
)


class Buyers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everybody who plays a part in the decision about a deal."""

    items: Annotated[list[BuyerDraft], Meta(max_length=200)]


class ListedBuyers(msgspec.Struct, frozen=True):
    """As read, with names."""

    items: list[Buyer]


@get("/accounts/{customer_id:str}", opt={"permission": DEALS_READ})
async def read_account(
    request: Call, plugin: NamedDependency[Plugin], customer_id: FromPath[str]
) -> Answer[Account]:
    """An account with the group below it: deals, value, activity and risk rolled up."""
    request.refuse_query()
    return Answer(await Accounts(plugin).get(id_in_path(customer_id, "customer")))


@put(
    "/accounts/{customer_id:str}/plans/{year:int}",
    opt={"permission": DEALS_WRITE, "versioned": True},
)
async def save_plan(
    request: Call,
    plugin: NamedDependency[Plugin],
    customer_id: FromPath[str],
    year: FromPath[int],
    data: JSONBody[PlanDraft],
) -> Answer[AccountPlan]:
    """Put down the plan for a year; with `If-Match` only if nobody else changed it."""
    request.refuse_query()
    id, version = id_in_path(customer_id, "customer"), expected_version(request)
    plan = await Accounts(plugin).save_plan(id, year, data, version=version)
    return versioned(request, plan, plan.version)


@get("/deals/{deal_id:str}/buyers", opt={"permission": DEALS_READ})
async def read_buyers(
    request: Call, plugin: NamedDependency[Plugin], deal_id: FromPath[str]
) -> Answer[ListedBuyers]:
    """Who plays which part in the decision about a deal."""
    request.refuse_query()
    return Answer(ListedBuyers(await Accounts(plugin).buyers(id_in_path(deal_id, "deal"))))


@put("/deals/{deal_id:str}/buyers", opt={"permission": DEALS_WRITE})
async def set_buyers(
    request: Call,
    plugin: NamedDependency[Plugin],
    deal_id: FromPath[str],
    data: JSONBody[Buyers],
) -> Answer[ListedBuyers]:
    """Say who plays which part, in the place of what was said before."""
    request.refuse_query()
    id = id_in_path(deal_id, "deal")
    return Answer(ListedBuyers(await Accounts(plugin).set_buyers(id, data.items)))


ROUTES = [read_account, save_plan, read_buyers, set_buyers]
