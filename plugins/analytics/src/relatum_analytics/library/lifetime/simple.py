"""Lifetime value without a model: what was earned, and what constant rates would give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from relatum_analytics.library.arrays import Floats, Ints, floats, not_negative, same_length, whole

First = Literal["now", "end of the first period"]


@dataclass(frozen=True, slots=True)
class Historic:
    """Minor units, one for each customer.

    Attributes:
        undiscounted: contributions less cost to serve, exact.
        present: the same at the first month, rounded to the unit.
    """

    undiscounted: Ints
    present: Ints


def historic(
    customer: npt.ArrayLike,
    contribution: npt.ArrayLike,
    month: npt.ArrayLike,
    *,
    customers: int,
    monthly_rate: float,
) -> Historic:
    """What each customer brought; cost to serve is given as negative contributions.

    Args:
        customer: index of the customer, 0 to ``customers`` - 1, one for each order or cost.
        contribution: minor units.
        month: whole months since the moment at which the present value is taken.
        monthly_rate: 0.01 is one per cent a month.
    """
    who, money = whole(customer, "customer"), whole(contribution, "contribution")
    when = not_negative(month, "month")
    same_length(customer=who, contribution=money, month=when)
    if len(who) and not 0 <= who.min() <= who.max() < customers:
        raise ValueError(f"expected customers 0 to {customers - 1}, got {who.min()} to {who.max()}")
    if monthly_rate <= -1:
        raise ValueError(f"expected a rate above -1, got {monthly_rate}; 1 % is 0.01")
    total = np.zeros(customers, dtype=np.int64)
    np.add.at(total, who, money)
    discounted = np.bincount(who, money * (1 + monthly_rate) ** -when, minlength=customers)
    return Historic(total, np.rint(discounted).astype(np.int64))


def constant(
    margin: npt.ArrayLike,
    retention: npt.ArrayLike,
    discount: npt.ArrayLike,
    *,
    first: First = "now",
) -> Floats:
    """Lifetime value if margin and retention never changed.

    ``m(1+d)/(1+d−r)`` with the first margin now, ``m·r/(1+d−r)`` with the first one at the end of
    the first period, from those who stayed.

    Args:
        margin: of a period, minor units.
        retention: of a period, 0 to 1.
        discount: of a period; above 0 where retention is 1.
    """
    m, r, d = floats(margin, "margin"), not_negative(retention, "retention"), floats(discount, "d")
    if (r > 1).any() or (1 + d - r <= 0).any():
        raise ValueError(
            f"expected retention of at most 1 and below 1 + discount, got {r.max()}; "
            "who never leaves is worth something finite only when discounted"
        )
    earned: Floats = m * ((1 + d) if first == "now" else r) / (1 + d - r)
    return earned
