"""pytest fixtures for authors of plugins; pytest loads them when `relatum-sdk` is installed.

Every test that asks for a database runs on SQLite, and again on PostgreSQL when
`RELATUM_TEST_POSTGRES` is the address of a server. `@pytest.mark.postgres` marks a test that
needs that server for another reason; it is skipped, saying so, where there is none.

pytest loads this module at every start, whatever it tests, so core is imported by the fixtures.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

if TYPE_CHECKING:
    from relatum.app.house import House
    from relatum.config.settings import Settings
    from relatum_sdk.databases import Databases
    from relatum_sdk.people import PersonClient

    ClientAs = Callable[..., Awaitable[PersonClient]]

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


@pytest.fixture
def house_settings(relatum_home: Path, relatum_database_url: str) -> Settings:
    """The settings of `house`, without limits of requests.

    Override it to change them (`msgspec.structs.replace`).
    """
    from relatum.config.settings import Limits, Settings

    return Settings(
        home=relatum_home,
        database=relatum_database_url,
        durability="normal",
        limits=Limits(token=0, account=0, address=0, sign_in=0),
    )


@pytest_asyncio.fixture
async def house(house_settings: Settings) -> AsyncIterator[House]:
    """An open house on a fresh database, with every installed plugin on.

    Nothing runs in the background: `await house.handlers.run_once()` brings handlers up to date,
    `await house.worker.drain()` runs every job that is ready, also what jobs ask for meanwhile.
    """
    from relatum.app.house import House

    async with await House.open(house_settings) as opened:
        yield opened


@pytest.fixture
def relatum_app(house: House) -> Any:
    """The ASGI application of `house`."""
    from relatum.app.asgi import create_app

    return create_app(house)


@pytest_asyncio.fixture
async def client(client_as: ClientAs) -> PersonClient:
    """A client of the application of `house` that acts as an owner, who may and sees everything.

    In the same event loop and without a socket. `client.account` is the owner's account.
    """
    return await client_as("owner")


@pytest_asyncio.fixture
async def anonymous_client(relatum_app: Any) -> AsyncIterator[PersonClient]:
    """A client of the application of `house` that nobody is signed in with."""
    from relatum_sdk.people import client_of

    async with client_of(relatum_app) as opened:
        yield opened


@pytest_asyncio.fixture
async def client_as(house: House, relatum_app: Any) -> AsyncIterator[ClientAs]:
    """Makes people and clients that act as them.

    `await client_as("sales")` is somebody with that built-in role. By name: `team` (an id) puts
    them into a team; `policy` is what they see and `permissions` all that they may, instead of
    what the role gives; `scopes` limits the token.
    """
    from relatum_sdk.people import client_of, make_person, make_token

    async with contextlib.AsyncExitStack() as opened:

        async def make(
            role: str = "owner", *, scopes: Iterable[str] = (), **person: Any
        ) -> PersonClient:
            account = await make_person(house, role, **person)
            token = await make_token(house, account, scopes=scopes)
            return await opened.enter_async_context(
                client_of(relatum_app, account=account, token=token)
            )

        yield make


@pytest.fixture(scope="session")
def _relatum_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    from relatum_sdk.databases import SqliteDatabases

    databases = SqliteDatabases(tmp_path_factory.mktemp("sqlite"), _migrate)
    yield databases
    databases.close()


@pytest.fixture(scope="session")
def _relatum_postgresql() -> Iterator[Databases]:
    from relatum_sdk.databases import PostgresDatabases

    databases = PostgresDatabases(_server_url(), _migrate)
    yield databases
    databases.close()


def _migrate(url: str) -> None:
    with ThreadPoolExecutor(max_workers=1) as thread:
        thread.submit(asyncio.run, _migrate_all(url)).result()


async def _migrate_all(url: str) -> None:
    from relatum.app.house import House
    from relatum.config.settings import Settings

    with tempfile.TemporaryDirectory() as home:
        settings = Settings(home=Path(home), database=url, durability="normal")
        async with await House.open(settings) as house:
            await house.migrate_apply()
