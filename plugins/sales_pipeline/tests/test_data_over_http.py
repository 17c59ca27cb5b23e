"""Deals in and out over HTTP: nobody takes out, or changes, what they do not see."""

from __future__ import annotations

import csv
import io
from typing import Any

import msgspec

from relatum.access.policies import Policy
from relatum.api import Plugin
from relatum.customers.types import CustomerDraft
from relatum_sales_pipeline.services.deals import Deals
from relatum_sales_pipeline.types.deals import DealDraft, DealQuery

RIGHTS = [
    "core.exports.write",
    "core.imports.read",
    "core.imports.write",
    "sales_pipeline.deals.read",
    "sales_pipeline.deals.write",
]


async def seller_with_deals(house: Any, plugin: Plugin, client_as: Any) -> Any:
    """Somebody with one customer and one deal; another deal is with a customer of nobody."""
    seller = await client_as("sales", policy=Policy(scopes=["own"]), permissions=RIGHTS)
    mine, hidden = await house.customers.create(
        [
            CustomerDraft(display_name="Mine", owner=seller.account),
            CustomerDraft(display_name="Hidden"),
        ],
        by="system",
    )
    await Deals(plugin).create(
        [
            DealDraft(name="Deal of mine", customer_id=mine),
            DealDraft(name="Secret deal", customer_id=hidden),
        ],
        by="system",
    )
    return seller


async def test_deals_of_hidden_customers_stay_in_the_house(house, plugin, client_as):
    seller = await seller_with_deals(house, plugin, client_as)
    for form in ("csv", "jsonl", "xlsx"):
        body = {"target": "sales_pipeline.deals", "format": form, "why": "quarterly talk"}
        id = (await seller.post("/api/v1/exports", json=body)).json()["id"]
        assert await house.worker.drain() == 1
        export = (await seller.get(f"/api/v1/exports/{id}")).json()
        assert (export["state"], export["records"]) == ("ready", 1), export
        url = (await seller.post(f"/api/v1/exports/{id}/link")).json()["url"]
        raw = (await seller.get(url)).content
        if form == "csv":
            [row] = csv.DictReader(io.StringIO(raw.decode("utf-8-sig")))
            assert row["name"] == "Deal of mine"
        if form == "jsonl":
            assert msgspec.json.decode(raw)["name"] == "Deal of mine"
        assert b"Secret" not in raw


async def test_deals_need_their_own_permission(client_as):
    analyst = await client_as("analyst", permissions=["core.exports.write", "core.imports.write"])
    body = {"target": "sales_pipeline.deals", "why": "quarterly talk"}
    answer = await analyst.post("/api/v1/exports", json=body)
    assert (answer.status_code, answer.json()["permission"]) == (403, "sales_pipeline.deals.read")
    upload = await analyst.post("/api/v1/uploads", content=b"name,stage\nx,prospecting\n")
    file = {"upload": upload.json()["id"], "target": "sales_pipeline.deals"}
    answer = await analyst.post("/api/v1/imports", json={"files": [file]})
    assert (answer.status_code, answer.json()["permission"]) == (403, "sales_pipeline.deals.write")


async def test_an_import_does_not_reach_hidden_customers(house, plugin, client_as):
    seller = await seller_with_deals(house, plugin, client_as)
    raw = "name,stage,account\nNew one,prospecting,Mine\nIntruder,prospecting,Hidden\n"
    upload = await seller.post("/api/v1/uploads?name=deals.csv", content=raw.encode())
    file = {"upload": upload.json()["id"], "target": "sales_pipeline.deals"}
    made = await seller.post("/api/v1/imports", json={"files": [file]})
    assert made.status_code == 201, made.text
    id = made.json()["id"]
    await seller.post(f"/api/v1/imports/{id}/apply")
    assert await house.worker.drain() == 1
    done = (await seller.get(f"/api/v1/imports/{id}")).json()
    assert done["state"] == "applied", done
    counts = done["outcome"]["counts"]
    assert (counts["created"], counts["rejected"]) == (1, 1)
    page = await Deals(plugin).find(DealQuery())
    assert sorted(deal.name for deal in page.items) == ["Deal of mine", "New one", "Secret deal"]
