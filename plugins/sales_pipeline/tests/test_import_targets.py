"""Imports of products, teams and deals: what is refused, proposed, changed, taken back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from relatum.api import Amount, CustomerDraft, Plugin
from relatum.app.house import House
from relatum.importing.plan import parse_plan
from relatum.importing.results import Outcome, Preview
from relatum.importing.service import Imports
from relatum_sales_pipeline.services.deals import Deals
from relatum_sales_pipeline.services.products import Products
from relatum_sales_pipeline.services.teams import Teams
from relatum_sales_pipeline.types.deals import DealChange, DealMove, DealQuery
from relatum_sales_pipeline.types.products import ProductDraft
from relatum_sales_pipeline.types.teams import MemberDraft

BY = "person:test"
COLUMNS = "external_ref,agent,product,account,stage,engaged_on,closed_on,value,lost_reason,quantity"
TABLES = (
    "deal",
    "deal_line",
    "stage_change",
    "member",
    "team",
    "product",
    "price",
    "price_list",
)


class Files:
    """Runs imports of small files."""

    def __init__(self, house: House, folder: Path) -> None:
        self.house = house
        self.folder = folder
        self.imports = Imports(house)

    def plan(self, target: str, text: str, more: str = "") -> Any:
        heading, _, _ = text.partition("\n")
        (self.folder / "file.csv").write_text(text, encoding="utf-8")
        columns = "\n".join(f'{name} = "{name}"' for name in heading.split(","))
        return parse_plan(
            f'name = "old_crm"\ncurrency = "USD"\n[[files]]\npath = "file.csv"\n'
            f'target = "sales_pipeline.{target}"\n[files.columns]\n{columns}\n{more}'
        )

    async def apply(self, target: str, text: str, more: str = "") -> Outcome:
        return await self.imports.apply(self.plan(target, text, more), self.folder)

    async def preview(self, target: str, text: str, more: str = "") -> Preview:
        return await self.imports.preview(self.plan(target, text, more), self.folder)

    async def rows(self) -> dict[str, list[Any]]:
        return {
            table: sorted(
                await self.house.db.fetch(f"SELECT * FROM sales_pipeline_{table}"), key=str
            )
            for table in TABLES
        }


@pytest.fixture
async def files(house: House, plugin: Plugin, tmp_path: Path) -> Files:
    """Two products, two agents and two customers are there."""
    await Products(plugin).create([ProductDraft(name="GTX Pro"), ProductDraft(name="MG Special")])
    await Teams(plugin).create_members([MemberDraft(name="Lan"), MemberDraft(name="Minh")])
    drafts = [
        CustomerDraft(display_name="Acme", external_ids={"old_crm": "A-1"}),
        CustomerDraft(display_name="Hoa Sen"),
        CustomerDraft(display_name="Twin"),
        CustomerDraft(display_name="twin"),
    ]
    await house.customers.create(drafts, by=BY)
    folder = tmp_path / "files"
    folder.mkdir()
    return Files(house, folder)


def errors(result: Outcome | Preview) -> dict[int, set[tuple[str, str]]]:
    """Line → (column, code) of everything that kept it out."""
    found: dict[int, set[tuple[str, str]]] = {}
    for finding in result.findings.first:
        if finding.weight == "error":
            found.setdefault(finding.line, set()).add((finding.column, finding.problem.code))
    return found


def notes(result: Outcome | Preview) -> list[tuple[int, str]]:
    return [(f.line, f.problem.code) for f in result.findings.first if f.weight == "note"]


async def test_every_bad_row_is_told_by_line_and_column_and_the_good_ones_go_in(
    files: Files, plugin: Plugin
) -> None:
    text = f"""{COLUMNS}
D1,Lan,GTX Pro,A-1,Won,2017-01-02,2017-02-01,1054,,
D2,Lan,GTX Pro,Hoa Sen,lost,2017-01-02,2017-02-01,0,Price,
D3,Lan,GTX Pro,A-1,Won,2017-01-02,,10,,
D4,Lan,GTX Pro,A-1,Won,2017-03-02,2017-02-01,10,,
D5,Lan,GTX Pro,A-1,Won,2017-01-02,2017-02-01,-5,,
D6,Lan,GTX Pro,A-1,Won,2017-01-02,2017-02-01,9999999999999999,,
D7,Lann,GTX Pro,A-1,Wonn,,,,,
D8,Lan,GTXPro,A-1,Engaging,,,,,
D9,Lan,GTX Pro,Twin,Engaging,,,,,
D10,Lan,GTX Pro,Acmee,Engaging,,,,,
D11,Lan,GTX Pro,A-1,Engaging,,2017-02-01,,,
D12,Lan,GTX Pro,A-1,Won,2017-01-02,2999-02-01,1,,
D13,Lan,GTX Pro,A-1,Engaging,,,,Price,
D14,Lan,GTX Pro,A-1,Lost,2017-01-02,2017-02-01,,Prise,
D15,,,,Prospecting,,,,,
D16,Lan,GTX Pro,A-1,Engaging,,,,,0.0001
"""
    outcome = await files.apply("deals", text)
    assert errors(outcome) == {
        4: {("closed_on", "closed-without-day")},
        5: {("closed_on", "closed-before-engaged")},
        6: {("value", "negative-value")},
        7: {("value", "wrong-type")},
        8: {("agent", "unknown-value"), ("stage", "unknown-value")},
        9: {("product", "unknown-value")},
        10: {("account", "several-customers")},
        11: {("account", "unknown-value")},
        12: {("closed_on", "closed-but-open")},
        13: {("closed_on", "bad-day")},
        14: {("lost_reason", "reason-without-loss")},
        15: {("lost_reason", "unknown-value")},
        17: {("product", "bad-quantity")},
    }
    assert notes(outcome) == [(16, "no-account"), (0, "agent-without-deals")]
    proposals = {(each.field, each.got): each.proposal for each in outcome.proposals}
    assert proposals == {
        ("agent", "Lann"): "Lan",
        ("stage", "Wonn"): "Won",
        ("product", "GTXPro"): "GTX Pro",
        ("account", "Acmee"): "Acme",
        ("lost_reason", "Prise"): "Price",
    }
    assert (outcome.counts.created, outcome.counts.rejected) == (3, 13)
    found = (await Deals(plugin).find(DealQuery(sort="name"))).items
    shown = {deal.external_ref: (deal.name, deal.customer, deal.outcome) for deal in found}
    assert shown == {
        "D1": ("GTX Pro · A-1", "Acme", "won"),
        "D2": ("GTX Pro · Hoa Sen", "Hoa Sen", "lost"),
        "D15": ("D15", None, "open"),
    }


async def test_proposals_are_taken_when_the_plan_says_so(files: Files, plugin: Plugin) -> None:
    text = f"{COLUMNS}\nD1,Lann,GTXPro,Acmee,Engagin,,,,,\n"
    confirm = '[files.confirm]\nproduct = { GTXPro = "GTX Pro" }\naccount = { Acmee = "A-1" }\n'
    plan = files.plan("deals", text, confirm)
    accepting = ["agent", "stage"]
    files_of_plan = [msgspec.structs.replace(plan.files[0], accept_proposals=accepting)]
    plan = msgspec.structs.replace(plan, files=files_of_plan)
    outcome = await files.imports.apply(plan, files.folder)
    assert outcome.counts.created == 1, outcome.findings
    assert [code for line, code in notes(outcome) if line == 2] == ["replaced"] * 4
    (deal,) = (await Deals(plugin).find(DealQuery())).items
    assert (deal.owner, deal.stage, deal.customer) == ("Lan", "engaging", "Acme")
    assert [line.product for line in deal.lines] == ["GTX Pro"]


async def test_a_confirmation_of_something_unknown_is_an_error(files: Files) -> None:
    text = f"{COLUMNS}\nD1,Lan,GTXPro,A-1,Engaging,,,,,\n"
    outcome = await files.apply("deals", text, '[files.confirm.product]\nGTXPro = "GTX Max"')
    assert errors(outcome) == {2: {("product", "confirmed-unknown")}}


async def test_a_changed_file_changes_deals_and_undoing_it_puts_them_back(
    files: Files, plugin: Plugin, house: House
) -> None:
    first = f"{COLUMNS}\nD1,Lan,GTX Pro,A-1,Engaging,2017-01-02,,,,\nD2,,,A-1,Prospecting,,,,,\n"
    await files.apply("deals", first)
    while await house.handlers.run_once():
        pass
    before = await files.rows()
    second = (
        f"{COLUMNS}\nD1,Minh,MG Special,Hoa Sen,Won,2017-01-02,2017-03-01,77,,2\n"
        "D2,,,A-1,Prospecting,,,,,\nD3,Lan,GTX Pro,A-1,Engaging,,,,,\n"
    )
    outcome = await files.apply("deals", second)
    counts = outcome.counts
    assert (counts.created, counts.updated, counts.unchanged) == (1, 1, 1)
    (deal,) = (await Deals(plugin).find(DealQuery(external_ref="D1"))).items
    assert (deal.owner, deal.customer, deal.outcome) == ("Minh", "Hoa Sen", "won")
    assert (deal.value, deal.name) == (Amount(7700, "USD"), "GTX Pro · A-1")
    assert [(line.product, str(line.quantity)) for line in deal.lines] == [("MG Special", "2")]
    assert [step.to_stage for step in await Deals(plugin).history(deal.id)] == ["engaging", "won"]
    while await house.handlers.run_once():
        pass
    undone = await files.imports.undo(outcome.id)
    assert undone.kept == []
    while await house.handlers.run_once():
        pass
    assert await files.rows() == before
    row = await house.db.fetch_one("SELECT count(*) FROM core_interaction")
    assert row == (0,)


async def test_an_empty_cell_leaves_what_a_deal_has(files: Files, plugin: Plugin) -> None:
    row = "D1,Lan,GTX Pro,A-1,Engaging,2017-01-02,,50,,3"
    await files.apply("deals", f"{COLUMNS}\n{row}\n")
    outcome = await files.apply("deals", f"{COLUMNS}\nD1,,,,Engaging,,,,,\n")
    assert outcome.counts.unchanged == 1
    (deal,) = (await Deals(plugin).find(DealQuery())).items
    assert (deal.owner, deal.customer, deal.value) == ("Lan", "Acme", Amount(5000, "USD"))


async def test_what_was_touched_after_the_import_stays(
    files: Files, plugin: Plugin, house: House
) -> None:
    deals = Deals(plugin)
    text = f"{COLUMNS}\nD1,,,A-1,Engaging,,,,,\nD2,,,A-1,Engaging,,,,,\nD3,,,A-1,Engaging,,,,,\n"
    outcome = await files.apply("deals", text)
    ids = {d.external_ref: d.id for d in (await deals.find(DealQuery())).items}
    await deals.change(ids["D1"], DealChange(name="mine"), by=BY)
    await house.db.execute(
        "INSERT INTO sales_pipeline_buying_role (id, deal_id, customer_id, role) "
        "SELECT id, ?, id, 'user' FROM core_customer WHERE display_name = 'Acme'",
        ids["D2"],
    )
    undone = await files.imports.undo(outcome.id)
    assert {(p.where, p.message.partition(": ")[2][:9]) for p in undone.kept} == {
        (f"deal {ids['D1']}", "somebody "),
        (f"deal {ids['D2']}", "something"),
    }
    left = {deal.external_ref for deal in (await deals.find(DealQuery())).items}
    assert left == {"D1", "D2"}


async def test_a_deal_changed_by_hand_after_an_update_stays_as_it_is(
    files: Files, plugin: Plugin
) -> None:
    deals = Deals(plugin)
    await files.apply("deals", f"{COLUMNS}\nD1,,,A-1,Prospecting,,,,,\n")
    outcome = await files.apply("deals", f"{COLUMNS}\nD1,Lan,,A-1,Engaging,,,,,\n")
    (deal,) = (await deals.find(DealQuery())).items
    await deals.move(deal.id, DealMove(stage="won"), by=BY)
    undone = await files.imports.undo(outcome.id)
    assert [problem.where for problem in undone.kept] == [f"deal {deal.id}"]
    assert (await deals.get(deal.id)).stage == "won"


async def test_the_same_reference_twice_is_one_deal(files: Files, plugin: Plugin) -> None:
    text = f"{COLUMNS}\nD1,,,A-1,Prospecting,,,,,\nD1,Lan,,A-1,Engaging,,,,,\n"
    before = await files.rows()
    outcome = await files.apply("deals", text)
    (deal,) = (await Deals(plugin).find(DealQuery())).items
    assert (deal.owner, deal.stage, deal.version) == ("Lan", "engaging", 2)
    assert (outcome.counts.created, outcome.counts.updated) == (1, 1)
    assert (await files.imports.undo(outcome.id)).kept == []
    assert await files.rows() == before


async def test_teams_come_from_their_agents_and_go_again(files: Files, plugin: Plugin) -> None:
    before = await files.rows()
    text = "agent,manager,region\nLan,Hà,North\nMinh,Hà,North\nThu,Bình,South\n"
    outcome = await files.apply("teams", text)
    assert (outcome.counts.created, outcome.counts.updated) == (1, 2)
    members = {each.name: each.team for each in await Teams(plugin).all_members()}
    assert members == {"Lan": "North – Hà", "Minh": "North – Hà", "Thu": "South – Bình"}
    again = await files.apply("teams", text)
    assert (again.counts.unchanged, again.counts.created) == (3, 0)
    twice = await files.apply("teams", "agent,region\nLan,North\nlan,South\n \x07,x\n")
    assert errors(twice).keys() == {3, 4}
    await files.imports.undo(twice.id)
    await files.imports.undo(outcome.id)
    assert await files.rows() == before


async def test_prices_are_set_corrected_and_taken_back(files: Files, plugin: Plugin) -> None:
    before = await files.rows()
    heading = "name,code,series,price,price_list,valid_from,valid_until"
    first = f"{heading}\nGTX Pro,G1,GTX,4821,,,2017-12-31\nNew,N1,NEW,10.5,VIP,,\n"
    outcome = await files.apply("products", first)
    assert (outcome.counts.created, outcome.counts.updated) == (1, 1)
    after = await files.rows()
    second = f"{heading}\nGTX Pro,G1,GTX,5000,,,2017-12-31\nGTX Pro,,,6000,,2018-01-01,\n"
    corrected = await files.apply("products", second)
    assert corrected.counts.updated == 2
    lists = {each.name: each.id for each in await Products(plugin).price_lists()}
    prices = await Products(plugin).find_prices(lists["Standard"])
    assert [each.price.amount for each in prices.items] == [500_000, 600_000]
    bad = f"""{heading}
GTX Pro,,,7000,,2019-01-01,
Other,G1,,,,,
Third,,,-1,,,
Fourth,,,1,,2020-01-01,2019-01-01
"""
    refused = await files.apply("products", bad)
    assert errors(refused) == {
        2: {("valid_from", "overlapping-price")},
        3: {("code", "code-taken")},
        4: {("price", "bad-price")},
        5: {("valid_until", "days-turned-round")},
    }
    await files.imports.undo(corrected.id)
    assert await files.rows() == after
    assert (await files.imports.undo(outcome.id)).kept == []
    assert await files.rows() == before


async def test_a_product_that_deals_use_stays(files: Files) -> None:
    outcome = await files.apply("products", "name,price\nGTK 500,26768\n")
    await files.apply("deals", f"{COLUMNS}\nD1,,GTK 500,A-1,Prospecting,,,,,\n")
    undone = await files.imports.undo(outcome.id)
    assert ["points at it" in problem.message for problem in undone.kept] == [True]
