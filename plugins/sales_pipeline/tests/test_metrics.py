"""Every figure of deals is as many rows as drilling down shows, and what a slow count says."""

from __future__ import annotations

import datetime as dt
import random

import pytest

from relatum.app.house import House
from relatum.hooks.screens import MetricQuery
from relatum.web.visit import Visit
from relatum_sales_pipeline.screens.metrics import METRICS
from relatum_sales_pipeline.services.deals import Deals
from relatum_sales_pipeline.types.deals import DealDraft
from relatum_sdk.metrics import check_metric

FIRST, UNTIL = dt.date(2025, 1, 1), dt.date(2026, 1, 1)


async def filled(house: House) -> list[DealDraft]:
    """Sixty deals in all stages; returns them as they were made."""
    from relatum.api import Amount

    chance = random.Random(7)
    drafts = []
    plugin = house.registry.plugins["sales_pipeline"]
    for number in range(60):
        day = FIRST + dt.timedelta(days=chance.randrange(364))
        stage = chance.choice(["prospecting", "engaging", "won", "lost"])
        closed = day if stage in ("won", "lost") else None
        drafts.append(
            DealDraft(
                name=f"Deal {number}",
                stage=stage,
                value=Amount(chance.randrange(1, 10**9), "VND") if number % 5 else None,
                expected_close=None if closed else day,
                engaged_on=None if stage == "prospecting" else FIRST,
                closed_on=closed,
            )
        )
    await Deals(plugin).create(drafts, by="system")
    return drafts


@pytest.mark.parametrize("metric", [each.id for each in METRICS])
async def test_ac_rep_1_figures_are_their_rows(house: House, metric: str) -> None:
    await filled(house)
    made = metric == "sales_pipeline.deals_created"  # all of them a moment ago
    today = dt.datetime.now(dt.UTC).date()
    first, until = (today - dt.timedelta(days=2), today + dt.timedelta(days=3))
    days = (first, until) if made else (FIRST, UNTIL)
    assert await check_metric(house, metric, first=days[0], until=days[1]) > 5


async def test_figures_are_what_a_slow_count_says(house: House) -> None:
    from relatum.access.viewer import SYSTEM

    drafts = await filled(house)
    plugin = house.registry.plugins["sales_pipeline"]
    visit = Visit(plugin, house, SYSTEM, "en")
    query = MetricQuery(first=FIRST, until=UNTIL, period="month")
    by_id = {each.id: each for each in METRICS}
    [*won] = await by_id["sales_pipeline.amount_won"].points(plugin, visit, query)
    expected: dict[dt.date, int] = {}
    for draft in drafts:
        if draft.stage == "won" and draft.value is not None and draft.closed_on is not None:
            month = draft.closed_on.replace(day=1)
            expected[month] = expected.get(month, 0) + draft.value.amount
    assert {point.start: point.value for point in won} == expected
    lost = await by_id["sales_pipeline.deals_lost"].points(
        plugin, visit, MetricQuery(first=FIRST, until=UNTIL)
    )
    assert [point.rows for point in lost] == [len([d for d in drafts if d.stage == "lost"])]


async def test_parts_of_the_forecast_add_up_to_its_total(house: House) -> None:
    from relatum_sales_pipeline.reports.outlook import outlook

    await filled(house)
    plugin = house.registry.plugins["sales_pipeline"]
    found = (await outlook(plugin, None, 12)).blocks
    assert found
    for each in found:
        for parts in (each.months, each.stages, each.teams, each.owners):
            assert sum(part.weighted for part in parts) == each.total.weighted
