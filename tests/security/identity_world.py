"""Likely doubles in the world: some people see only one customer of a pair."""

from __future__ import annotations

from itertools import pairwise
from uuid import UUID

from relatum.app.house import House
from relatum_identity.services.pairs import Found, Pairs


async def build_pairs(house: House, customers: dict[str, UUID]) -> None:
    """Every customer and the next one."""
    plugin = house.registry.plugins["identity"]
    found = [
        Found(
            first=one,
            second=other,
            proposal="review",
            probability=0.5,
            weight=float(place),
            evidence={"phone": ("same", 13.0)},
            rule="another_name",
        )
        for place, (one, other) in enumerate(pairwise(customers.values()))
    ]
    await Pairs(plugin).replace_candidates(found, kind="person")
