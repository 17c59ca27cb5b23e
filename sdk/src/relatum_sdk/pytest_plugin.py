"""pytest fixtures for authors of plugins; pytest loads them when `relatum-sdk` is installed.

Every test that asks for a database runs on SQLite, and again on PostgreSQL when
`RELATUM_TEST_POSTGRES` is the address of a server. `@pytest.mark.postgres` marks a test that
needs that server for another reason; it is skipped, saying so, where there is none.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

from relatum.db import migrate
from relatum.db.database import Database
from relatum_sdk.databases import Databases, PostgresDatabases, SqliteDatabases

SERVER_VARIABLE = "RELATUM_TEST_POSTGRES"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", f"postgres: needs the server of {SERVER_VARIABLE}")


def pytest_report_header() -> str:
    if _server_url():
        return f"relatum: databases SQLite and PostgreSQL ({SERVER_VARIABLE} is set)"
    return f"relatum: database SQLite only, PostgreSQL skipped ({SERVER_VARIABLE} is not set)"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if _server_url():
        return
    for item in items:
        if item.get_closest_marker("postgres"):
            item.add_marker(pytest.mark.skip(reason=f"{SERVER_VARIABLE} is not set"))


@pytest.fixture
def relatum_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data folder at `RELATUM_HOME`; no other setting comes from the environment."""
    for name in [name for name in os.environ if name.startswith("RELATUM_")]:
        if name != SERVER_VARIABLE:
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("RELATUM_HOME", str(home))
    return home


def _server_url() -> str:
    return os.environ.get(SERVER_VARIABLE, "")


def _kinds() -> list[object]:
    postgres = [pytest.param("postgresql", marks=pytest.mark.postgres)] if _server_url() else []
    return ["sqlite", *postgres]


@pytest.fixture(params=_kinds())
def relatum_database_kind(request: pytest.FixtureRequest) -> str:
    """`sqlite` or `postgresql`; parametrize it directly to run a test on one of them only."""
    return str(request.param)


@pytest.fixture
def relatum_databases(relatum_database_kind: str, request: pytest.FixtureRequest) -> Databases:
    """The maker of databases of the kind that this test runs on."""
    databases: Databases = request.getfixturevalue(f"_relatum_{relatum_database_kind}")
    return databases


@pytest.fixture
def relatum_empty_database_url(relatum_databases: Databases) -> Iterator[str]:
    """The address of a new database without any table, dropped after the test."""
    url = relatum_databases.empty()
    yield url
    relatum_databases.drop(url)


@pytest.fixture
def relatum_database_url(relatum_databases: Databases) -> Iterator[str]:
    """The address of a new database, migrated for core and every installed plugin."""
    url = relatum_databases.migrated()
    yield url
    relatum_databases.drop(url)


@pytest.fixture(scope="session")
def _relatum_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    databases = SqliteDatabases(tmp_path_factory.mktemp("sqlite"), _migrate)
    yield databases
    databases.close()


@pytest.fixture(scope="session")
def _relatum_postgresql() -> Iterator[Databases]:
    databases = PostgresDatabases(_server_url(), _migrate)
    yield databases
    databases.close()


def _migrate(url: str) -> None:
    with ThreadPoolExecutor(max_workers=1) as thread:
        thread.submit(asyncio.run, _migrate_apps(url)).result()


async def _migrate_apps(url: str) -> None:
    database = await Database.open(url)
    try:
        rooms = ("events", "jobs", "customers", "interactions", "importing", "http")
        names = [f"relatum.{room}.piccolo_app" for room in rooms]
        apps = [import_module(name).APP_CONFIG for name in names if find_spec(name)]
        await migrate.apply(database, await migrate.plan(database, apps))
    finally:
        await database.close()
