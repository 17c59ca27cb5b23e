"""The main job on real input: `shared/data/crm_sales` imported whole, and what the summary says.

The figures expected are worked out here from the raw CSV, by code that knows nothing of Relatum.
"""

from __future__ import annotations

import csv
import datetime as dt
from collections import Counter, defaultdict
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from relatum.api import CustomerQuery, InteractionQuery, Plugin
from relatum.app.house import House
from relatum.importing.plan import Plan, parse_plan
from relatum.importing.service import Imports
from relatum_sales_pipeline.reports import conversion, forecast, summary, velocity, win_loss
from relatum_sales_pipeline.services.deals import Deals
from relatum_sales_pipeline.types.deals import DealQuery

DATA = Path(__file__).parents[4] / "shared" / "data" / "crm_sales"
pytestmark = [
    pytest.mark.skipif(
        not DATA.exists(), reason=f"the real sales history is not at {DATA}: nothing is imported"
    ),
    pytest.mark.long,
]

PLAN = """
name = "crm_sales"
currency = "USD"

[[files]]
path = "accounts.csv"
target = "core.customers"
[files.columns]
external_id = "account"
display_name = "account"
kind = { value = "organisation" }
linked_by.parent_of = "subsidiary_of"

[[files]]
path = "products.csv"
target = "sales_pipeline.products"
[files.columns]
name = "product"
series = "series"
price = "sales_price"

[[files]]
path = "sales_teams.csv"
target = "sales_pipeline.teams"
[files.columns]
agent = "sales_agent"
manager = "manager"
region = "regional_office"

[[files]]
path = "sales_pipeline.csv"
target = "sales_pipeline.deals"
[files.columns]
external_ref = "opportunity_id"
agent = "sales_agent"
product = "product"
account = "account"
stage = "deal_stage"
engaged_on = "engage_date"
closed_on = "close_date"
value = "close_value"
"""
CONFIRM = """
[files.confirm.product]
GTXPro = "GTX Pro"
"""
TABLES = (
    "core_customer",
    "core_customer_link",
    "core_interaction",
    "sales_pipeline_deal",
    "sales_pipeline_deal_line",
    "sales_pipeline_stage_change",
    "sales_pipeline_member",
    "sales_pipeline_team",
    "sales_pipeline_product",
    "sales_pipeline_price",
    "sales_pipeline_price_list",
    "sales_pipeline_watched_deal",
    "sales_pipeline_deal_activity",
)


def plan(text: str = PLAN + CONFIRM) -> Plan:
    return parse_plan(text)


def rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def median(values: list[int]) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return float(ordered[middle])
    return (ordered[middle - 1] + ordered[middle]) / 2


def expected() -> dict[str, Any]:
    """The summary as a person with a spreadsheet would make it."""
    deals = rows("sales_pipeline.csv")
    region = {row["sales_agent"]: row["regional_office"] for row in rows("sales_teams.csv")}
    won = [row for row in deals if row["deal_stage"] == "Won"]
    lost = [row for row in deals if row["deal_stage"] == "Lost"]
    by_quarter: defaultdict[str, int] = defaultdict(int)
    by_region: defaultdict[str, int] = defaultdict(int)
    by_agent: defaultdict[str, int] = defaultdict(int)
    for row in won:
        year, month = row["close_date"][:4], int(row["close_date"][5:7])
        value = int(row["close_value"])
        by_quarter[f"{year}-Q{(month - 1) // 3 + 1}"] += value
        by_region[region[row["sales_agent"]]] += value
        by_agent[row["sales_agent"]] += value

    def days(some: list[dict[str, str]]) -> dict[str, Any]:
        lengths = [
            (dt.date.fromisoformat(r["close_date"]) - dt.date.fromisoformat(r["engage_date"])).days
            for r in some
        ]
        mean = float(Fraction(sum(lengths), len(lengths)))
        return {"mean": mean, "median": median(lengths), "n": len(lengths)}

    return {
        "deals_by_stage": dict(Counter(row["deal_stage"] for row in deals)),
        "won_value": sum(int(row["close_value"]) for row in won),
        "won_value_by_quarter": dict(by_quarter),
        "won_value_by_region": dict(by_region),
        "won_value_by_agent": dict(by_agent),
        "win_rate": len(won) / (len(won) + len(lost)),
        "days_to_win": days(won),
        "days_to_lose": days(lost),
    }


async def everything(house: House) -> dict[str, int]:
    counts = {}
    for table in TABLES:
        row = await house.db.fetch_one(f"SELECT count(*) FROM {table}")
        counts[table] = int(row[0]) if row else 0
    return counts


async def settle(house: House) -> None:
    while await house.handlers.run_once():
        pass


async def test_the_whole_history_goes_in_and_the_summary_is_right(
    house: House, plugin: Plugin
) -> None:
    imports = Imports(house)
    before = await everything(house)
    outcome = await imports.apply(plan(), DATA)
    deals = rows("sales_pipeline.csv")
    assert outcome.counts.rejected == 0
    (file,) = [file for file in outcome.files if file.target == "sales_pipeline.deals"]
    accountless = sum(not row["account"] for row in deals)
    misspelt = sum(row["product"] == "GTXPro" for row in deals)
    idle = {r["sales_agent"] for r in rows("sales_teams.csv")} - {r["sales_agent"] for r in deals}
    assert file.counts.created == len(deals)
    assert file.counts.notes == accountless + misspelt + len(idle)
    (proposal,) = outcome.proposals
    assert (proposal.got, proposal.proposal, proposal.decision) == (
        "GTXPro",
        "GTX Pro",
        "confirmed",
    )
    assert proposal.rows == misspelt

    told = await summary.run(plugin, summary.SummaryParams())
    for name, value in expected().items():
        got = getattr(told, name)
        if name.startswith("days"):
            got = {"mean": got.mean, "median": got.median, "n": got.n}
        assert got == value, name
    assert all(isinstance(value, int) for value in told.won_value_by_agent.values())
    assert (told.currency, told.other_currencies, told.notes) == ("USD", [], [])
    assert told.win_rate_detail.n == told.days_to_win.n + told.days_to_lose.n

    await check_other_reports(plugin, deals)
    await settle(house)
    await check_purchases(house, deals)

    again = await imports.apply(plan(), DATA)
    assert (again.counts.created, again.counts.updated) == (0, 0)
    await settle(house)
    assert (await imports.undo(again.id)).kept == []
    assert (await imports.undo(outcome.id)).kept == []
    await settle(house)
    assert await everything(house) == before


async def check_purchases(house: House, deals: list[dict[str, str]]) -> None:
    won = [row for row in deals if row["deal_stage"] == "Won"]
    row = await house.db.fetch_one(
        "SELECT count(*), sum(amount) FROM core_interaction WHERE kind = 'core.purchase'"
    )
    assert row is not None
    assert (int(row[0]), int(row[1])) == (len(won), sum(int(r["close_value"]) * 100 for r in won))
    (cancity,) = (await house.customers.find(CustomerQuery(q="Cancity"))).items
    query = InteractionQuery(customer_id=cancity.id, limit=200)
    bought = (await house.interactions.find(query)).items
    assert len(bought) == sum(row["account"] == "Cancity" for row in won)


async def check_other_reports(plugin: Plugin, deals: list[dict[str, str]]) -> None:
    stages = Counter(row["deal_stage"] for row in deals)
    prices = {row["product"]: int(row["sales_price"]) for row in rows("products.csv")}
    prices["GTXPro"] = prices["GTX Pro"]
    weight = {"Prospecting": Fraction(1, 10), "Engaging": Fraction(4, 10)}
    open_deals = [row for row in deals if row["deal_stage"] in weight]
    exact_weighted = sum(weight[row["deal_stage"]] * prices[row["product"]] for row in open_deals)

    (block,) = (await forecast.run(plugin, forecast.ForecastParams())).currencies
    assert block.deals == len(open_deals)
    assert block.value == sum(prices[row["product"]] for row in open_deals)
    assert Fraction(str(block.weighted)) == exact_weighted
    for part in (block.by_month, block.by_stage, block.by_team, block.by_owner):
        total = sum(Fraction(str(row.weighted)) for row in part)
        assert total == Fraction(str(block.weighted))

    (way,) = (await conversion.run(plugin, conversion.ConversionParams())).pipelines
    engaging = way.stages[1]
    assert engaging.entered == stages["Engaging"] + stages["Won"] + stages["Lost"]
    assert (engaging.advanced, engaging.lost) == (stages["Won"], stages["Lost"])
    assert engaging.still_here == stages["Engaging"]
    assert way.stages[0].still_here == stages["Prospecting"]

    won = [int(row["close_value"]) for row in deals if row["deal_stage"] == "Won"]
    lengths = [
        (dt.date.fromisoformat(r["close_date"]) - dt.date.fromisoformat(r["engage_date"])).days
        for r in deals
        if r["deal_stage"] == "Won"
    ]
    exact = (
        len(open_deals)
        * Fraction(len(won), stages["Won"] + stages["Lost"])
        * Fraction(sum(won), len(won))
        / Fraction(sum(lengths), len(lengths))
    )
    (pace,) = (await velocity.run(plugin, velocity.VelocityParams())).currencies
    assert pace.per_day == pytest.approx(float(exact), abs=0.005)

    told = await win_loss.run(plugin, win_loss.WinLossParams())
    products = Counter((r["product"].replace("GTXPro", "GTX Pro"), r["deal_stage"]) for r in deals)
    assert {(row.name, row.won, row.lost) for row in told.by_product} == {
        (name, products[name, "Won"], products[name, "Lost"]) for name in prices if name != "GTXPro"
    }
    assert sum(row.won + row.lost for row in told.by_size) == stages["Won"] + stages["Lost"]


async def test_an_unconfirmed_name_is_proposed_and_its_rows_stay_out(
    house: House, plugin: Plugin
) -> None:
    imports = Imports(house)
    preview = await imports.preview(plan(PLAN), DATA)
    assert not any((await everything(house)).values())
    deals = rows("sales_pipeline.csv")
    misspelt = sum(row["product"] == "GTXPro" for row in deals)
    (proposal,) = preview.proposals
    assert (proposal.got, proposal.proposal, proposal.rows) == ("GTXPro", "GTX Pro", misspelt)
    assert proposal.decision == "kept out"
    outcome = await imports.apply(plan(PLAN), DATA)
    assert outcome.counts.rejected == misspelt
    told = await summary.run(plugin, summary.SummaryParams())
    assert sum(told.deals_by_stage.values()) == len(deals) - misspelt
    found = await Deals(plugin).find(DealQuery(external_ref="Z063OYW0"))
    assert found.items == []
