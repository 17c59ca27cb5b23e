"""Core's jobs about data in and out: exports are written, imports done, old files deleted."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import TYPE_CHECKING, Any

from relatum.hooks.checks import CORE_PRIORITY
from relatum.hooks.declarations import Job, Retry
from relatum.importing.exports.service import CALLED_OFF, WRITE, ExportWork
from relatum.importing.requests.service import CALLED_OFF as IMPORT_CALLED_OFF
from relatum.importing.requests.service import WORK, ImportWork
from relatum.values.text import Text

if TYPE_CHECKING:
    from relatum.hooks.context import Plugin
    from relatum.jobs.types import Run

#: What fails is told with the export or import, and tried again by whoever asked for it; runs are
#: repeated only after a crash.
_ONCE = Retry(attempts=1)
_DAY = dt.timedelta(days=1)


async def _write_export(plugin: Plugin, run: Run[ExportWork]) -> None:
    house: Any = plugin.house  # the whole one: these are core's own jobs
    try:
        await house.exports.write(run.args.export)
    except asyncio.CancelledError:
        if run.cancelled:
            await house.exports.give_up(run.args.export, CALLED_OFF)
        raise


async def _run_import(plugin: Plugin, run: Run[ImportWork]) -> None:
    house: Any = plugin.house
    try:
        await house.import_requests.work(run.args.request, run.report)
    except asyncio.CancelledError:
        if run.cancelled:
            await house.import_requests.give_up(run.args.request, IMPORT_CALLED_OFF)
        raise


async def _sweep(plugin: Plugin, run: Run[None]) -> None:
    house: Any = plugin.house
    await house.exports.take_up()
    await house.import_requests.take_up()
    await house.exports.sweep()
    await house.uploads.sweep()
    await house.jobs.forget_old()


JOBS = [
    Job(
        id=WRITE,
        title=Text(en="Write an export", vi="Ghi tệp xuất dữ liệu"),
        run=_write_export,
        args=ExportWork,
        timeout=_DAY,
        retry=_ONCE,
        at_once=1,
    ),
    # one after the other: each holds the writer of SQLite for most of its time
    Job(
        id=WORK,
        title=Text(en="Work on an import", vi="Thực hiện nhập dữ liệu"),
        run=_run_import,
        args=ImportWork,
        timeout=_DAY,
        retry=_ONCE,
        at_once=1,
    ),
    Job(
        id="core.sweep_files",
        title=Text(
            en="Delete exports, uploads and records of work whose time has come",
            vi="Xoá tệp xuất, tệp tải lên và nhật ký công việc đã hết hạn",
        ),
        run=_sweep,
        every=dt.timedelta(minutes=10),
        priority=CORE_PRIORITY,
    ),
]
