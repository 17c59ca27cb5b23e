"""Who stayed, who left, and how cohorts hold together."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from relatum_analytics.library.arrays import (
    Bools,
    Days,
    Floats,
    Ints,
    days,
    months,
    not_negative,
    same_length,
    truths,
    whole,
)
from relatum_analytics.library.results import (
    Lack,
    NotEnough,
    Rate,
    Ratio,
    need,
    rate,
    ratio,
)

#: Fewer gaps say nothing about their 95th percentile.
LEAST_GAPS = 100


@dataclass(frozen=True, slots=True)
class Retention:
    """Of those active at the start (Buttle & Maklan, *Customer Relationship Management*).

    Attributes:
        raw: customers still active at the end.
        churn: those no longer.
        sales_adjusted, profit_adjusted: what was sold to, and earned from, those who stayed, of
            what all active at the start brought in the period.
    """

    raw: Rate | NotEnough
    churn: Rate | NotEnough
    sales_adjusted: Ratio | NotEnough
    profit_adjusted: Ratio | NotEnough


@dataclass(frozen=True, slots=True)
class Constant:
    """What a churn rate means if it never changed; real ones fall with tenure (see lifetime.sbg).

    Attributes:
        over: the share that leaves over all periods together.
        lifetime: expected periods until one leaves.
        assumption: to be shown with it.
    """

    over: float
    lifetime: float
    assumption: str = "constant hazard"


@dataclass(frozen=True, slots=True)
class Cohorts:
    """Rows are months of the first order, columns months since then.

    Attributes:
        cohort: the months, ``datetime64[M]``.
        sizes: customers of each.
        active: how many ordered, -1 where that month is not over yet.
    """

    cohort: Days
    sizes: Ints
    active: Ints

    def cell(self, row: int, column: int) -> Rate | NotEnough:
        """The active share of a cohort after so many months."""
        if self.active[row, column] < 0:
            return NotEnough("the month is not over")
        return rate(int(self.active[row, column]), int(self.sizes[row]), of="customers")

    def weighted(self, column: int) -> Rate | NotEnough:
        """The average of a column by size, of the cohorts whose month is over."""
        seen = self.active[:, column] >= 0
        held, all_of_them = self.active[seen, column].sum(), self.sizes[seen].sum()
        return rate(int(held), int(all_of_them), of="customers")


def retention(
    active_at_start: npt.ArrayLike,
    active_at_end: npt.ArrayLike,
    sales: npt.ArrayLike,
    contribution: npt.ArrayLike,
) -> Retention:
    """Retention of one period, one of each column for every customer.

    Args:
        active_at_start, active_at_end: yes or no.
        sales, contribution: of the period, whole minor units; a contribution may be negative.
    """
    start, end = truths(active_at_start, "start"), truths(active_at_end, "end")
    sold, earned = whole(sales, "sales"), whole(contribution, "contribution")
    same_length(start=start, end=end, sales=sold, contribution=earned)
    stayed, n = end[start], int(start.sum())
    return Retention(
        rate(int(stayed.sum()), n, of="customers"),
        rate(n - int(stayed.sum()), n, of="customers"),
        ratio(np.where(stayed, sold[start], 0), sold[start], of="customers"),
        ratio(np.where(stayed, earned[start], 0), earned[start], of="customers"),
    )


def constant(churn: float, periods: float) -> Constant:
    """Churn over several periods, and the expected lifetime, if the rate never changed."""
    if not 0 < churn <= 1:
        raise ValueError(f"expected churn above 0 and at most 1, got {churn}; 3 % is 0.03")
    over = 1.0 if churn == 1 else -math.expm1(periods * math.log1p(-churn))
    return Constant(over, 1 / churn)


def usual_gap(
    customer: npt.ArrayLike, day: npt.ArrayLike, share: float = 0.95
) -> float | NotEnough:
    """The percentile of the days between purchases of a group of customers.

    Whoever waits longer than that counts as gone. Two orders of one day have no gap.
    """
    gaps = gaps_between(customer, day)
    lacking = need({"gaps": len(gaps)}, {"gaps": LEAST_GAPS}, "too few repeat purchases")
    return lacking or float(np.quantile(gaps, share))


def gaps_between(customer: npt.ArrayLike, day: npt.ArrayLike) -> Ints:
    """Days between one purchase day and the next of the same customer."""
    who = np.unique(np.asarray(customer), return_inverse=True)[1]
    when = days(day, "day").astype(np.int64)
    same_length(customer=who, day=when)
    order = np.lexsort((when, who))
    gaps, same = np.diff(when[order]), np.diff(who[order]) == 0
    found: Ints = gaps[same & (gaps > 0)]
    return found


def active(days_since_last: npt.ArrayLike, usual: float) -> Bools:
    """Who, without a contract, is still a customer: the last order is within the usual gap."""
    found: Bools = not_negative(days_since_last, "days since the last order") <= usual
    return found


def cohorts(
    customer: npt.ArrayLike, month: npt.ArrayLike, *, complete_until: np.datetime64
) -> Cohorts | NotEnough:
    """The matrix of cohorts from the months of orders.

    Args:
        customer: ids, one for each order.
        month: ``datetime64[M]`` of the company's zone.
        complete_until: the last month that is over; later orders are left out.
    """
    who, when = np.asarray(customer), months(month, "month")
    same_length(customer=who, month=when)
    last = complete_until.astype("datetime64[M]")
    who, at = who[when <= last], when[when <= last].astype(np.int64)
    if len(who) == 0:
        return NotEnough("no orders", (Lack("orders", 0, 1),))
    people, person = np.unique(who, return_inverse=True)
    first = np.full(len(people), np.iinfo(np.int64).max)
    np.minimum.at(first, person, at)
    begin, width = int(first.min()), int(last.astype(np.int64)) - int(first.min()) + 1
    once = np.unique(person.astype(np.int64) * width + at - begin)
    row = first[once // width] - begin
    column = once % width - row
    held = np.zeros((width, width), dtype=np.int64)
    np.add.at(held, (row, column), 1)
    sizes = np.bincount(first - begin, minlength=width).astype(np.int64)
    held[np.add.outer(np.arange(width), np.arange(width)) >= width] = -1
    there = sizes > 0
    rows: Days = (begin + np.arange(width)).astype("datetime64[M]")[there]
    return Cohorts(rows, sizes[there], held[there])


def shares(cohorts: Cohorts) -> Floats:
    """All cells as shares, NaN where the month is not over: for drawing; say n beside it."""
    values = cohorts.active / cohorts.sizes[:, None]
    return np.where(cohorts.active < 0, np.nan, values)
