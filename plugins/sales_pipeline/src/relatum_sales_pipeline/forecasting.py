"""``pipeline.weighted`` and ``sales.velocity``. Pure functions (metric library §4.21)."""

from collections.abc import Hashable, Iterable, Mapping
from fractions import Fraction
from typing import TypeVar

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


def split(parts: Mapping[Key, Fraction], total: int | None = None) -> dict[Key, int]:
    """Round each part to whole minor units so that together they are the rounded total.

    By largest remainder, so that none is off by more than one unit; of equal remainders the first
    is rounded up. All parts are zero or more, as amounts of open deals are.

    Args:
        total: what they are together, where that is rounded already, up or down.
    """
    shown = {key: int(part) for key, part in parts.items()}
    whole = rounded(sum(parts.values(), Fraction(0))) if total is None else total
    missing = whole - sum(shown.values())
    for key in sorted(parts, key=lambda key: shown[key] - parts[key])[:missing]:
        shown[key] += 1
    return shown


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
