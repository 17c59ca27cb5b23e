"""Work on a schedule; each hands over to the service that does it."""

from __future__ import annotations

import datetime as dt

from relatum.api import Job, Plugin, Run, Text
from relatum_sales_pipeline.services.rotting import Rotting
from relatum_sales_pipeline.services.snapshots import Snapshots


async def tell_rotting_deals(plugin: Plugin, run: Run[None]) -> None:
    """Every morning: which deals rot since yesterday."""
    count = await Rotting(plugin).tell()
    plugin.log.info("%d deals have begun to rot", count)


async def take_snapshot(plugin: Plugin, run: Run[None]) -> None:
    """Every week: the forecast as it stands."""
    count = await Snapshots(plugin).take()
    plugin.log.info("the forecast is put down in %d rows", count)


JOBS = [
    Job(
        id="sales_pipeline.rotting_deals",
        title=Text(en="Find deals that rot", vi="Tìm cơ hội nguội lạnh"),
        run=tell_rotting_deals,
        daily_at="06:30",
    ),
    Job(
        id="sales_pipeline.forecast_snapshot",
        title=Text(en="Put the forecast down", vi="Lưu dự báo"),
        run=take_snapshot,
        every=dt.timedelta(days=7),
    ),
]
