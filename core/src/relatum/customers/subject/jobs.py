"""Core's jobs about handing people their data."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import TYPE_CHECKING, Any

from relatum.customers.subject.service import CALLED_OFF, WRITE, SubjectWork
from relatum.hooks.checks import CORE_PRIORITY
from relatum.hooks.declarations import Job, Retry
from relatum.values.text import Text

if TYPE_CHECKING:
    from relatum.hooks.context import Plugin
    from relatum.jobs.types import Run


async def _write(plugin: Plugin, run: Run[SubjectWork]) -> None:
    house: Any = plugin.house  # the whole one: these are core's own jobs
    try:
        await house.subjects.write(run.args.export, run.report)
    except asyncio.CancelledError:
        if run.cancelled:
            await house.subjects.give_up(run.args.export, CALLED_OFF)
        raise


async def _sweep(plugin: Plugin, run: Run[None]) -> None:
    house: Any = plugin.house
    await house.subjects.sweep()


JOBS = [
    # what fails is told with the request; runs are repeated only after a crash
    Job(
        id=WRITE,
        title=Text(en="Write what is held about a person", vi="Ghi tệp hồ sơ của một khách hàng"),
        run=_write,
        args=SubjectWork,
        timeout=dt.timedelta(hours=2),
        retry=Retry(attempts=1),
        at_once=1,
    ),
    Job(
        id="core.sweep_subject_exports",
        title=Text(
            en="Delete files of personal data whose time has come",
            vi="Xoá các tệp hồ sơ đã hết hạn",
        ),
        run=_sweep,
        every=dt.timedelta(minutes=10),
        priority=CORE_PRIORITY,
    ),
]
