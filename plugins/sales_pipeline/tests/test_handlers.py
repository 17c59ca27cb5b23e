"""What the plugin makes of the event log: purchases, last activity; and that a replay agrees."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relatum.api import (
    Amount,
    CustomerDraft,
    InteractionDraft,
    InteractionQuery,
    InvalidInput,
    Plugin,
)
from relatum.app.house import House
from relatum_sales_pipeline.services.deals import Deals
from relatum_sales_pipeline.services.leads import Leads
from relatum_sales_pipeline.services.subjects import deal_subject
from relatum_sales_pipeline.types.deals import DealChange, DealDraft, DealMove
from relatum_sales_pipeline.types.leads import LeadDraft

BY = "person:test"
START = dt.datetime(2025, 1, 1, 9, tzinfo=dt.UTC)


async def settle(house: House) -> None:
    """Let the handlers follow the log to its end, also what they append themselves."""
    while await house.handlers.run_once():
        pass
    for status in await house.handlers.status():
        assert (status.waiting, status.given_up) == (0, 0), status


async def customer(house: House, name: str = "Acme") -> Any:
    (id,) = await house.customers.create([CustomerDraft(display_name=name)], by=BY)
    return id


async def test_a_won_deal_becomes_one_purchase(house: House, plugin: Plugin) -> None:
    deals = Deals(plugin)
    acme = await customer(house)
    draft = DealDraft(name="Two widgets", customer_id=acme, value=Amount(105_400, "USD"))
    (id,) = await deals.create([draft], by=BY)
    await deals.move(id, DealMove(stage="won", closed_on=dt.date(2025, 3, 1)), by=BY)
    await settle(house)
    (bought,) = (await house.interactions.find(InteractionQuery(customer_id=acme))).items
    assert (bought.kind, bought.money) == ("core.purchase", Amount(105_400, "USD"))
    assert bought.subject == deal_subject(id)
    assert bought.occurred_at.date() == dt.date(2025, 3, 1)
    await house.handlers.retry("sales_pipeline.purchases")
    assert len((await house.interactions.find(InteractionQuery())).items) == 1


async def test_a_win_that_is_corrected_or_lost_is_cancelled(house: House, plugin: Plugin) -> None:
    deals = Deals(plugin)
    acme = await customer(house)
    draft = DealDraft(name="x", customer_id=acme, stage="won", value=Amount(100, "USD"))
    (id,) = await deals.create([draft], by=BY)
    await settle(house)
    await deals.change(id, DealChange(value=Amount(80, "USD")), by=BY)
    await settle(house)
    await deals.move(id, DealMove(stage="lost"), by=BY)
    await settle(house)
    found = (await house.interactions.find(InteractionQuery(sort="recorded_at"))).items
    assert [(i.kind, i.money and i.money.amount) for i in sorted(found, key=lambda i: i.id)] == [
        ("core.purchase", 100),
        ("core.cancellation", 100),
        ("core.purchase", 80),
        ("core.cancellation", 80),
    ]


async def test_interactions_move_the_last_activity_and_taking_them_back_moves_it_back(
    house: House, plugin: Plugin
) -> None:
    deals = Deals(plugin)
    acme, other = await customer(house), await customer(house, "Other")
    drafts = [
        DealDraft(name="open", customer_id=acme),
        DealDraft(name="closed", customer_id=acme, stage="lost"),
        DealDraft(name="other", customer_id=other),
    ]
    mine, closed, others = await deals.create(drafts, by=BY)
    first, second = [
        InteractionDraft(
            kind="core.note",
            customer_id=acme,
            occurred_at=START + dt.timedelta(days=n),
            payload={"text": "hello"},
        )
        for n in (0, 5)
    ]
    about = InteractionDraft(
        kind="sales_pipeline.activity",
        occurred_at=START,
        payload={"summary": "said thanks"},
        subject=deal_subject(closed),
    )
    _, newest, _ = await house.interactions.record([first, second, about], by=BY)
    await settle(house)
    assert (await deals.get(mine)).last_activity_at == second.occurred_at
    assert (await deals.get(closed)).last_activity_at == START
    assert (await deals.get(others)).last_activity_at is None
    assert (await deals.get(mine)).version == 1
    await house.interactions.remove([newest], by=BY)
    await settle(house)
    assert (await deals.get(mine)).last_activity_at == first.occurred_at


async def test_an_interaction_about_no_deal_is_refused(house: House, plugin: Plugin) -> None:
    (id,) = await Deals(plugin).create([DealDraft(name="x")], by=BY)
    drafts = [
        InteractionDraft(kind="core.note", payload={"text": "x"}, subject=subject)
        for subject in (
            deal_subject(id),
            "sales_pipeline.deal:01936f2c-8a3e-7b51-9c0d-2f4a6b8c0d1e",
            "sales_pipeline.deal:robert'); DROP TABLE",
            f"sales_pipeline.lead:{id}",
            "something.else:1",
        )
    ]
    with pytest.raises(InvalidInput) as refused:
        await house.interactions.record(drafts, by=BY)
    assert [(p.where, p.code) for p in refused.value.problems] == [
        ("/1/subject", "unknown-deal"),
        ("/2/subject", "unknown-deal"),
        ("/3/subject", "unknown-lead"),
    ]


async def test_engagement_counts_what_was_before_and_what_comes(
    house: House, plugin: Plugin
) -> None:
    acme = await customer(house)
    now = dt.datetime.now(dt.UTC)
    note = {"text": "x"}
    before = [
        InteractionDraft(
            kind=kind, customer_id=acme, occurred_at=now - dt.timedelta(days=days), payload=payload
        )
        for kind, days, payload in (
            ("core.call", 14, {}),
            ("core.call", 400, {}),
            ("core.note", 1, note),
        )
    ]
    await house.interactions.record(before, by=BY)
    (lead,) = await Leads(plugin).create([LeadDraft(customer_id=acme)], by=BY)
    await settle(house)
    assert (await Leads(plugin).get(lead)).engagement == pytest.approx(7.5, abs=0.01)
    visit = InteractionDraft(kind="core.visit", customer_id=acme, occurred_at=now)
    (id,) = await house.interactions.record([visit], by=BY)
    await settle(house)
    assert (await Leads(plugin).get(lead)).engagement == pytest.approx(27.5, abs=0.01)
    await house.interactions.remove([id], by=BY)
    await settle(house)
    assert (await Leads(plugin).get(lead)).engagement == pytest.approx(7.5, abs=0.01)


# -- the law: a replay from the beginning equals following ---------------------------------------

CUSTOMERS = st.one_of(st.none(), st.integers(0, 2))
PICK = st.integers(0, 20)
STAGES = st.sampled_from(["prospecting", "engaging", "won", "lost"])
OPERATIONS = st.one_of(
    st.tuples(st.just("create"), CUSTOMERS, STAGES),
    st.tuples(st.just("move"), PICK, STAGES),
    st.tuples(st.just("change_customer"), PICK, CUSTOMERS),
    st.tuples(st.just("change_value"), PICK, st.integers(0, 5)),
    st.tuples(st.just("record"), CUSTOMERS, st.one_of(st.none(), PICK)),
    st.tuples(st.just("retract"), PICK, st.none()),
    st.tuples(st.just("remove"), PICK, st.none()),
    st.tuples(st.just("lead"), st.integers(0, 2), st.none()),
    st.tuples(st.just("follow"), st.none(), st.none()),
)


class World:
    """A house in which operations happen to whatever is there at the time."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.plugin = house.registry.plugins["sales_pipeline"]
        self.deals = Deals(self.plugin)
        self.customers: list[Any] = []
        self.ids: list[Any] = []
        self.interactions: list[Any] = []

    async def run(self, operations: list[tuple[str, Any, Any]]) -> None:
        self.customers = [await customer(self.house, f"Customer {n}") for n in range(3)]
        for minute, (name, one, two) in enumerate(operations):
            if name == "follow":
                await self.house.handlers.run_once()
            elif name in {"create", "record", "lead"}:
                await getattr(self, name)(one, two, minute)
            elif name == "retract" and self.interactions:
                gone = self.interactions.pop(one % len(self.interactions))
                await self.house.interactions.remove([gone], by=BY)
            elif name != "retract" and self.ids:
                await getattr(self, name)(self.ids[one % len(self.ids)], two)

    def whom(self, n: int | None) -> Any:
        return None if n is None else self.customers[n]

    async def create(self, who: int | None, stage: str, minute: int) -> None:
        draft = DealDraft(
            name=f"Deal {minute}",
            customer_id=self.whom(who),
            stage=stage,
            value=Amount(minute, "USD"),
        )
        self.ids += await self.deals.create([draft], by=BY)

    async def move(self, id: Any, stage: str) -> None:
        await self.deals.move(id, DealMove(stage=stage), by=BY)

    async def change_customer(self, id: Any, who: int | None) -> None:
        await self.deals.change(id, DealChange(customer_id=self.whom(who)), by=BY)

    async def change_value(self, id: Any, amount: int) -> None:
        await self.deals.change(id, DealChange(value=Amount(amount, "USD")), by=BY)

    async def remove(self, id: Any, _: None) -> None:
        await self.deals.remove([id], by=BY)
        self.ids.remove(id)

    async def lead(self, who: int, _: None, minute: int) -> None:
        await Leads(self.plugin).create([LeadDraft(customer_id=self.whom(who))], by=BY)

    async def record(self, who: int | None, about: int | None, minute: int) -> None:
        subject = None
        if about is not None and self.ids:
            subject = deal_subject(self.ids[about % len(self.ids)])
        draft = InteractionDraft(
            kind="core.note",
            customer_id=self.whom(who),
            # neither rising nor falling, so that the newest is not simply the last
            occurred_at=dt.datetime.now(dt.UTC) - dt.timedelta(minutes=minute * 7 % 31),
            payload={"text": "x"},
            subject=subject,
        )
        self.interactions += await self.house.interactions.record([draft], by=BY)

    async def projections(self) -> dict[str, Any]:
        tables = {
            "deals": "SELECT id, last_activity_at FROM sales_pipeline_deal",
            "watched": "SELECT deal_id, customer_id, open FROM sales_pipeline_watched_deal",
            "activities": "SELECT deal_id, interaction_id, occurred_at "
            "FROM sales_pipeline_deal_activity",
            "signals": "SELECT lead_id, interaction_id, kind, occurred_at "
            "FROM sales_pipeline_lead_signal",
            "interactions": "SELECT id, kind, subject, amount FROM core_interaction",
        }
        return {
            name: sorted(await self.house.db.fetch(sql), key=str) for name, sql in tables.items()
        }


async def expected_activity(world: World) -> dict[Any, Any]:
    """Slowly, from the log alone: for each deal the newest interaction that counts for it."""
    log = await world.house.events.read(
        0, until=10**9, types=list(world.house.registry.event_types.ids()), limit=100_000
    )
    state: dict[str, list[Any]] = {}
    counted: dict[str, dict[str, str]] = {}
    for event in log:
        kind, data = event.type, event.data()
        deal = data.get("deal_id")
        if kind == "sales_pipeline.deal_created":
            state[deal] = [data["customer_id"], data["outcome"] == "open"]
        elif kind == "sales_pipeline.deal_changed" and "customer_id" in data["changes"]:
            state[deal][0] = data["changes"]["customer_id"][1]
        elif kind == "sales_pipeline.deal_stage_changed":
            state[deal][1] = data["to_outcome"] == "open"
        elif kind == "core.interaction_recorded":
            who = str(event.customer) if event.customer else None
            about = (data.get("subject") or "").removeprefix("sales_pipeline.deal:")
            for each, (whose, is_open) in state.items():
                if each == about or (not about and is_open and who and whose == who):
                    counted.setdefault(each, {})[data["interaction_id"]] = data["occurred_at"]
        elif kind == "core.interaction_retracted":
            for each in counted.values():
                each.pop(data["interaction_id"], None)
    return {
        id: max(map(dt.datetime.fromisoformat, counted.get(str(id), {}).values()), default=None)
        for id in world.ids
    }


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(operations=st.lists(OPERATIONS, max_size=25))
def test_a_replay_equals_following(
    in_house: Callable[..., Any], operations: list[tuple[str, Any, Any]]
) -> None:
    async def follow_and_replay(house: House) -> tuple[Any, ...]:
        world = World(house)
        await world.run(operations)
        await settle(house)
        followed, expected = await world.projections(), await expected_activity(world)
        for handler in ("last_activity", "engagement"):
            await house.handlers.replay(f"sales_pipeline.{handler}")
        await house.db.execute(
            "UPDATE core_handler SET position = 0 WHERE id = 'sales_pipeline.purchases'"
        )
        await settle(house)
        return followed, expected, await world.projections()

    followed, expected, replayed = in_house(follow_and_replay)
    assert dict(followed["deals"]) == expected
    assert replayed == followed
