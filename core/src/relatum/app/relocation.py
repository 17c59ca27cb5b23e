"""Moving an installation's database to the other kind of database."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import msgspec

from relatum.app.apps import core_apps
from relatum.db import migrate
from relatum.db.database import Database
from relatum.moving.copying import Moved, Mover, Progress
from relatum.moving.embedded_end import EmbeddedSource, EmbeddedTarget
from relatum.moving.ends import Source, Target
from relatum.moving.presence import users_of_file, users_of_server
from relatum.moving.server_end import ServerSource, ServerTarget
from relatum.plugins.table import PluginTable
from relatum.values.problems import ConfigurationError, Conflict, Unavailable

if TYPE_CHECKING:
    from piccolo.conf.apps import AppConfig

    from relatum.config.settings import Settings

Recorded = Collection[tuple[str, str]]


def installed_apps(settings: Settings) -> list[AppConfig]:
    """The Piccolo apps of core and of every installed plugin, switched on or off."""
    return [*core_apps(), *PluginTable(settings).apps()]


async def move(
    settings: Settings,
    to: str,
    *,
    while_running: bool = False,
    anew: bool = False,
    show: Callable[[Progress], None] = lambda _: None,
) -> Moved:
    """Copy the whole database into one of the other kind, compare both, and leave the source.

    Taken up where it stopped when it is called again after a kill.

    Args:
        to: ``postgresql://…`` or ``sqlite:///file`` (relative to ``home``).
        while_running: copy the moment at which it begins although somebody writes; what they
            write later stays behind.
        anew: throw away what an earlier move left half filled in the target.

    Raises:
        ConfigurationError: both are of one kind, or the migrations are not the same.
        Conflict: somebody has the source open, or the target is lived in.
        DiffersError: a table is not equal afterwards.
        InvalidInput: the target would refuse values.
        Unavailable: a database does not answer.
    """
    target_settings = msgspec.structs.replace(settings, database=to)
    if (settings.sqlite_path is None) == (target_settings.sqlite_path is None):
        raise ConfigurationError(
            "expected a target of the other kind, sqlite:///… or postgresql://…, got the same "
            "kind as the source; use `relatum backup` and `relatum restore` between equal ones"
        )
    if not while_running:
        await refuse_users(settings)
    source = await open_source(settings)
    try:
        moved = await copy(
            settings, source, to=to, identity=_identity(settings), anew=anew, show=show
        )
        return msgspec.structs.replace(moved, left_behind=await source.has_changed())
    finally:
        await source.close()


async def copy(
    settings: Settings,
    source: Source,
    *,
    to: str,
    identity: str,
    anew: bool = False,
    older: bool = False,
    show: Callable[[Progress], None] = lambda _: None,
) -> Moved:
    """Everything that a source holds into the database at ``to``.

    Args:
        older: a source of an older version gives a target of that version.
    """
    apps = await asyncio.to_thread(installed_apps, settings)
    recorded = await recorded_migrations(source)
    refuse_other_migrations(apps, recorded, older=older)
    url = _absolute(settings, to)
    target = await _open_target(url)
    try:
        mover = Mover(
            source,
            target,
            prepare=lambda: make_tables(url, apps, recorded),
            identity=identity,
            anew=anew,
            show=show,
        )
        return await mover.run()
    except (asyncpg.PostgresError, asyncpg.InterfaceError, sqlite3.Error, OSError) as error:
        raise Unavailable(
            f"expected both databases to go on answering, got {type(error).__name__}: {error}; "
            "mend the cause and run the same command again: it goes on where it stopped"
        ) from error
    finally:
        await target.close()


async def refuse_users(settings: Settings) -> None:
    """Refuse while another process has the database open.

    Raises:
        Conflict: somebody has.
    """
    path = settings.sqlite_path
    if path is not None:
        users = users_of_file(path)
    else:
        source = await ServerSource.open(direct_url(settings))
        try:
            users = await users_of_server(source.connection)
        finally:
            await source.close()
    if users:
        raise Conflict(
            f"expected a database that nobody has open, got {', '.join(users[:5])}; stop the "
            "server and the workers first (what they write meanwhile would stay behind), or say "
            "--while-running to take this moment and leave later changes"
        )


def direct_url(settings: Settings) -> str:
    """The address of PostgreSQL itself: a pooler lends connections for too short a time."""
    return settings.postgresql.listen or settings.database


async def open_source(settings: Settings) -> EmbeddedSource | ServerSource:
    """This moment of the installation's database."""
    path = settings.sqlite_path
    if path is None:
        return await ServerSource.open(direct_url(settings))
    return await asyncio.to_thread(EmbeddedSource, path)


async def recorded_migrations(source: Source) -> Recorded:
    """App and name of every migration that has run on a database."""
    if "migration" not in await source.layouts():
        raise Unavailable(
            "expected a database with tables, got one without migrations; run `relatum migrate "
            "--apply` first"
        )
    return {(app, name) for app, name in await source.rows("SELECT app_name, name FROM migration")}


def refuse_other_migrations(
    apps: Sequence[AppConfig], recorded: Recorded, *, older: bool = False
) -> None:
    """Refuse a database that is older or newer than what is installed.

    Args:
        older: let an older one through.

    Raises:
        ConfigurationError: with the migrations that only one of both has.
    """
    known = {(step.app, step.migration) for step in migrate.steps_of(apps)}
    names = {app.app_name for app in apps}
    newer = [f"{app} {name}" for app, name in sorted(set(recorded) - known) if app in names]
    if newer:
        raise ConfigurationError(
            f"expected a database that this version knows, got one with migrations of a newer one "
            f"({', '.join(newer[:3])}); install the version that made it"
        )
    pending = sorted(known - set(recorded))
    if pending and not older:
        raise ConfigurationError(
            f"expected a database that is up to date, got one with {len(pending)} migrations to "
            "run; run `relatum migrate --apply` first"
        )


async def make_tables(url: str, apps: Sequence[AppConfig], recorded: Recorded) -> None:
    """Run on another database what has run on this one."""
    database = await Database.open(url)
    try:
        steps = await migrate.plan(database, apps)
        await migrate.apply(
            database, [step for step in steps if (step.app, step.migration) in recorded]
        )
    finally:
        await database.close()


async def _open_target(url: str) -> Target:
    if url.startswith("sqlite:"):
        return await EmbeddedTarget.open(Path(url.removeprefix("sqlite:///")))
    return await ServerTarget.open(url)


def _absolute(settings: Settings, url: str) -> str:
    path = msgspec.structs.replace(settings, database=url).sqlite_path
    return url if path is None else f"sqlite:///{path.absolute()}"


def _identity(settings: Settings) -> str:
    path = settings.sqlite_path
    return settings.redacted_database() if path is None else f"sqlite:///{path.absolute()}"
