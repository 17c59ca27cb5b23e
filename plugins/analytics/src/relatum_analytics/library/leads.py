"""How well a lead fits, how much it does, and how likely it is to be won."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from relatum_analytics.library.arrays import (
    Bools,
    Floats,
    floats,
    not_negative,
    same_length,
    shares,
    truths,
    whole,
)
from relatum_analytics.library.results import NotEnough, Rate, need, rate
from relatum_analytics.library.special import logistic

HALF_LIFE_DAYS = 14.0
LEAST = {"won": 200.0, "lost": 200.0}
#: Where A, B and C begin, and 1, 2 and 3; below are D and 4.
FIT_FROM = (75.0, 50.0, 25.0)
ENGAGEMENT_FROM = (50.0, 25.0, 10.0)


@dataclass(frozen=True, slots=True)
class Decile:
    """Leads of like probability.

    Attributes:
        expected: mean of the probabilities given.
        won: the share that was won.
        lift: that share ÷ the share of all.
    """

    expected: float
    won: Rate
    lift: float


def fit(weights: npt.ArrayLike, matches: npt.ArrayLike) -> Floats:
    """0 to 100, ``Σ weight × match`` of each lead.

    Args:
        weights: of each criterion, adding up to 1.
        matches: 0 to 1, leads × criteria.
    """
    w, m = shares(weights, "weights"), shares(matches, "matches")
    if abs(float(w.sum()) - 1) > 1e-9:
        raise ValueError(f"expected weights that add up to 1, got {w.sum()}; normalise them")
    if m.ndim != 2 or m.shape[1] != len(w):
        raise ValueError(f"expected leads × {len(w)} criteria, got {m.shape}; add an axis")
    made: Floats = 100 * (m @ w)
    return made


def engagement(
    lead: npt.ArrayLike,
    points: npt.ArrayLike,
    age_days: npt.ArrayLike,
    *,
    leads: int,
    half_life: float = HALF_LIFE_DAYS,
) -> Floats:
    """``Σ points × 0.5^(age/half-life)`` of each lead; points may be negative.

    Args:
        lead: index of the lead, 0 to ``leads`` - 1, one for each thing that it did.
    """
    if half_life <= 0:
        raise ValueError(f"expected a half-life above 0 days, got {half_life}")
    who, what, age = whole(lead, "lead"), floats(points, "points"), not_negative(age_days, "age")
    same_length(lead=who, points=what, age=age)
    if len(who) and not 0 <= who.min() <= who.max() < leads:
        raise ValueError(f"expected leads 0 to {leads - 1}, got {who.min()} to {who.max()}")
    faded = what * 0.5 ** (age / half_life)
    return np.bincount(who, faded, minlength=leads).astype(np.float64)


def grades(
    fits: npt.ArrayLike,
    engagements: npt.ArrayLike,
    *,
    fit_from: tuple[float, float, float] = FIT_FROM,
    engagement_from: tuple[float, float, float] = ENGAGEMENT_FROM,
) -> list[str]:
    """A letter for who a lead is and a digit for what it does: A1 is best, D4 worst."""
    who = _band(floats(fits, "fit"), fit_from)
    what = _band(floats(engagements, "engagement"), engagement_from)
    same_length(fit=who, engagement=what)
    names = np.array([f"{letter}{digit}" for letter in "ABCD" for digit in "1234"])
    found: list[str] = names[who * 4 + what].tolist()
    return found


def probability(intercept: float, coefficients: npt.ArrayLike, values: npt.ArrayLike) -> Floats:
    """Logistic: ``1/(1 + e^−z)``, z from leads × features."""
    b, x = floats(coefficients, "coefficients"), floats(values, "values")
    if x.ndim != 2 or x.shape[1] != len(b):
        raise ValueError(f"expected leads × {len(b)} features, got {x.shape}; add an axis")
    return logistic(intercept + x @ b)


def enough(won: npt.ArrayLike) -> NotEnough | None:
    """Nothing when a probability may be served: 200 won and 200 lost."""
    got = truths(won, "won")
    have = {"won": float(got.sum()), "lost": float((~got).sum())}
    return need(have, LEAST, "too few leads decided")


def deciles(probabilities: npt.ArrayLike, won: npt.ArrayLike) -> list[Decile] | NotEnough:
    """Lift and calibration by tenths, the most likely first."""
    p, got = shares(probabilities, "probabilities"), truths(won, "won")
    same_length(probabilities=p, won=got)
    lacking = enough(got)
    if lacking:
        return lacking
    order = np.argsort(-p, kind="stable")
    return [_decile(p[some], got[some], got) for some in np.array_split(order, 10)]


def _decile(p: Floats, got: Bools, everybody: Bools) -> Decile:
    share = rate(int(got.sum()), len(got), of="leads")
    if isinstance(share, NotEnough):
        raise TypeError(f"expected leads in every tenth, got {share}")
    return Decile(float(p.mean()), share, share.value / float(everybody.mean()))


def _band(values: Floats, begins: tuple[float, float, float]) -> npt.NDArray[np.int64]:
    if not begins[0] > begins[1] > begins[2]:
        raise ValueError(f"expected limits from high to low, got {begins}")
    found: npt.NDArray[np.int64] = sum(
        ((values < limit).astype(np.int64) for limit in begins),
        np.zeros(values.shape, dtype=np.int64),
    )
    return found
