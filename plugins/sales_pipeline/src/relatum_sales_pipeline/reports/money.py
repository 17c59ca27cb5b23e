"""Minor units as the numbers people expect: USD 105400 is 1054, USD 105450 is 1054.5."""

from __future__ import annotations

from decimal import Decimal

from relatum.api import exponent

Number = int | float


def major(amount: int, currency: str) -> Number:
    """An amount in the currency's major unit: a whole number where it is one.

    Other amounts come as the float nearest to the exact decimal, which prints as that decimal up
    to 15 digits. Sums are made in minor units, before.
    """
    places = exponent(currency)
    unit: int = 10**places
    if amount % unit == 0:
        return amount // unit
    return float(Decimal(amount).scaleb(-places))
