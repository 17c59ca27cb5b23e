"""Backups: those there are, what they hold, when the next one is due, and what to look after."""

from __future__ import annotations

import asyncio
import datetime as dt
import functools
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from litestar import get, post

from relatum.http.answers import Answer, Html
from relatum.http.calls import Call
from relatum.http.routes.operations.runs import shown
from relatum.moving.backups import Manifest, backup_folder, backups_in, folders_of, read_manifest
from relatum.values.problems import RelatumError
from relatum.values.time import format_duration, now
from relatum.web.forms import Form, Nothing, sent
from relatum.web.languages import language_of, marked, translations
from relatum.web.layout import Redirect, page
from relatum.web.pages.operations.names import READ, STATES, WRITE, schedule_text

if TYPE_CHECKING:
    from relatum.config.settings import Settings

HERE = "/settings/backups"
JOB = "core.backup"
MOST_SHOWN = 30
#: Without a newer backup than this, something is wrong.
STALE = dt.timedelta(days=2)


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """One backup in the folder; the fields of the manifest are empty when it cannot be read."""

    name: str
    size: int
    made_at: dt.datetime
    readable: bool = False
    rows: int = 0
    tables: int = 0
    files: int = 0
    version: str = ""
    form: str = ""
    keys: list[str] = []


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A folder of the installation and how much lies in it."""

    title: str
    size: int
    files: int


@get(HERE, opt=READ, include_in_schema=False)
async def show_backups(request: Call) -> Html:
    """The backups, and what is stored where."""
    request.refuse_query(("lang",))
    return await _page(request, Form("act"))


@post("/settings/backups/run", opt=WRITE, include_in_schema=False)
async def run_backup(request: Call) -> Answer[Any]:
    """Make a backup now, in the background."""
    form = Form("act")
    try:
        form.take(await sent(request), Nothing)
        await request.house.jobs.enqueue(JOB, unique="asked")
    except RelatumError as error:
        form.refuse(error)
        return await _page(request, form)
    return Redirect(HERE, flash="backup-asked")


async def _page(request: Call, form: Form) -> Html:
    house, language = request.house, language_of(request)
    folder = backup_folder(house.settings)
    backups = await asyncio.to_thread(_held, folder)
    runs = await house.jobs.find(job=JOB, limit=5)
    schedules = {each.id: each for each in await house.jobs.schedules()}
    schedule = schedules.get(JOB)
    last = shown(runs.items[0], request.viewer) if runs.items else None
    failed = last if last is not None and last.state == "failed" else None
    places = await asyncio.to_thread(_places, house.settings)
    text = translations(language).gettext
    return await page(
        request,
        "relatum/backups.html",
        here="backups",
        forms=(form,),
        address=HERE,
        fragments={"backups": "relatum/backups_list.html"},
        backups=backups,
        warnings=[text(each) for each in _warnings(house.settings, backups, folder)],
        failed=failed,
        busy=any(run.state in ("waiting", "running") for run in runs.items),
        last=last,
        schedule=schedule,
        when=schedule_text(house.registry.jobs.find(JOB), language) if schedule else "",
        keep=house.settings.backup.keep,
        compress=house.settings.backup.compress,
        places=[msgspec.structs.replace(each, title=text(each.title)) for each in places],
        free=await asyncio.to_thread(_free, folder),
        states=STATES,
        lasting=functools.partial(format_duration, language=language),
    )


def _held(folder: Path) -> list[Held]:
    """The newest first; a manifest is read once for each file."""
    found = []
    for path in reversed(backups_in(folder)[-MOST_SHOWN:]):
        try:
            stat = path.stat()
        except FileNotFoundError:
            continue  # it was rotated away meanwhile
        found.append(_read(path, stat.st_mtime_ns, stat.st_size))
    return found


@functools.lru_cache(maxsize=64)
def _read(path: Path, changed: int, size: int) -> Held:
    moment = dt.datetime.fromtimestamp(changed / 1e9, dt.UTC)
    try:
        manifest: Manifest = read_manifest(path)
    except RelatumError:
        return Held(name=path.name, size=size, made_at=moment)
    return Held(
        name=path.name,
        size=size,
        made_at=manifest.made_at,
        readable=True,
        rows=manifest.rows,
        tables=len(manifest.tables),
        files=sum(part.path.startswith("files/") for part in manifest.parts),
        version=manifest.relatum,
        form=manifest.form,
        keys=list(manifest.keys),
    )


def _warnings(settings: Settings, backups: list[Held], folder: Path) -> list[str]:
    """What somebody should look after, the worst first."""
    found = []
    if not settings.backup.daily_at and not settings.backup.every_minutes:
        found.append(
            marked("No backup is made by itself. Set daily_at under [backup] in the settings file.")
        )
    good = [backup for backup in backups if backup.readable]
    if not good:
        found.append(marked("There is no backup that can be read. Make one now."))
    elif now() - good[0].made_at > STALE:
        found.append(marked("The newest backup is more than two days old."))
    if len(good) < len(backups):
        found.append(marked("A file in the folder of backups cannot be read."))
    if folder.is_dir() and _same_disk(folder, settings.home):
        found.append(
            marked("Backups lie on the same disk as the data. Choose a folder on another one.")
        )
    return found


def _same_disk(folder: Path, home: Path) -> bool:
    try:
        return folder.stat().st_dev == home.stat().st_dev
    except OSError:
        return False


def _places(settings: Settings) -> list[Place]:
    titles = {
        "uploads": marked("Files that were brought"),
        "imports": marked("Files of imports"),
        "exports": marked("Exports"),
        "archive": marked("Archive"),
    }
    places = [
        Place(title=titles[name], **_measured(folder))
        for name, folder in folders_of(settings).items()
        if name in titles
    ]
    database = settings.sqlite_path
    if database is not None and database.exists():
        size = sum(
            path.stat().st_size
            for path in (database, database.with_name(f"{database.name}-wal"))
            if path.exists()
        )
        places.insert(0, Place(title=marked("Database"), size=size, files=1))
    return places


def _measured(folder: Path) -> dict[str, int]:
    size = files = 0
    for directory, _, names in os.walk(folder):
        for name in names:
            try:
                size += (Path(directory) / name).stat().st_size
            except OSError:
                continue  # swept away meanwhile
            files += 1
    return {"size": size, "files": files}


def _free(folder: Path) -> int | None:
    """Bytes that are free where backups go; ``None`` when that cannot be told."""
    there = folder
    while not there.exists() and there != there.parent:
        there = there.parent
    try:
        return shutil.disk_usage(there).free
    except OSError:
        return None


ROUTES = [show_backups, run_backup]
