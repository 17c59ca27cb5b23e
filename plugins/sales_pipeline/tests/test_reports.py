"""Reports on small, made-up pipelines where every figure can be counted by hand."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from fractions import Fraction
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relatum.api import Amount, InvalidInput, Plugin
from relatum_sales_pipeline.reports import (
    ageing,
    conversion,
    forecast,
    summary,
    velocity,
    win_loss,
)
from relatum_sales_pipeline.reports.money import major
from relatum_sales_pipeline.services.deals import Deals
from relatum_sales_pipeline.services.products import Products
from relatum_sales_pipeline.services.teams import Teams
from relatum_sales_pipeline.types.deals import DealDraft, LineDraft, Passage
from relatum_sales_pipeline.types.products import ProductDraft
from relatum_sales_pipeline.types.teams import MemberDraft, TeamDraft

BY = "person:test"
NOW = dt.datetime.now(dt.UTC)
TODAY = NOW.astimezone(dt.timezone(dt.timedelta(hours=7))).date()


def closed(stage: str, amount: int | None, currency: str = "USD", **more: Any) -> DealDraft:
    value = None if amount is None else Amount(amount, currency)
    day = more.pop("day", dt.date(2025, 2, 10))
    return DealDraft(name="x", stage=stage, value=value, closed_on=day, **more)


async def test_currencies_stay_apart_and_what_is_left_out_is_said(plugin: Plugin) -> None:
    (team,) = await Teams(plugin).create_teams([TeamDraft(name="T", region="North")])
    drafts = [MemberDraft(name="Lan", team_id=team), MemberDraft(name="Minh")]
    lan, minh = await Teams(plugin).create_members(drafts)
    january = dt.date(2025, 1, 1)
    await Deals(plugin).create(
        [
            closed("won", 105_450, owner_id=lan, engaged_on=january),
            closed("won", 100, owner_id=minh, day=dt.date(2024, 12, 31)),
            closed("won", None, owner_id=lan, engaged_on=dt.date(2025, 2, 1)),
            closed("won", 2_500_000, "VND", owner_id=lan, engaged_on=january),
            closed("lost", 0, engaged_on=january),
            DealDraft(name="open"),
        ],
        by=BY,
    )
    told = await summary.run(plugin, summary.SummaryParams())
    assert told.deals_by_stage == {"Prospecting": 1, "Won": 4, "Lost": 1}
    assert (told.currency, told.won_value) == ("USD", 1055.5)
    assert told.won_value_by_quarter == {"2024-Q4": 1, "2025-Q1": 1054.5}
    assert told.won_value_by_region == {"North": 1054.5, "(none)": 1}
    assert told.won_value_by_agent == {"Lan": 1054.5, "Minh": 1}
    (other,) = told.other_currencies
    assert (other.currency, other.won_value) == ("VND", 2_500_000)
    assert other.won_value_by_agent == {"Lan": 2_500_000}
    assert told.win_rate == 0.8
    assert (told.days_to_win.mean, told.days_to_win.median, told.days_to_win.n) == (
        float(Fraction(40 + 9 + 40, 3)),
        40,
        3,
    )
    assert [note.split()[0] for note in told.notes] == ["1", "1", "1", "won"]
    asked = await summary.run(
        plugin, summary.SummaryParams(currency="VND", closed_from=dt.date(2025, 1, 1))
    )
    assert (asked.currency, asked.won_value) == ("VND", 2_500_000)
    assert asked.other_currencies[0].won_value == 1054.5
    assert asked.deals_by_stage["Won"] == 3
    with pytest.raises(InvalidInput):
        await summary.run(plugin, summary.SummaryParams(pipeline="nowhere"))


async def test_an_empty_pipeline_has_figures_too(plugin: Plugin) -> None:
    told = await summary.run(plugin, summary.SummaryParams())
    assert (told.deals_by_stage, told.won_value, told.win_rate) == ({}, 0, None)
    assert (told.currency, told.days_to_win.mean, told.win_rate_detail.n) == ("USD", None, 0)
    for report, params in (
        (forecast, forecast.ForecastParams()),
        (velocity, velocity.VelocityParams()),
        (conversion, conversion.ConversionParams()),
        (ageing, ageing.AgeingParams()),
        (win_loss, win_loss.WinLossParams()),
    ):
        assert msgspec.json.encode(await report.run(plugin, params))  # type: ignore[attr-defined]


def in_months(count: int) -> dt.date:
    month = TODAY.year * 12 + TODAY.month - 1 + count
    return dt.date(month // 12, month % 12 + 1, 28)


async def test_the_forecast_puts_months_together_and_adds_up(plugin: Plugin) -> None:
    (product,) = await Products(plugin).create([ProductDraft(name="P")])
    line = LineDraft(product_id=product, quantity=Decimal("1.5"), unit_amount=333)
    unpriced = LineDraft(product_id=product)
    await Deals(plugin).create(
        [
            DealDraft(name="a", value=Amount(1001, "USD"), expected_close=in_months(0)),
            DealDraft(name="b", value=Amount(1001, "USD"), expected_close=in_months(2)),
            DealDraft(name="c", value=Amount(1001, "USD"), expected_close=in_months(9)),
            DealDraft(name="d", stage="engaging", lines=[line]),
            DealDraft(name="e", value=Amount(7, "USD"), expected_close=in_months(-2)),
            DealDraft(name="f", lines=[unpriced]),
            DealDraft(name="g"),
            DealDraft(name="h", stage="won", value=Amount(10**6, "USD")),
        ],
        by=BY,
    )
    told = await forecast.run(plugin, forecast.ForecastParams(months=3))
    (block,) = told.currencies
    months = [(row.name, row.deals, row.value) for row in block.by_month]
    assert months == [
        ("overdue", 1, 0.07),
        (in_months(0).isoformat()[:7], 1, 10.01),
        (in_months(2).isoformat()[:7], 1, 10.01),
        ("later", 1, 10.01),
        ("no date", 1, 5),
    ]
    # 3 × 10.01 × .1 + .07 × .1 + 5.00 × .4 = 5.010 (1.5 × 3.33 is 4.995, rounded 5.00)
    assert block.weighted == 5.01
    for rows in (block.by_month, block.by_stage, block.by_team, block.by_owner):
        assert sum(Decimal(str(row.weighted)) for row in rows) == Decimal("5.01")
    assert [note.split()[0] for note in told.notes] == ["1", "2"]


async def test_conversion_counts_first_passages(plugin: Plugin) -> None:
    start = NOW - dt.timedelta(days=100)

    def way(*stages: str) -> DealDraft:
        steps = [
            Passage(stage=stage, at=start + dt.timedelta(days=2 * n))
            for n, stage in enumerate(stages)
        ]
        day = None if stages[-1] in {"prospecting", "engaging"} else dt.date(2025, 1, 1)
        return DealDraft(name="x", stage=stages[-1], history=steps, closed_on=day)

    await Deals(plugin).create(
        [
            way("prospecting"),
            way("prospecting", "engaging"),
            way("prospecting", "engaging", "prospecting", "engaging", "won"),
            way("engaging", "won"),
            way("prospecting", "lost"),
            way("prospecting", "engaging", "lost"),
            way("prospecting", "engaging", "prospecting"),
        ],
        by=BY,
    )
    (told,) = (await conversion.run(plugin, conversion.ConversionParams())).pipelines
    first, second = told.stages
    counts = [(s.entered, s.advanced, s.lost, s.still_here) for s in (first, second)]
    assert counts == [(7, 5, 1, 1), (5, 2, 1, 2)]
    assert (first.conversion.value, first.median_days) == (5 / 6, 2)
    # engaging → won: six days in the one that went back, two in the other
    assert second.median_days == 4
    assert (told.overall.numerator, told.overall.denominator) == (2, 4)


async def test_ageing_counts_days_and_names_what_rots(plugin: Plugin) -> None:
    (lan,) = await Teams(plugin).create_members([MemberDraft(name="Lan")])
    ages = (0, 7, 8, 31, 400)
    await Deals(plugin).create(
        [
            DealDraft(
                name=str(age),
                owner_id=lan,
                history=[Passage(stage="prospecting", at=NOW - dt.timedelta(days=age))],
            )
            for age in ages
        ],
        by=BY,
    )
    told = await ageing.run(plugin, ageing.AgeingParams())
    (stage,) = told.stages
    assert stage.by_age == {
        "≤ 7": 2,
        "≤ 30": 1,
        "≤ 90": 1,
        "≤ 180": 0,
        "≤ 365": 0,
        "> 365": 1,
    }
    assert (stage.deals, stage.rotting, stage.median_days) == (5, 2, 8)
    assert [deal.days_without_activity for deal in told.rotting] == [400, 31]
    assert {deal.owner for deal in told.rotting} == {"Lan"}


async def test_wins_and_losses_by_reason_product_agent_and_size(plugin: Plugin) -> None:
    a, b = await Products(plugin).create([ProductDraft(name="A"), ProductDraft(name="B")])
    (lan,) = await Teams(plugin).create_members([MemberDraft(name="Lan")])
    line_a = LineDraft(product_id=a, unit_amount=60_000)
    line_b = LineDraft(product_id=b, unit_amount=1)
    await Deals(plugin).create(
        [
            closed("won", 50_000, owner_id=lan, lines=[line_a, line_b]),
            closed("won", 50_001, owner_id=lan, lines=[line_a]),
            closed("lost", 0, lost_reason="price", lines=[line_a]),
            closed("lost", None, lost_reason="price"),
            closed("lost", 100),
        ],
        by=BY,
    )
    told = await win_loss.run(plugin, win_loss.WinLossParams())
    assert (told.overall.numerator, told.overall.denominator) == (2, 5)
    assert [(row.reason, row.lost) for row in told.by_reason] == [("price", 2), ("(not said)", 1)]
    products = [(row.name, row.won, row.lost) for row in told.by_product]
    assert products == [("A", 2, 1), ("(no product)", 0, 2), ("B", 1, 0)]
    agents = [(row.name, row.won, row.lost) for row in told.by_agent]
    assert agents == [("(none)", 0, 3), ("Lan", 2, 0)]
    sizes = [(row.above, row.up_to, row.won, row.lost) for row in told.by_size]
    assert sizes == [(None, 500, 1, 1), (500, 1000, 1, 1)]
    assert len(told.notes) == 1


async def test_velocity_needs_enough_wins(plugin: Plugin) -> None:
    won = closed("won", 10_000, engaged_on=dt.date(2025, 1, 31))
    await Deals(plugin).create([won] * 4 + [DealDraft(name="open")] * 2, by=BY)
    (few,) = (await velocity.run(plugin, velocity.VelocityParams())).currencies
    assert few.per_day is None
    assert few.reason.startswith("not enough data: 4 won deals")
    await Deals(plugin).create([won, closed("lost", None)], by=BY)
    (enough,) = (await velocity.run(plugin, velocity.VelocityParams())).currencies
    # 2 open × 5/6 × $100 ÷ 10 days
    assert enough.per_day == pytest.approx(16.67)
    (old,) = (await velocity.run(plugin, velocity.VelocityParams(days=30))).currencies
    assert old.win_rate.denominator == 0


@given(st.integers(-(10**15), 10**15), st.sampled_from(["USD", "VND", "KWD"]))
def test_major_units_print_as_the_exact_decimal(amount: int, currency: str) -> None:
    places = {"USD": 2, "VND": 0, "KWD": 3}[currency]
    shown = major(amount, currency)
    exact = Decimal(amount).scaleb(-places)
    assert Decimal(repr(shown)) == exact
    assert isinstance(shown, int) == (exact == int(exact))
