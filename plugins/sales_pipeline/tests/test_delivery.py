"""G2 and G3: what is delivered twice changes nothing, what comes late ends in the same place."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from relatum.api import Amount, CustomerDraft, Event, InteractionDraft, Plugin
from relatum.app.house import House
from relatum_sales_pipeline.services.deals import Deals
from relatum_sales_pipeline.services.leads import Leads
from relatum_sales_pipeline.types.deals import DealDraft, DealMove
from relatum_sales_pipeline.types.leads import LeadDraft

BY = "person:test"
START = dt.datetime(2025, 1, 1, 9, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
CUSTOMERS = 6
INTERACTIONS = 300
TABLES = (
    "sales_pipeline_deal",
    "sales_pipeline_watched_deal",
    "sales_pipeline_deal_activity",
    "sales_pipeline_lead_signal",
    "core_interaction",
)


async def snapshot(house: House) -> dict[str, list[Any]]:
    """Every row that the handlers write, to the letter."""
    return {
        table: sorted(await house.db.fetch(f"SELECT * FROM {table}"), key=repr) for table in TABLES
    }


async def settle(house: House) -> None:
    while await house.handlers.run_once():
        pass


class Twice:
    """Delivers every batch of a handler a second time and notes what that changes."""

    def __init__(self, house: House, handler_id: str) -> None:
        self._house = house
        handler = house.registry.handlers.get(handler_id)
        self._handle = handler.handle
        self.batches = 0
        self.changes: list[str] = []
        house.registry.handlers.put(msgspec.structs.replace(handler, handle=self, batch=7))

    async def __call__(self, plugin: Plugin, events: Sequence[Event]) -> None:
        await self._handle(plugin, events)
        before = await snapshot(self._house)
        await self._handle(plugin, events)
        self.batches += 1
        after = await snapshot(self._house)
        self.changes += [table for table in TABLES if before[table] != after[table]]


@pytest.mark.parametrize("handler", ["purchases", "last_activity", "engagement"])
async def test_g2_every_event_twice_changes_nothing(
    house: House, plugin: Plugin, handler: str
) -> None:
    twice = Twice(house, f"sales_pipeline.{handler}")
    await _people(house, plugin)
    for when, whom in _calls(random.Random(7)):
        await _call(house, when, whom)
    deals = await house.db.fetch("SELECT id FROM sales_pipeline_deal ORDER BY id")
    for n, (id,) in enumerate(deals):
        await Deals(plugin).move(id, DealMove(stage=("won", "lost")[n % 2]), by=BY)
    await settle(house)
    assert twice.batches >= 1
    assert twice.changes == []


async def test_g2_the_check_notices_a_handler_that_counts(house: House, plugin: Plugin) -> None:
    """Negative control: each delivery adds to a figure."""

    async def count(plugin: Plugin, events: Sequence[Event]) -> None:
        await house.db.execute("UPDATE sales_pipeline_deal SET version = version + 1")

    handler = house.registry.handlers.get("sales_pipeline.engagement")
    house.registry.handlers.put(msgspec.structs.replace(handler, handle=count))
    twice = Twice(house, "sales_pipeline.engagement")
    await _people(house, plugin)
    await settle(house)
    assert "sales_pipeline_deal" in twice.changes


async def test_g3_what_comes_late_and_out_of_order_ends_in_the_same_place(
    house: House, plugin: Plugin
) -> None:
    """Ten in a hundred come up to 30 days late; the figures are those of the order of happening."""
    chance = random.Random(20261122)
    calls = _calls(chance)
    late = [
        (when + (chance.random() * 30 * DAY if chance.random() < 0.1 else 0 * DAY), when, whom)
        for when, whom in calls
    ]
    arriving = sorted(late)
    assert [when for _, when, _ in arriving] != [when for when, _ in calls]
    await _people(house, plugin)
    for n, (_, when, whom) in enumerate(arriving):
        await _call(house, when, whom)
        if n % 25 == 0:
            await settle(house)
    await settle(house)
    newest = {whom: max(when for when, who in calls if who == whom) for whom in range(CUSTOMERS)}
    rows = await house.db.fetch("SELECT name, last_activity_at FROM sales_pipeline_deal")
    assert {int(name): at for name, at in rows} == newest
    signals = await house.db.fetch(
        "SELECT c.display_name, s.occurred_at FROM sales_pipeline_lead_signal s "
        "JOIN sales_pipeline_lead l ON l.id = s.lead_id "
        "JOIN core_customer c ON c.id = l.customer_id"
    )
    assert sorted((at, int(name)) for name, at in signals) == calls


def _calls(chance: random.Random) -> list[tuple[dt.datetime, int]]:
    """When somebody was called, in the order in which it happened; nothing at the same moment."""
    minutes = sorted(chance.sample(range(60 * 24 * 60), INTERACTIONS))
    return [(START + dt.timedelta(minutes=each), n % CUSTOMERS) for n, each in enumerate(minutes)]


async def _people(house: House, plugin: Plugin) -> None:
    """Customers with a deal and a lead each, from before the first call."""
    drafts = [CustomerDraft(display_name=str(n)) for n in range(CUSTOMERS)]
    ids = await house.customers.create(drafts, by=BY)
    await Deals(plugin).create(
        [
            DealDraft(name=str(n), customer_id=id, stage="engaging", value=Amount(100, "USD"))
            for n, id in enumerate(ids)
        ],
        by=BY,
    )
    await Leads(plugin).create([LeadDraft(customer_id=id) for id in ids], by=BY)
    await house.db.execute("UPDATE sales_pipeline_lead SET engagement_since = ?", START - DAY)
    await settle(house)


async def _call(house: House, when: dt.datetime, whom: int) -> None:
    rows = await house.db.fetch("SELECT id FROM core_customer WHERE display_name = ?", str(whom))
    draft = InteractionDraft(
        kind="core.note", customer_id=rows[0][0], occurred_at=when, payload={"text": "Called"}
    )
    await house.interactions.record([draft], by=BY)
