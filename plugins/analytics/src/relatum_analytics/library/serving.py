"""What customers cost, what is left of them, and who carries the others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from relatum_analytics.library.arrays import Floats, Ints, counts, same_length, whole
from relatum_analytics.library.results import Lack, NotEnough, allocate, exact_sum


@dataclass(frozen=True, slots=True)
class Costs:
    """Cost to serve by activities; minor units, and everything adds up to the pools.

    Attributes:
        customers: of each customer, all activities together.
        activities: of each customer and activity.
        unused: of each activity, what the capacity costs that nobody used.
        rates: of each activity, a unit of its driver; for showing.
    """

    customers: Ints
    activities: Ints
    unused: Ints
    rates: Floats


@dataclass(frozen=True, slots=True)
class Whale:
    """Profit cumulated from the best customer to the worst.

    Attributes:
        order: indices of the customers, best first.
        cumulated: minor units.
        peak: the highest point as a share of the total; a NotEnough when there is no total profit.
    """

    order: Ints
    cumulated: Ints
    peak: float | NotEnough


def cost_to_serve(pools: npt.ArrayLike, quantities: npt.ArrayLike, used: npt.ArrayLike) -> Costs:
    """Time-driven activity-based costing (Kaplan & Anderson 2004), exact to the minor unit.

    Args:
        pools: cost of each activity, minor units.
        quantities: of each activity, how many units of its driver the pool pays for.
        used: whole units, a row for each customer and a column for each activity.

    Raises:
        ValueError: customers used more than there was; the quantity must be what was there.
    """
    cost, there, use = counts(pools, "pools"), counts(quantities, "quantities"), counts(used, "use")
    n = same_length(pools=cost, quantities=there)
    if use.ndim != 2 or use.shape[1] != n:
        raise ValueError(f"expected a column of use for each of {n} activities, got {use.shape}")
    left = there - use.sum(axis=0)
    if (left < 0).any() or (there == 0).any():
        raise ValueError(
            "expected quantities above 0 and no less than what customers used, "
            f"got {there.tolist()} and {use.sum(axis=0).tolist()}; count the drivers anew"
        )
    parts = [
        allocate(int(cost[k]), np.append(use[:, k], left[k])) for k in range(n)
    ]  # a loop over activities, of which there are few
    shared = np.column_stack(parts) if parts else np.zeros((len(use) + 1, 0), dtype=np.int64)
    return Costs(shared[:-1].sum(axis=1), shared[:-1], shared[-1], cost / there)


def customer_profit(margin: npt.ArrayLike, cost: npt.ArrayLike) -> Ints:
    """Gross margin less cost to serve, minor units of each customer."""
    earned, spent = whole(margin, "margin"), whole(cost, "cost")
    same_length(margin=earned, cost=spent)
    return earned - spent


def whale(profit: npt.ArrayLike) -> Whale | NotEnough:
    """The curve of cumulated profit; of equal customers the first stays first."""
    money = whole(profit, "profit")
    if len(money) == 0:
        return NotEnough("no customers", (Lack("customers", 0, 1),))
    order = np.argsort(-money, kind="stable").astype(np.int64)
    cumulated = np.cumsum(money[order])
    total = exact_sum(money)
    short = NotEnough("no profit in total", (Lack("profit", total, 1),))
    return Whale(order, cumulated, int(cumulated.max()) / total if total > 0 else short)
