"""Migrations: a plan that can be read before it runs, and running it.

The migrations themselves are Piccolo's (``<app>_<time>.py`` in the app's folder), and Piccolo's own
command reads the same record of what ran. Core runs them itself because Piccolo imports migration
files by their bare name, so that two apps with a file of the same name would run the wrong one,
and because it records a migration outside the transaction that ran it.
"""

from __future__ import annotations

import contextlib
import importlib.util
import inspect
import io
import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import msgspec
from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.apps.migrations.tables import Migration
from piccolo.engine import engine_finder

from relatum.values.problems import ConfigurationError, Unavailable

if TYPE_CHECKING:
    from piccolo.conf.apps import AppConfig

    from relatum.db.database import Database


#: What processes that migrate wait for.
TURN = "relatum migrate"

#: The journal of a move (:mod:`relatum.moving`); gone when it has ended.
MOVING = "relatum_move"


class Step(msgspec.Struct, frozen=True):
    """One migration that has not run yet."""

    app: str
    migration: str
    description: str
    path: Path


def _load(path: Path, app: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"_relatum_migrations.{app}.{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ConfigurationError(f"expected a migration in Python, got {path.name}; remove it")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def steps_of(apps: Sequence[AppConfig]) -> list[Step]:
    """Every migration of these apps, in the order in which they run, whether they have or not."""
    return [step for app in apps for step in _steps_of(app)]


def _steps_of(app: AppConfig) -> list[Step]:
    folder = Path(app.resolved_migrations_folder_path)
    steps = []
    for path in sorted(folder.glob("*.py")):
        if path.name == "__init__.py":
            continue
        module = _load(path, app.app_name)
        identity: str | None = getattr(module, "ID", None)
        if identity is None:
            raise ConfigurationError(
                f"expected a migration with an ID in {app.app_name}/{path.name}, got none; "
                "make migrations with `piccolo migrations new`"
            )
        steps.append(Step(app.app_name, identity, getattr(module, "DESCRIPTION", ""), path))
    return sorted(steps, key=lambda step: step.migration)


async def _done(database: Database) -> set[tuple[str, str]]:
    if not await Migration.table_exists().run():
        return set()
    rows = await database.fetch("SELECT app_name, name FROM migration")
    return {(app, name) for app, name in rows}


async def refuse_half_moved(database: Database) -> None:
    """Refuse a database into which another one is still being moved.

    Raises:
        Unavailable: the move has begun and not ended.
    """
    statement = {
        "sqlite": "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?",
        "postgresql": "SELECT 1 WHERE to_regclass(?) IS NOT NULL",
    }[database.kind]
    if await database.fetch_one(statement, MOVING):
        raise Unavailable(
            "expected a whole database, got one that another is still being moved into; run the "
            "same `relatum move` again, it goes on where it stopped"
        )


async def plan(database: Database, apps: Sequence[AppConfig]) -> list[Step]:
    """What has not run yet, in the order it will run."""
    done = await _done(database)
    return [step for step in steps_of(apps) if (step.app, step.migration) not in done]


async def apply(database: Database, steps: Sequence[Step]) -> None:
    """Run the steps, each with its record in one transaction: it happened whole or not at all.

    Of several processes that do this at once, one runs each step; the others wait for it.
    """
    if not steps:
        return
    async with database.transaction():
        await database.hold(TURN)
        if not await Migration.table_exists().run():
            await Migration.create_table().run()
    for step in steps:
        await _apply_one(database, step)


async def _apply_one(database: Database, step: Step) -> None:
    async with database.transaction():
        await database.hold(TURN)
        if (step.app, step.migration) in await _done(database):
            return
        manager = await _load(step.path, step.app).forwards()
        if isinstance(manager, MigrationManager):
            manager.wrap_in_transaction = False
            # Piccolo prints its progress; the plan already says what runs.
            with contextlib.redirect_stdout(io.StringIO()):
                await manager.run()
        elif inspect.isawaitable(manager):
            await manager
        await Migration.insert(Migration(name=step.migration, app_name=step.app)).run()


async def undo(database: Database, steps: Sequence[Step]) -> None:
    """Undo steps that have run, last first, each with its record in one transaction.

    Tables and columns that they made are dropped with what is in them: make a backup before.

    Raises:
        ConfigurationError: one of them is of a kind that cannot be undone; those after it are.
    """
    for step in reversed(steps):
        async with database.transaction():
            await database.hold(TURN)
            if (step.app, step.migration) not in await _done(database):
                continue
            manager = await _manager_of(step)
            manager.wrap_in_transaction = False
            with contextlib.redirect_stdout(io.StringIO()):
                await manager.run(backwards=True)
            await database.execute(
                "DELETE FROM migration WHERE app_name = ? AND name = ?", step.app, step.migration
            )


async def made_by(step: Step) -> tuple[list[str], list[tuple[str, str]]]:
    """What undoing a step drops: tables, and columns of other tables (with their table).

    Raises:
        ConfigurationError: it is of a kind that cannot be undone.
    """
    manager = await _manager_of(step)
    tables = {each.class_name: each.tablename for each in manager.add_tables}
    columns = [
        (each.tablename, each.column._meta.db_column_name)
        for each in manager.add_columns.add_columns
        if each.table_class_name not in tables
    ]
    return list(tables.values()), columns


async def _manager_of(step: Step) -> MigrationManager:
    manager = await _load(step.path, step.app).forwards()
    if (
        not isinstance(manager, MigrationManager)
        or manager.drop_tables
        or manager.drop_columns.drop_columns
    ):
        raise ConfigurationError(
            f"expected a migration that only adds, got {step.app} {step.migration}, which takes "
            "something away; go back by restoring the backup from before it"
        )
    return manager


_MADE_INDEX = re.compile(r'\s*CREATE\s+(?:UNIQUE\s+)?INDEX\s+(?:IF NOT EXISTS\s+)?"?(\w+)', re.I)


def add_statements(
    manager: MigrationManager, *statements: str, backwards: Sequence[str] = ()
) -> None:
    """Let a migration run plain SQL that both databases understand (indexes, mostly).

    Piccolo runs such statements before it adds the tables of the same migration, so they belong
    into a migration of their own.

    Args:
        backwards: what undoes them; dropping the indexes that they make goes without saying.
    """
    made = [found.group(1) for each in statements if (found := _MADE_INDEX.match(each))]
    drops = [f"DROP INDEX IF EXISTS {name}" for name in reversed(made)]

    manager.add_raw(partial(_run_all, statements))
    manager.add_raw_backwards(partial(_run_all, [*drops, *backwards]))


async def _run_all(statements: Sequence[str]) -> None:
    engine = engine_finder()
    if engine is None:
        raise ConfigurationError("expected an open database, got none; open it first")
    for statement in statements:
        await engine.run_ddl(statement)
