"""What a measure answers with: rates with their n, exact money, or why there is no answer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from operator import index

import numpy as np
import numpy.typing as npt

from relatum_analytics.library.arrays import Floats, Ints, counts, floats, same_length, whole
from relatum_analytics.library.special import normal_quantile

LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Lack:
    """One thing there is too little of: how much there is, and how much is needed."""

    what: str
    have: float
    need: float


@dataclass(frozen=True, slots=True)
class NotEnough:
    """There is no answer.

    Attributes:
        reason: an identifier, for the text that a person is shown.
        missing: what there is too little of; empty when the reason says all.
    """

    reason: str
    missing: tuple[Lack, ...] = ()


@dataclass(frozen=True, slots=True)
class Interval:
    """From low to high; ``method`` is how it was found."""

    low: float
    high: float
    method: str
    level: float = LEVEL


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of things counted, with Wilson's interval.

    Attributes:
        numerator, denominator: whole numbers, numerator ≤ denominator.
        n: of what was counted; the denominator.
    """

    numerator: int
    denominator: int
    n: int
    interval: Interval

    @property
    def value(self) -> float:
        return self.numerator / self.denominator


@dataclass(frozen=True, slots=True)
class Ratio:
    """A quotient of two sums over n things, such as sales of some to sales of all.

    Attributes:
        interval: ``None`` when only the sums are known, or of one thing alone.
    """

    numerator: float
    denominator: float
    n: int
    interval: Interval | None

    @property
    def value(self) -> float:
        return self.numerator / self.denominator


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number from n things, with its standard error and interval."""

    value: float
    standard_error: float
    n: int
    interval: Interval


@dataclass(frozen=True, slots=True)
class Money:
    """Whole minor units of a currency (dong has no smaller ones, a dollar has cents)."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.minor) is not int:
            raise TypeError(
                f"expected whole minor units, got {self.minor!r}; round to the unit first"
            )
        if not (len(self.currency) == 3 and self.currency.isascii() and self.currency.isupper()):
            raise ValueError(f"expected a code such as VND, got {self.currency!r}; see ISO 4217")

    def __add__(self, other: Money) -> Money:
        if other.currency != self.currency:
            raise ValueError(
                f"expected {self.currency}, got {other.currency}; convert before adding"
            )
        return Money(self.minor + other.minor, self.currency)


@lru_cache
def two_sided(level: float) -> float:
    """How many standard errors reach to both ends of an interval of the normal distribution."""
    if not 0 < level < 1:
        raise ValueError(f"expected a level between 0 and 1, got {level}; 95 % is 0.95")
    return normal_quantile(0.5 + level / 2)


def wilson(numerator: int, denominator: int, level: float = LEVEL) -> Interval:
    """The score interval of a share (Wilson 1927); within 0 and 1, and around the share."""
    z, n = two_sided(level), denominator
    p = numerator / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    low = 0.0 if numerator == 0 else min(max(middle - half, 0.0), p)
    high = 1.0 if numerator == n else max(min(middle + half, 1.0), p)
    return Interval(low, high, "wilson", level)


def rate(numerator: int, denominator: int, *, of: str = "cases") -> Rate | NotEnough:
    """So many of so many; of none there is no rate.

    Raises:
        ValueError: a number is negative, or the part is more than the whole.
        TypeError: a number is not whole; a quotient of sums is a :func:`ratio`.
    """
    numerator, denominator = index(numerator), index(denominator)
    if not 0 <= numerator <= denominator:
        raise ValueError(
            f"expected 0 ≤ part ≤ whole, got {numerator} of {denominator} {of}; count them anew"
        )
    if denominator == 0:
        return NotEnough(f"no {of}", (Lack(of, 0, 1),))
    return Rate(numerator, denominator, denominator, wilson(numerator, denominator))


def ratio(parts: npt.ArrayLike, wholes: npt.ArrayLike, *, of: str = "cases") -> Ratio | NotEnough:
    """``Σ parts ÷ Σ wholes`` over things that are alike, one of each column for every thing.

    The interval is that of the ratio estimator by linearisation (Cochran, *Sampling Techniques*,
    1977, 6.4) with z, fair from about thirty things on.
    """
    y, x = floats(parts, "parts"), floats(wholes, "wholes")
    n = same_length(parts=y, wholes=x)
    if n == 0:
        return NotEnough(f"no {of}", (Lack(of, 0, 1),))
    top, bottom = math.fsum(y), math.fsum(x)
    if bottom <= 0:
        return NotEnough(f"the whole of the {of} is not above zero", (Lack("whole", bottom, 1),))
    return Ratio(top, bottom, n, _linearised(y, x, top / bottom) if n > 1 else None)


def quotient(numerator: float, denominator: float, n: int, *, of: str) -> Ratio | NotEnough:
    """Two sums of which nothing else is known; there is no interval."""
    if n < 1 or denominator <= 0:
        return NotEnough(f"no {of}", (Lack(of, min(n, denominator), 1),))
    return Ratio(numerator, denominator, n, None)


def mean(values: Floats, *, of: str) -> Estimate | NotEnough:
    """The average, with the interval of the normal distribution."""
    n = len(values)
    if n < 2:
        return NotEnough(f"too few {of}", (Lack(of, n, 2),))
    error = float(values.std(ddof=1)) / math.sqrt(n)
    return estimate(math.fsum(values) / n, error, n)


def estimate(value: float, standard_error: float, n: int) -> Estimate:
    """A number with the interval of the normal distribution around it."""
    half = two_sided(LEVEL) * standard_error
    return Estimate(value, standard_error, n, Interval(value - half, value + half, "normal"))


def need(have: dict[str, float], least: dict[str, float], reason: str) -> NotEnough | None:
    """What there is too little of, or nothing when there is enough of everything."""
    lacks = tuple(Lack(what, have[what], some) for what, some in least.items() if have[what] < some)
    return NotEnough(reason, lacks) if lacks else None


def exact_sum(amounts: npt.ArrayLike) -> int:
    """The sum of whole numbers, however large."""
    values = whole(amounts, "amounts")
    if _bits(values) + max(values.size, 1).bit_length() < 63:
        return int(values.sum())
    return sum(values.ravel().tolist())


def allocate(total: int, weights: npt.ArrayLike) -> Ints:
    """Whole parts in proportion to the weights that add up to the total, by largest remainder.

    Of equal remainders the first gets more. A negative total is shared like its opposite.

    Args:
        weights: whole numbers of at least 0 of which one is above 0.
    """
    shares = counts(weights, "weights")
    whole_weight = exact_sum(shares)
    if shares.ndim != 1 or whole_weight == 0:
        raise ValueError("expected a weight above 0, got none; there is nobody to share with")
    sign, amount = (-1 if total < 0 else 1), abs(int(total))
    if amount.bit_length() + _bits(shares) < 63 and whole_weight.bit_length() < 63:
        products, divisor = shares * amount, np.int64(whole_weight)
        parts, rests = products // divisor, products % divisor
    else:
        exact = shares.astype(object) * amount
        parts, rests = exact // whole_weight, exact % whole_weight
    left = amount - sum(parts.tolist())
    order = np.argsort(-rests, kind="stable")
    parts[order[:left]] += 1
    made: Ints = parts.astype(np.int64)
    return made * np.int64(sign)


def _linearised(y: Floats, x: Floats, value: float) -> Interval:
    n, residual = len(x), y - value * x
    error = math.sqrt(n / (n - 1) * float(residual @ residual)) / math.fsum(x)
    half = two_sided(LEVEL) * error
    return Interval(value - half, value + half, "ratio estimator")


def _bits(values: Ints) -> int:
    return 0 if values.size == 0 else max(int(values.max()), -int(values.min())).bit_length()
