"""Those who serve: quality of their work, how busy they are, what customers solve themselves."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from relatum_analytics.library.arrays import Floats, not_negative, positive, shares
from relatum_analytics.library.results import Lack, NotEnough, Rate, Ratio, rate, ratio


def quality(weights: npt.ArrayLike, marks: npt.ArrayLike) -> Floats:
    """Weighted marks of each reviewed contact, in the unit of the marks.

    Args:
        weights: of the criteria, adding up to 1.
        marks: contacts × criteria.
    """
    w, given = shares(weights, "weights"), not_negative(marks, "marks")
    if abs(float(w.sum()) - 1) > 1e-9 or given.ndim != 2 or given.shape[1] != len(w):
        raise ValueError(
            f"expected weights that add up to 1 and a mark for each, got {w.sum()} and "
            f"{given.shape}; add an axis or normalise"
        )
    made: Floats = given @ w
    return made


def occupancy(busy: npt.ArrayLike, available: npt.ArrayLike) -> Ratio | NotEnough:
    """Time at work on contacts ÷ time there, of each agent or shift in the same unit."""
    worked, there = not_negative(busy, "busy"), positive(available, "available")
    if worked.shape == there.shape and (worked > there).any():
        raise ValueError("expected no more busy time than there was, got more; mend the source")
    return ratio(np.atleast_1d(worked), np.atleast_1d(there), of="shifts")


def deflection(solved_in_community: int, cases: int) -> Rate | NotEnough:
    """Questions solved among customers ÷ those and the cases that came to agents."""
    if solved_in_community < 0 or cases < 0:
        raise ValueError(f"expected counts, got {solved_in_community} and {cases}")
    total = solved_in_community + cases
    if total == 0:
        return NotEnough("no questions", (Lack("questions", 0, 1),))
    return rate(solved_in_community, total, of="questions")
