"""What the sales pipeline puts on dashboards."""

from __future__ import annotations

from typing import Any

from relatum.api import Plugin, Text, Visit, Widget
from relatum_sales_pipeline.permissions import DEALS_READ
from relatum_sales_pipeline.services.deals import Deals
from relatum_sales_pipeline.types.deals import DealQuery

MOST_ROTTING = 6


async def rotting(plugin: Plugin, visit: Visit) -> dict[str, Any]:
    """Open deals for which nothing happened for too long, the oldest first."""
    query = DealQuery(rotting=True, sort="stage_since", limit=MOST_ROTTING)
    return {"deals": (await Deals(plugin).find(query)).items}


WIDGETS = [
    Widget(
        id="sales_pipeline.won",
        title=Text(en="Value won", vi="Giá trị thắng"),
        permission=DEALS_READ,
        metric="sales_pipeline.amount_won",
        chart="bars",
        icon="trophy",
        order=40,
        width=2,
        shown=True,
    ),
    Widget(
        id="sales_pipeline.won_count",
        title=Text(en="Deals won", vi="Cơ hội thắng"),
        permission=DEALS_READ,
        metric="sales_pipeline.deals_won",
        icon="trophy",
        order=15,
    ),
    Widget(
        id="sales_pipeline.expected",
        title=Text(
            en="Open pipeline by expected close", vi="Giá trị đang mở theo ngày dự kiến chốt"
        ),
        permission=DEALS_READ,
        metric="sales_pipeline.amount_expected",
        chart="bars",
        icon="target",
        order=60,
        width=2,
    ),
    Widget(
        id="sales_pipeline.rotting",
        title=Text(en="Deals that wait", vi="Cơ hội bị bỏ quên"),
        permission=DEALS_READ,
        template="sales_pipeline/rotting.html",
        load=rotting,
        icon="clock",
        order=50,
        width=2,
        shown=True,
    ),
]
