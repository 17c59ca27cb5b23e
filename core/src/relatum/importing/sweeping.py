"""The job that deletes files whose time has come."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from relatum.hooks.declarations import Job
from relatum.values.text import Text

if TYPE_CHECKING:
    from relatum.hooks.context import Plugin
    from relatum.jobs.types import Run


async def _sweep(plugin: Plugin, run: Run[None]) -> None:
    house: Any = plugin.house  # the whole one: this is core's own job
    await house.exports.sweep()
    await house.uploads.sweep()


SWEEP_FILES = Job(
    id="core.sweep_files",
    title=Text(
        en="Delete exports and uploads whose time has come",
        vi="Xoá tệp xuất và tệp tải lên đã hết hạn",
    ),
    run=_sweep,
    every=dt.timedelta(hours=1),
)
