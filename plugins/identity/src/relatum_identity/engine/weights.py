"""Weights of evidence after Fellegi and Sunter, and what they make of a prior.

Fellegi, I. P. and Sunter, A. B. (1969), "A theory for record linkage", JASA 64, 1183-1210.
All weights are in bits.
"""

from __future__ import annotations

import math


def agreement(m: float, u: float) -> float:
    """Bits for a field that agrees.

    Args:
        m: how often the field agrees in records of one person, above 0 up to 1.
        u: how often it agrees in records of two people, above 0 up to 1.
    """
    _check(m, u)
    return math.log2(m / u)


def disagreement(m: float, u: float) -> float:
    """Bits (mostly below zero) for a field that is known in both records and differs."""
    _check(1 - m, 1 - u)
    return math.log2((1 - m) / (1 - u))


def posterior(weight: float, prior: float) -> float:
    """The probability of one person, from the summed weight in bits and the probability before.

    ``posterior(0, p) == p``. A field that is missing adds nothing to ``weight``.
    """
    if not 0 < prior < 1:
        raise ValueError(f"expected a prior between 0 and 1, got {prior}")
    odds_in_bits = weight + math.log2(prior / (1 - prior))
    if odds_in_bits > 0:
        return 1 / (1 + 2**-odds_in_bits) if odds_in_bits < 1_000 else 1.0
    return 2**odds_in_bits / (1 + 2**odds_in_bits) if odds_in_bits > -1_000 else 0.0


def _check(match: float, chance: float) -> None:
    if not (0 < match <= 1 and 0 < chance <= 1):
        raise ValueError(
            f"expected probabilities above 0 and up to 1, got {match} and {chance}: "
            "a field that never or always agrees has no finite weight"
        )
