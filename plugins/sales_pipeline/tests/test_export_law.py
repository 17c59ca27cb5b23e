"""Laws of imports: what is exported comes back the same; batch size and order change nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from decimal import Decimal
from random import Random
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relatum.api import Amount, ImportScope, Numbered, Plugin, new_id
from relatum.app.house import House
from relatum_sales_pipeline.import_targets import DealsTarget, ProductsTarget, TeamsTarget
from relatum_sales_pipeline.import_targets.deal_records import DealRecord, LineRecord
from relatum_sales_pipeline.import_targets.products import ProductRecord
from relatum_sales_pipeline.import_targets.teams import TeamRecord
from relatum_sales_pipeline.services.deals import Deals
from relatum_sales_pipeline.services.products import Products
from relatum_sales_pipeline.services.teams import Teams
from relatum_sales_pipeline.types.products import ProductDraft
from relatum_sales_pipeline.types.teams import MemberDraft, TeamDraft

BY = "person:test"
AGENTS = ("Lan", "Minh", "Ân", "An")
PRODUCTS = ("GTX Pro", "MG Special", "Gói Ô tô")
SOURCE = "relatum"

lines = st.lists(
    st.builds(
        LineRecord,
        product=st.sampled_from(PRODUCTS),
        quantity=st.integers(1, 5_000_000).map(lambda n: Decimal(n) / 1000),
        unit_amount=st.one_of(st.none(), st.integers(0, 10**9)),
    ),
    max_size=3,
)
days = st.dates(dt.date(2020, 1, 1), dt.date(2024, 12, 31))


@st.composite
def deals(draw: st.DrawFn) -> DealRecord:
    """Any deal that can go in."""
    stage = draw(st.sampled_from(["prospecting", "engaging", "won", "lost"]))
    first, last = sorted([draw(days), draw(days)])
    closed = stage in {"won", "lost"}
    return DealRecord(
        external_ref=f"R{draw(st.integers(0, 10**6))}",
        name=draw(st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=20)),
        agent=draw(st.one_of(st.none(), st.sampled_from(AGENTS))),
        stage=stage,
        lines=draw(lines),
        value=draw(st.one_of(st.none(), st.builds(Amount, st.integers(0, 10**12), st.just("USD")))),
        engaged_on=first if stage != "prospecting" and draw(st.booleans()) else None,
        closed_on=last if closed else None,
        expected_close=draw(st.one_of(st.none(), days)),
        lost_reason="price" if stage == "lost" and draw(st.booleans()) else None,
        competitor=draw(st.one_of(st.none(), st.just("Họ"))),
    )


some_deals = st.lists(deals(), max_size=8, unique_by=lambda deal: deal.external_ref)


async def bring_in(
    plugin: Plugin, target: Any, records: Sequence[msgspec.Struct], size: int = 1000
) -> None:
    """What the importer does: prepare, then write, a batch at a time."""
    scope = ImportScope(id=new_id(), source=SOURCE)
    numbered = [Numbered(line, record) for line, record in enumerate(records, start=2)]
    for start in range(0, len(numbered), size):
        batch = numbered[start : start + size]
        prepared = await target.prepare(plugin, batch, scope)
        assert [f for f in prepared.findings if f.weight == "error"] == []
        assert prepared.proposals == []
        async with plugin.house.db.transaction():
            await target.write(plugin, batch, scope)


async def taken_out(plugin: Plugin, target: Any) -> list[Any]:
    return [record async for batch in target.export(plugin) for record in batch]


def through_json(records: Sequence[Any]) -> list[Any]:
    """As a file would carry them."""
    kind = type(records[0]) if records else DealRecord
    return msgspec.json.decode(msgspec.json.encode(records), type=list[kind])  # type: ignore[valid-type]


async def catalogue(plugin: Plugin) -> None:
    (team,) = await Teams(plugin).create_teams([TeamDraft(name="T", region="R")])
    drafts = [MemberDraft(name=name, team_id=team if name != "An" else None) for name in AGENTS]
    await Teams(plugin).create_members(drafts)
    await Products(plugin).create([ProductDraft(name=name) for name in PRODUCTS])


def by_ref(records: Sequence[DealRecord]) -> list[DealRecord]:
    return sorted(records, key=lambda record: (record.external_ref or "", str(record.id)))


def without_ids(records: Sequence[DealRecord]) -> list[Any]:
    """What the records say, apart from ids and moments of this run."""
    plain = [
        msgspec.structs.replace(record, id=None, history=record.history[:0])
        for record in by_ref(records)
    ]
    return list(map(msgspec.to_builtins, plain))


many = settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@many
@given(records=some_deals)
def test_what_is_exported_comes_back_the_same(
    in_house: Callable[..., Any], records: list[DealRecord]
) -> None:
    async def first(house: House) -> Any:
        plugin = house.registry.plugins["sales_pipeline"]
        await catalogue(plugin)
        await bring_in(plugin, DealsTarget(), records)
        return [
            await taken_out(plugin, target)
            for target in (TeamsTarget(), ProductsTarget(), DealsTarget())
        ]

    async def second(house: House) -> Any:
        plugin = house.registry.plugins["sales_pipeline"]
        targets = (TeamsTarget(), ProductsTarget(), DealsTarget())
        for target, exported in zip(targets, out, strict=True):
            await bring_in(plugin, target, through_json(exported))
        again = [await taken_out(plugin, target) for target in targets]
        # and once more into the same house: nothing changes
        await bring_in(plugin, DealsTarget(), through_json(again[2]))
        row = await house.db.fetch_one("SELECT max(version) FROM sales_pipeline_deal")
        assert row in [(1,), (None,)]
        return again

    out = in_house(first)
    back = in_house(second)
    assert by_ref(back[2]) == by_ref(out[2])
    key = msgspec.json.encode
    assert sorted(back[0], key=key) == sorted(out[0], key=key)
    assert sorted(back[1], key=key) == sorted(out[1], key=key)


@many
@given(records=some_deals, size=st.integers(1, 5), seed=st.integers(0, 100))
def test_batch_size_and_order_change_nothing(
    in_house: Callable[..., Any], records: list[DealRecord], size: int, seed: int
) -> None:
    def work(some: list[DealRecord], at_once: int) -> Callable[[House], Any]:
        async def run(house: House) -> Any:
            plugin = house.registry.plugins["sales_pipeline"]
            await catalogue(plugin)
            await bring_in(plugin, DealsTarget(), some, at_once)
            return without_ids(await taken_out(plugin, DealsTarget()))

        return run

    shuffled = Random(seed).sample(records, len(records))
    assert in_house(work(shuffled, size)) == in_house(work(records, 1000))


async def test_products_with_several_prices_and_idle_agents_come_back(
    house: House, plugin: Plugin
) -> None:
    products = [
        ProductRecord(
            name="A",
            code="A1",
            series="S",
            active=True,
            price=Amount(100, "USD"),
            price_list="Standard",
            valid_until=dt.date(2020, 1, 1),
        ),
        ProductRecord(
            name="A",
            code="A1",
            series="S",
            active=True,
            price=Amount(200, "EUR"),
            price_list="VIP",
        ),
        ProductRecord(name="B", active=False),
    ]
    teams = [
        TeamRecord(agent="Lan", team="Đội 1", manager="Hà", region="Bắc", active=True),
        TeamRecord(agent="Minh", active=False),
    ]
    for target, records in ((ProductsTarget(), products), (TeamsTarget(), teams)):
        await bring_in(plugin, target, records)
        assert await taken_out(plugin, target) == records


async def test_customers_of_exported_deals_are_named_as_core_names_them(
    house: House, plugin: Plugin
) -> None:
    from relatum.api import CustomerDraft
    from relatum_sales_pipeline.types.deals import DealDraft

    drafts = [
        CustomerDraft(display_name="Acme", external_ids={"relatum": "from-afar"}),
        CustomerDraft(display_name="Here"),
    ]
    afar, here = await house.customers.create(drafts, by=BY)
    await Deals(plugin).create(
        [DealDraft(name="a", customer_id=afar), DealDraft(name="b", customer_id=here)], by=BY
    )
    exported = await taken_out(plugin, DealsTarget())
    assert [record.account for record in exported] == ["from-afar", str(here)]
    await bring_in(plugin, DealsTarget(), exported)
    after = await taken_out(plugin, DealsTarget())
    assert after == exported
