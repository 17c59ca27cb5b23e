"""The job that makes backups by itself."""

from __future__ import annotations

import asyncio
import datetime as dt
import sys
from typing import TYPE_CHECKING, Any

import msgspec

from relatum.hooks.declarations import Job, Retry
from relatum.values.problems import Unavailable
from relatum.values.text import Text

if TYPE_CHECKING:
    from relatum.app.backing_up import Saved
    from relatum.config.settings import Settings
    from relatum.hooks.context import Plugin
    from relatum.jobs.types import Run

LIMIT = dt.timedelta(hours=6)
AGAIN = Retry(attempts=2, first=dt.timedelta(minutes=5))


def backup_jobs(settings: Settings | None) -> list[Job]:
    """The job that makes a backup; on a schedule when the settings say one."""
    daily_at = settings.backup.daily_at if settings is not None else ""
    minutes = settings.backup.every_minutes if settings is not None else 0
    return [
        Job(
            id="core.backup",
            title=Text(en="Back up the database and its files", vi="Sao lưu dữ liệu và tệp"),
            run=_back_up,
            daily_at=daily_at or None,
            every=dt.timedelta(minutes=minutes) if minutes else None,
            timeout=LIMIT,
            retry=AGAIN,
            at_once=1,
        )
    ]


async def _back_up(plugin: Plugin, run: Run[None]) -> Saved:
    house: Any = plugin.house  # the whole one: this is core's own job
    return await back_up_apart(house.settings)


async def back_up_apart(settings: Settings) -> Saved:
    """A backup as the settings say, made by a process of its own: comparing takes a processor.

    Raises:
        Unavailable: it failed; with what it said.
    """
    from relatum.app.backing_up import Saved

    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "relatum.app.backing_up"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, told = await process.communicate(msgspec.json.encode(settings, enc_hook=str))
    except BaseException:
        process.kill()
        await process.wait()
        raise
    if process.returncode:
        text = told.decode(errors="replace").strip()[-500:]
        raise Unavailable(f"expected a backup, got an error: {text}")
    return msgspec.json.decode(out, type=Saved)
