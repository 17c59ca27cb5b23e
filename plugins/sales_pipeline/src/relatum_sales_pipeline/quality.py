"""What may be wrong with deals, for the queue of data quality."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from relatum.api import Customer, Plugin, QualityRule, Text, local_day, now

_OPEN = (
    "SELECT d.customer_id, d.id FROM sales_pipeline_deal d "
    "JOIN sales_pipeline_stage s ON s.id = d.stage_id "
    "WHERE s.outcome = 'open' AND d.customer_id IN ({})"
)


async def close_passed(plugin: Plugin, customers: Sequence[Customer]) -> Mapping[UUID, str]:
    """Those with an open deal whose expected close has passed."""
    today = local_day(now(), plugin.house.settings.company.time_zone)
    return await _deals(plugin, customers, "d.expected_close < ?", today)


async def close_unknown(plugin: Plugin, customers: Sequence[Customer]) -> Mapping[UUID, str]:
    """Those with an open deal that has no expected close."""
    return await _deals(plugin, customers, "d.expected_close IS NULL")


async def _deals(
    plugin: Plugin, customers: Sequence[Customer], condition: str, *params: Any
) -> dict[UUID, str]:
    rows = await plugin.house.db.fetch_in(
        f"{_OPEN} AND {condition} ORDER BY d.id", [each.id for each in customers], *params
    )
    found: dict[UUID, str] = {}
    for customer, deal in rows:
        found[customer] = f"{found.get(customer, '')} {deal}".strip()
    return found


QUALITY_RULES = [
    QualityRule(
        id="sales_pipeline.close_passed",
        title=Text(en="Open deal past its expected close", vi="Cơ hội quá ngày dự kiến chốt"),
        why=Text(
            en="The forecast counts on it. Close it, or give it a new date.",
            vi="Dự báo đang tính cả cơ hội này. Hãy đóng hoặc đặt ngày mới.",
        ),
        dimension="freshness",
        find=close_passed,
        field="deal",
    ),
    QualityRule(
        id="sales_pipeline.close_unknown",
        title=Text(en="Open deal without expected close", vi="Cơ hội chưa có ngày dự kiến chốt"),
        why=Text(
            en="No forecast can count on it. Give it a date.",
            vi="Không thể đưa vào dự báo. Hãy đặt ngày dự kiến.",
        ),
        dimension="completeness",
        severity="note",
        find=close_unknown,
        field="deal",
    ),
]
