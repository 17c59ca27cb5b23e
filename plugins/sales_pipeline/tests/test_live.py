"""What open boards hear of deals, with a customer and without one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from core.tests.web.browsing import Browser, signed_in
from relatum.api import CustomerDraft, Plugin
from relatum.app.house import House
from relatum_sales_pipeline.permissions import DEALS_READ, LEADS_READ
from relatum_sales_pipeline.services.deals import Deals
from relatum_sales_pipeline.types.deals import DealDraft, DealMove

BY = "person:test"
CUSTOMERS_READ = "core.customers.read"


async def mark(browser: Browser) -> str:
    (body,) = (await browser.page("/customers")).all("body")
    return body["data-live"]


async def missed(browser: Browser, since: str) -> Any:
    answer = await browser.client.get(
        "/api/v1/live/changes", params={"since": since}, headers={"accept": "application/json"}
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


async def made(plugin: Plugin, customer: UUID | None) -> UUID:
    (id,) = await Deals(plugin).create([DealDraft(name="a", customer_id=customer)], by=BY)
    return id


async def test_a_deal_without_customer_is_told_to_whoever_sees_deals(
    house: House, plugin: Plugin
) -> None:
    sellers = [await signed_in(house, role) for role in ("owner", "sales")]
    marks = [await mark(each) for each in sellers]
    id = await made(plugin, None)
    await Deals(plugin).move(id, DealMove(stage="engaging"), by=BY)
    for browser, since in zip(sellers, marks, strict=True):
        told = await missed(browser, since)
        assert told["customers"] == []
        assert told["events"] == [
            "sales_pipeline.deal_changed",
            "sales_pipeline.deal_created",
            "sales_pipeline.deal_stage_changed",
        ]
        assert (await missed(browser, told["mark"]))["events"] == []
        await browser.client.aclose()


async def test_and_to_nobody_else(house: House, plugin: Plugin) -> None:
    others = [
        await signed_in(house, permissions=[CUSTOMERS_READ]),
        await signed_in(house, permissions=[CUSTOMERS_READ, LEADS_READ]),
    ]
    may = await signed_in(house, permissions=[CUSTOMERS_READ, DEALS_READ])
    marks = [await mark(each) for each in (*others, may)]
    await made(plugin, None)
    heard = [
        (await missed(browser, since))["events"]
        for browser, since in zip((*others, may), marks, strict=True)
    ]
    assert heard == [[], [], ["sales_pipeline.deal_created"]]
    for each in (*others, may):
        await each.client.aclose()


async def test_a_deal_of_a_hidden_customer_stays_hidden(house: House, plugin: Plugin) -> None:
    draft = CustomerDraft(display_name="Hoa", kind="person")
    (hidden,) = await house.customers.create([draft], by=BY)
    seller = await signed_in(house, "sales")
    since = await mark(seller)
    await made(plugin, hidden)
    told = await missed(seller, since)
    assert (told["customers"], told["events"]) == ([], [])
    await seller.client.aclose()
