"""How long customers stay when some are still there (Kaplan & Meier 1958)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from relatum_analytics.library.arrays import Floats, Ints, not_negative, same_length, truths
from relatum_analytics.library.results import LEVEL, Lack, NotEnough, two_sided


@dataclass(frozen=True, slots=True)
class Curve:
    """A step function; one entry for each time at which somebody left.

    Attributes:
        time: in the unit of the durations, rising.
        at_risk: still observed just before.
        left: how many left then.
        survival: the share that stays beyond that time.
        low, high: Greenwood's 95 % interval, cut at 0 and 1.
        n: customers observed.
    """

    time: Floats
    at_risk: Ints
    left: Ints
    survival: Floats
    low: Floats
    high: Floats
    n: int

    def at(self, times: npt.ArrayLike) -> Floats:
        """The share that stays beyond each of the times."""
        place = np.searchsorted(self.time, not_negative(times, "times"), side="right")
        return np.concatenate(([1.0], self.survival))[place]

    @property
    def median(self) -> float | NotEnough:
        """The first time beyond which at most half stay."""
        below = np.flatnonzero(self.survival <= 0.5)
        if len(below) == 0:
            return NotEnough("more than half are still there")
        return float(self.time[below[0]])


def kaplan_meier(duration: npt.ArrayLike, left: npt.ArrayLike) -> Curve | NotEnough:
    """``S(t) = Π (1 − dᵢ/nᵢ)`` over the times at which somebody left.

    Args:
        duration: time until one left or was last seen, at least 0.
        left: true when one left, false when still there. Of one time, those who leave leave first.
    """
    times, gone = not_negative(duration, "duration"), truths(left, "left")
    n = same_length(duration=times, left=gone)
    if n == 0:
        return NotEnough("no customers", (Lack("customers", 0, 1),))
    at, place = np.unique(times, return_inverse=True)
    out = np.bincount(place, minlength=len(at))
    deaths = np.bincount(place, weights=gone, minlength=len(at)).astype(np.int64)
    risk = (n - np.concatenate(([0], np.cumsum(out)[:-1]))).astype(np.int64)
    at, deaths, risk = at[deaths > 0], deaths[deaths > 0], risk[deaths > 0]
    survival: Floats = np.cumprod(1 - deaths / risk, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        greenwood = np.cumsum(deaths / (risk * (risk - deaths).astype(np.float64)))
        error = np.where(survival > 0, survival * np.sqrt(greenwood), 0.0)
    half = two_sided(LEVEL) * error
    low, high = np.clip(survival - half, 0, 1), np.clip(survival + half, 0, 1)
    return Curve(at, risk, deaths, survival, low, high, n)
