"""Lead scores: ``lead.fit``, ``lead.engagement``, the grade, and ``lead.p``. Pure functions.

Source: metric library §4.13. Fit says who a lead is, engagement what it does; they are never added
into one number.
"""

import datetime as dt
import math
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

import msgspec

WHOLE = 10_000
"""Weights, matches and probabilities are whole basis points: 10,000 is 1."""


class Weighted(msgspec.Struct, frozen=True):
    """One part of a fit: how much it counts and how well it matches, in basis points."""

    weight: int
    match: int


class Signal(msgspec.Struct, frozen=True):
    """Something a lead did: points (negative ones too) and when."""

    points: float
    occurred_at: dt.datetime


def lead_fit(parts: Iterable[Weighted]) -> float:
    """``lead.fit``: 0–100, the sum of weight × match over the sum of weights.

    Whole basis points go in, so the result does not depend on the order of the parts. No parts, or
    no weight at all, is 0.
    """
    parts = list(parts)
    total = sum(part.weight for part in parts)
    if total == 0:
        return 0.0
    return float(Fraction(100 * sum(part.weight * part.match for part in parts), total * WHOLE))


def lead_engagement(
    signals: Iterable[Signal], *, at: dt.datetime, half_life_days: float = 14.0
) -> float:
    """``lead.engagement``: the sum of points × 0.5^(age ÷ half life).

    Signals after ``at`` do not count. The sum is exact before it is rounded, so the order of the
    signals changes nothing.
    """
    half_life = half_life_days * 86_400
    return math.fsum(
        signal.points * 0.5 ** ((at - signal.occurred_at).total_seconds() / half_life)
        for signal in signals
        if signal.occurred_at <= at
    )


def letter(fit: float, grades: Sequence[float] = (75.0, 50.0, 25.0)) -> str:
    """A, B, C or D by ``lead.fit``."""
    return _grade(fit, "ABCD", grades)


def digit(engagement: float, grades: Sequence[float] = (50.0, 25.0, 10.0)) -> str:
    """1, 2, 3 or 4 by ``lead.engagement``; 1 is the liveliest."""
    return _grade(engagement, "1234", grades)


def lead_probability(
    intercept: float, weights: Mapping[str, float], features: Mapping[str, float]
) -> float:
    """``lead.p``: logistic of intercept + Σ weight × feature; a missing feature counts 0."""
    z = math.fsum([intercept, *(w * features.get(name, 0.0) for name, w in weights.items())])
    if z >= 0:
        return 1 / (1 + math.exp(-z))
    return math.exp(z) / (1 + math.exp(z))


def _grade(value: float, names: str, least: Sequence[float]) -> str:
    for name, limit in zip(names, least, strict=False):
        if value >= limit:
            return name
    return names[-1]
