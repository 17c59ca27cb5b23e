"""What an action changed, against customers who were left alone."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from relatum_analytics.library.arrays import Floats, Ints, floats, same_length, truths
from relatum_analytics.library.results import (
    LEVEL,
    Interval,
    Lack,
    NotEnough,
    Rate,
    rate,
    two_sided,
)
from relatum_analytics.library.special import normal_quantile, normal_two_sided


@dataclass(frozen=True, slots=True)
class Uplift:
    """Two shares compared.

    Attributes:
        difference: treated less held out; 0.02 is two points.
        z, p: of the test with pooled variance, two-sided.
        interval: of the difference, variance not pooled.
        extra: outcomes among the treated that would not have been.
    """

    treated: Rate
    held_out: Rate
    difference: float
    z: float
    p: float
    interval: Interval
    extra: float

    @property
    def shown(self) -> bool:
        """Whether the difference is one at the 5 % level."""
        return self.p < 1 - LEVEL


@dataclass(frozen=True, slots=True)
class Qini:
    """Extra outcomes when the customers with the highest scores are treated first.

    Attributes:
        treated: share of customers treated, from 0 to 1.
        extra: outcomes more than without, so many of the whole.
        coefficient: area between the curve and the straight line to its end, per customer.
    """

    treated: Floats
    extra: Floats
    coefficient: float


def uplift(
    outcomes_treated: int, treated: int, outcomes_held_out: int, held_out: int
) -> Uplift | NotEnough:
    """Two proportions, of customers who were assigned by chance."""
    one = rate(outcomes_treated, treated, of="treated")
    other = rate(outcomes_held_out, held_out, of="held out")
    if isinstance(one, NotEnough):
        return one
    if isinstance(other, NotEnough):
        return other
    difference = one.value - other.value
    pooled = (outcomes_treated + outcomes_held_out) / (treated + held_out)
    error = math.sqrt(pooled * (1 - pooled) * (1 / treated + 1 / held_out))
    if error == 0:
        return NotEnough("all had the same outcome", (Lack("outcomes that differ", 0, 1),))
    apart = math.sqrt(
        one.value * (1 - one.value) / treated + other.value * (1 - other.value) / held_out
    )
    half = two_sided(LEVEL) * apart
    interval = Interval(difference - half, difference + half, "normal, not pooled")
    z = difference / error
    return Uplift(one, other, difference, z, normal_two_sided(z), interval, difference * treated)


def sample_size(base: float, goal: float, *, power: float = 0.80, alpha: float = 0.05) -> int:
    """Customers in each of two groups, so that a change of a share is seen when there is one.

    Normal approximation with pooled variance under no change (Fleiss, *Statistical Methods for
    Rates and Proportions*).
    """
    if not (0 < base < 1 and 0 < goal < 1) or base == goal:
        raise ValueError(f"expected two different shares between 0 and 1, got {base} and {goal}")
    if not (0 < alpha < 1 and 0.5 <= power < 1):
        raise ValueError(f"expected 0 < alpha < 1 and 0.5 ≤ power < 1, got {alpha} and {power}")
    middle = (base + goal) / 2
    by_chance = normal_quantile(1 - alpha / 2) * math.sqrt(2 * middle * (1 - middle))
    spread = normal_quantile(power) * math.sqrt(base * (1 - base) + goal * (1 - goal))
    return math.ceil(((by_chance + spread) / (goal - base)) ** 2)


def can_show(
    base: float, goal: float, each: int, *, power: float = 0.80, alpha: float = 0.05
) -> NotEnough | None:
    """Nothing when groups of a size can show the change, otherwise how large they have to be."""
    least = sample_size(base, goal, power=power, alpha=alpha)
    if each >= least:
        return None
    return NotEnough("groups too small to show it", (Lack("customers in each group", each, least),))


def qini(score: npt.ArrayLike, treated: npt.ArrayLike, outcome: npt.ArrayLike) -> Qini | NotEnough:
    """How well scores of uplift put those first whom an action changes (Radcliffe 2007).

    Customers of equal score are counted together. Held-out outcomes are scaled to as many treated.
    """
    order, at_end = _ranked(floats(score, "score"))
    acted, got = truths(treated, "treated"), truths(outcome, "outcome")
    n = same_length(score=order, treated=acted, outcome=got)
    if acted.all() or not acted.any():
        return NotEnough("no two groups", (Lack("groups", min(n, 1), 2),))
    acted, got = acted[order], got[order]
    treated_so_far, held_so_far = np.cumsum(acted)[at_end], np.cumsum(~acted)[at_end]
    outcomes = np.cumsum(got & acted)[at_end]
    others = np.cumsum(got & ~acted)[at_end]
    scale = np.divide(treated_so_far, held_so_far, out=np.zeros(len(at_end)), where=held_so_far > 0)
    extra = np.concatenate(([0.0], outcomes - others * scale))
    part = np.concatenate(([0.0], (at_end + 1) / n))
    area = float(np.trapezoid(extra, part)) - extra[-1] / 2
    return Qini(part, extra, area / n)


def _ranked(score: Floats) -> tuple[Ints, Ints]:
    """Highest first, and the last place of each score."""
    order = np.argsort(-score, kind="stable").astype(np.int64)
    ends = np.flatnonzero(np.append(np.diff(score[order]) != 0, True)).astype(np.int64)
    return order, ends
