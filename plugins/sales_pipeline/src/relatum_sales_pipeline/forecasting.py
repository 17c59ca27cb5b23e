"""``pipeline.weighted`` and ``sales.velocity``. Pure functions (metric library §4.21)."""

from collections.abc import Hashable, Iterable, Mapping
from fractions import Fraction
from typing import TypeVar

from relatum.api import Money, allocate

WHOLE = 10_000
Key = TypeVar("Key", bound=Hashable)


def weighted(parts: Iterable[tuple[int, int]]) -> Fraction:
    """``pipeline.weighted``: Σ amount × probability.

    Args:
        parts: amounts in minor units of one currency, probabilities in basis points.

    Returns:
        Minor units, exactly; round only what is shown.
    """
    return Fraction(sum(amount * probability for amount, probability in parts), WHOLE)


def rounded(value: Fraction) -> int:
    """To whole minor units, halves away from zero."""
    doubled = abs(value) * 2 + 1
    whole = doubled.numerator // (2 * doubled.denominator)
    return whole if value >= 0 else -whole


def split(parts: Mapping[Key, Fraction], currency: str) -> dict[Key, int]:
    """Round each part to whole minor units so that together they are the rounded total.

    By largest remainder. All parts are zero or more, as amounts of open deals are.
    """
    total = rounded(sum(parts.values(), Fraction(0)))
    if total == 0:
        return dict.fromkeys(parts, 0)
    shares = allocate(Money(total, currency), list(parts.values()))
    return {key: share.amount for key, share in zip(parts, shares, strict=True)}


def sales_velocity(
    *, deals: int, win_rate: Fraction, average_value: Fraction, cycle_days: Fraction
) -> Fraction:
    """``sales.velocity``: open deals × win rate × average won value ÷ days to win.

    Returns:
        Minor units a day, exactly.

    Raises:
        ZeroDivisionError: a cycle of no days has no velocity; ask for enough data first.
    """
    return deals * win_rate * average_value / cycle_days
