"""The functions of SciPy in use, with types: SciPy itself has none."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy import optimize, special

from relatum_analytics.library.arrays import Floats


class Found(NamedTuple):
    """Where a minimisation ended: the place, the value there, and what the method said."""

    at: Floats
    value: float
    said: str


def log_gamma(x: Floats | float) -> Floats:
    """``ln Γ(x)``."""
    return np.asarray(special.gammaln(x), dtype=np.float64)


def digamma(x: Floats | float) -> Floats:
    """``ψ(x)``, the derivative of ``ln Γ``."""
    return np.asarray(special.digamma(x), dtype=np.float64)


def log_beta(a: Floats | float, b: Floats | float) -> Floats:
    """``ln B(a, b)``."""
    return np.asarray(special.betaln(a, b), dtype=np.float64)


def hypergeometric(
    a: Floats | float, b: Floats | float, c: Floats | float, z: Floats | float
) -> Floats:
    """Gauss's ``₂F₁(a, b; c; z)``."""
    return np.asarray(special.hyp2f1(a, b, c, z), dtype=np.float64)


def logistic(x: Floats | float) -> Floats:
    """``1 / (1 + e^−x)`` without overflow."""
    return np.asarray(special.expit(x), dtype=np.float64)


def normal_quantile(p: float) -> float:
    """The value below which a standard normal variable lies with probability p."""
    return float(special.ndtri(p))


def normal_two_sided(z: float) -> float:
    """The probability of a standard normal variable at least as far from 0 as z."""
    return float(2.0 * special.ndtr(-abs(z)))


def minimise(
    value_and_slope: Callable[[Floats], tuple[float, Floats]], start: Floats, edge: float
) -> Found:
    """L-BFGS-B within ±edge of every coordinate."""
    end = optimize.minimize(
        value_and_slope,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=[(-edge, edge)] * len(start),
        options={"ftol": 1e-14, "gtol": 1e-9, "maxiter": 500, "maxcor": 20},
    )
    return Found(np.asarray(end.x, dtype=np.float64), float(end.fun), str(end.message))
