"""On which channel a customer answers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from relatum_analytics.library.arrays import Floats, counts, truths


def affinity(answers: npt.ArrayLike, tries: npt.ArrayLike) -> Floats:
    """``(1 + answers)/(2 + tries)``, the mean of a beta-binomial with a flat prior.

    Args:
        answers, tries: customers × channels, or any shape that both have.
    """
    got, tried = counts(answers, "answers"), counts(tries, "tries")
    if got.shape != tried.shape or (got > tried).any():
        raise ValueError("expected no more answers than tries of the same shape, got others")
    made: Floats = (1 + got) / (2 + tried)
    return made


def preferred(affinities: npt.ArrayLike, stated: npt.ArrayLike) -> Floats:
    """Affinities with the stated choice never below another channel of the customer.

    Args:
        affinities: customers × channels.
        stated: true where the customer chose the channel.
    """
    value, chosen = np.asarray(affinities, dtype=np.float64), truths(stated, "stated")
    if value.ndim != 2 or value.shape != chosen.shape:
        raise ValueError(f"expected customers × channels, got {value.shape} and {chosen.shape}")
    best = value.max(axis=1, keepdims=True)
    return np.where(chosen, best, value)
