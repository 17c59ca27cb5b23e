"""With whom something is not over: open deals keep a schedule from erasing somebody."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from relatum.api import OpenBusiness, Plugin, Text

_DEALS = (
    "SELECT d.customer_id, count(*) FROM sales_pipeline_deal d "
    "JOIN sales_pipeline_stage s ON s.id = d.stage_id "
    "WHERE s.outcome = 'open' AND d.customer_id IN ({}) GROUP BY d.customer_id"
)


async def open_deals(plugin: Plugin, customers: Sequence[UUID]) -> list[OpenBusiness]:
    """Customers with open deals, and how many they are."""
    rows = await plugin.house.db.fetch_in(_DEALS, customers)
    return [OpenBusiness(customer=id, text=_deals(number)) for id, number in rows]


def _deals(number: int) -> Text:
    english = "1 open deal" if number == 1 else f"{number} open deals"
    return Text(en=english, vi=f"{number} cơ hội đang mở")
