"""How much a pipeline is worth, and how fast it turns into money."""

from __future__ import annotations

import numpy.typing as npt

from relatum_analytics.library.arrays import counts, positive, same_length, shares
from relatum_analytics.library.results import Money, Rate


def velocity(won: Rate, opportunities: int, average: Money, cycle_days: float) -> Money:
    """Opportunities × win rate × average deal ÷ days of the cycle, a day."""
    days = float(positive(cycle_days, "days of the cycle"))
    return Money(round(opportunities * won.value * average.minor / days), average.currency)


def weighted(amounts: npt.ArrayLike, chances: npt.ArrayLike) -> int:
    """``Σ amount × chance`` of open deals, minor units, rounded once at the end."""
    money, chance = counts(amounts, "amounts"), shares(chances, "chances")
    same_length(amounts=money, chances=chance)
    return round(float(money @ chance))
