"""How much a purchase brings: the Gamma-Gamma model (Fader, Hardie & Lee 2005, *RFM and CLV*)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from relatum_analytics.library.arrays import Floats, counts, not_negative, positive, same_length
from relatum_analytics.library.lifetime.fitting import Fit, fingerprint_of, fit
from relatum_analytics.library.results import NotEnough, need
from relatum_analytics.library.special import digamma, log_gamma

LEAST_REPEATERS = 150
#: The model holds only when how much one buys has little to do with how often.
MOST_CORRELATION = 0.3
#: Customers that are enough to find out which start is worth following.
_SOME = 2_000
_NAMES = ("p", "q", "v")
_STARTS = ((5.0, 4.0, 1.0), (1.0, 2.0, 1.0), (20.0, 3.0, 0.1), (2.0, 10.0, 5.0))


@dataclass(frozen=True, slots=True)
class Spending:
    """The three parameters; ``v`` in the unit of the amounts."""

    p: float
    q: float
    v: float

    @property
    def population(self) -> float:
        """The mean of everybody, ``p v/(q−1)``; infinite when q is at most 1."""
        return self.p * self.v / (self.q - 1) if self.q > 1 else float("inf")

    def expected(self, repeats: npt.ArrayLike, average: npt.ArrayLike) -> Floats:
        """``p(v + x z̄)/(p x + q − 1)``, what a purchase of each customer brings on average.

        Args:
            repeats: of 0 the mean of everybody comes out, whatever the average.
            average: of the repeat days.
        """
        x = counts(repeats, "repeats").astype(np.float64)
        z = np.where(x > 0, np.asarray(average, dtype=np.float64), 0.0)
        z = not_negative(z, "average")
        if self.q <= 1 and (x == 0).any():
            raise ValueError(f"expected q above 1, got {self.q}; there is no mean of everybody")
        made: Floats = self.p * (self.v + x * z) / (self.p * x + self.q - 1)
        return made


@dataclass(frozen=True, slots=True)
class SpendingFit:
    """The model, how it was found, and whether it may be used.

    Attributes:
        correlation: of repeats and average; NaN when one of them never differs.
        independent: it is below 0.3, in either direction.
    """

    model: Spending
    fit: Fit
    correlation: float
    independent: bool


def fit_spending(repeats: npt.ArrayLike, average: npt.ArrayLike) -> SpendingFit | NotEnough:
    """By maximum likelihood.

    Args:
        repeats: at least 1; leave out who never came back.
        average: of the repeat days, above 0; the model knows no free purchase.
    """
    x, z = positive(counts(repeats, "repeats"), "repeats"), positive(average, "average")
    n = same_length(repeats=x, average=z)
    lacking = need({"repeaters": n}, {"repeaters": LEAST_REPEATERS}, "too few repeaters")
    if lacking:
        return lacking
    scale = float(z.mean())
    step = max(n // _SOME, 1)
    found = fit(
        _NAMES,
        lambda at: _likelihood(at, x, z / scale),
        _STARTS,
        float(n),
        fingerprint_of(x, z),
        of_some=lambda at: _likelihood(at, x[::step], z[::step] / scale),
    )
    parameters = _stretched(found.parameters, scale)
    true = Fit(
        parameters,
        _stretched(found.standard_errors, scale),
        found.log_likelihood - n * float(np.log(scale)),
        found.converged,
        found.why,
        found.slope,
        found.n,
        found.fingerprint,
    )
    differ = x.std() > 0 and z.std() > 0
    correlation = float(np.corrcoef(x, z)[0, 1]) if differ else float("nan")
    independent = bool(abs(correlation) < MOST_CORRELATION) or not differ
    return SpendingFit(Spending(**parameters), true, correlation, independent)


def _stretched(values: dict[str, float], scale: float) -> dict[str, float]:
    return {name: each * (scale if name == "v" else 1) for name, each in values.items()}


def _likelihood(at: Floats, x: Floats, z: Floats) -> tuple[float, Floats]:
    """Mean over customers."""
    p, q, v = np.exp(at)
    px, spent = p * x, np.log(v + x * z)
    each = (
        log_gamma(px + q)
        - log_gamma(px)
        - log_gamma(q)
        + q * np.log(v)
        + (px - 1) * np.log(z)
        + px * np.log(x)
        - (px + q) * spent
    )
    both = digamma(px + q)
    by_p = x * (both - digamma(px) + np.log(z) + np.log(x) - spent)
    by_q = both - digamma(q) + np.log(v) - spent
    by_v = q / v - (px + q) / (v + x * z)
    slopes = np.array([(by_p * p).mean(), (by_q * q).mean(), (by_v * v).mean()])
    return float(each.mean()), slopes
