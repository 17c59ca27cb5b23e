"""Background work; each job hands over to the service that does it."""

from __future__ import annotations

import datetime as dt

from relatum.api import Job, Plugin, Run, Text
from relatum_identity.services.sweeping import Sweeping, Swept

SWEEP = "identity.sweep"


async def sweep(plugin: Plugin, run: Run[None]) -> Swept:
    """Every night, and when somebody asks: who is likely the same as whom."""
    return await Sweeping(plugin).sweep()


JOBS = [
    Job(
        id=SWEEP,
        title=Text(en="Look for doubles", vi="Tìm hồ sơ trùng"),
        run=sweep,
        daily_at="02:10",
        at_once=1,
        timeout=dt.timedelta(minutes=30),
    )
]
