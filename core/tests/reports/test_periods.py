"""Periods, against the calendar of Python's standard library counted day by day."""

from __future__ import annotations

import calendar
import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relatum.reports.periods import (
    RANGES,
    Stretch,
    buckets,
    compared,
    end_of,
    shifted,
    start_of,
    stretch_of,
)

DAYS = st.dates(dt.date(1990, 1, 1), dt.date(2090, 12, 31))
PERIODS = st.sampled_from(["day", "week", "month", "quarter", "year"])


def label(period: str, day: dt.date) -> object:
    """What the period of a day is called, by the standard library alone."""
    if period == "week":
        return tuple(day.isocalendar())[:2]
    return {
        "day": day,
        "month": (day.year, day.month),
        "quarter": (day.year, (day.month + 2) // 3),
        "year": day.year,
    }[period]


@given(PERIODS, DAYS)
def test_a_period_is_the_days_of_one_label(period, day):
    start = start_of(period, day)
    end = end_of(period, start)
    assert start <= day < end
    one = dt.timedelta(days=1)
    assert label(period, start) == label(period, day) == label(period, end - one)
    assert label(period, start - one) != label(period, day) != label(period, end)


@given(PERIODS, DAYS, st.integers(1, 200))
def test_buckets_hold_each_day_once(period, first, days):
    stretch = Stretch(first, first + dt.timedelta(days=days))
    counted: dict[object, int] = {}
    for number in range(days):
        name = label(period, first + dt.timedelta(days=number))
        counted[name] = counted.get(name, 0) + 1
    found = buckets(period, stretch)
    assert [(label(period, b.start), (b.until - b.first).days) for b in found] == list(
        counted.items()
    )


@given(DAYS, st.integers(-40, 40))
def test_months_are_shifted_to_the_same_or_the_last_day(day, by):
    later = shifted("month", day, by)
    months = day.year * 12 + day.month - 1 + by
    assert (later.year, later.month) == (months // 12, months % 12 + 1)
    assert later.day == min(day.day, calendar.monthrange(later.year, later.month)[1])


@given(DAYS, st.sampled_from(RANGES), st.sampled_from(["before", "year_before"]))
def test_what_is_compared_with_lies_before(day, name, compare):
    stretch = stretch_of(name, day)
    assert stretch.days >= 1
    before = compared(name, stretch, compare)
    assert before is not None
    assert before.days >= 1
    assert before.until <= stretch.until
    assert before.first < stretch.first
    if compare == "before":
        assert before.until <= stretch.first


@pytest.mark.parametrize(
    ("name", "today", "first", "last", "before"),
    [
        ("this_week", "2026-11-22", "2026-11-16", "2026-11-22", ("2026-11-09", "2026-11-15")),
        ("this_month", "2026-03-31", "2026-03-01", "2026-03-31", ("2026-02-01", "2026-02-28")),
        ("this_quarter", "2026-11-22", "2026-10-01", "2026-11-22", ("2026-07-01", "2026-08-22")),
        ("this_year", "2024-02-29", "2024-01-01", "2024-02-29", ("2023-01-01", "2023-02-28")),
        ("last_month", "2026-03-15", "2026-02-01", "2026-02-28", ("2026-01-01", "2026-01-31")),
        ("last_7_days", "2026-01-03", "2025-12-28", "2026-01-03", ("2025-12-21", "2025-12-27")),
        ("last_12_months", "2026-11-22", "2025-12-01", "2026-11-22", ("2024-12-01", "2025-11-22")),
    ],
)
def test_named_stretches(name, today, first, last, before):
    stretch = stretch_of(name, dt.date.fromisoformat(today))
    assert (stretch.first.isoformat(), stretch.last.isoformat()) == (first, last)
    earlier = compared(name, stretch, "before")
    assert earlier is not None
    assert (earlier.first.isoformat(), earlier.last.isoformat()) == before


def test_the_first_week_of_a_year_may_begin_in_the_year_before():
    assert start_of("week", dt.date(2027, 1, 3)) == dt.date(2026, 12, 28)


def test_too_many_periods_are_refused():
    with pytest.raises(ValueError, match="800 periods"):
        buckets("day", Stretch(dt.date(2020, 1, 1), dt.date(2026, 1, 1)))
