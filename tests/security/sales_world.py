"""The sales team's part of the world: deals, plans, leads and buyers of every customer."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from uuid import UUID

import msgspec

from relatum.app.house import House
from relatum.hooks.context import Plugin
from relatum.interactions.types import Amount
from relatum.values.time import now
from relatum_sales_pipeline.services.accounts import Accounts
from relatum_sales_pipeline.services.deals import Deals
from relatum_sales_pipeline.services.leads import Leads
from relatum_sales_pipeline.services.products import Products
from relatum_sales_pipeline.services.teams import Teams
from relatum_sales_pipeline.types.accounts import BuyerDraft, PlanDraft
from relatum_sales_pipeline.types.deals import DealDraft, DealMove, LineDraft
from relatum_sales_pipeline.types.leads import LeadDraft
from relatum_sales_pipeline.types.products import PriceDraft, PriceListDraft, ProductDraft
from relatum_sales_pipeline.types.teams import MemberDraft, TeamDraft
from tests.security.canaries import Canaries
from tests.security.people import CUSTOMERS

BY = "system"
#: What becomes of the deals of each customer: a stage, and why it was lost.
ENDINGS: dict[str, tuple[str, str | None]] = {
    "open": ("engaging", None),
    "won": ("won", None),
    "lost": ("lost", "price"),
}
#: Somebody who sees one of deal and buyer does not always see the other.
BUYERS = {
    "an_one": ("an_one", "chi_one"),
    "chi_one": ("binh_one", "loose"),
    "loose": ("chi_vip", "north_pool"),
}


async def build_sales(
    house: House, canaries: Canaries, customers: dict[str, UUID]
) -> dict[str, UUID]:
    """Make it; the answer is the open deal of each customer."""
    plugin = house.registry.plugins["sales_pipeline"]
    (team,) = await Teams(plugin).create_teams([TeamDraft(name="Đội bán hàng", region="Bắc")])
    (seller,) = await Teams(plugin).create_members([MemberDraft(name="Người bán", team_id=team)])
    (product,) = await Products(plugin).create([ProductDraft(name="Máy lọc nước", code="MLN")])
    await _prices(plugin)
    deals = {}
    for n, (label, id) in enumerate(customers.items()):
        line = LineDraft(product_id=product, quantity=Decimal(n + 1), unit_amount=1_000 + n)
        fixed = DealDraft(name="x", customer_id=id, owner_id=seller, lines=[line])
        drafts = [_deal(canaries, label, place, n, fixed) for place in ENDINGS]
        deals[label] = await _deals(plugin, canaries, label, drafts)
        if CUSTOMERS[label].organisation:
            await Accounts(plugin).save_plan(id, now().year, _plan(canaries, label, n))
    await Leads(plugin).create(_leads(canaries, customers, seller), by=BY)
    for deal, buyers in BUYERS.items():
        parts = [BuyerDraft(customer_id=customers[each], role="user") for each in buyers]
        await Accounts(plugin).set_buyers(deals[deal], parts)
    return deals


async def _prices(plugin: Plugin) -> None:
    """A list with a price for each of some years."""
    products = Products(plugin)
    (product,) = await products.create([ProductDraft(name="Lõi lọc")])
    listed = await products.create_list(PriceListDraft(name="Bán lẻ"))
    years = [(dt.date(year, 1, 1), dt.date(year, 12, 31)) for year in range(2020, 2024)]
    drafts = [
        PriceDraft(
            product_id=product, price=Amount(90_000, "VND"), valid_from=first, valid_until=last
        )
        for first, last in years
    ]
    await products.set_prices(listed.id, drafts)


async def _deals(plugin: Plugin, canaries: Canaries, label: str, drafts: list[DealDraft]) -> UUID:
    deals = Deals(plugin)
    ids = await deals.create(drafts, by=BY)
    for id, (place, (stage, reason)) in zip(ids, ENDINGS.items(), strict=True):
        note = canaries.word([label], f"note on the move of the {place} deal")
        await deals.move(id, DealMove(stage=stage, note=note, lost_reason=reason), by=BY)
    return ids[0]


def _deal(canaries: Canaries, label: str, place: str, n: int, fixed: DealDraft) -> DealDraft:
    def word(what: str) -> str:
        return canaries.word([label], f"{what} of the {place} deal")

    amount = 730_000_000_017 + n * 1_000_000_019 + list(ENDINGS).index(place) * 1_009
    canaries.text(str(amount), [label], f"value of the {place} deal")
    return msgspec.structs.replace(
        fixed,
        name=f"Bán {word('name')}",
        value=Amount(amount, "VND"),
        competitor=word("competitor"),
        external_source="legacy",
        external_ref=word("reference"),
        expected_close=now().date() + dt.timedelta(days=10 * n) if place == "open" else None,
    )


def _plan(canaries: Canaries, label: str, n: int) -> PlanDraft:
    amount = 640_000_000_033 + n * 1_000_000_007
    canaries.text(str(amount), [label], "target of the plan")
    return PlanDraft(
        goal=canaries.word([label], "goal of the plan"),
        risks=canaries.word([label], "risks of the plan"),
        target=Amount(amount, "VND"),
    )


def _leads(canaries: Canaries, customers: dict[str, UUID], seller: UUID) -> list[LeadDraft]:
    return [
        LeadDraft(
            customer_id=id,
            source=canaries.word([label], "source of the lead"),
            owner_id=seller,
            answers={"asked_price": "yes"},
        )
        for label, id in customers.items()
    ]
