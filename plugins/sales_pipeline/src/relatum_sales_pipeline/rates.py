"""Rates with what they rest on, and figures of times. Pure functions."""

import math
import statistics
from collections.abc import Sequence
from fractions import Fraction

import msgspec

Z_95 = 1.959963984540054
"""Two-sided 95 % quantile of the standard normal distribution."""


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """A share with its counts and its 95 % Wilson interval; all ``None`` when n is 0."""

    numerator: int
    denominator: int
    n: int
    value: float | None
    low: float | None
    high: float | None


class Days(msgspec.Struct, frozen=True):
    """Mean and median of whole days; ``None`` when there is none."""

    mean: float | None
    median: float | None
    n: int


def rate(numerator: int, denominator: int) -> Rate:
    """``numerator`` of ``denominator``, with the interval of Wilson (JASA 22, 1927)."""
    low, high = wilson(numerator, denominator)
    value = numerator / denominator if denominator else None
    return Rate(
        numerator=numerator,
        denominator=denominator,
        n=denominator,
        value=value,
        low=low,
        high=high,
    )


def wilson(successes: int, n: int, z: float = Z_95) -> tuple[float | None, float | None]:
    """The Wilson score interval of a share, within 0 and 1; nothing for n = 0."""
    if n == 0:
        return None, None
    share = successes / n
    centre = share + z * z / (2 * n)
    reach = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    return max(0.0, (centre - reach) / scale), min(1.0, (centre + reach) / scale)


def days_of(lengths: Sequence[int]) -> Days:
    """Mean and median of lengths in days."""
    if not lengths:
        return Days(None, None, 0)
    mean = float(Fraction(sum(lengths), len(lengths)))
    return Days(mean, float(statistics.median(lengths)), len(lengths))
