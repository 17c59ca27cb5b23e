"""Purchases of customers as the models read them: how often, when last, seen for how long."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from relatum_analytics.library.arrays import AnyArray, Floats, Ints, days, same_length, whole


@dataclass(frozen=True, slots=True)
class Purchases:
    """One row for each customer, in the order of their ids.

    Attributes:
        customer: ids, sorted.
        repeats: days with a purchase after the first such day.
        last: weeks from the first to the last purchase, 0 without a repeat.
        seen: weeks from the first purchase to the end of what is looked at.
        spent: on the repeat days together, minor units.
    """

    customer: AnyArray
    repeats: Ints
    last: Floats
    seen: Floats
    spent: Ints

    @property
    def average(self) -> Floats:
        """Minor units of a repeat day; NaN without one."""
        with np.errstate(invalid="ignore"):
            found: Floats = self.spent / np.where(self.repeats > 0, self.repeats, np.nan)
        return found


def purchases(
    customer: npt.ArrayLike, day: npt.ArrayLike, amount: npt.ArrayLike, *, until: np.datetime64
) -> Purchases:
    """Everybody who bought up to a day; several purchases of one day are one (Fader et al. 2005).

    Args:
        customer: ids, one for each purchase.
        day: ``datetime64`` of the company's zone.
        amount: minor units.
        until: the last day that is looked at.
    """
    who, when, money = np.asarray(customer), days(day, "day"), whole(amount, "amount")
    same_length(customer=who, day=when, amount=money)
    known = when <= until
    people, person = np.unique(who[known], return_inverse=True)
    at, money, n = when[known].astype(np.int64), money[known], len(people)
    first = np.full(n, np.iinfo(np.int64).max)
    last = np.full(n, np.iinfo(np.int64).min)
    np.minimum.at(first, person, at)
    np.maximum.at(last, person, at)
    end = int(until.astype("datetime64[D]").astype(np.int64))
    width = max(end - int(first.min()) + 1, 1) if n else 1
    once = np.unique(person.astype(np.int64) * width + at - (first.min() if n else 0))
    spent = np.zeros(n, dtype=np.int64)
    later = at > first[person]
    np.add.at(spent, person[later], money[later])
    repeats = np.bincount(once // width, minlength=n).astype(np.int64) - 1
    return Purchases(people, repeats, (last - first) / 7, (end - first) / 7, spent)
