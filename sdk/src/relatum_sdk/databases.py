"""Fresh databases for tests: a template is migrated once, every test gets a copy of it.

`python -m relatum_sdk.databases postgresql://…` says whether a PostgreSQL server answers.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import shutil
import sqlite3
import sys
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from relatum_sdk.baseline import Baseline

Result = TypeVar("Result")

#: Fills the empty database at an address; nothing may stay connected to it afterwards.
Migrate = Callable[[str], None]

CONNECT_SECONDS = 10
ABANDONED_AFTER = timedelta(hours=6)


class Databases(Protocol):
    """A maker of databases for tests."""

    def empty(self) -> str:
        """Return the address of a new database without any table."""

    def migrated(self) -> str:
        """Return the address of a new, migrated database."""

    def drop(self, url: str) -> None:
        """Remove a database that this maker returned."""

    def close(self) -> None:
        """Remove the template."""


class SqliteDatabases:
    """Databases as files of one folder, copied from a file that is migrated once."""

    def __init__(self, folder: Path, migrate: Migrate) -> None:
        self._folder = folder
        self._migrate = migrate
        self._template: Path | None = None

    def empty(self) -> str:
        return _sqlite_url(self._new_path())

    def migrated(self) -> str:
        if self._template is None:
            self._template = self._make_template()
        path = self._new_path()
        shutil.copyfile(self._template, path)
        return _sqlite_url(path)

    def drop(self, url: str) -> None:
        path = Path(url.removeprefix("sqlite:///"))
        for suffix in ("", "-wal", "-shm", "-journal"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)

    def close(self) -> None:
        if self._template is not None:
            self.drop(_sqlite_url(self._template))
            self._template = None

    def _make_template(self) -> Path:
        path = self._folder / "template.sqlite"
        self._migrate(_sqlite_url(path))
        # What is still in the write-ahead log would not be in a copy of the file.
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return path

    def _new_path(self) -> Path:
        return self._folder / f"{secrets.token_hex(8)}.sqlite"


class PostgresDatabases:
    """Databases of one PostgreSQL server, cloned from a database that is migrated once.

    `server_url` names a database that may be connected to while others are created and dropped;
    its role needs the right to create databases. A dropped one is put back to its beginning and
    used again where that is possible. Databases that a killed run left behind are removed when they
    are older than `ABANDONED_AFTER`.
    """

    def __init__(self, server_url: str, migrate: Migrate) -> None:
        self._server_url = server_url
        self._migrate = migrate
        self._template: str | None = None
        self._baseline: Baseline | None = None
        self._clones: set[str] = set()
        self._idle: list[str] = []
        self._execute(*_drop_statements(_run(_abandoned(server_url))))

    def empty(self) -> str:
        name = _new_name()
        self._execute(f'CREATE DATABASE "{name}" TEMPLATE template0')
        return self._url(name)

    def migrated(self) -> str:
        if self._idle:
            return self._url(self._idle.pop())
        if self._template is None:
            self._template = self._make_template()
        name = _new_name()
        self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{self._template}"')
        self._clones.add(name)
        return self._url(name)

    def drop(self, url: str) -> None:
        name = _name(url)
        if name in self._clones and self._baseline and _run(_restore(url, self._baseline)):
            self._idle.append(name)
        else:
            self._clones.discard(name)
            self._execute(*_drop_statements([name]))

    def close(self) -> None:
        names = [*self._idle, *([self._template] if self._template else [])]
        self._execute(*_drop_statements(names))
        self._idle, self._template, self._baseline = [], None, None

    def _make_template(self) -> str:
        url = self.empty()
        try:
            self._migrate(url)
            self._baseline = _run(_take(url))
        except BaseException:
            self.drop(url)
            raise
        return _name(url)

    def _url(self, name: str) -> str:
        return urlunsplit(urlsplit(self._server_url)._replace(path=f"/{name}"))

    def _execute(self, *statements: str) -> None:
        _run(_execute(self._server_url, statements))


def postgres_version(server_url: str) -> str:
    """Return the version of the server, such as "15.6".

    Raises:
        ConnectionError: the server does not answer, or refuses; the message says what to do.
    """
    return _run(_version(server_url))


def main(arguments: Sequence[str]) -> int:
    """Print the version of the server at the address given; 1 when it does not answer."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m relatum_sdk.databases postgresql://user@host/database\n")
        return 2
    try:
        version = postgres_version(arguments[0])
    except ConnectionError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"PostgreSQL {version} answers at {_without_password(arguments[0])}\n")
    return 0


async def _version(server_url: str) -> str:
    connection = await _connect(server_url)
    try:
        return str(await connection.fetchval("SHOW server_version")).split()[0]
    finally:
        await connection.close()


async def _execute(server_url: str, statements: Sequence[str]) -> None:
    if not statements:
        return
    connection = await _connect(server_url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def _abandoned(server_url: str) -> list[str]:
    connection = await _connect(server_url)
    try:
        rows = await connection.fetch("SELECT datname FROM pg_database")
    finally:
        await connection.close()
    before = datetime.now(UTC) - ABANDONED_AFTER
    names = [str(row["datname"]) for row in rows]
    return [name for name in names if (made := _made_at(name)) and made < before]


async def _take(url: str) -> Baseline:
    connection = await _connect(url)
    try:
        return await Baseline.take(connection)
    finally:
        await connection.close()


async def _restore(url: str, baseline: Baseline) -> bool:
    try:
        connection = await _connect(url)
    except ConnectionError:  # the test dropped it, or forbade connections
        return False
    try:
        return await baseline.restore(connection)
    finally:
        await connection.close()


async def _connect(server_url: str) -> Any:
    try:
        return await asyncpg.connect(server_url, timeout=CONNECT_SECONDS)
    except (OSError, TimeoutError, asyncpg.PostgresError, ValueError) as error:
        message = (
            f"No PostgreSQL server answered at {_without_password(server_url)} "
            f"({type(error).__name__}: {error}). Start it, or set RELATUM_TEST_POSTGRES to the "
            "address of a running one (postgresql://user@host:port/database)."
        )
        raise ConnectionError(message) from error


def _run(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Run to the end in a thread of its own: the caller's may already have a running loop."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


def _name(url: str) -> str:
    return urlsplit(url).path.removeprefix("/")


def _new_name() -> str:
    return f"relatum_test_{datetime.now(UTC):%Y%m%d%H%M%S}_{secrets.token_hex(6)}"


def _made_at(name: str) -> datetime | None:
    found = re.fullmatch(r"relatum_test_(\d{14})_[0-9a-f]{12}", name)
    return datetime.strptime(found[1], "%Y%m%d%H%M%S").replace(tzinfo=UTC) if found else None


def _drop_statements(names: Sequence[str]) -> list[str]:
    return [f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)' for name in names]


def _sqlite_url(path: Path) -> str:
    return f"sqlite:///{path}"


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    user = f"{parts.username}@" if parts.username else ""
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, user + host, parts.path, "", ""))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
