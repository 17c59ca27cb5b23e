"""Points as money owed, and which points are spent first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from relatum_analytics.library.arrays import Ints, counts, days, same_length
from relatum_analytics.library.results import Money, allocate


@dataclass(frozen=True, slots=True)
class Sale:
    """A sale with points: what is revenue now and what is owed until they are used."""

    goods: Money
    points: Money


@dataclass(frozen=True, slots=True)
class Expiry:
    """``lots`` after a day, and how many points ended by then."""

    lots: Ints
    expired: int


def defer(price: Money, stand_alone_goods: int, stand_alone_points: int) -> Sale:
    """The price shared by stand-alone values (IFRS 15), to the minor unit."""
    goods, points = allocate(price.minor, [stand_alone_goods, stand_alone_points]).tolist()
    return Sale(Money(goods, price.currency), Money(points, price.currency))


def redeem(lots: npt.ArrayLike, until: npt.ArrayLike, points: int, *, on: np.datetime64) -> Ints:
    """What is left of each lot; those that end first go first, of one day the earlier lot.

    Args:
        lots: points of each lot of one customer, in the order in which they were earned.
        until: the last day of each, ``datetime64[D]``.

    Raises:
        ValueError: there are not so many points on that day.
    """
    left, last = counts(lots, "lots"), days(until, "until")
    same_length(lots=left, until=last)
    live = np.where(last >= on, left, 0)
    if points < 0 or points > live.sum():
        raise ValueError(f"expected 0 to {live.sum()} points, got {points}; redeem fewer")
    order = np.argsort(last, kind="stable")
    before = np.cumsum(live[order]) - live[order]
    used = np.zeros_like(left)
    used[order] = np.clip(points - before, 0, live[order])
    return left - used


def expire(lots: npt.ArrayLike, until: npt.ArrayLike, *, on: np.datetime64) -> Expiry:
    """The lots on a day; those whose last day is before it are gone."""
    left, last = counts(lots, "lots"), days(until, "until")
    same_length(lots=left, until=last)
    over = last < on
    return Expiry(np.where(over, 0, left), int(left[over].sum()))
