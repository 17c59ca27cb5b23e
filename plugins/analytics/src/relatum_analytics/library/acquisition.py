"""What new customers cost, when they have paid for it, and what all of them are worth."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy.typing as npt

from relatum_analytics.library.arrays import floats
from relatum_analytics.library.results import Lack, NotEnough, Ratio, quotient


@dataclass(frozen=True, slots=True)
class Payback:
    """Months until a customer has earned what it cost to win them, at a constant contribution."""

    months: float
    n: int
    assumption: str = "constant contribution"


def cac(spend: int, customers: int) -> Ratio | NotEnough:
    """Cost of winning a customer, minor units: spend ÷ customers won with it."""
    if spend < 0 or customers < 0:
        raise ValueError(f"expected numbers of at least 0, got {spend} and {customers}")
    return quotient(spend, customers, customers, of="customers won")


def payback(cost: Ratio, monthly_contribution: float) -> Payback | NotEnough:
    """Cost of winning a customer ÷ what one brings each month."""
    if monthly_contribution <= 0:
        return NotEnough(
            "customers bring nothing", (Lack("contribution", monthly_contribution, 1),)
        )
    return Payback(cost.value / monthly_contribution, cost.n)


def ltv_cac(lifetime_value: float, cost: Ratio) -> Ratio | NotEnough:
    """Lifetime value ÷ cost of winning a customer."""
    if cost.value <= 0:
        return NotEnough("winning customers cost nothing", (Lack("cost", cost.value, 1),))
    return quotient(lifetime_value, cost.value, cost.n, of="customers won")


def customer_equity(residual_values: npt.ArrayLike) -> float:
    """The sum of what customers are expected to bring yet, minor units."""
    return math.fsum(floats(residual_values, "values").ravel())


def return_on_customer(
    cash: float, before: float, after: float, customers: int
) -> Ratio | NotEnough:
    """(Cash from customers in a period + growth of their equity) ÷ equity at its start.

    After Peppers & Rogers, *Return on Customer* (2005).
    """
    return quotient(cash + after - before, before, customers, of="customers")
