"""Periods of the calendar, by days; which days those are is decided by the company's time zone.

Weeks begin on Monday and belong to a year as ISO 8601 says. A *stretch* is the days from its first
to the one before its ``until``.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from relatum.hooks.screens import Period

#: Names of stretches that move with today; those of ``this`` end with today.
Range = Literal[
    "today",
    "this_week",
    "this_month",
    "this_quarter",
    "this_year",
    "last_week",
    "last_month",
    "last_quarter",
    "last_year",
    "last_7_days",
    "last_30_days",
    "last_90_days",
    "last_12_months",
    "last_3_years",
]
RANGES: tuple[Range, ...] = get_args(Range)
Compare = Literal["", "before", "year_before"]

DAY = dt.timedelta(days=1)
WEEK = dt.timedelta(days=7)
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
#: More points than this are no chart that anybody reads, and a long statement.
MOST_PERIODS = 800


class Stretch(msgspec.Struct, frozen=True):
    """Days from ``first`` to the one before ``until``."""

    first: dt.date
    until: dt.date

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.until - self.first).days

    @property
    def last(self) -> dt.date:
        """Its last day."""
        return self.until - DAY


class Bucket(NamedTuple):
    """A period as far as it lies inside a stretch.

    Attributes:
        start: the first day of the whole period.
        first: the first day that counts.
        until: the day after the last one that counts.
    """

    start: dt.date
    first: dt.date
    until: dt.date


def start_of(period: Period, day: dt.date) -> dt.date:
    """The first day of the period that a day lies in."""
    if period == "day":
        return day
    if period == "week":
        return day - dt.timedelta(days=day.weekday())
    months = _MONTHS[period]
    return day.replace(month=(day.month - 1) // months * months + 1, day=1)


def end_of(period: Period, start: dt.date) -> dt.date:
    """The first day after the period that begins at ``start``."""
    return shifted(period, start, 1)


def shifted(period: Period, day: dt.date, by: int) -> dt.date:
    """A day so many periods later; the last of the month where the later month is shorter."""
    if period == "day":
        return day + by * DAY
    if period == "week":
        return day + by * WEEK
    month = day.year * 12 + day.month - 1 + by * _MONTHS[period]
    first = dt.date(month // 12, month % 12 + 1, 1)
    return min(first + dt.timedelta(days=day.day - 1), _last_of_month(first))


def buckets(period: Period, stretch: Stretch) -> list[Bucket]:
    """The periods that have a day of the stretch, oldest first.

    Raises:
        ValueError: there are more than ``MOST_PERIODS``.
    """
    return list(_buckets(period, stretch))


def _buckets(period: Period, stretch: Stretch) -> Iterator[Bucket]:
    start, count = start_of(period, stretch.first), 0
    while start < stretch.until:
        count += 1
        if count > MOST_PERIODS:
            raise ValueError(f"expected at most {MOST_PERIODS} periods, got more; take longer ones")
        end = end_of(period, start)
        yield Bucket(start, max(start, stretch.first), min(end, stretch.until))
        start = end


def stretch_of(name: Range, today: dt.date) -> Stretch:
    """The days that the name of a stretch means today."""
    tomorrow = today + DAY
    kind, _, rest = name.partition("_")
    if name == "today":
        return Stretch(today, tomorrow)
    if kind == "this":
        return Stretch(start_of(_period(rest), today), tomorrow)
    if name == "last_12_months":
        return Stretch(shifted("month", start_of("month", today), -11), tomorrow)
    if name == "last_3_years":
        return Stretch(shifted("year", start_of("year", today), -2), tomorrow)
    if rest.endswith("_days"):
        return Stretch(tomorrow - int(rest.partition("_")[0]) * DAY, tomorrow)
    period = _period(rest)
    this = start_of(period, today)
    return Stretch(shifted(period, this, -1), this)


def compared(name: Range | None, stretch: Stretch, compare: Compare) -> Stretch | None:
    """The stretch that one is compared with; ``None`` for no comparison.

    What began with a period (this month so far) is compared with as many days of the period
    before, other stretches with as many days just before. A year before, weeks stay weeks: they are
    compared with those 52 weeks earlier.
    """
    if not compare:
        return None
    if compare == "year_before":
        weeks = name in ("this_week", "last_week")
        return _back("week" if weeks else "year", stretch, 52 if weeks else 1)
    if name is None or name == "today" or name.endswith("_days"):
        return Stretch(stretch.first - stretch.days * DAY, stretch.first)
    if name in _LONG:
        return _back("year", stretch, _LONG[name])
    kind, _, rest = name.partition("_")
    before = _back(_period(rest), stretch, 1)
    return before if kind == "this" else Stretch(before.first, stretch.first)


def _back(period: Period, stretch: Stretch, by: int) -> Stretch:
    first = shifted(period, stretch.first, -by)
    if stretch.until.day == 1:  # whole months stay whole, however long they are
        until = shifted(period, stretch.until, -by)
    else:
        until = shifted(period, stretch.last, -by) + DAY
    return Stretch(first, max(min(until, stretch.first), first + DAY))


_LONG = {"last_12_months": 1, "last_3_years": 3}


def _period(text: str) -> Period:
    periods: dict[str, Period] = {
        "week": "week",
        "month": "month",
        "quarter": "quarter",
        "year": "year",
    }
    return periods[text]


def _last_of_month(first: dt.date) -> dt.date:
    following = dt.date(first.year + first.month // 12, first.month % 12 + 1, 1)
    return following - DAY
