from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import asyncpg
import pytest

from relatum_sdk.databases import (
    Databases,
    PostgresDatabases,
    SqliteDatabases,
    main,
    postgres_version,
)

SERVER_URL = os.environ.get("RELATUM_TEST_POSTGRES", "")
NOBODY_LISTENS = "postgresql://someone:secret@127.0.0.1:1/test"


def run(url: str, *statements: str) -> list[tuple[object, ...]]:
    """Execute statements by the plain driver; the rows of the last one."""
    if url.startswith("sqlite:///"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection, connection:
            rows: list[tuple[object, ...]] = []
            for statement in statements:
                rows = connection.execute(statement).fetchall()
            return rows
    with ThreadPoolExecutor(max_workers=1) as thread:  # the test's own may have a running loop
        return thread.submit(asyncio.run, run_on_server(url, *statements)).result()


async def run_on_server(url: str, *statements: str) -> list[tuple[object, ...]]:
    connection = await asyncpg.connect(url)
    try:
        rows = []
        for statement in statements:
            rows = await connection.fetch(statement)
        return [tuple(row) for row in rows]
    finally:
        await connection.close()


SCHEMA = (
    "CREATE TABLE note (line text)",
    "INSERT INTO note VALUES ('migrated')",
    "CREATE TABLE parent (id serial PRIMARY KEY)",
    "CREATE TABLE child (parent_id int REFERENCES parent (id))",
)


class CountedMigration:
    """Stands for the migrations: a table with one row, two without, WAL mode on SQLite."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, url: str) -> None:
        self.calls += 1
        if url.startswith("sqlite:///"):
            run(url, "PRAGMA journal_mode = WAL")
        run(url, *SCHEMA)


@pytest.fixture
def migration() -> CountedMigration:
    return CountedMigration()


@pytest.fixture
def databases(
    relatum_database_kind: str, tmp_path: Path, migration: CountedMigration
) -> Iterator[Databases]:
    made: Databases
    if relatum_database_kind == "sqlite":
        made = SqliteDatabases(tmp_path, migration)
    else:
        made = PostgresDatabases(SERVER_URL, migration)
    yield made
    made.close()


def test_migration_runs_once_for_many_databases(
    databases: Databases, migration: CountedMigration
) -> None:
    urls = [databases.migrated() for _ in range(3)]
    assert len(set(urls)) == 3
    assert [run(url, "SELECT line FROM note") for url in urls] == [[("migrated",)]] * 3
    assert migration.calls == 1
    for url in urls:
        databases.drop(url)


def test_a_test_never_sees_what_another_wrote(databases: Databases) -> None:
    first = databases.migrated()
    run(first, "INSERT INTO note VALUES ('mine')")
    second = databases.migrated()
    assert run(second, "SELECT line FROM note") == [("migrated",)]
    databases.drop(first)
    databases.drop(second)


def test_empty_has_no_table(databases: Databases) -> None:
    url = databases.empty()
    run(url, "CREATE TABLE note (line text)")  # fails where one already exists
    databases.drop(url)


def test_dropped_sqlite_leaves_no_file(tmp_path: Path, migration: CountedMigration) -> None:
    made = SqliteDatabases(tmp_path, migration)
    url = made.migrated()
    connection = sqlite3.connect(url.removeprefix("sqlite:///"))
    connection.execute("INSERT INTO note VALUES ('still open')")
    connection.close()
    made.drop(url)
    made.close()
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def server(migration: CountedMigration) -> Iterator[PostgresDatabases]:
    made = PostgresDatabases(SERVER_URL, migration)
    yield made
    made.close()


@pytest.mark.postgres
def test_closed_postgres_leaves_no_database(migration: CountedMigration) -> None:
    made = PostgresDatabases(SERVER_URL, migration)
    first, second = made.migrated(), made.migrated()
    names = {first.rpartition("/")[2], second.rpartition("/")[2], str(made._template)}
    assert names <= on_server()
    made.drop(first)
    made.drop(second)
    made.close()
    assert not names & on_server()


@pytest.mark.postgres
def test_dropped_postgres_is_used_again_as_if_new(server: PostgresDatabases) -> None:
    url = server.migrated()
    before = content(url)
    run(
        url,
        "UPDATE note SET line = 'changed'",
        "INSERT INTO note VALUES ('more')",
        "INSERT INTO parent DEFAULT VALUES",
        "INSERT INTO child SELECT id FROM parent",
    )
    assert content(url) != before
    server.drop(url)
    assert server.migrated() == url
    assert content(url) == before
    assert run(url, "INSERT INTO parent DEFAULT VALUES RETURNING id") == [(1,)]
    server.drop(url)


@pytest.mark.postgres
@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE more (line text)",
        "DROP TABLE note",
        "ALTER TABLE note ADD COLUMN more text",
        "ALTER TABLE note RENAME COLUMN line TO text",
        "ALTER TABLE note ALTER COLUMN line SET NOT NULL",
        "ALTER TABLE note ALTER COLUMN line SET DEFAULT 'x'",
        "CREATE INDEX more ON note (line)",
        "ALTER TABLE child DROP CONSTRAINT child_parent_id_fkey",
        "CREATE SCHEMA more",
        "INSERT INTO note SELECT repeat('x', 100) FROM generate_series(1, 50000)",
    ],
)
def test_changed_or_grown_postgres_is_replaced(server: PostgresDatabases, statement: str) -> None:
    url = server.migrated()
    run(url, statement)
    server.drop(url)
    assert url.rpartition("/")[2] not in on_server()
    fresh = server.migrated()
    assert fresh != url
    assert run(fresh, "SELECT line FROM note") == [("migrated",)]
    server.drop(fresh)


@pytest.mark.postgres
async def test_forgotten_transaction_does_not_hold_up_the_next_test(
    server: PostgresDatabases,
) -> None:
    url = server.migrated()
    forgotten = await asyncpg.connect(url)
    await forgotten.execute("BEGIN; LOCK TABLE note IN ACCESS EXCLUSIVE MODE")
    server.drop(url)
    next_url = server.migrated()
    connection = await asyncpg.connect(next_url)
    assert await connection.fetchval("SELECT line FROM note") == "migrated"
    await connection.close()
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)):
        await forgotten.execute("COMMIT")
    server.drop(next_url)


@pytest.mark.postgres
def test_failed_migration_leaves_no_database() -> None:
    seen: list[str] = []

    def fail(url: str) -> None:
        seen.append(url.rpartition("/")[2])
        raise RuntimeError(url)

    with pytest.raises(RuntimeError, match="relatum_test_"):
        PostgresDatabases(SERVER_URL, fail).migrated()
    assert len(seen) == 1
    assert not set(seen) & on_server()


@pytest.mark.postgres
def test_database_of_a_killed_run_is_removed(migration: CountedMigration) -> None:
    abandoned = "relatum_test_20200101000000_0123456789ab"
    unrelated = "relatum_testing_20200101000000"
    run(SERVER_URL, f'CREATE DATABASE "{abandoned}"', f'CREATE DATABASE "{unrelated}"')
    try:
        running = PostgresDatabases(SERVER_URL, migration)
        recent = running.empty()
        PostgresDatabases(SERVER_URL, migration)
        assert abandoned not in on_server()
        assert {unrelated, recent.rpartition("/")[2]} <= on_server()
        running.drop(recent)
    finally:
        run(SERVER_URL, f'DROP DATABASE IF EXISTS "{unrelated}"')


@pytest.mark.postgres
def test_main_tells_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([SERVER_URL]) == 0
    assert f"PostgreSQL {postgres_version(SERVER_URL)} answers" in capsys.readouterr().out


def test_silent_server_is_named_without_its_password(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([NOBODY_LISTENS]) == 1
    message = capsys.readouterr().err
    assert "No PostgreSQL server answered at postgresql://someone@127.0.0.1:1/test" in message
    assert "RELATUM_TEST_POSTGRES" in message
    assert "secret" not in message


def test_main_without_address_prints_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "usage" in capsys.readouterr().err


def content(url: str) -> list[list[tuple[object, ...]]]:
    tables = ("note", "parent", "child", "parent_id_seq")
    return [run(url, f"SELECT * FROM {table}") for table in tables]


def on_server() -> set[str]:
    return {str(name) for (name,) in run(SERVER_URL, "SELECT datname FROM pg_database")}
