"""Core's metrics: each figure is its rows (AC-REP-1), and what plain counting in Python finds."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.tests.reports.conftest import Past
from relatum.hooks.screens import MetricQuery
from relatum.reports.core_metrics.absence import LOST_DAYS, SILENT_DAYS
from relatum.reports.core_metrics.declared import METRICS
from relatum_sdk.metrics import check_metric, check_question

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
FIRST, UNTIL = dt.date(2025, 1, 1), dt.date(2026, 5, 20)
CONTACTS = ("core.call", "core.message", "core.visit", "core.meeting")


def day(moment: dt.datetime) -> dt.date:
    return moment.astimezone(ZONE).date()


def is_contact(kind: str, direction: str) -> bool:
    return kind in CONTACTS and direction in ("in", "out")


async def test_300_generated_figures_are_their_rows(past: Past):
    """AC-REP-1, each question by one of three people who see differently much."""
    questions: list[tuple[str, MetricQuery, int]] = []

    @settings(
        max_examples=600, database=None, deadline=None, suppress_health_check=list(HealthCheck)
    )
    @given(st.data())
    def generate(data: st.DataObject) -> None:
        metric = data.draw(st.sampled_from(METRICS))
        first = data.draw(st.dates(FIRST, UNTIL - dt.timedelta(days=2)))
        until = data.draw(st.dates(first + dt.timedelta(days=1), UNTIL))
        dimensions = ["", *(each.id for each in metric.dimensions)]
        period = data.draw(st.sampled_from([None, "day", "week", "month", "quarter", "year"]))
        if period == "day":
            until = min(until, first + dt.timedelta(days=45))
        query = MetricQuery(
            first=first, until=until, period=period, by=data.draw(st.sampled_from(dimensions))
        )
        able = [n for n, who in enumerate(past.viewers) if who.may(metric.permission)]
        questions.append((metric.id, query, data.draw(st.sampled_from(able))))

    generate()
    assert len(questions) >= 300
    followed = [
        await check_question(past.house, metric, query, past.viewers[viewer])
        for metric, query, viewer in questions
    ]
    assert sum(followed) >= 300, "too few of the questions had any rows"


async def test_the_kit_finds_a_figure_that_is_not_its_rows(past: Past, monkeypatch):
    metric = past.house.registry.metrics.get("core.new_customers")

    async def too_few(plugin, visit, query, after, limit):
        return (await metric.rows(plugin, visit, query, after, limit))[1:]

    from msgspec.structs import replace

    monkeypatch.setitem(
        past.house.registry.metrics._items, metric.id, replace(metric, rows=too_few)
    )
    with pytest.raises(AssertionError, match=r"the figure says|expected figures"):
        await check_metric(past.house, metric.id, first=FIRST, until=UNTIL)


async def figures(past: Past, metric: str, **query) -> dict[tuple[object, str], object]:
    asked = MetricQuery(**{"first": FIRST, "until": UNTIL, **query})
    reading = await past.house.figures.read(metric, past.visit(), asked)
    assert not reading.failed
    return {
        (each.bucket.start if asked.period else None, series.part): each.value
        for series in reading.series
        for each in series.figures
        if each.value
    }


async def test_new_customers_by_month(past: Past):
    expected = Counter(day(created).replace(day=1) for created, _, _ in past.customers.values())
    found = await figures(past, "core.new_customers", period="month")
    assert found == {(month, ""): number for month, number in expected.items()}


async def test_customers_stand(past: Past):
    found = await figures(past, "core.customers", period="quarter", by="tag")
    for (start, tag), number in found.items():
        month = start.month + 3
        end = dt.date(start.year + month // 13, (month - 1) % 12 + 1, 1)
        end = min(end, UNTIL)
        there = [tags for created, _, tags in past.customers.values() if day(created) < end]
        assert number == sum(tag in tags if tag != "∅" else not tags for tags in there)


async def test_contacted_missed_and_silent(past: Past):
    contacted = await figures(past, "core.contacted_customers", period="month")
    missed = await figures(past, "core.missed_customers", period="month")
    silent = await figures(past, "core.silent_customers", period="month")
    for start in sorted({start for start, _ in missed}):
        until = min((start + dt.timedelta(days=31)).replace(day=1), UNTIL)
        met = {
            customer
            for customer, kind, direction, when, _, _ in past.interactions
            if customer and start <= day(when) < until and is_contact(kind, direction)
        }
        assert contacted.get((start, ""), 0) == len(met)
        known = {id for id, (created, _, _) in past.customers.items() if day(created) < until}
        assert missed[start, ""] == len(known - met)
        since = until - dt.timedelta(days=SILENT_DAYS)
        heard = {
            customer
            for customer, kind, direction, when, _, _ in past.interactions
            if customer and since <= day(when) < until and is_contact(kind, direction)
        }
        assert silent.get((start, ""), 0) == len(known - heard)


async def test_lost_customers(past: Past):
    found = await figures(past, "core.lost_customers", period="month", first=dt.date(2026, 1, 1))
    bought: dict[object, list[dt.date]] = {}
    for customer, kind, _, when, _, _ in past.interactions:
        if customer and kind == "core.purchase":
            bought.setdefault(customer, []).append(day(when))
    back = dt.timedelta(days=LOST_DAYS)
    assert found
    for month in (1, 2, 3, 4, 5):
        start = dt.date(2026, month, 1)
        until = min(dt.date(2026, month + 1, 1), UNTIL)
        lasts = [
            max(before)
            for days in bought.values()
            if (before := [each for each in days if each < until])
        ]
        lost = [last for last in lasts if start <= last + back < until]
        assert found.get((start, ""), 0) == len(lost)


async def test_money_is_summed_by_currency_less_what_was_cancelled(past: Past):
    sums: Counter[str] = Counter()
    for _, kind, _, when, amount, currency in past.interactions:
        if amount is not None and FIRST <= day(when) < UNTIL:
            sums[currency] += -amount if kind == "core.cancellation" else amount
    reading = await past.house.figures.read(
        "core.revenue", past.visit(), MetricQuery(first=FIRST, until=UNTIL)
    )
    assert {each.currency: each.figures[0].value for each in reading.series} == dict(sums)


async def test_a_seller_counts_own_customers_alone(past: Past):
    seller = past.viewers[1]
    async with past.house.sights.looking_as(seller):
        visit = past.visit(seller)
        query = MetricQuery(first=FIRST, until=UNTIL)
        reading = await past.house.figures.read("core.new_customers", visit, query)
    own = [owner for _, owner, _ in past.customers.values() if owner == seller.account]
    assert reading.series[0].figures[0].value == len(own)
