"""Databases of both kinds beside each other, and one of every kind of value."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from relatum.config.settings import Settings
from relatum_sdk.databases import PostgresDatabases

#: A plugin that is not installed any more; its table holds every kind of value.
TABLE = "gone_thing"
SQLITE_DDL = """
CREATE TABLE gone_thing (
    id INTEGER PRIMARY KEY NOT NULL, uuid UUID NOT NULL, name VARCHAR(40) NOT NULL, long TEXT,
    json JSON, meant JSONB, flag BOOLEAN, small SMALLINT, big BIGINT, amount INTEGER,
    at TIMESTAMPTZ, wall TIMESTAMP, day DATE, clock TIME, span SECONDS, bytes BLOB,
    double DOUBLE PRECISION, exact NUMERIC, parent INTEGER REFERENCES gone_thing (id),
    customer_id UUID REFERENCES core_customer (id) ON DELETE RESTRICT,
    UNIQUE (uuid)
)
"""
#: Rows as SQLite stores them. Each is a trap: escapes of COPY, bare JSON numbers, signs of zero,
#: times with and without a fraction and in another writing, letters beyond the first plane.
ROWS: list[tuple[Any, ...]] = [
    (
        *(
            1,
            "018f0000-0000-7000-8000-000000000001",
            "Nguyễn Thị Ánh",
            "tab\t line\n \\N \\. \r end",
        ),
        *('{"b": 1, "a":  [1.50, "x"]}', '{"b":1,"a":[1.50,1e2]}', 1, 3, 2**40, 150),
        *("2026-11-22 11:18:00.123456+00:00", "2026-11-22 11:18:00", "2026-11-22"),
        *("10:20:30", 90.25, b"\x00\xff\\", 0.1, "12.50", None, None),
    ),
    (
        *(2, "018f0000-0000-7000-8000-000000000002", "", "\\", "1.50", "[]", 0, -3, -(2**40), 0),
        *("2026-11-22 11:18:00+00:00", "2026-11-22 11:18:00.5", "1999-01-01"),
        *("10:20:30.000001", 0.0, b"", -0.0, "3", 1, None),
    ),
    (
        *(3, "018F0000-0000-7000-8000-00000000000A", "𝄞 ; ~ 3:abc", "~;", '"text"', "null"),
        *(None, None, None, -7, "2026-11-22T18:18:00+07:00", None, None, None, None, None),
        *(1e308, None, 2, None),
    ),
    (
        *(7, "018f0000-0000-7000-8000-00000000000b", "3:abc;~;", None, None, None),
        *(None, None, None, None, None, None, None, None, None, None, None, None, 7, None),
    ),
]


@pytest.fixture
def settings(tmp_path: Path, sqlite_url: str) -> Settings:
    """An installation on SQLite, migrated for core and every installed plugin."""
    home = tmp_path / "home"
    home.mkdir()
    return Settings(home=home, database=sqlite_url, durability="normal")


@pytest.fixture
def sqlite_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a migrated SQLite database."""
    databases = request.getfixturevalue("_relatum_sqlite")
    url = databases.migrated()
    yield url
    databases.drop(url)


@pytest.fixture
def server_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of an empty PostgreSQL database."""
    databases: PostgresDatabases = request.getfixturevalue("_relatum_postgresql")
    url = databases.empty()
    yield url
    databases.drop(url)


def add_rows(path: Path) -> None:
    """The table of a plugin that is gone, with a row for every trap."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(SQLITE_DDL)
        marks = ",".join("?" * 20)
        connection.executemany(f"INSERT INTO {TABLE} VALUES ({marks})", ROWS)
        connection.execute("CREATE INDEX gone_thing_by_name ON gone_thing (name)")
        connection.commit()


def on_server(url: str, work: Callable[[Any], Any]) -> Any:
    """Work with a connection to PostgreSQL; for tests that are not coroutines."""

    async def run() -> Any:
        connection = await asyncpg.connect(url)
        try:
            return await work(connection)
        finally:
            await connection.close()

    return asyncio.run(run())
