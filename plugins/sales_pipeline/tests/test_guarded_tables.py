"""Whose the rows of this plugin are, as core derives it from the tables."""

from __future__ import annotations

import pytest

import relatum_sales_pipeline.tables  # noqa: F401 - defines the tables
from relatum.db.guarded import GuardedTable, guarded_tables


@pytest.fixture(scope="module")
def guarded() -> dict[str, GuardedTable]:
    found = {table.name: table for table in guarded_tables()}
    prefix = "sales_pipeline_"
    return {name.removeprefix(prefix): t for name, t in found.items() if name.startswith(prefix)}


def test_what_is_guarded(guarded: dict[str, GuardedTable]) -> None:
    assert set(guarded) == {
        "account_plan",
        "answer",
        "buying_role",
        "deal",
        "deal_activity",
        "deal_line",
        "forecast_snapshot",
        "lead",
        "lead_signal",
        "rotting_note",
        "stage_change",
        "watched_deal",
    }
    assert all(table.hides_rows for table in guarded.values())


@pytest.mark.parametrize(
    ("table", "parents"),
    [
        ("answer", {"lead_id": "sales_pipeline_lead"}),
        ("buying_role", {"deal_id": "sales_pipeline_deal"}),
        ("deal_activity", {"deal_id": "sales_pipeline_deal"}),
        ("deal_line", {"deal_id": "sales_pipeline_deal"}),
        ("lead", {"deal_id": "sales_pipeline_deal"}),
        ("lead_signal", {"lead_id": "sales_pipeline_lead"}),
        ("rotting_note", {"deal_id": "sales_pipeline_deal"}),
        ("stage_change", {"deal_id": "sales_pipeline_deal"}),
    ],
)
def test_rows_follow_their_deal_or_lead(
    guarded: dict[str, GuardedTable], table: str, parents: dict[str, str]
) -> None:
    assert guarded[table].parents == parents


def test_rows_follow_their_customers(guarded: dict[str, GuardedTable]) -> None:
    following = {name for name, table in guarded.items() if table.customers}
    assert following == {"account_plan", "buying_role", "deal", "lead", "watched_deal"}
    assert guarded["watched_deal"].refers == {}, "it may name a customer who is gone"
    assert guarded["forecast_snapshot"].across_customers
