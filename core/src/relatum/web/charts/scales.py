"""From figures to places on paper: round marks of an axis, exact shares of its length."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

#: How many steps an axis has at most.
MOST_STEPS = 5
_ROUND = (Fraction(1), Fraction(2), Fraction(5, 2), Fraction(5), Fraction(10))


class Scale(msgspec.Struct, frozen=True):
    """An axis from ``low`` to ``high``; nought is always on it.

    Attributes:
        ticks: round figures at equal distances, the first and the last its ends.
    """

    low: Fraction
    high: Fraction
    ticks: tuple[Fraction, ...]

    def place(self, value: float | Fraction) -> float:
        """How far along a figure stands, in per cent."""
        return float((Fraction(value) - self.low) / (self.high - self.low) * 100)


def known(value: float | None) -> bool:
    """Whether there is a figure that can be drawn."""
    return value is not None and math.isfinite(value)


def ends_of(values: Iterable[float | None]) -> Scale:
    """From the least to the most, for a line that shows no more than a tendency."""
    exact = [Fraction(value) for value in values if value is not None and math.isfinite(value)]
    low, high = min(exact, default=Fraction(0)), max(exact, default=Fraction(0))
    return Scale(low, high if high > low else low + 1, ())


def scale_of(values: Iterable[float | Fraction | None], *, whole: bool = False) -> Scale:
    """The axis for figures.

    Args:
        whole: marks only at whole numbers, for what is counted.
    """
    exact = [Fraction(value) for value in values if value is not None and math.isfinite(value)]
    low, high = min([*exact, Fraction(0)]), max([*exact, Fraction(0)])
    if low == high:
        return Scale(Fraction(0), Fraction(1), (Fraction(0), Fraction(1)))
    step = _step((high - low) / MOST_STEPS, whole=whole)
    first, last = math.floor(low / step), math.ceil(high / step)
    ticks = tuple(step * number for number in range(first, last + 1))
    return Scale(ticks[0], ticks[-1], ticks)


def _step(least: Fraction, *, whole: bool) -> Fraction:
    """The smallest round step that is not less."""
    power = Fraction(10) ** math.floor(math.log10(least.numerator) - math.log10(least.denominator))
    for factor in _ROUND:
        step = factor * power
        if step >= least and (not whole or step.denominator == 1):
            return step
    # rounding of the logarithm, or less than one where only whole steps are wanted
    return Fraction(1) if whole and least <= 1 else _step(least * 2, whole=whole)
