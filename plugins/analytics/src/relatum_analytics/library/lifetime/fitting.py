"""Maximum likelihood of models whose parameters are all above 0."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from relatum_analytics.library.arrays import Floats
from relatum_analytics.library.special import minimise

#: Parameters are looked for between e^−EDGE and e^EDGE, in units of the data.
EDGE = 12.0
_STEPS = 20
_FLAT = 1e-8

#: Mean log-likelihood and its slope by each logarithm of a parameter.
Likelihood = Callable[[Floats], tuple[float, Floats]]


@dataclass(frozen=True, slots=True)
class Fit:
    """Parameters that make the data most likely, and whether they are to be trusted.

    Attributes:
        parameters: by name.
        standard_errors: by name, from the curvature; empty when it did not converge.
        log_likelihood: of all data.
        converged: the slope is flat, the curvature is that of a top, no parameter at the edge.
        why: what is wrong when it did not converge; empty otherwise.
        slope: the largest slope of the mean log-likelihood by the logarithm of a parameter.
        n: of what it was fitted to.
        fingerprint: SHA-256 of the data in their order.
    """

    parameters: dict[str, float]
    standard_errors: dict[str, float]
    log_likelihood: float
    converged: bool
    why: str
    slope: float
    n: float
    fingerprint: str


def fit(
    names: Sequence[str],
    likelihood: Likelihood,
    starts: Sequence[Sequence[float]],
    n: float,
    fingerprint: str,
    *,
    of_some: Likelihood | None = None,
) -> Fit:
    """The best end of several starts, polished by Newton's steps.

    Args:
        likelihood: of the logarithms of the parameters.
        of_some: the same of a part of the data, to find out which starts are worth following.
        starts: parameters, not their logarithms.
        n: observations behind the mean.
    """
    down = _downhill(likelihood)
    begins = [np.log(np.asarray(start, dtype=np.float64)) for start in starts]
    if of_some is None:
        at, why, curvature = _top(names, down, begins)
    else:
        at, why, curvature = _top(names, down, _worth_following(_downhill(of_some), down, begins))
        if why:  # a part may lead astray: every start gets its turn
            at, why, curvature = _top(names, down, [at, *begins])
    value, slope = down(at)
    errors = {} if why else _errors(names, at, curvature, n)
    return Fit(
        dict(zip(names, np.exp(at).tolist(), strict=True)),
        errors,
        -value * n,
        not why,
        why,
        float(np.abs(slope).max()),
        n,
        fingerprint,
    )


def fingerprint_of(*columns: Floats) -> str:
    """SHA-256 of columns of numbers, of their values and their order."""
    made = hashlib.sha256()
    for column in columns:
        made.update(len(column).to_bytes(8, "little"))
        made.update(np.ascontiguousarray(column, dtype="<f8").tobytes())
    return made.hexdigest()


def _downhill(likelihood: Likelihood) -> Likelihood:
    def down(at: Floats) -> tuple[float, Floats]:
        value, slope = likelihood(at)
        if not (np.isfinite(value) and np.isfinite(slope).all()):
            return 1e10, np.zeros(len(at))
        return -value, -slope

    return down


def _top(
    names: Sequence[str], down: Likelihood, begins: Sequence[Floats]
) -> tuple[Floats, str, Floats]:
    """The best end, what is wrong with it, and the curvature there."""
    ends = [minimise(down, begin, EDGE) for begin in begins]
    at = _polished(down, min(ends, key=lambda end: end.value).at)
    curvature = _curvature(down, at)
    return at, _doubt(names, at, down(at)[1], curvature), curvature


def _worth_following(some: Likelihood, down: Likelihood, begins: list[Floats]) -> list[Floats]:
    """Where a part of the data leads, the best by all of them first, each place once, at most two.

    What ran to the edge may not do so with all of the data: it is taken back a little.
    """
    ends = [np.clip(minimise(some, begin, EDGE).at, 3 - EDGE, EDGE - 3) for begin in begins]
    ends.sort(key=lambda end: down(end)[0])
    others = [end for end in ends[1:] if np.abs(end - ends[0]).max() > 0.05]
    return [ends[0], *others[:1]]


def _polished(down: Likelihood, at: Floats) -> Floats:
    value, slope = down(at)
    for _ in range(_STEPS):
        if np.abs(slope).max() < _FLAT or np.abs(at).max() > EDGE - 1:
            break
        curvature = _curvature(down, at)
        if np.linalg.eigvalsh(curvature).min() <= 0:
            break
        step = np.linalg.solve(curvature, slope)
        longest = float(np.abs(step).max())
        nearer = at - step * min(1.0, 0.5 / longest)
        new_value, new_slope = down(nearer)
        if new_value > value + 1e-12 or np.abs(new_slope).max() >= np.abs(slope).max():
            break
        at, value, slope = nearer, new_value, new_slope
    return at


def _curvature(down: Likelihood, at: Floats, by: float = 1e-4) -> Floats:
    """The second derivatives, as differences of the slope."""
    sides = np.eye(len(at)) * by
    rows = np.array([(down(at + side)[1] - down(at - side)[1]) / (2 * by) for side in sides])
    made: Floats = (rows + rows.T) / 2
    return made


def _doubt(names: Sequence[str], at: Floats, slope: Floats, curvature: Floats) -> str:
    outside = [name for name, each in zip(names, at, strict=True) if abs(each) > EDGE - 1]
    if outside:
        return f"{', '.join(outside)} ran to the edge: the data do not tell the parameters apart"
    if float(np.abs(slope).max()) > 1e-5:
        return f"the slope is still {float(np.abs(slope).max()):.1e}"
    if np.linalg.eigvalsh(curvature).min() <= 1e-9:
        return "the top is flat: other parameters are as likely"
    return ""


def _errors(names: Sequence[str], at: Floats, curvature: Floats, n: float) -> dict[str, float]:
    spread = np.sqrt(np.diag(np.linalg.inv(curvature)) / n) * np.exp(at)
    return dict(zip(names, spread.tolist(), strict=True))
