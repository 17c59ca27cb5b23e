"""What erasing a customer has to know of what lies around the database."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from relatum.archive.redacting import ArchiveRedaction
from relatum.customers.erasing.keeping import load_duties
from relatum.customers.erasing.ledger import NAME
from relatum.customers.erasing.service import Erasing, Surroundings
from relatum.customers.erasing.types import HeldBackup
from relatum.moving.backups import backup_folder, backups_in, folders_of

if TYPE_CHECKING:
    from relatum.app.house import House
    from relatum.config.settings import Settings


def erasing_of(house: House) -> Erasing:
    """The service, with files, backups and archive of this installation."""
    settings = house.settings
    folders = {name: path for name, path in folders_of(settings).items() if name != "archive"}
    # archives of what is held about one person; backups leave them out
    folders["subject_exports"] = settings.home / "subject_exports"
    around = Surroundings(
        folders=folders,
        ledgers=[settings.home / NAME, backup_folder(settings) / NAME],
        backups=lambda: held_backups(house.settings),
        archive=ArchiveRedaction(house.db, settings.archive_path),
        cipher=house.secrets,
        duties=load_duties(settings.contact.profile),
        country=lambda: house.settings.company.country,
        dispatcher=house.dispatcher,
    )
    return Erasing(*(house.db, house.events, house.customers, house.registry, house.keys), around)


def held_backups(settings: Settings) -> list[HeldBackup]:
    """Every backup there is, newest first, and about when its turn to go comes.

    One is deleted when ``backup.keep`` newer ones have been made; without a schedule nobody knows
    when that is. Databases that a restore has put aside stay until somebody deletes them.
    """
    files = backups_in(backup_folder(settings))[::-1]
    found = [
        HeldBackup(
            file=file.name,
            made_at=_made_at(file.stat().st_mtime),
            expires_at=_expiry(settings, place),
        )
        for place, file in enumerate(files)
    ]
    path = settings.sqlite_path
    aside = sorted(path.parent.glob(f"{path.name}.before-*")) if path is not None else []
    return found + [
        HeldBackup(file=file.name, made_at=_made_at(file.stat().st_mtime), expires_at=None)
        for file in aside
    ]


def _made_at(seconds: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, dt.UTC)


def _expiry(settings: Settings, newer: int) -> dt.datetime | None:
    backup = settings.backup
    step = dt.timedelta(minutes=backup.every_minutes) if backup.every_minutes else None
    if step is None and backup.daily_at:
        step = dt.timedelta(days=1)
    if step is None or not backup.keep:
        return None
    return dt.datetime.now(dt.UTC) + step * max(backup.keep - newer, 1)
