"""Whether there is a backup, and how old it is."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import TYPE_CHECKING

from relatum.cli.findings import Finding, note, ok
from relatum.values.time import now

if TYPE_CHECKING:
    from relatum.app.house import House

#: A backup that is older, in days, is worth a note; so is one that misses its distance twice.
OLD_DAYS = 7


async def backups(house: House) -> list[Finding]:
    """The newest backup of the folder of the settings."""
    from relatum.moving.backups import backup_folder, backups_in, read_manifest
    from relatum.values.problems import RelatumError

    folder = backup_folder(house.settings)
    found = await asyncio.to_thread(backups_in, folder)
    if not found:
        mend = "relatum backup; [backup] daily_at makes them by themselves"
        return [note("backups", f"there is none in {folder}", mend)]
    try:
        manifest = await asyncio.to_thread(read_manifest, found[-1])
    except RelatumError as error:
        return [note("backups", f"the newest cannot be read: {error.detail}", "relatum backup")]
    age = now() - manifest.made_at
    text = f"{len(found)} in {folder}, the newest of {manifest.made_at:%Y-%m-%d %H:%M} UTC"
    if age > _most(house):
        return [note("backups", text, "relatum backup; look why none was made: relatum jobs")]
    return [ok("backups", text)]


def _most(house: House) -> dt.timedelta:
    settings = house.settings.backup
    if settings.daily_at:
        return dt.timedelta(days=2)
    if settings.every_minutes:
        return dt.timedelta(minutes=2 * settings.every_minutes, hours=1)
    return dt.timedelta(days=OLD_DAYS)
