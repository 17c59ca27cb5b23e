"""How loud a brand is spoken of, and in which tone."""

from __future__ import annotations

import math
from dataclasses import dataclass

from relatum_analytics.library.results import (
    Estimate,
    Lack,
    NotEnough,
    Rate,
    estimate,
    rate,
)


@dataclass(frozen=True, slots=True)
class Mentions:
    """Of one brand, from the same sources and the same period as those of the others."""

    all: int
    positive: int
    negative: int

    def __post_init__(self) -> None:
        if min(self.all, self.positive, self.negative) < 0 or (
            self.positive + self.negative > self.all
        ):
            raise ValueError(f"expected positive and negative among all, got {self}")


def net_sentiment(own: Mentions) -> Estimate | NotEnough:
    """(Positive − negative) ÷ all, from -1 to 1."""
    n = own.all
    if n == 0:
        return NotEnough("no mentions", (Lack("mentions", 0, 1),))
    difference = (own.positive - own.negative) / n
    spread = (own.positive + own.negative) / n - difference**2
    return estimate(difference, math.sqrt(max(spread, 0.0) / n), n)


def share_of_voice(own: int, others: int) -> Rate | NotEnough:
    """Own mentions ÷ those of all brands."""
    return rate(own, own + others, of="mentions")


def share_without_negative(own: Mentions, *others: Mentions) -> Rate | NotEnough:
    """The same with negative mentions left out of both."""
    mine = own.all - own.negative
    return rate(mine, mine + sum(each.all - each.negative for each in others), of="mentions")
