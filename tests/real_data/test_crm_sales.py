"""A B2B sales history: 85 accounts, 7 products, 35 agents, 8,800 opportunities, and its dirt."""

import csv
import datetime as dt
import sqlite3
import statistics
from collections import Counter
from fractions import Fraction
from pathlib import Path

from tests.real_data.conftest import folder_of

PLAN = "examples/import/crm_sales.toml"


def rows(folder, name):
    with (folder / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def days(deal):
    began, ended = (dt.date.fromisoformat(deal[key]) for key in ("engage_date", "close_date"))
    return (ended - began).days


def quarter(deal):
    day = dt.date.fromisoformat(deal["close_date"])
    return f"{day.year}-Q{(day.month + 2) // 3}"


def test_the_whole_history(relatum):
    folder = folder_of("crm_sales")
    deals = rows(folder, "sales_pipeline.csv")
    teams = {row["sales_agent"]: row for row in rows(folder, "sales_teams.csv")}
    products = {row["product"] for row in rows(folder, "products.csv")}
    unknown = Counter(d["product"] for d in deals if d["product"] not in products)

    outcome = relatum("import", "--plan", PLAN, str(folder), "--apply", "--json")
    counts = {each["target"]: each["counts"] for each in outcome["files"]}
    assert {target: c["created"] for target, c in counts.items()} == {
        "core.customers": len(rows(folder, "accounts.csv")),
        "sales_pipeline.products": len(products),
        "sales_pipeline.teams": len(teams),
        "sales_pipeline.deals": len(deals),
    }
    assert sum(c["rejected"] for c in counts.values()) == 0

    # The dirt is told, none of it swallowed.
    assert {(p["got"], p["rows"]) for p in outcome["proposals"]} == set(unknown.items())
    no_account = sum(not d["account"] for d in deals)
    idle = len(set(teams) - {d["sales_agent"] for d in deals})
    assert counts["sales_pipeline.deals"]["notes"] == unknown.total() + no_account + idle

    summary = relatum("report", "sales_pipeline.summary", "--json")
    won = [d for d in deals if d["deal_stage"] == "Won"]
    lost = [d for d in deals if d["deal_stage"] == "Lost"]
    by_quarter, by_region, by_agent = Counter(), Counter(), Counter()
    for deal in won:
        value = int(deal["close_value"])
        by_quarter[quarter(deal)] += value
        by_region[teams[deal["sales_agent"]]["regional_office"]] += value
        by_agent[deal["sales_agent"]] += value
    assert summary["deals_by_stage"] == Counter(d["deal_stage"] for d in deals)
    assert summary["won_value"] == sum(int(d["close_value"]) for d in won)
    assert summary["won_value_by_quarter"] == by_quarter
    assert summary["won_value_by_region"] == by_region
    assert summary["won_value_by_agent"] == by_agent
    assert summary["win_rate"] == float(Fraction(len(won), len(won) + len(lost)))
    for name, some in (("days_to_win", won), ("days_to_lose", lost)):
        lengths = [days(deal) for deal in some]
        assert summary[name]["mean"] == float(Fraction(sum(lengths), len(lengths)))
        assert summary[name]["median"] == statistics.median(lengths)


def test_again_and_back(relatum, database):
    def everything():
        with sqlite3.connect(database) as connection:
            tables = [
                name
                for (name,) in connection.execute(
                    "SELECT name FROM sqlite_master WHERE type='table'"
                )
                if name.startswith(
                    ("sales_pipeline_", "core_customer", "core_contact", "core_exter")
                )
            ]
            return {
                name: connection.execute(f"SELECT * FROM {name} ORDER BY 1").fetchall()
                for name in tables
            }

    folder = str(folder_of("crm_sales"))
    before = everything()
    outcome = relatum("import", "--plan", PLAN, folder, "--apply", "--json")
    after = everything()
    assert len(after["sales_pipeline_deal"]) == 8800

    again = relatum("import", "--plan", PLAN, folder, "--apply", "--json")
    assert {each["counts"]["created"] for each in again["files"]} == {0}
    assert everything() == after

    relatum("import", "--undo", again["id"])
    assert everything() == after
    relatum("import", "--undo", outcome["id"])
    left = everything()
    # Declared fields are a setting; they stay.
    assert left.pop("core_customer_field")
    before.pop("core_customer_field")
    assert left == before


def test_a_product_that_nobody_confirmed_keeps_its_rows_out(relatum, tmp_path):
    folder = folder_of("crm_sales")
    text = Path(PLAN).read_text(encoding="utf-8")
    plan = tmp_path / "unconfirmed.toml"
    begin = text.index("[files.confirm")
    end = text.find("\n[", begin + 1)
    plan.write_text(text[:begin] + (text[end:] if end > 0 else ""), encoding="utf-8")
    outcome = relatum("import", "--plan", str(plan), str(folder), "--apply", "--json")
    counts = {each["target"]: each["counts"] for each in outcome["files"]}
    deals = rows(folder, "sales_pipeline.csv")
    unknown = sum(d["product"] == "GTXPro" for d in deals)
    assert counts["sales_pipeline.deals"]["rejected"] == unknown
    assert counts["sales_pipeline.deals"]["created"] == len(deals) - unknown
    [proposal] = outcome["proposals"]
    assert (proposal["got"], proposal["proposal"], proposal["rows"]) == (
        "GTXPro",
        "GTX Pro",
        unknown,
    )
