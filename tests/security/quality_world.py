"""Findings, scores and values from outside in the world: one of each for every customer."""

from __future__ import annotations

from uuid import UUID

from relatum.api import new_id, now
from relatum.app.house import House

#: The rule of the company itself; it belongs to no customer.
OWN_RULE = UUID("01a2070f-3c5e-7a11-9b6d-5d2f60c1e7a4")


async def build_quality(house: House, customers: dict[str, UUID]) -> None:
    """As the night would put them down."""
    moment = now()
    await house.db.insert(
        "data_quality_finding",
        ("id", "customer_id", "rule", "dimension", "severity", "field", "state", "found_at"),
        [
            (new_id(), id, "data_quality.no_birth", "completeness", "note", "birth", "open", moment)
            for id in customers.values()
        ],
    )
    await house.db.insert(
        "data_quality_own_rule",
        ("id", "kind", "field", "title_en", "title_vi", "changed_at"),
        [(OWN_RULE, "required", "point:zalo", "No Zalo", "Chưa có Zalo", moment)],
    )
    await house.db.insert(
        "data_quality_score",
        ("id", "customer_id", "quality", "stale", "incomplete"),
        [(new_id(), id, 50.0, True, True) for id in customers.values()],
    )
    await house.db.insert(
        "data_quality_verification",
        ("id", "customer_id", "field", "at"),
        [(new_id(), id, "phone", moment) for id in customers.values()],
    )
    await house.db.insert(
        "data_quality_proposal",
        ("id", "customer_id", "source", "field", "value", "state", "made_at"),
        [
            (new_id(), id, "list", "point:zalo", "outside", "open", moment)
            for id in customers.values()
        ],
    )
