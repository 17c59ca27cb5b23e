"""When customers without a contract buy, and whether they still do: BG/NBD.

Fader, Hardie & Lee, "Counting Your Customers" the Easy Way, *Marketing Science* 24 (2005). Time is
in weeks. Everybody buys at a rate of their own (gamma, r and α) and may leave after each purchase
with a chance of their own (beta, a and b).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from relatum_analytics.library.arrays import Floats, Ints, counts, not_negative, same_length
from relatum_analytics.library.lifetime.fitting import Fit, Likelihood, fingerprint_of, fit
from relatum_analytics.library.results import NotEnough, need
from relatum_analytics.library.special import (
    digamma,
    hypergeometric,
    log_beta,
    log_gamma,
    logistic,
)

LEAST = {"customers": 300.0, "repeaters": 150.0, "weeks": 26.0}
WEEKS_A_YEAR = 365 / 7
_NAMES = ("r", "alpha", "a", "b")
#: Rows that are enough to find out which start is worth following.
_SOME = 2_000
_STARTS = ((0.5, 0.5, 0.5, 2.0), (1.0, 1.0, 1.0, 1.0), (0.1, 0.1, 0.2, 5.0), (3.0, 1.0, 2.0, 20.0))


@dataclass(frozen=True, slots=True)
class Buying:
    """The four parameters; ``alpha`` in weeks."""

    r: float
    alpha: float
    a: float
    b: float

    def expected(
        self,
        weeks: npt.ArrayLike,
        repeats: npt.ArrayLike,
        last: npt.ArrayLike,
        seen: npt.ArrayLike,
    ) -> Floats:
        """Repeat days to expect in the weeks after, of each customer (equation 10)."""
        t = not_negative(weeks, "weeks")
        x, t_x, whole = _checked(repeats, last, seen)
        # The bracket is 0 times infinity at a = 1, which is no special place of the model.
        a = self.a if abs(self.a - 1) > 1e-7 else 1 + 1e-7
        ratio = (self.alpha + whole) / (self.alpha + whole + t)
        c = a + self.b + x - 1
        # Euler's transformation: 2F1(r+x, b+x; c; z) with large x is beyond floating point.
        turned = hypergeometric(a + self.b - 1 - self.r, a - 1, c, 1 - ratio)
        bought = c / (a - 1) * (1 - ratio ** (a - 1) * turned)
        made: Floats = bought * self._alive(x, t_x, whole)
        return made

    def alive(self, repeats: npt.ArrayLike, last: npt.ArrayLike, seen: npt.ArrayLike) -> Floats:
        """The chance of still being a customer; NaN for who never came back.

        For those the model says 1 by construction, whatever happened: nothing to be shown.
        """
        x, t_x, whole = _checked(repeats, last, seen)
        return np.where(x > 0, self._alive(x, t_x, whole), np.nan)

    def discounted(
        self,
        weeks: int,
        repeats: npt.ArrayLike,
        last: npt.ArrayLike,
        seen: npt.ArrayLike,
        *,
        yearly_rate: float,
    ) -> Floats:
        """Repeat days to expect, each worth less the later: discounted at the end of its week."""
        x, t_x, whole = _checked(repeats, last, seen)
        worth = (1 + yearly_rate) ** (-np.arange(1, weeks + 1) / WEEKS_A_YEAR)
        before, total = np.zeros(len(x)), np.zeros(len(x))
        for week in range(weeks):
            upto = self.expected(week + 1, x.astype(np.int64), t_x, whole)
            total += (upto - before) * worth[week]
            before = upto
        return total

    def _alive(self, x: Floats, t_x: Floats, whole: Floats) -> Floats:
        odds = _log_odds_left(np.array([self.r, self.alpha, self.a, self.b]), x, t_x, whole)
        return np.where(x > 0, logistic(-odds), 1.0)


def fit_buying(
    repeats: npt.ArrayLike, last: npt.ArrayLike, seen: npt.ArrayLike
) -> tuple[Buying, Fit] | NotEnough:
    """By maximum likelihood; look at ``Fit.converged`` before using it.

    Args:
        repeats: days with a purchase after the first.
        last: weeks from the first to the last purchase.
        seen: weeks from the first purchase to the end, at least ``last``.
    """
    x, t_x, whole = _checked(repeats, last, seen)
    have = {
        "customers": float(len(x)),
        "repeaters": float((x > 0).sum()),
        "weeks": float(whole.max(initial=0)),
    }
    lacking = need(have, LEAST, "too few purchases to tell")
    if lacking:
        return lacking
    scale = float(whole.mean())
    rows, times = np.unique(np.column_stack((x, t_x, whole)), axis=0, return_counts=True)
    weights = times / len(x)
    scaled = rows / np.array([1.0, scale, scale])
    found = fit(
        _NAMES,
        lambda at: _likelihood(at, scaled, weights),
        _STARTS,
        float(len(x)),
        fingerprint_of(x, t_x, whole),
        of_some=_of_some(scaled, weights),
    )
    return _unscaled(found, scale, float(x.sum()))


def log_likelihood(model: Buying, repeats: Ints, last: Floats, seen: Floats) -> float:
    """Of all customers, in weeks."""
    x, t_x, whole = _checked(repeats, last, seen)
    at = np.log(np.array([model.r, model.alpha, model.a, model.b]))
    each = np.full(len(x), 1 / len(x))
    return _likelihood(at, np.column_stack((x, t_x, whole)), each)[0] * len(x)


def _of_some(rows: Floats, weights: Floats) -> Likelihood | None:
    """The likelihood of every so many rows, which are sorted by repeats: some of each number."""
    step = len(rows) // _SOME
    if step < 2:
        return None
    part, share = rows[::step], weights[::step] / weights[::step].sum()
    return lambda at: _likelihood(at, part, share)


def _unscaled(found: Fit, scale: float, purchases: float) -> tuple[Buying, Fit]:
    def stretched(values: dict[str, float]) -> dict[str, float]:
        return {name: each * (scale if name == "alpha" else 1) for name, each in values.items()}

    parameters = stretched(found.parameters)
    true = Fit(
        parameters,
        stretched(found.standard_errors),
        found.log_likelihood - purchases * float(np.log(scale)),
        found.converged,
        found.why,
        found.slope,
        found.n,
        found.fingerprint,
    )
    return Buying(**parameters), true


def _log_odds_left(parameters: Floats, x: Floats, t_x: Floats, whole: Floats) -> Floats:
    """The logarithm of the odds that a repeater has left, -infinity for others."""
    r, alpha, a, b = parameters
    after = np.maximum(x, 1)
    odds = np.log(a) - np.log(b + after - 1) + (r + x) * np.log((alpha + whole) / (alpha + t_x))
    return np.where(x > 0, odds, -np.inf)


def _likelihood(at: Floats, rows: Floats, weights: Floats) -> tuple[float, Floats]:
    """Mean over customers; equation 6, with both of its terms added as logarithms."""
    r, alpha, a, b = parameters = np.exp(at)
    x, t_x, whole = rows.T
    odds = _log_odds_left(parameters, x, t_x, whole)
    left = logistic(odds)
    late, early = np.log(alpha + whole), np.log(alpha + t_x)
    each = (
        log_beta(a, b + x)
        - log_beta(a, b)
        + log_gamma(r + x)
        - log_gamma(r)
        + r * np.log(alpha)
        - (r + x) * late
        + np.logaddexp(0, odds)
    )
    by_r = digamma(r + x) - digamma(r) + np.log(alpha) - late + left * (late - early)
    by_alpha = r / alpha - (r + x) * ((1 - left) / (alpha + whole) + left / (alpha + t_x))
    together = digamma(a + b) - digamma(a + b + x)
    by_a = together + left / a
    by_b = together + digamma(b + x) - digamma(b) - left / (b + np.maximum(x, 1) - 1)
    slopes = np.array([by_r * r, by_alpha * alpha, by_a * a, by_b * b])
    return float(weights @ each), slopes @ weights


def _checked(
    repeats: npt.ArrayLike, last: npt.ArrayLike, seen: npt.ArrayLike
) -> tuple[Floats, Floats, Floats]:
    x = counts(repeats, "repeats").astype(np.float64)
    t_x, whole = not_negative(last, "last"), not_negative(seen, "seen")
    same_length(repeats=x, last=t_x, seen=whole)
    # Days divided by seven and rounded elsewhere may be beyond each other in the last digit.
    if (t_x > whole + 1e-9).any() or ((x == 0) & (t_x > 0)).any() or ((x > 0) & (t_x == 0)).any():
        raise ValueError(
            "expected 0 < last ≤ seen of who came back and last = 0 of others, got rows with "
            "something else; make them with purchases()"
        )
    return x, t_x, whole
