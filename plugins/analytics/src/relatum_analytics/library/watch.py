"""Whether a model still tells what it told: order, calibration, drift."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from relatum_analytics.library.arrays import (
    Floats,
    floats,
    not_negative,
    same_length,
    shares,
    truths,
)
from relatum_analytics.library.results import Estimate, Lack, NotEnough, mean, need

WATCH_FROM, RETRAIN_FROM = 0.10, 0.25
#: An empty bin counts as this share, or the index would be infinite.
_LEAST_SHARE = 1e-4


@dataclass(frozen=True, slots=True)
class Drift:
    """The population stability index, and what to do about it."""

    psi: float
    verdict: Literal["stable", "watch", "retrain"]


@dataclass(frozen=True, slots=True)
class Auc:
    """The chance that one who did has a higher score than one who did not; a tie counts half."""

    value: float
    did: int
    did_not: int


def auc(scores: npt.ArrayLike, outcomes: npt.ArrayLike) -> Auc | NotEnough:
    """The area under the ROC curve, by ranks (Hanley & McNeil 1982)."""
    score, did = floats(scores, "scores"), truths(outcomes, "outcomes")
    n = same_length(scores=score, outcomes=did)
    yes = int(did.sum())
    have = {"did": float(yes), "did not": float(n - yes)}
    lacking = need(have, {"did": 1, "did not": 1}, "only one outcome")
    if lacking:
        return lacking
    above = float(_ranks(score)[did].sum()) - yes * (yes + 1) / 2
    return Auc(above / (yes * (n - yes)), yes, n - yes)


def brier(probabilities: npt.ArrayLike, outcomes: npt.ArrayLike) -> Estimate | NotEnough:
    """The mean squared difference of what was said and what came."""
    p, did = shares(probabilities, "probabilities"), truths(outcomes, "outcomes")
    same_length(probabilities=p, outcomes=did)
    return mean((p - did) ** 2, of="outcomes")


def psi(base: npt.ArrayLike, now: npt.ArrayLike) -> Drift | NotEnough:
    """``Σ (now − base) · ln(now/base)`` over the shares of bins.

    Args:
        base, now: counts or shares of the same bins; each is made to add up to 1.
    """
    then, lately = not_negative(base, "base"), not_negative(now, "now")
    same_length(base=then, now=lately)
    for name, values in (("base", then), ("now", lately)):
        if values.sum() <= 0:
            return NotEnough(f"nothing in {name}", (Lack(name, 0, 1),))
    p, q = _bins(then), _bins(lately)
    # Each term is at least 0; rounding may say otherwise when both are the same.
    value = max(float(((q - p) * np.log(q / p)).sum()), 0.0)
    if value >= RETRAIN_FROM:
        return Drift(value, "retrain")
    return Drift(value, "watch" if value >= WATCH_FROM else "stable")


def _ranks(score: Floats) -> Floats:
    """From 1 for the smallest; ties share the average of theirs."""
    _, place, many = np.unique(score, return_inverse=True, return_counts=True)
    middle: Floats = np.cumsum(many) - (many - 1) / 2
    return middle[place]


def _bins(values: Floats) -> Floats:
    held: Floats = np.maximum(values / values.sum(), _LEAST_SHARE)
    return held
