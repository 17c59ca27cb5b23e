"""Fair comparisons on a noisy machine: two things in turns, and the median of what they show."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def in_turns(
    first: Callable[[], T], second: Callable[[], T], *, rounds: int
) -> tuple[list[T], list[T]]:
    """Run both once to warm up, then A B, B A, A B … so that neither always comes first."""
    first()
    second()
    firsts: list[T] = []
    seconds: list[T] = []
    for number in range(rounds):
        if number % 2:
            seconds.append(second())
            firsts.append(first())
        else:
            firsts.append(first())
            seconds.append(second())
    return firsts, seconds


def ratio(ours: Sequence[float], reference: Sequence[float]) -> float:
    """Median of the ratios of neighbouring rounds: slow drift of the machine cancels out."""
    return statistics.median(a / b for a, b in zip(ours, reference, strict=True))


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of all does not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
