"""Background work; each job hands over to the service that does it."""

from __future__ import annotations

import msgspec

from relatum.api import Job, Plugin, Run, Text
from relatum_sales_pipeline.services.rotting import ROTTING_DEALS, Rotting
from relatum_sales_pipeline.services.snapshots import Snapshots


class Done(msgspec.Struct):
    """How many deals were told of, or rows put down."""

    count: int


async def tell_rotting_deals(plugin: Plugin, run: Run[None]) -> Done:
    """Every morning, and when the days of a stage change: which deals rot since the last time."""
    return Done(count=await Rotting(plugin).tell())


async def take_snapshot(plugin: Plugin, run: Run[None]) -> Done:
    """Every day, as it begins: the forecast as it stands."""
    return Done(count=await Snapshots(plugin).take())


JOBS = [
    Job(
        id=ROTTING_DEALS,
        title=Text(en="Find deals that rot", vi="Tìm cơ hội nguội lạnh"),
        run=tell_rotting_deals,
        daily_at="06:30",
        at_once=1,
    ),
    Job(
        id="sales_pipeline.forecast_snapshot",
        title=Text(en="Put the forecast down", vi="Lưu dự báo"),
        run=take_snapshot,
        daily_at="00:20",
        at_once=1,
    ),
]
