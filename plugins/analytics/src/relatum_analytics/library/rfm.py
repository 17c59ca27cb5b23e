"""Recency, frequency, monetary value: scores from 1 to 5 and one segment for each customer.

After Hughes, *Strategic Database Marketing*; scores by rank, ties share one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from relatum_analytics.library.arrays import AnyArray, Days, Ints, days, same_length, whole
from relatum_analytics.library.results import Lack, NotEnough

#: By code, as in :attr:`Ranking.segment`.
SEGMENTS = (
    "champions",
    "loyal",
    "potential_loyalist",
    "new",
    "promising",
    "needs_attention",
    "about_to_sleep",
    "at_risk",
    "cannot_lose",
    "hibernating",
    "lost",
)
WINDOW_MONTHS = 24
NEW_DAYS = 60


@dataclass(frozen=True, slots=True)
class Ranking:
    """One row for each customer with an order, in the order of their ids.

    Attributes:
        customer: ids, sorted.
        recency: days from the last order to the day of the ranking.
        frequency: distinct days with an order in the window.
        monetary: net revenue in the window, minor units.
        tenure: days since the first order.
        r, f, m: scores 1 to 5, 5 is best.
        segment: index into :data:`SEGMENTS`.
    """

    customer: AnyArray
    recency: Ints
    frequency: Ints
    monetary: Ints
    tenure: Ints
    r: Ints
    f: Ints
    m: Ints
    segment: Ints

    @property
    def names(self) -> list[str]:
        """The segment of each customer, by name."""
        return [SEGMENTS[code] for code in self.segment.tolist()]


def rank(
    customer: npt.ArrayLike,
    order: npt.ArrayLike,
    day: npt.ArrayLike,
    amount: npt.ArrayLike,
    *,
    as_of: np.datetime64,
    window_months: int = WINDOW_MONTHS,
    new_days: int = NEW_DAYS,
) -> Ranking | NotEnough:
    """Everybody who ordered up to a day, from lines of orders, credit notes and returns.

    An order counts when its lines come to more than nothing: one that was returned in full under
    its own number does not, nor does a credit note with a number of its own, whose amount still
    lowers the revenue. An order is of the day of its first line.

    Args:
        customer, order: identifiers of one type each, one of each for every line.
        day: ``datetime64`` of the company's zone; lines after ``as_of`` are left out.
        amount: net, whole minor units; below zero what was given back.
        window_months: frequency and revenue reach so far back; recency looks at everything.
    """
    who, what = np.asarray(customer), np.asarray(order)
    when, money = days(day, "day"), whole(amount, "amount")
    same_length(customer=who, order=what, day=when, amount=money)
    known = when <= as_of
    who, what, when, money = who[known], what[known], when[known], money[known]
    people, person = _codes(who)
    bought_by, bought_on = _orders(person, what, when, money)
    if len(bought_by) == 0:
        return NotEnough("no orders", (Lack("orders", 0, 1),))
    since = months_before(as_of, window_months)
    n = len(people)
    last, first = _ends(bought_by, bought_on, n)
    ranked = np.zeros(n, dtype=np.bool_)
    ranked[bought_by] = True
    today = as_of.astype("datetime64[D]").astype(np.int64)
    visits = _distinct_days(bought_by, bought_on, since, n)
    revenue = np.zeros(n, dtype=np.int64)
    inside = when > since
    np.add.at(revenue, person[inside], money[inside])
    return score(
        people[ranked],
        (today - last)[ranked],
        visits[ranked],
        revenue[ranked],
        (today - first)[ranked],
        new_days=new_days,
    )


def score(
    customer: npt.ArrayLike,
    recency: npt.ArrayLike,
    frequency: npt.ArrayLike,
    monetary: npt.ArrayLike,
    tenure: npt.ArrayLike,
    *,
    new_days: int = NEW_DAYS,
) -> Ranking:
    """Scores and segments of values that are known already, one row for each customer."""
    who = np.asarray(customer)
    r, f, m = (whole(each, "values") for each in (recency, frequency, monetary))
    since = whole(tenure, "tenure")
    same_length(customer=who, recency=r, frequency=f, monetary=m, tenure=since)
    scores = quintile(-r), quintile(f), quintile(m)
    return Ranking(who, r, f, m, since, *scores, segment(*scores, since, new_days=new_days))


def quintile(values: npt.ArrayLike) -> Ints:
    """``min(5, max(1, ⌈5 · share⌉))``, share being the part with a value at most one's own."""
    found = whole(values, "values")
    upto = np.searchsorted(np.sort(found), found, side="right").astype(np.int64)
    fifths = -(-5 * upto // max(len(found), 1))
    return np.clip(fifths, 1, 5)


def segment(r: Ints, f: Ints, m: Ints, tenure: Ints, *, new_days: int = NEW_DAYS) -> Ints:
    """The one segment of each customer, as an index into :data:`SEGMENTS`."""
    fm = (f + m + 1) // 2
    young = tenure <= new_days
    cases = (
        (r >= 4) & (fm >= 4),
        (r == 3) & (fm >= 4),
        (r >= 4) & (fm == 3),
        (r >= 4) & (fm <= 2) & young,
        (r >= 4) & (fm <= 2) & ~young,
        (r == 3) & (fm == 3),
        (r == 3) & (fm <= 2),
        (r == 2) & (fm >= 3),
        (r == 1) & (fm >= 4),
        ((r == 1) & (fm == 3)) | ((r == 2) & (fm <= 2)),
        (r == 1) & (fm <= 2),
    )
    return np.select(cases, np.arange(len(SEGMENTS), dtype=np.int64), default=-1)


def months_before(day: np.datetime64, months: int) -> np.datetime64:
    """The same day so many months earlier, or the last of that month when it is shorter."""
    date = day.astype("datetime64[D]")
    month = date.astype("datetime64[M]")
    earlier = month - np.timedelta64(months, "M")
    into = date - month.astype("datetime64[D]")
    last = (earlier + np.timedelta64(1, "M")).astype("datetime64[D]") - np.timedelta64(1, "D")
    return np.datetime64(min(earlier.astype("datetime64[D]") + into, last), "D")


def _codes(values: AnyArray) -> tuple[AnyArray, Ints]:
    found, codes = np.unique(values, return_inverse=True)
    return found, codes.astype(np.int64)


def _orders(person: Ints, what: AnyArray, when: Days, money: Ints) -> tuple[Ints, Ints]:
    """Of each order that counts: the customer, and the day as a number."""
    numbers, code = _codes(what)
    # Two customers may use one number; then it is two orders.
    pairs, line = _codes(person * np.int64(max(len(numbers), 1)) + code)
    net = np.zeros(len(pairs), dtype=np.int64)
    np.add.at(net, line, money)
    on = np.full(len(pairs), np.iinfo(np.int64).max)
    np.minimum.at(on, line, when.astype(np.int64))
    counted = net > 0
    by = pairs.astype(np.int64) // max(len(numbers), 1)
    return by[counted], on[counted]


def _ends(by: Ints, on: Ints, n: int) -> tuple[Ints, Ints]:
    last = np.full(n, np.iinfo(np.int64).min)
    first = np.full(n, np.iinfo(np.int64).max)
    np.maximum.at(last, by, on)
    np.minimum.at(first, by, on)
    return last, first


def _distinct_days(by: Ints, on: Ints, since: np.datetime64, n: int) -> Ints:
    inside = on > since.astype(np.int64)
    some, at = by[inside], on[inside]
    order = np.lexsort((at, some))
    some, at = some[order], at[order]
    new = np.ones(len(some), dtype=np.bool_)
    new[1:] = (some[1:] != some[:-1]) | (at[1:] != at[:-1])
    return np.bincount(some[new], minlength=n).astype(np.int64)
