"""Upwards and back across versions: migrations run and undone, a backup before either."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from relatum.app.backing_up import Order, Saved, back_up
from relatum.app.relocation import installed_apps, refuse_users
from relatum.db import migrate
from relatum.db.database import Database
from relatum.moving.backups import read_manifest
from relatum.moving.copying import LIVED_IN, Progress
from relatum.values.problems import InvalidInput

if TYPE_CHECKING:
    from relatum.config.settings import Settings

Show = Callable[[Progress], None]


class Loss(msgspec.Struct, frozen=True, kw_only=True):
    """What an older schema has no place for.

    Attributes:
        column: empty when the whole table goes.
        rows: that hold something there.
    """

    table: str
    column: str = ""
    rows: int = 0


class WayBack(msgspec.Struct, frozen=True, kw_only=True):
    """Migrations to undo, last first, and what goes with them.

    Attributes:
        backup: the backup made before; ``None`` while nothing was changed.
    """

    steps: list[migrate.Step]
    losses: list[Loss]
    backup: Saved | None = None


async def way_back(settings: Settings, to: str) -> WayBack:
    """What going back would undo and lose; changes nothing.

    Args:
        to: the id of the last migration to keep, or the beginning of one
            (``2026-11-22T08:12``), or a backup: its migrations are kept.

    Raises:
        ConfigurationError: a migration cannot be undone.
        InvalidInput: no migration that has run is named so.
    """
    async with _Opened(settings) as database:
        return await _plan(database, settings, to)


async def go_back(settings: Settings, to: str, *, show: Show = lambda _: None) -> WayBack:
    """Make a backup, then undo every migration after ``to``; raises as :func:`way_back`.

    Raises:
        Conflict: somebody has the database open.
    """
    await refuse_users(settings)
    planned = await way_back(settings, to)
    if not planned.steps:
        return planned
    saved = await back_up(settings, Order(), show)
    async with _Opened(settings) as database:
        await migrate.undo(database, list(reversed(planned.steps)))
    return msgspec.structs.replace(planned, backup=saved)


async def back_up_before(settings: Settings, show: Show = lambda _: None) -> Saved | None:
    """A backup of a database that is lived in; ``None`` when there is nothing to lose."""
    path = settings.sqlite_path
    if path is not None and not path.exists():
        return None
    async with _Opened(settings) as database:
        if not await _is_lived_in(database):
            return None
    return await back_up(settings, Order(), show)


class _Opened:
    """The database alone, without plugins: they are made for the newest schema."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def __aenter__(self) -> Database:
        path = self._settings.sqlite_path
        url = self._settings.database if path is None else f"sqlite:///{path}"
        self._database = await Database.open(url)
        await migrate.refuse_half_moved(self._database)
        return self._database

    async def __aexit__(self, *_: object) -> None:
        await self._database.close()


async def _plan(database: Database, settings: Settings, to: str) -> WayBack:
    apps = await asyncio.to_thread(installed_apps, settings)
    pending = {(step.app, step.migration) for step in await migrate.plan(database, apps)}
    ran = [step for step in migrate.steps_of(apps) if (step.app, step.migration) not in pending]
    undone = list(reversed(await asyncio.to_thread(_after, ran, to)))
    losses = []
    for step in undone:
        tables, columns = await migrate.made_by(step)
        losses += [await _loss(database, table) for table in tables]
        losses += [await _loss(database, table, column) for table, column in columns]
    gone = {each.table for each in losses if not each.column}
    lost = [each for each in losses if each.rows and (not each.column or each.table not in gone)]
    return WayBack(steps=undone, losses=lost)


def _after(ran: Sequence[migrate.Step], to: str) -> list[migrate.Step]:
    """The steps to undo, in the order in which they ran."""
    if to.endswith(".tar"):
        kept = {(app, name) for app, name in read_manifest(Path(to)).migrations}
        return [step for step in ran if (step.app, step.migration) not in kept]
    if not any(step.migration.startswith(to) for step in ran):
        newest = ", ".join(sorted({step.migration for step in ran})[-5:])
        raise InvalidInput(
            f"expected the id of a migration that has run, or the beginning of one, got {to!r}; "
            f"the newest are {newest}"
        )
    return [step for step in ran if step.migration[: len(to)] > to]


async def _loss(database: Database, table: str, column: str = "") -> Loss:
    held = f' WHERE "{column}" IS NOT NULL' if column else ""
    rows = await database.fetch(f'SELECT count(*) FROM "{table}"{held}')  # noqa: S608 - names of migrations
    return Loss(table=table, column=column, rows=rows[0][0])


async def _is_lived_in(database: Database) -> bool:
    there = {
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table'",
        "postgresql": "SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema()",
    }[database.kind]
    names = {row[0] for row in await database.fetch(there)}
    for table in LIVED_IN:
        if table in names and await database.fetch_one(f"SELECT 1 FROM {table} LIMIT 1"):  # noqa: S608 - names of ours
            return True
    return False
