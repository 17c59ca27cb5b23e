"""Deals through their services: creating, changing, moving, conflicts."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from relatum.api import Amount, Conflict, CustomerDraft, InvalidInput, NotFound, Plugin
from relatum.app.house import House
from relatum_sales_pipeline.services.deals import Deals
from relatum_sales_pipeline.services.products import Products
from relatum_sales_pipeline.services.teams import Teams
from relatum_sales_pipeline.types.deals import (
    DealChange,
    DealDraft,
    DealMove,
    DealQuery,
    LineDraft,
    Passage,
)
from relatum_sales_pipeline.types.products import PriceDraft, PriceListDraft, ProductDraft
from relatum_sales_pipeline.types.teams import MemberDraft, TeamDraft

BY = "person:test"
DAY = dt.date(2025, 3, 3)


async def events_of(house: House, *types: str) -> list[dict[str, Any]]:
    found = await house.events.read(0, until=10**9, types=types, limit=10_000)
    return [event.data() for event in found]


async def one_product(plugin: Plugin, price: int = 5_000) -> UUID:
    products = Products(plugin)
    (product,) = await products.create([ProductDraft(name="Widget", code="W-1")])
    price_list = await products.create_list(PriceListDraft(name="Standard"))
    await products.set_prices(
        price_list.id, [PriceDraft(product_id=product, price=Amount(price, "USD"))]
    )
    return product


async def test_a_deal_with_nothing_but_a_name_begins_in_the_first_stage(plugin: Plugin) -> None:
    (id,) = await Deals(plugin).create([DealDraft(name="  Acme, two widgets ")], by=BY)
    deal = await Deals(plugin).get(id)
    assert (deal.name, deal.pipeline, deal.stage) == ("Acme, two widgets", "sales", "prospecting")
    assert (deal.outcome, deal.probability, deal.value, deal.version) == ("open", 1000, None, 1)
    assert (deal.currency, deal.engaged_on, deal.closed_on) == ("USD", None, None)
    assert [step.to_stage for step in await Deals(plugin).history(id)] == ["prospecting"]


async def test_lines_take_the_list_price_of_the_day_and_the_team_is_the_owners(
    plugin: Plugin,
) -> None:
    product = await one_product(plugin)
    (team,) = await Teams(plugin).create_teams([TeamDraft(name="North", region="Hà Nội")])
    (owner,) = await Teams(plugin).create_members([MemberDraft(name="Lan", team_id=team)])
    draft = DealDraft(
        name="x",
        owner_id=owner,
        lines=[
            LineDraft(product_id=product, quantity=Decimal("1.5")),
            LineDraft(product_id=product, unit_amount=333),
        ],
    )
    (id,) = await Deals(plugin).create([draft], by=BY)
    deal = await Deals(plugin).get(id)
    assert [(line.unit_amount, line.amount) for line in deal.lines] == [(5000, 7500), (333, 333)]
    assert deal.lines_value == Amount(7833, "USD")
    assert (deal.owner, deal.team_id, deal.team) == ("Lan", team, "North")


async def test_a_batch_goes_in_whole_or_not_at_all_and_every_problem_is_told(
    plugin: Plugin,
) -> None:
    nobody = UUID(int=7)
    drafts = [
        DealDraft(name="good"),
        DealDraft(name="bad", stage="wonn", customer_id=nobody, owner_id=nobody),
        DealDraft(
            name="worse",
            stage="won",
            engaged_on=DAY,
            closed_on=dt.date(2025, 3, 2),
            value=Amount(-1, "USD"),
            lost_reason="price",
        ),
        DealDraft(name="\t", value=Amount(10**18 // 2, "XXQ"), closed_on=DAY),
    ]
    with pytest.raises(InvalidInput) as refused:
        await Deals(plugin).create(drafts, by=BY)
    found = {(problem.where, problem.code) for problem in refused.value.problems}
    assert found >= {
        ("/1/stage", "unknown-stage"),
        ("/1/customer_id", "unknown-customer"),
        ("/1/owner_id", "unknown-member"),
        ("/2/closed_on", "closed-before-engaged"),
        ("/2/value/amount", "negative-value"),
        ("/2/lost_reason", "reason-without-loss"),
        ("/3/name", "empty"),
        ("/3/value/amount", "absurd-value"),
        ("/3/value/currency", "unknown-currency"),
        ("/3/closed_on", "closed-but-open"),
    }
    assert not [where for where, _ in found if where.startswith("/0")]
    stage = next(p for p in refused.value.problems if p.where == "/1/stage")
    assert "Did you mean won?" in stage.mend
    assert (await Deals(plugin).find(DealQuery())).items == []
    same = [(r.index, r.problem.code) for r in await Deals(plugin).check(drafts)]
    assert {(f"/{n}", code) for n, code in same} == {(w[:2], code) for w, code in found}


async def test_the_future_and_the_day_before_1900_are_refused(plugin: Plugin) -> None:
    tomorrow = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=2)
    for draft in (
        DealDraft(name="x", stage="won", closed_on=tomorrow),
        DealDraft(name="x", engaged_on=tomorrow),
        DealDraft(name="x", engaged_on=dt.date(1899, 12, 31)),
        DealDraft(name="x", expected_close=dt.date(9999, 1, 1)),
    ):
        refusals = await Deals(plugin).check([draft])
        assert [refusal.problem.code for refusal in refusals] == ["bad-day"]


async def test_a_move_writes_history_and_tells_what_happened(house: House, plugin: Plugin) -> None:
    deals = Deals(plugin)
    (customer,) = await house.customers.create([CustomerDraft(display_name="Acme")], by=BY)
    draft = DealDraft(name="x", customer_id=customer, value=Amount(100_00, "USD"))
    (id,) = await deals.create([draft], by=BY)
    engaged = await deals.move(id, DealMove(stage="engaging"), by=BY, version=1)
    assert engaged.engaged_on is not None
    won = await deals.move(id, DealMove(stage="won", note="signed"), by=BY, version=2)
    assert (won.outcome, won.version) == ("won", 3)
    assert won.closed_on == engaged.engaged_on
    history = await deals.history(id)
    steps = [(step.from_stage, step.to_stage, step.by, step.note) for step in history]
    assert steps == [
        (None, "prospecting", BY, ""),
        ("prospecting", "engaging", BY, ""),
        ("engaging", "won", BY, "signed"),
    ]
    moved = await events_of(house, "sales_pipeline.deal_stage_changed")
    assert [(m["from_stage"], m["to_stage"]) for m in moved] == [
        ("prospecting", "engaging"),
        ("engaging", "won"),
    ]
    (told,) = await events_of(house, "sales_pipeline.deal_won")
    assert (told["amount"], told["currency"], told["customer_id"]) == (10000, "USD", str(customer))


async def test_losing_and_taking_up_again(house: House, plugin: Plugin) -> None:
    deals = Deals(plugin)
    (id,) = await deals.create([DealDraft(name="x", engaged_on=DAY, stage="engaging")], by=BY)
    lost = await deals.move(id, DealMove(stage="lost", lost_reason="price"), by=BY)
    assert (lost.lost_reason, lost.outcome) == ("price", "lost")
    (told,) = await events_of(house, "sales_pipeline.deal_lost")
    assert told["reason"] == "price"
    again = await deals.move(id, DealMove(stage="engaging"), by=BY)
    assert (again.lost_reason, again.closed_on, again.engaged_on) == (None, None, DAY)
    with pytest.raises(InvalidInput):
        await deals.move(id, DealMove(stage="engaging", lost_reason="price"), by=BY)


async def test_moving_to_where_it_is_changes_nothing(plugin: Plugin) -> None:
    deals = Deals(plugin)
    (id,) = await deals.create([DealDraft(name="x")], by=BY)
    assert (await deals.move(id, DealMove(stage="prospecting"), by=BY)).version == 1
    assert await deals.move_many([(id, DealMove(stage="prospecting"))], by=BY) == []


async def test_a_stale_change_is_a_conflict_that_shows_both(plugin: Plugin) -> None:
    deals = Deals(plugin)
    (id,) = await deals.create([DealDraft(name="x")], by=BY)
    await deals.change(id, DealChange(name="mine"), by=BY, version=1)
    change = DealChange(name="yours")
    with pytest.raises(Conflict) as conflict:
        await deals.change(id, change, by=BY, version=1)
    assert conflict.value.extra["yours"] == change
    assert conflict.value.extra["current"].name == "mine"  # type: ignore[attr-defined]
    with pytest.raises(Conflict):
        await deals.move(id, DealMove(stage="won"), by=BY, version=1)
    assert (await deals.get(id)).name == "mine"


async def test_a_change_of_one_field_leaves_the_others(house: House, plugin: Plugin) -> None:
    deals = Deals(plugin)
    product = await one_product(plugin)
    (a, b) = await Teams(plugin).create_teams([TeamDraft(name="A"), TeamDraft(name="B")])
    people = [MemberDraft(name="Lan", team_id=a), MemberDraft(name="Minh", team_id=b)]
    (lan, minh) = await Teams(plugin).create_members(people)
    draft = DealDraft(
        name="x",
        owner_id=lan,
        lines=[LineDraft(product_id=product)],
        expected_close=DAY,
        competitor="Them",
    )
    (id,) = await deals.create([draft], by=BY)
    before = await deals.get(id)
    after = await deals.change(id, DealChange(value=Amount(7, "EUR")), by=BY)
    assert (after.value, after.currency) == (Amount(7, "EUR"), "EUR")
    for name in ("name", "owner_id", "team_id", "expected_close", "competitor", "stage_since"):
        assert getattr(after, name) == getattr(before, name)
    assert [line.unit_amount for line in after.lines] == [5000]
    handed_on = await deals.change(id, DealChange(owner_id=minh), by=BY)
    assert handed_on.team_id == b
    assert (await deals.change(id, DealChange(owner_id=minh), by=BY)).version == 3
    changes = await events_of(house, "sales_pipeline.deal_changed")
    assert changes[0]["changes"] == {"amount": [None, 7], "currency": ["USD", "EUR"]}


async def test_history_can_be_given_and_is_checked(plugin: Plugin) -> None:
    deals = Deals(plugin)
    start = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
    steps = [
        Passage(stage="prospecting", at=start),
        Passage(stage="engaging", at=start + dt.timedelta(days=3)),
    ]
    good = DealDraft(name="x", stage="engaging", history=steps)
    (id,) = await deals.create([good], by=BY)
    assert [step.at for step in await deals.history(id)] == [step.at for step in steps]
    assert (await deals.get(id)).engaged_on == dt.date(2025, 1, 4)
    backwards = DealDraft(name="x", stage="prospecting", history=list(reversed(steps)))
    elsewhere = DealDraft(name="x", stage="won", history=steps)
    naive = DealDraft(
        name="x",
        history=[Passage(stage="prospecting", at=dt.datetime(2025, 1, 1))],  # noqa: DTZ001 - the point of it
    )
    refusals = await deals.check([backwards, elsewhere, naive])
    assert [refusal.problem.code for refusal in refusals] == [
        "bad-moment",
        "history-ends-elsewhere",
        "history-ends-elsewhere",
        "bad-moment",
    ]


async def test_an_outside_reference_is_known_once(plugin: Plugin) -> None:
    deals = Deals(plugin)
    draft = DealDraft(name="x", external_source="old_crm", external_ref="A1")
    with pytest.raises(InvalidInput):
        await deals.create([draft, draft], by=BY)
    (id,) = await deals.create([draft], by=BY)
    with pytest.raises(InvalidInput) as taken:
        await deals.create([draft], by=BY)
    assert str(id) in taken.value.problems[0].mend
    await deals.create([DealDraft(name="x", external_source="other_crm", external_ref="A1")], by=BY)
    with pytest.raises(InvalidInput):
        await deals.create([DealDraft(name="x", external_ref="A2")], by=BY)


async def test_lists_are_filtered_sorted_and_paged(plugin: Plugin) -> None:
    deals = Deals(plugin)
    drafts = [
        DealDraft(
            name=f"Hợp đồng {n}",
            value=Amount(n * 100, "USD") if n else None,
            expected_close=DAY + dt.timedelta(days=n % 3) if n % 4 else None,
            stage="engaging" if n % 2 else "prospecting",
        )
        for n in range(10)
    ]
    ids = await deals.create(drafts, by=BY)
    for sort, key in {
        "value": lambda n: n * 100 if n else -1,
        "expected_close": lambda n: n % 3 if n % 4 else 99,
        "name": lambda n: n,
        "created_at": lambda n: 0,
    }.items():
        for sign, turned in (("", False), ("-", True)):
            expected = sorted(range(10), key=lambda n: (key(n), ids[n]), reverse=turned)
            got, cursor = [], None
            while True:
                query = DealQuery(sort=sign + sort, limit=3, cursor=cursor)
                page = await deals.find(query)
                got += [ids.index(deal.id) for deal in page.items]
                cursor = page.next
                if cursor is None:
                    break
            assert got == expected, sort
    found = await deals.find(DealQuery(q="hop DONG 7"))
    assert [deal.name for deal in found.items] == ["Hợp đồng 7"]
    open_ones = await deals.find(DealQuery(stage="engaging", minimum=300, maximum=700))
    assert sorted(deal.name for deal in open_ones.items) == [f"Hợp đồng {n}" for n in (3, 5, 7)]
    assert (await deals.find(DealQuery(outcome="won"))).items == []
    assert (await deals.find(DealQuery(q="100%_"))).items == []


async def test_rotting_deals_are_those_where_nothing_happens(plugin: Plugin) -> None:
    deals = Deals(plugin)
    old = dt.datetime.now(dt.UTC) - dt.timedelta(days=40)
    fresh = dt.datetime.now(dt.UTC) - dt.timedelta(days=3)
    drafts = [
        DealDraft(name="old", history=[Passage(stage="prospecting", at=old)]),
        DealDraft(name="fresh", history=[Passage(stage="prospecting", at=fresh)]),
        DealDraft(
            name="closed",
            stage="lost",
            history=[
                Passage(stage="prospecting", at=old),
                Passage(stage="lost", at=old + dt.timedelta(days=1)),
            ],
        ),
    ]
    await deals.create(drafts, by=BY)
    rotting = await deals.find(DealQuery(rotting=True))
    assert [(deal.name, deal.rotting) for deal in rotting.items] == [("old", True)]
    others = await deals.find(DealQuery(rotting=False))
    assert sorted((deal.name, deal.rotting) for deal in others.items) == [
        ("closed", False),
        ("fresh", False),
    ]


async def test_what_is_not_there_is_not_found(plugin: Plugin) -> None:
    deals = Deals(plugin)
    with pytest.raises(NotFound):
        await deals.get(UUID(int=1))
    with pytest.raises(NotFound):
        await deals.move(UUID(int=1), DealMove(stage="won"), by=BY)
    with pytest.raises(NotFound):
        await deals.history(UUID(int=1))
    assert await deals.get_many([UUID(int=1)]) == []
