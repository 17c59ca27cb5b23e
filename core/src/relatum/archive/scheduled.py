"""The monthly run, as the settings say; with the settings as they come it does nothing."""

from __future__ import annotations

import datetime as dt
import logging
from typing import TYPE_CHECKING, Any

from relatum.hooks.declarations import Job
from relatum.values.text import Text

if TYPE_CHECKING:
    from relatum.hooks.context import Plugin
    from relatum.jobs.types import Run

log = logging.getLogger("relatum.archive")


async def _archive(plugin: Plugin, run: Run[Any]) -> None:
    house: Any = plugin.house  # the whole one: this is core's own job
    outcome = await house.archive.run(by="system", why="the schedule")
    for entry in outcome.archived:
        log.info("archived %s: %d rows in %s", entry.id, entry.rows, entry.file)
    for id, holders in outcome.held.items():
        log.warning("%s stays in the database: %s", id, "; ".join(holders))


ARCHIVE = Job(
    id="core.archive",
    title=Text(en="Archive what is old enough", vi="Lưu trữ dữ liệu đã đủ cũ"),
    run=_archive,
    cron="40 2 3 * *",
    timeout=dt.timedelta(hours=12),
    at_once=1,
)
