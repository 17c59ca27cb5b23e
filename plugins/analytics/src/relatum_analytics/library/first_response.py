"""How long customers wait for a first answer, counted in the minutes a business is open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from relatum_analytics.library.arrays import Days, Floats, Ints, same_length, seconds

_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Hours:
    """When a business is open.

    Attributes:
        week: Monday first, for each day the spans it is open as minutes since midnight: 08:00 to
            17:30 is ``(480, 1050)``. Spans of a day follow each other.
        holidays: days on which it is closed, ``datetime64[D]``.
    """

    week: tuple[tuple[tuple[int, int], ...], ...]
    holidays: tuple[np.datetime64, ...] = ()

    def __post_init__(self) -> None:
        if len(self.week) != 7:
            raise ValueError(f"expected seven days from Monday, got {len(self.week)}")
        for day in self.week:
            edges = [edge for span in day for edge in span]
            if edges != sorted(set(edges)) or (edges and not 0 <= edges[0] <= edges[-1] <= 1440):
                raise ValueError(f"expected spans one after the other in 0 to 1440, got {day}")


def business_minutes(asked: npt.ArrayLike, answered: npt.ArrayLike, hours: Hours) -> Floats:
    """Open minutes between each question and its answer.

    An acknowledgement sent by itself is no answer: leave it out before. Moments are those of the
    clock on the wall of the company's zone; where that clock is changed twice a year an hour is
    taken as an hour of the clock.

    Raises:
        ValueError: an answer is before its question.
    """
    start, end = seconds(asked, "asked"), seconds(answered, "answered")
    if same_length(asked=start, answered=end) == 0:
        return np.zeros(0)
    if (end < start).any():
        raise ValueError("expected answers after their questions, got one before; mend its time")
    first, last = start.min().astype("datetime64[D]"), end.max().astype("datetime64[D]")
    calendar = np.arange(first, last + np.timedelta64(1, "D"))
    return (_open_until(end, calendar, hours) - _open_until(start, calendar, hours)) / 60


def _open_until(moments: Days, calendar: Days, hours: Hours) -> Ints:
    """Open seconds from the begin of the calendar."""
    weekday = (calendar.astype(np.int64) + 3) % 7  # day 0, 1970-01-01, was a Thursday
    closed = np.isin(calendar, np.array(hours.holidays, dtype="datetime64[D]"))
    at = moments.astype(np.int64)
    day = at // _DAY - int(calendar[0].astype(np.int64))
    total = np.zeros(len(at), dtype=np.int64)
    for nth in range(max(len(spans) for spans in hours.week)):
        opens, closes = (_edges(hours.week, nth, edge)[weekday] * 60 for edge in (0, 1))
        opens, closes = np.where(closed, 0, opens), np.where(closed, 0, closes)
        before = np.concatenate(([0], np.cumsum(closes - opens)))
        into = np.clip(at % _DAY - opens[day], 0, (closes - opens)[day])
        total += before[day] + into
    return total


def _edges(week: Sequence[Sequence[tuple[int, int]]], nth: int, edge: int) -> Ints:
    return np.array([spans[nth][edge] if nth < len(spans) else 0 for spans in week], dtype=np.int64)
