"""Contracts that are renewed or not: the shifted beta-geometric model (Fader & Hardie 2007)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from relatum_analytics.library.arrays import Floats, not_negative, positive
from relatum_analytics.library.lifetime.fitting import Fit, fingerprint_of, fit
from relatum_analytics.library.results import NotEnough, need
from relatum_analytics.library.special import digamma, log_beta

LEAST_PERIODS = 2
_STARTS = ((1.0, 1.0), (0.5, 5.0), (5.0, 20.0), (0.2, 0.2), (10.0, 5.0))


@dataclass(frozen=True, slots=True)
class Tenure:
    """Everybody has a chance of leaving of their own, spread as a beta variable."""

    alpha: float
    beta: float

    def survival(self, period: npt.ArrayLike) -> Floats:
        """``S(t) = B(α, β+t)/B(α, β)``, the share still there after t renewals; t from 0."""
        t = not_negative(period, "period")
        return np.exp(log_beta(self.alpha, self.beta + t) - log_beta(self.alpha, self.beta))

    def leaving(self, period: npt.ArrayLike) -> Floats:
        """``P(T = t) = B(α+1, β+t−1)/B(α, β)``, the share that leaves at renewal t; t from 1."""
        t = positive(period, "period")
        return np.exp(log_beta(self.alpha + 1, self.beta + t - 1) - log_beta(self.alpha, self.beta))

    def retention(self, period: npt.ArrayLike) -> Floats:
        """``(β+t−1)/(α+β+t−1)``, of those who reached renewal t; it rises with tenure."""
        t = positive(period, "period")
        kept: Floats = (self.beta + t - 1) / (self.alpha + self.beta + t - 1)
        return kept


def fit_tenure(alive: npt.ArrayLike) -> tuple[Tenure, Fit] | NotEnough:
    """By maximum likelihood.

    Args:
        alive: customers at the start and after each renewal, never rising: 1000, 869, 743, …
            Shares do as well, but then standard errors mean nothing.

    Raises:
        ValueError: the numbers rise, or the first is 0.
    """
    left = not_negative(alive, "alive")
    if left.ndim != 1 or (len(left) and left[0] <= 0) or (np.diff(left) > 0).any():
        raise ValueError("expected numbers that never rise from above 0; count one cohort's alive")
    lost = -np.diff(left)
    have = {"renewals": float(len(lost)), "who left": float((lost > 0).sum())}
    lacking = need(have, {"renewals": LEAST_PERIODS, "who left": 1}, "too few renewals")
    if lacking:
        return lacking
    found = fit(
        ("alpha", "beta"),
        lambda at: _likelihood(at, lost, float(left[-1])),
        _STARTS,
        float(left[0]),
        fingerprint_of(left),
    )
    return Tenure(found.parameters["alpha"], found.parameters["beta"]), found


def _likelihood(at: Floats, lost: Floats, still: float) -> tuple[float, Floats]:
    a, b = np.exp(at)
    t = np.arange(1, len(lost) + 1, dtype=np.float64)
    whole = lost.sum() + still
    value = lost @ (log_beta(a + 1, b + t - 1)) + still * log_beta(a, b + t[-1])
    both = digamma(a + b + t)
    end = both[-1]
    by_a = lost @ (digamma(a + 1) - both) + still * (digamma(a) - end)
    by_b = lost @ (digamma(b + t - 1) - both) + still * (digamma(b + t[-1]) - end)
    shared = digamma(a + b)
    by_a = by_a / whole - digamma(a) + shared
    by_b = by_b / whole - digamma(b) + shared
    return float(value / whole - log_beta(a, b)), np.array([by_a * a, by_b * b])
