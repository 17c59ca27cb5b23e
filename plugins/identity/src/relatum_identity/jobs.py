"""Background work; each job hands over to the service that does it."""

from __future__ import annotations

import datetime as dt

from relatum.api import Job, Plugin, Run, Text
from relatum_identity.services.sweeping import Sweeping, Swept

SWEEP = "identity.sweep"
WHOLE = "identity.whole_sweep"


async def sweep(plugin: Plugin, run: Run[None]) -> Swept:
    """Every night: who is likely the same as those who came or changed since."""
    return await Sweeping(plugin).sweep("changed")


async def whole_sweep(plugin: Plugin, run: Run[None]) -> Swept:
    """Every week, and when somebody asks: everybody, and what says how much learned anew."""
    return await Sweeping(plugin).sweep("all")


JOBS = [
    Job(
        id=SWEEP,
        title=Text(en="Look for doubles among what changed", vi="Tìm trùng trong hồ sơ mới đổi"),
        run=sweep,
        daily_at="02:10",
        at_once=1,
        timeout=dt.timedelta(minutes=30),
    ),
    Job(
        id=WHOLE,
        title=Text(en="Look for doubles among all", vi="Tìm trùng trong mọi hồ sơ"),
        run=whole_sweep,
        cron="40 2 * * 0",
        at_once=1,
        timeout=dt.timedelta(minutes=30),
    ),
]
