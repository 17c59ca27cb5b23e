"""What customers answer when they are asked: satisfaction, recommending, ease."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from relatum_analytics.library.arrays import Ints, counts
from relatum_analytics.library.results import (
    LEVEL,
    Estimate,
    Interval,
    Lack,
    NotEnough,
    Rate,
    estimate,
    rate,
    two_sided,
)


@dataclass(frozen=True, slots=True)
class Asked:
    """Who was heard, to be shown beside every measure of a survey.

    Attributes:
        response: answers of those asked.
        not_asked: customers who were not.
    """

    response: Rate | NotEnough
    not_asked: int


@dataclass(frozen=True, slots=True)
class Ease:
    """The effort of a customer on a scale of 1 to 7, 7 being no effort."""

    mean: Estimate
    easy: Rate


@dataclass(frozen=True, slots=True)
class Change:
    """From one survey to another; ``changed`` only when the interval leaves out 0."""

    difference: float
    interval: Interval
    changed: bool


def asked(answers: int, asked: int, customers: int) -> Asked:
    """The response rate, and how many customers were left out."""
    if not 0 <= asked <= customers:
        raise ValueError(f"expected at most {customers} asked, got {asked}; count customers")
    return Asked(rate(answers, asked, of="customers asked"), customers - asked)


def csat(answers: npt.ArrayLike) -> Rate | NotEnough:
    """Answers 4 and 5 of all.

    Args:
        answers: how many gave 1, 2, 3, 4 and 5.
    """
    given = _scale(answers, 5)
    return rate(int(given[3:].sum()), int(given.sum()), of="answers")


def nps(promoters: int, passives: int, detractors: int) -> Estimate | NotEnough:
    """In points from -100 to 100: % of 9 and 10 less % of 0 to 6.

    The standard error is ``√[(p + d − (p − d)²)/n]``. "Net Promoter" and NPS are registered marks.
    """
    given = _scale([promoters, passives, detractors], 3)
    n = int(given.sum())
    if n == 0:
        return NotEnough("no answers", (Lack("answers", 0, 1),))
    p, d = promoters / n, detractors / n
    error = math.sqrt(max(p + d - (p - d) ** 2, 0.0) / n)
    return estimate(100 * (promoters - detractors) / n, 100 * error, n)


def nps_of(scores: npt.ArrayLike) -> Estimate | NotEnough:
    """The same from how many gave 0, 1, … 10."""
    given = _scale(scores, 11)
    return nps(int(given[9:].sum()), int(given[7:9].sum()), int(given[:7].sum()))


def change(before: Estimate, after: Estimate) -> Change:
    """Between two samples of different people."""
    difference = after.value - before.value
    half = two_sided(LEVEL) * math.hypot(before.standard_error, after.standard_error)
    interval = Interval(difference - half, difference + half, "normal")
    return Change(difference, interval, interval.low > 0 or interval.high < 0)


def ces(answers: npt.ArrayLike) -> Ease | NotEnough:
    """The mean, and the share of 6 and 7.

    Args:
        answers: how many gave 1, 2, … 7.
    """
    given = _scale(answers, 7)
    n, values = int(given.sum()), np.arange(1, 8)
    easy = rate(int(given[5:].sum()), n, of="answers")
    if n < 2 or isinstance(easy, NotEnough):
        return NotEnough("too few answers", (Lack("answers", n, 2),))
    mean = int(given @ values) / n
    return Ease(estimate(mean, _error(given, values, mean), n), easy)


def _error(given: Ints, values: Ints, mean: float) -> float:
    n = int(given.sum())
    return math.sqrt(float(given @ (values - mean) ** 2) / (n - 1) / n)


def _scale(answers: npt.ArrayLike, size: int) -> Ints:
    given = counts(answers, "answers")
    if given.shape != (size,):
        raise ValueError(f"expected a count for each of {size} answers, got {given.shape}")
    return given
