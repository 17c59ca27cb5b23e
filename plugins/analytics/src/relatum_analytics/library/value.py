"""What customers get: value against the competitor, attributes that please, gaps, drivers."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import factorial

import numpy as np
import numpy.typing as npt

from relatum_analytics.library.arrays import Floats, counts, floats, positive, same_length, shares
from relatum_analytics.library.results import Lack, NotEnough

#: LMG asks every subset of the drivers.
MOST_DRIVERS = 12


@dataclass(frozen=True, slots=True)
class CustomerValue:
    """Against the competitor; 1 is as good.

    Attributes:
        own, competitor: weighted quality.
        quality, price: own ÷ competitor's.
        value: quality and satisfaction with the price weighted together, own ÷ competitor's.
    """

    own: float
    competitor: float
    quality: float
    price: float
    value: float


@dataclass(frozen=True, slots=True)
class EconomicValue:
    """Minor units.

    Attributes:
        value: the reference price and what differs.
        surplus: what the customer keeps.
        created: value above the reference price.
        to_customer: surplus ÷ created.
    """

    value: int
    surplus: int
    created: int
    to_customer: float | NotEnough


@dataclass(frozen=True, slots=True)
class Kano:
    """``better``: how much having it pleases; ``worse``: how much lacking it annoys, below 0."""

    better: float
    worse: float
    n: int


@dataclass(frozen=True, slots=True)
class Gaps:
    """Perceived less expected, by dimension and weighted."""

    gaps: Floats
    weighted: float


@dataclass(frozen=True, slots=True)
class Drivers:
    """``r_squared`` of all drivers, and the part of each (they add up to 1)."""

    r_squared: float
    shares: Floats


def customer_value(
    weights: npt.ArrayLike,
    own: npt.ArrayLike,
    competitor: npt.ArrayLike,
    *,
    own_price: float,
    competitor_price: float,
    quality_weight: float,
) -> CustomerValue:
    """Customer value analysis (Gale, *Managing Customer Value*, 1994).

    Args:
        weights: of the attributes, adding up to 1.
        own, competitor: perceived quality of each attribute.
        own_price, competitor_price: satisfaction with the price.
        quality_weight: of quality, the rest is of price.
    """
    w, us, them = _weights(weights), positive(own, "own"), positive(competitor, "competitor")
    same_length(weights=w, own=us, competitor=them)
    part = float(shares(quality_weight, "quality weight"))
    price = float(positive(own_price, "price") / positive(competitor_price, "price"))
    ours, theirs = float(w @ us), float(w @ them)
    quality = ours / theirs
    mine, other = (
        part * level + (1 - part) * float(satisfied)
        for level, satisfied in ((ours, own_price), (theirs, competitor_price))
    )
    return CustomerValue(ours, theirs, quality, price, mine / other)


def economic_value(
    reference: int, positive_differences: int, negative_differences: int, price: int
) -> EconomicValue:
    """Reference price + what is better − what is worse (Nagle, *Strategy of Pricing*).

    All in minor units and at least 0.
    """
    counts([reference, positive_differences, negative_differences, price], "amounts")
    created = positive_differences - negative_differences
    value = reference + created
    short = NotEnough("no value above the reference", (Lack("value created", created, 1),))
    to_customer = (value - price) / created if created > 0 else short
    return EconomicValue(value, value - price, created, to_customer)


def engagement_value(
    lifetime: npt.ArrayLike,
    referrals: npt.ArrayLike,
    attributable: npt.ArrayLike,
    value_of_referred: npt.ArrayLike,
    influence: npt.ArrayLike,
    knowledge: npt.ArrayLike,
) -> Floats:
    """Lifetime + referral + influence + knowledge value (Kumar et al. 2010), minor units.

    Referral value is referrals × the part of them that is owed to the customer × what one brings.
    """
    referral = (
        floats(referrals, "referrals")
        * shares(attributable, "attributable")
        * floats(value_of_referred, "value of referred")
    )
    made: Floats = (
        floats(lifetime, "lifetime")
        + referral
        + floats(influence, "influence")
        + floats(knowledge, "knowledge")
    )
    return made


def kano(attractive: int, one_dimensional: int, must_be: int, indifferent: int) -> Kano | NotEnough:
    """``(A+O)/(A+O+M+I)`` and ``−(O+M)/(A+O+M+I)`` (Berger et al. 1993)."""
    given = counts([attractive, one_dimensional, must_be, indifferent], "answers")
    n = int(given.sum())
    if n == 0:
        return NotEnough("no answers", (Lack("answers", 0, 1),))
    return Kano((attractive + one_dimensional) / n, -(one_dimensional + must_be) / n, n)


def servqual(expected: npt.ArrayLike, perceived: npt.ArrayLike, weights: npt.ArrayLike) -> Gaps:
    """Perception less expectation by dimension (Parasuraman, Zeithaml & Berry 1988)."""
    e, p, w = floats(expected, "expected"), floats(perceived, "perceived"), _weights(weights)
    same_length(expected=e, perceived=p, weights=w)
    gaps: Floats = p - e
    return Gaps(gaps, float(w @ gaps))


def key_drivers(between: npt.ArrayLike, with_outcome: npt.ArrayLike) -> Drivers:
    """What each driver adds to R², averaged over all orders (Lindeman, Merenda & Gold 1980).

    Args:
        between: correlations of the drivers with each other.
        with_outcome: correlation of each driver with the outcome.

    Raises:
        ValueError: there are too many drivers, or they are no correlations of real data.
    """
    matrix, r = floats(between, "between"), floats(with_outcome, "with the outcome")
    k = len(r)
    if not 1 <= k <= MOST_DRIVERS or matrix.shape != (k, k):
        raise ValueError(f"expected k × k and 1 to {MOST_DRIVERS} drivers, got {matrix.shape}, {k}")
    if not np.allclose(matrix, matrix.T) or np.linalg.eigvalsh(matrix).min() <= 1e-10:
        raise ValueError("expected correlations of which none follows from others; leave one out")
    explained = _explained(matrix, r)
    added = np.array([_average_gain(explained, driver, k) for driver in range(k)])
    whole = explained[(1 << k) - 1]
    if not 0 < whole <= 1 + 1e-9:
        raise ValueError(
            f"expected R² above 0 and at most 1, got {whole}; look at the correlations"
        )
    return Drivers(whole, added / whole)


def _explained(matrix: Floats, r: Floats) -> dict[int, float]:
    """R² of every subset of the drivers, by the bits of its members."""
    found = {0: 0.0}
    for size in range(1, len(r) + 1):
        for some in map(list, combinations(range(len(r)), size)):
            solved = np.linalg.solve(matrix[np.ix_(some, some)], r[some])
            found[sum(1 << each for each in some)] = float(r[some] @ solved)
    return found


def _average_gain(explained: dict[int, float], driver: int, k: int) -> float:
    bit, total = 1 << driver, 0.0
    for others in (each for each in explained if not each & bit):
        size = others.bit_count()
        orders = factorial(size) * factorial(k - 1 - size)
        total += orders * (explained[others | bit] - explained[others])
    return total / factorial(k)


def _weights(weights: npt.ArrayLike) -> Floats:
    w = shares(weights, "weights")
    if abs(float(w.sum()) - 1) > 1e-9:
        raise ValueError(f"expected weights that add up to 1, got {w.sum()}; normalise them")
    return w
