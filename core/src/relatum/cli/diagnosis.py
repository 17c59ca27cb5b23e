"""What is right and what is wrong with this installation."""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from relatum.app.house import House
from relatum.cli.diagnosis_of_archive import archive
from relatum.cli.diagnosis_of_backups import backups
from relatum.cli.diagnosis_of_work import handlers, jobs, schedules
from relatum.cli.findings import Finding, note, ok, wrong
from relatum.config.keyring import Keyring
from relatum.config.load import find_file, load_settings
from relatum.db.embedded import EmbeddedEngine
from relatum.hooks.dispatcher import Dispatcher
from relatum.hooks.gate import Gate
from relatum.hooks.isolation import describe
from relatum.hooks.registry import Registry
from relatum.plugins.table import PluginTable
from relatum.values.problems import ConfigurationError, RelatumError

if TYPE_CHECKING:
    from relatum.config.settings import Settings
    from relatum.events.checking import Accused

MEBIBYTE = 1024 * 1024
#: Free space below which writing may fail soon, and below which somebody should know.
LEAST_SPACE = 256 * MEBIBYTE
LITTLE_SPACE = 2048 * MEBIBYTE


async def diagnose(*, audit: bool = False) -> AsyncIterator[Finding]:
    """Look at everything, one after the other; what fails does not keep the rest from it.

    Args:
        audit: also hold the event log against its seals (some seconds for 100,000 events).
    """
    try:
        settings = load_settings()
    except ConfigurationError as error:
        for problem in error.problems or [None]:
            text, mend = (error.detail, "") if problem is None else (str(problem), problem.mend)
            yield wrong("configuration", text, mend or "correct the settings file")
        return
    yield ok("configuration", f"settings of {find_file() or 'the defaults and the environment'}")
    yield _space(settings.home)
    yield _keys(settings.keys_path)
    # A plugin that strict_plugins would stop at is found below, with everything else.
    settings = msgspec.structs.replace(settings, strict_plugins=False)
    async for finding in _database(settings, audit=audit):
        yield finding


async def _database(settings: Settings, *, audit: bool) -> AsyncIterator[Finding]:
    path = settings.sqlite_path
    if path is not None and not path.exists():
        yield wrong("database", f"there is no database at {path} yet", "relatum migrate --apply")
        for finding in _plugins_without_database(settings):
            yield finding
        return
    try:
        house = await House.open(settings)
    except Exception as error:  # noqa: BLE001 - whatever it is, it has to be told
        text = error.detail if isinstance(error, RelatumError) else describe(error)
        mend = "check `database` in the settings, and that its server runs and may be reached"
        yield wrong("database", f"{settings.redacted_database()}: {text}", mend)
        for finding in _plugins_without_database(settings):
            yield finding
        return
    async with house:
        parts = (_answers, _migrations, _plugins, handlers, jobs, schedules, archive, backups)
        for part in (*parts, _audit) if audit else parts:
            try:
                for finding in await part(house):
                    yield finding
            except Exception as error:  # noqa: BLE001 - the other parts are looked at all the same
                name = part.__name__.strip("_")
                yield wrong(name, f"cannot be looked at: {describe(error)}", "see the message")


async def _answers(house: House) -> list[Finding]:
    shown = house.settings.redacted_database()
    await house.db.fetch_one("SELECT 1")
    if not isinstance(house.db.engine, EmbeddedEngine):
        return [ok("database", f"{shown} answers")]
    result = await asyncio.to_thread(house.db.engine.check_integrity)
    if result != "ok":
        mend = "stop the server and restore the last backup"
        return [wrong("database", f"{shown} is damaged: {result}", mend)]
    return [ok("database", f"{shown} answers and is intact")]


async def _migrations(house: House) -> list[Finding]:
    pending = Counter(step.app for step in await house.migrate_plan())
    if not pending:
        return [ok("migrations", "the database is up to date")]
    apps = ", ".join(f"{app} ({count})" for app, count in sorted(pending.items()))
    return [wrong("migrations", f"have not run: {apps}", "relatum migrate --apply")]


async def _plugins(house: House) -> list[Finding]:
    return _of_plugins(house.plugins)


def _plugins_without_database(settings: Settings) -> list[Finding]:
    table = PluginTable(settings, Dispatcher(Registry(Gate())))
    table.load()
    return _of_plugins(table)


def _of_plugins(table: PluginTable) -> list[Finding]:
    states = Counter(state.state for state in table.states())
    shown = ", ".join(f"{count} {status}" for status, count in sorted(states.items()))
    summary = ok("plugins", shown or "none is installed")
    return [
        summary,
        *(
            Finding(
                check="plugins",
                result=problem.weight,
                message=str(msgspec.structs.replace(problem, mend="")),
                mend=problem.mend,
            )
            for problem in table.problems()
        ),
    ]


async def _audit(house: House) -> list[Finding]:
    check = await house.audit.check()
    findings = [
        wrong(
            "audit",
            f"event {accused.seq} was {accused.what}{_since(accused)}",
            "find out who can write to the database; compare with a backup",
        )
        for accused in check.accused[:MOST_SHOWN]
    ]
    findings += [
        wrong("audit", f"seal {broken.number}: {_BROKEN[broken.what]}", _MEND[broken.what])
        for broken in check.broken[:MOST_SHOWN]
    ]
    findings += [
        wrong("audit", f"archive file {broken.file}: {_FILE[broken.what]}", _FILE_MEND[broken.what])
        for broken in check.files[:MOST_SHOWN]
    ]
    hidden = check.accused_count + check.broken_count + len(check.files) - len(findings)
    if hidden:
        findings.append(wrong("audit", f"and {hidden:,} more", "GET /api/v1/audit/check"))
    head = f"; newest seal {check.head.number}: {check.head.hash[:16]}" if check.head else ""
    archived = f" ({check.archived:,} of them in the archive)" if check.archived else ""
    erased = f", {check.redacted:,} of them redacted by erasures" if check.redacted else ""
    unread = f", {check.unread:,} not readable" if check.unread else ""
    text = (
        f"{check.events:,} events{archived} in {check.seals:,} seals looked at{erased}{unread}, "
        f"{check.unsealed:,} not sealed yet"
    )
    if not findings:
        findings.append(ok("audit", f"nothing was tampered with; {text}{head}"))
    else:
        findings.append(note("audit", text + head, "see above"))
    return findings


def _since(accused: Accused) -> str:
    return " after it was sealed" if accused.what == "changed" else ""


#: Events and seals that are told one by one.
MOST_SHOWN = 20
_BROKEN = {
    "changed": "it is not what was written, its events cannot be checked",
    "missing": "it is missing, its events cannot be checked",
    "replaced": "another one stands in the place of the one before it",
    "unknown key": "its key is missing, its events cannot be checked",
}
_FILE = {
    "missing": "it is missing, its events cannot be checked",
    "changed": "it is not the file that was written, its events cannot be checked",
    "unreadable": "the library that reads it is not installed, its events cannot be checked",
}
_FILE_MEND = {
    "missing": "put it back from a backup of the archive's folder",
    "changed": "put it back from a backup; relatum archive verify tells more",
    "unreadable": "pip install 'relatum[archive]'",
}
_RESTORED = (
    "when an older backup was put back, remove audit-head.json beside the keys; otherwise find out "
    "who can write to the database"
)
_MEND = {
    "changed": "find out who can write to the database; compare with a backup",
    "missing": _RESTORED,
    "replaced": _RESTORED,
    "unknown key": "put back the file of keys that belongs to this database",
}


def _keys(path: Path) -> Finding:
    try:
        keys = Keyring(path).every()
        mode = stat.S_IMODE(path.stat().st_mode) if keys else 0
    except (ConfigurationError, OSError) as error:
        text = error.detail if isinstance(error, ConfigurationError) else describe(error)
        return wrong("keys", text, "put back the file of keys that belongs to this database")
    if not keys:
        return ok("keys", f"none yet; the server makes {path} when it needs one")
    if mode & 0o077:
        return wrong("keys", f"others may read {path}", f"chmod 600 {path}")
    return ok("keys", f"{len(keys)} in {path}; keep a copy apart from backups of the database")


def _space(home: Path) -> Finding:
    folder = next(each for each in (home, *home.parents) if each.exists())
    if not os.access(folder, os.W_OK | os.X_OK):
        mend = f"give this account the right to write to {folder}, or set RELATUM_HOME"
        return wrong("data folder", f"{home} cannot be written to", mend)
    free = shutil.disk_usage(folder).free
    text = f"{home}: {free // MEBIBYTE:,} MiB free"
    if free < LEAST_SPACE:
        return wrong("data folder", text, "make room; writing fails when the disk is full")
    if free < LITTLE_SPACE:
        return note("data folder", text, "make room before it is full")
    return ok("data folder", text)


def is_sound(findings: Sequence[Finding]) -> bool:
    """Whether nothing needs somebody."""
    return all(finding.result != "error" for finding in findings)
