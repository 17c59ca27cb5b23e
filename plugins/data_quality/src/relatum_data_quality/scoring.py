"""How complete, how fresh and how good records are. Pure.

Definitions: completeness is the weight of known, unexpired fields ÷ all weights; freshness of a
field 0.5^(days since it was verified ÷ half-life); the index .30 completeness + .20 validity + .20
uniqueness + .20 freshness + .10 consistency, from 0 to 100.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

import msgspec

from relatum.api import Customer

if TYPE_CHECKING:
    from relatum_data_quality.rules.types import Known

POINTS = ("phone", "email", "address")
WEIGHTS = {"phone": 3.0, "email": 2.0, "name": 2.0, "address": 1.0, "birth": 1.0, "need": 1.0}
#: Days.
HALF_LIVES = {"phone": 365.0, "email": 365.0, "address": 730.0, "need": 180.0}
SHARES = {
    "completeness": 0.30,
    "validity": 0.20,
    "uniqueness": 0.20,
    "freshness": 0.20,
    "consistency": 0.10,
}


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """Shares from 0 to 1 of one customer, or the means of many."""

    completeness: float
    validity: float
    uniqueness: float
    freshness: float
    consistency: float

    def index(self, shares: Mapping[str, float] = SHARES) -> float:
        """The index from 0 to 100."""
        values: dict[str, float] = msgspec.structs.asdict(self)
        return 100 * sum(part * values[name] for name, part in shares.items())


def completeness(known: Collection[str], weights: Mapping[str, float]) -> float:
    """The weight of what is known ÷ all weights; 1 when nothing is wanted."""
    total = sum(weights.values())
    return sum(w for field, w in weights.items() if field in known) / total if total else 1.0


def freshness(days: float, half_life: float) -> float:
    """From 1 on the day of verification, half of it after each half-life (days)."""
    return float(0.5 ** (max(days, 0) / half_life))


def verified_at(customer: Customer, field: str, known: Known) -> dt.datetime | None:
    """When a field was last verified or written; ``None`` when it is empty.

    A value that nobody verified counts from when it was written, at the earliest the customer's
    own beginning.
    """
    times = [known.verified[key]] if (key := (customer.id, field)) in known.verified else []
    if field in POINTS:
        points = [p for p in customer.contact_points if p.kind == field]
        if not points:
            return None
        times += [p.verified_at for p in points if p.verified_at is not None]
    elif (field == "need" and not customer.fields.get(known.need_field)) or (
        field == "birth" and not customer.fields.get(known.birth_field)
    ):
        return None
    return max([*times, customer.created_at])


def fields_known(customer: Customer, known: Known) -> set[str]:
    """The fields that have a value."""
    found = {p.kind for p in customer.contact_points}
    if customer.display_name:
        found.add("name")
    for field, key in (("birth", known.birth_field), ("need", known.need_field)):
        if customer.fields.get(key) not in (None, ""):
            found.add(field)
    # Fields of rules that a company made for itself are called so.
    found |= {f"field:{key}" for key, held in customer.fields.items() if held not in (None, "")}
    return found


def score(
    customer: Customer,
    flawed: Collection[tuple[str, str]],
    known: Known,
    weights: Mapping[str, float] = WEIGHTS,
) -> Score:
    """The score of one customer.

    Args:
        flawed: dimension and field of what rules found (and nobody accepted).
    """
    wanted = {f: w for f, w in weights.items() if f != "birth" or customer.kind == "person"}
    there = fields_known(customer, known) & wanted.keys()
    fresh = {field: _fresh(customer, field, known) for field in there}
    unexpired = {field for field in there if fresh[field] >= known.expired_below}
    missing = {field for dimension, field in flawed if dimension == "completeness"}
    # A placeholder in place of a name is no name.
    full = unexpired - (missing & {"name"})
    bad = {field for dimension, field in flawed if dimension == "validity"}
    dimensions = {dimension for dimension, _ in flawed}
    weight = sum(wanted[field] for field in there)
    return Score(
        completeness=completeness(full, wanted),
        validity=1 - sum(wanted[f] for f in there & bad) / weight if weight else 1.0,
        uniqueness=0.0 if "uniqueness" in dimensions else 1.0,
        freshness=sum(fresh[f] * wanted[f] for f in there) / weight if weight else 0.0,
        consistency=0.0 if "consistency" in dimensions else 1.0,
    )


def _fresh(customer: Customer, field: str, known: Known) -> float:
    half_life = known.half_lives.get(field)
    at = verified_at(customer, field, known)
    if not half_life or at is None:
        return 1.0
    return freshness((known.today - at.date()).days, half_life)
