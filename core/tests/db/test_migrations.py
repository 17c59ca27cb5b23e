"""Plan, apply, and nothing half done; the files say what the tables say."""

from __future__ import annotations

import datetime as dt
import importlib
import re
import sqlite3
import sys
import textwrap
from collections.abc import AsyncIterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.apps.migrations.auto.schema_differ import AlterStatements
from piccolo.apps.migrations.commands.new import AutoMigrationManager
from piccolo.columns import Varchar
from piccolo.conf.apps import AppConfig
from piccolo.table import TABLE_REGISTRY, create_table_class

from relatum.db import migrate
from relatum.db.database import Database
from relatum.values.problems import ConfigurationError

ROOMS = [
    room
    for room in (
        "events",
        "access.accounts",
        "access.roles",
        "jobs",
        "customers",
        "access.sight",
        "interactions",
        "importing",
        "reports",
        "http",
    )
    if find_spec(f"relatum.{room}.piccolo_app")
]
APPS: list[AppConfig] = [
    importlib.import_module(f"relatum.{room}.piccolo_app").APP_CONFIG for room in ROOMS
]


@pytest.fixture
async def empty(relatum_empty_database_url: str) -> AsyncIterator[Database]:
    database = await Database.open(relatum_empty_database_url)
    yield database
    await database.close()


async def tables(db: Database) -> set[str]:
    if db.kind == "sqlite":
        rows = await db.fetch("SELECT name FROM sqlite_master WHERE type = 'table'")
    else:
        rows = await db.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    return {name for (name,) in rows if not name.startswith("sqlite_")}


async def columns(db: Database, table: str) -> dict[str, bool]:
    """Column → whether it may be empty, by the database's own account."""
    if db.kind == "sqlite":
        rows = await db.fetch('SELECT name, "notnull" FROM pragma_table_info(?)', table)
        return {name: not required for name, required in rows}
    rows = await db.fetch(
        "SELECT column_name, is_nullable FROM information_schema.columns WHERE table_name = ?",
        table,
    )
    return {name: nullable == "YES" for name, nullable in rows}


def declared_indexes() -> set[str]:
    sources = "".join(
        path.read_text(encoding="utf-8")
        for app in APPS
        for path in Path(app.resolved_migrations_folder_path).glob("*.py")
    )
    return set(re.findall(r"CREATE (?:UNIQUE )?INDEX (\w+)", sources))


async def indexes(db: Database) -> set[str]:
    if db.kind == "sqlite":
        rows = await db.fetch("SELECT name FROM sqlite_master WHERE type = 'index'")
    else:
        rows = await db.fetch("SELECT indexname FROM pg_indexes WHERE schemaname = 'public'")
    return {row[0] for row in rows}


# -- core's own ----------------------------------------------------------------------------------


async def test_plan_then_apply_then_nothing_is_left(empty: Database) -> None:
    steps = await migrate.plan(empty, APPS)
    assert {step.app for step in steps} == {app.app_name for app in APPS}
    assert await tables(empty) == set(), "a plan must not write"
    await migrate.apply(empty, steps)
    assert await migrate.plan(empty, APPS) == []
    recorded = await empty.fetch("SELECT app_name, name FROM migration")
    assert sorted(recorded) == sorted((step.app, step.migration) for step in steps)
    await migrate.apply(empty, await migrate.plan(empty, APPS))
    assert len(await empty.fetch("SELECT id FROM migration")) == len(steps)


async def test_the_database_has_what_the_tables_say(empty: Database) -> None:
    await migrate.apply(empty, await migrate.plan(empty, APPS))
    declared = [table for app in APPS for table in app.table_classes]
    assert len(declared) > 10
    assert {table._meta.tablename for table in declared} <= await tables(empty)
    for table in declared:
        expected = {c._meta.db_column_name: c._meta.null for c in table._meta.columns}
        assert await columns(empty, table._meta.tablename) == expected, table._meta.tablename


async def test_every_index_of_a_migration_exists(empty: Database) -> None:
    await migrate.apply(empty, await migrate.plan(empty, APPS))
    declared = declared_indexes()
    assert len(declared) > 5
    assert declared <= await indexes(empty)


async def test_a_customer_that_is_pointed_at_cannot_be_deleted(empty: Database) -> None:
    await migrate.apply(empty, await migrate.plan(empty, APPS))
    moment = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    customer = "01936f2c-8a3e-7b51-9c0d-2f4a6b8c0d1e"
    await empty.execute(
        "INSERT INTO core_customer (id, kind, display_name, sort_key, search, fields, version, "
        "created_at, updated_at) VALUES (?, 'person', 'Lan', 'lan', 'lan', '{}', 1, ?, ?)",
        customer,
        moment,
        moment,
    )
    await empty.execute(
        "INSERT INTO core_customer_tag (id, customer_id, tag) VALUES (?, ?, 'vip')",
        customer,
        customer,
    )
    with pytest.raises((sqlite3.IntegrityError, asyncpg.IntegrityConstraintViolationError)):
        await empty.execute("DELETE FROM core_customer WHERE id = ?", customer)
    with pytest.raises((sqlite3.IntegrityError, asyncpg.IntegrityConstraintViolationError)):
        await empty.execute(
            "INSERT INTO core_customer_tag (id, customer_id, tag) VALUES (?, ?, 'vip')",
            "01936f2c-8a3e-7b51-9c0d-2f4a6b8c0d1f",
            "01936f2c-8a3e-7b51-9c0d-000000000000",
        )


# -- `piccolo migrations new --auto` finds no difference -----------------------------------------


class MigrationsByPath(AutoMigrationManager):
    """Piccolo imports migration files by their bare name; here they are loaded as core does."""

    async def get_migration_managers(  # type: ignore[override]
        self, app_config: AppConfig, **_: Any
    ) -> list[MigrationManager]:
        managers = [
            await migrate._load(step.path, step.app).forwards()
            for step in migrate._steps_of(app_config)
        ]
        return [manager for manager in managers if isinstance(manager, MigrationManager)]


async def differences(app: AppConfig) -> list[str]:
    found: list[AlterStatements] = await MigrationsByPath(auto_input="y").get_alter_statements(app)
    return [statement for alter in found for statement in alter.statements]


@pytest.mark.parametrize("app", APPS, ids=lambda app: app.app_name)
async def test_migrations_say_what_the_tables_say(app: AppConfig) -> None:
    assert app.table_classes
    assert await differences(app) == []


@pytest.mark.parametrize("app", APPS, ids=lambda app: app.app_name)
async def test_a_changed_table_is_noticed(app: AppConfig) -> None:
    """Negative control: one table more than the migrations know."""
    extra = create_table_class(
        "Extra", class_kwargs={"tablename": "core_extra"}, class_members={"name": Varchar()}
    )
    changed = AppConfig(
        app_name=app.app_name,
        migrations_folder_path=app.migrations_folder_path,
        table_classes=[*app.table_classes, extra],
    )
    try:
        assert any("core_extra" in statement for statement in await differences(changed))
    finally:
        TABLE_REGISTRY.remove(extra)


# -- migrations that fail ------------------------------------------------------------------------

BROKEN = """
    from piccolo.apps.migrations.auto.migration_manager import MigrationManager
    from relatum.db.migrate import add_statements

    ID = "2026-01-01T00:00:00:000002"
    DESCRIPTION = "Breaks after its first statement"

    async def forwards():
        manager = MigrationManager(migration_id=ID, app_name="probe", description=DESCRIPTION)
        add_statements(
            manager, "CREATE TABLE probe_half (id INTEGER)", "CREATE TABLE no good"
        )
        return manager
"""
GOOD = """
    from piccolo.apps.migrations.auto.migration_manager import MigrationManager
    from relatum.db.migrate import add_statements

    ID = "2026-01-01T00:00:00:000001"
    DESCRIPTION = "Works"

    async def forwards():
        manager = MigrationManager(migration_id=ID, app_name="probe", description=DESCRIPTION)
        add_statements(manager, "CREATE TABLE probe_whole (id INTEGER)")
        return manager
"""


def app_of(folder: Path, **sources: str) -> AppConfig:
    folder.mkdir()
    for name, source in sources.items():
        (folder / f"{name}.py").write_text(textwrap.dedent(source), encoding="utf-8")
    return AppConfig(app_name="probe", migrations_folder_path=str(folder), table_classes=[])


async def test_a_migration_that_fails_leaves_nothing_of_itself(
    empty: Database, tmp_path: Path
) -> None:
    app = app_of(tmp_path / "probe", probe_1=GOOD, probe_2=BROKEN)
    steps = await migrate.plan(empty, [app])
    assert [step.description for step in steps] == ["Works", "Breaks after its first statement"]
    with pytest.raises((sqlite3.Error, asyncpg.PostgresError)):
        await migrate.apply(empty, steps)
    assert "probe_whole" in await tables(empty)
    assert "probe_half" not in await tables(empty)
    left = await migrate.plan(empty, [app])
    assert [step.migration for step in left] == [steps[1].migration]
    (tmp_path / "probe" / "probe_2.py").write_text(
        textwrap.dedent(BROKEN).replace("CREATE TABLE no good", "CREATE TABLE good (id INTEGER)"),
        encoding="utf-8",
    )
    await migrate.apply(empty, await migrate.plan(empty, [app]))
    assert {"probe_half", "good"} <= await tables(empty)


async def test_files_of_the_same_name_in_two_apps_both_run(empty: Database, tmp_path: Path) -> None:
    """Piccolo imports by bare name and would run one of them twice."""
    second = GOOD.replace("probe", "other")
    apps = [
        app_of(tmp_path / "first", same=GOOD),
        AppConfig(
            app_name="other",
            migrations_folder_path=str(
                app_of(tmp_path / "second", same=second).migrations_folder_path
            ),
            table_classes=[],
        ),
    ]
    await migrate.apply(empty, await migrate.plan(empty, apps))
    assert {"probe_whole", "other_whole"} <= await tables(empty)
    assert "same" not in sys.modules


async def test_a_file_without_an_id_is_named(empty: Database, tmp_path: Path) -> None:
    app = app_of(tmp_path / "probe", nameless="DESCRIPTION = 'no id'")
    with pytest.raises(ConfigurationError, match=r"probe/nameless\.py"):
        await migrate.plan(empty, [app])
