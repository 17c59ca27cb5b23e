"""How customers move from step to step, and which touch a result would be lost without."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from relatum_analytics.library.arrays import Floats, Ints, counts, same_length, seconds
from relatum_analytics.library.results import Lack, NotEnough, Rate, rate

_NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class Funnel:
    """Steps in their order.

    Attributes:
        entered: customers who entered each step.
        steps: entered the next ÷ entered this, one less than there are steps.
        overall: entered the last ÷ entered the first.
    """

    entered: Ints
    steps: tuple[Rate | NotEnough, ...]
    overall: Rate | NotEnough


@dataclass(frozen=True, slots=True)
class Passages:
    """First passages through the steps, each at or after the one before.

    Attributes:
        median, p90: seconds from each step to the next, NaN where nobody went on.
    """

    funnel: Funnel
    median: Floats
    p90: Floats


@dataclass(frozen=True, slots=True)
class Path:
    """Touches in their order, whether they ended in a result, and how many customers took it."""

    touches: tuple[str, ...]
    converted: bool
    count: int


@dataclass(frozen=True, slots=True)
class Attribution:
    """A first-order chain of touches (Anderl et al. 2016).

    Attributes:
        conversion: the chance of a result in the chain as it is.
        removal: of each touch, the part of the results that would be lost without it.
        share: of each touch, its removal effect ÷ that of all.
        n: customers.
    """

    conversion: Rate
    removal: dict[str, float]
    share: dict[str, float]
    n: int


def funnel(entered: npt.ArrayLike) -> Funnel:
    """From how many customers entered each step; nobody skips one.

    Raises:
        ValueError: more entered a step than the one before.
    """
    given = counts(entered, "entered")
    if given.ndim != 1 or len(given) < 2:
        raise ValueError(f"expected at least two steps, got {given.shape}")
    numbers = given.tolist()
    steps = tuple(rate(after, before, of="customers") for before, after in pairwise(numbers))
    return Funnel(given, steps, rate(numbers[-1], numbers[0], of="customers"))


def passages(
    customer: npt.ArrayLike, step: npt.ArrayLike, at: npt.ArrayLike, *, steps: int
) -> Passages:
    """First passages from events.

    Args:
        customer: ids, one for each event.
        step: 0 to ``steps`` - 1.
        at: ``datetime64``.
    """
    people, who = np.unique(np.asarray(customer), return_inverse=True)
    which, when = counts(step, "step"), seconds(at, "at").astype(np.int64)
    same_length(customer=who, step=which, at=when)
    if len(which) and which.max() >= steps:
        raise ValueError(f"expected steps 0 to {steps - 1}, got {which.max()}; give more steps")
    reached = np.full(len(people), np.iinfo(np.int64).min)
    entered, median, p90 = [], [], []
    for number in range(steps):
        some = (which == number) & (when >= reached[who]) & (reached[who] != _NEVER)
        first = np.full(len(people), _NEVER)
        np.minimum.at(first, who[some], when[some])
        there = first != _NEVER
        entered.append(int(there.sum()))
        if number:
            waited = (first - reached)[there].astype(np.float64)
            median.append(float(np.median(waited)) if len(waited) else np.nan)
            p90.append(float(np.quantile(waited, 0.9)) if len(waited) else np.nan)
        reached = first
    return Passages(funnel(entered), np.array(median), np.array(p90))


def attribution(paths: Sequence[Path]) -> Attribution | NotEnough:
    """Which part of the results would be lost if a touch led nowhere.

    Raises:
        ValueError: a path without a touch, or a count below 0.
    """
    if any(not path.touches or path.count < 0 for path in paths):
        raise ValueError("expected at least one touch and a count of at least 0 in every path")
    n = sum(path.count for path in paths)
    won = sum(path.count for path in paths if path.converted)
    conversion = rate(won, n, of="paths")
    if isinstance(conversion, NotEnough) or won == 0:
        return NotEnough("no results to attribute", (Lack("results", won, 1),))
    names = sorted({touch for path in paths if path.count for touch in path.touches})
    chain = _chain(paths, {name: k + 1 for k, name in enumerate(names)})
    whole = _conversion(chain, 0)
    removal = {name: 1 - _conversion(chain, k + 1) / whole for k, name in enumerate(names)}
    lost = sum(removal.values())
    return Attribution(conversion, removal, {name: x / lost for name, x in removal.items()}, n)


def _chain(paths: Sequence[Path], place: dict[str, int]) -> Floats:
    """Chances of moving from the start (0) and each touch to each touch and to a result (last)."""
    moves = np.zeros((len(place) + 1, len(place) + 2))
    lost = np.zeros(len(place) + 1)
    for path in paths:
        stops = [0, *(place[touch] for touch in path.touches if path.count)]
        for before, after in pairwise(stops):
            moves[before, after] += path.count
        if path.converted:
            moves[stops[-1], -1] += path.count
        else:
            lost[stops[-1]] += path.count
    made: Floats = moves / (moves.sum(axis=1) + lost)[:, None]
    return made


def _conversion(chain: Floats, removed: int) -> float:
    """The chance of a result from the start; whoever comes to the removed touch is lost."""
    kept = [k for k in range(len(chain)) if k == 0 or k != removed]
    between = chain[np.ix_(kept, kept)]
    results = chain[kept, -1]
    return float(np.linalg.solve(np.eye(len(kept)) - between, results)[0])
