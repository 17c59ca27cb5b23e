"""Checksums: equal on both databases, equal to a third way of making them, and touchy."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import random
import sqlite3
import struct
from collections.abc import Callable, Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from core.tests.moving.conftest import ROWS, SQLITE_DDL, TABLE
from relatum.moving.canonical import bare_json, jsonb, teach
from relatum.moving.checksums import Checksum, columns_of, embedded_checksum, server_checksum
from relatum.moving.embedded_end import EmbeddedSource
from relatum.moving.kinds import Kind
from relatum.moving.layouts import creation, embedded_layouts, listed, server_layouts
from relatum.moving.server_end import ServerTarget

COLUMNS = (
    *("id", "uuid", "name", "long", "json", "meant", "flag", "small", "big", "amount"),
    *("at", "wall", "day", "clock", "span", "bytes", "double", "exact", "parent", "customer_id"),
)


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as opened:
        teach(opened)
        opened.execute(SQLITE_DDL)
        marks = ",".join("?" * len(COLUMNS))
        opened.executemany(f"INSERT INTO {TABLE} VALUES ({marks})", ROWS)
        opened.commit()
        yield opened


def checksum(connection: sqlite3.Connection) -> Checksum:
    return embedded_checksum(connection, TABLE, columns_of(embedded_layouts(connection)[TABLE]))


def by_hand(rows: list[tuple[Any, ...]]) -> str:
    """The same from the values, written for this test alone."""
    high = low = 0
    for row in rows:
        text = "".join(
            ("~" if value is None else _form(name, value)) + ";"
            for name, value in sorted(zip(COLUMNS, row, strict=True))
        )
        digest = hashlib.sha256(text.encode()).digest()
        high += int.from_bytes(digest[:8], "big")
        low += int.from_bytes(digest[8:16], "big")
    return f"{high % 2**64:016x}{low % 2**64:016x}"


def _form(name: str, value: Any) -> str:
    return _FORMS.get(name, str)(value)


def _text(value: str) -> str:
    return f"{len(value)}:{value}"


_MEANT = {'{"b":1,"a":[1.50,1e2]}': '{"a": [1.50, 100], "b": 1}'}
_FORMS: dict[str, Callable[[Any], str]] = {
    "uuid": lambda value: str(UUID(value)),
    "name": _text,
    "long": _text,
    "json": lambda value: "n1.5" if value == "1.50" else _text(value),
    # as PostgreSQL prints what it has taken apart
    "meant": lambda value: _text(_MEANT.get(value, value)),
    "at": lambda value: _stamp(dt.datetime.fromisoformat(value).astimezone(dt.UTC)),
    "wall": lambda value: _stamp(dt.datetime.fromisoformat(value)),
    "clock": lambda value: dt.time.fromisoformat(value).strftime("%H:%M:%S.%f"),
    "span": lambda value: str(int(value * 1_000_000)),
    "bytes": lambda value: str(value.hex()),
    "double": lambda value: struct.pack(">d", value + 0.0).hex(),
    "exact": lambda value: str(Decimal(value).normalize()),
}


def _stamp(moment: dt.datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S.%f")


def test_is_what_it_says_it_is(connection: sqlite3.Connection) -> None:
    assert checksum(connection) == Checksum(
        rows=len(ROWS), digest=by_hand(ROWS), sums={"amount": 143}
    )


@pytest.mark.postgres
async def test_is_the_same_on_postgresql(
    connection: sqlite3.Connection, server_url: str, tmp_path: Path
) -> None:
    layout = embedded_layouts(connection)[TABLE]
    target = await ServerTarget.open(server_url)
    other = target._connection
    try:
        await other.execute("CREATE TABLE core_customer (id UUID PRIMARY KEY)")
        for statement in creation(layout, "postgresql"):
            await other.execute(statement)
        copied = tmp_path / "copy.sqlite3"
        connection.execute("VACUUM INTO ?", (str(copied),))
        source = EmbeddedSource(copied)
        await other.execute("CREATE TABLE relatum_move (part TEXT PRIMARY KEY, note TEXT)")
        columns = columns_of(layout)
        async for batch in source.batches(layout, columns, None):
            await target.write(layout, columns, batch, {})
        await source.close()
        theirs = columns_of((await server_layouts(other))[TABLE])
        assert theirs == columns
        assert await server_checksum(other, TABLE, theirs) == checksum(connection)
        assert (await server_checksum(other, TABLE, theirs)).digest == by_hand(ROWS)
    finally:
        await target.close()


CHANGES: dict[str, str] = {
    "a letter": "UPDATE gone_thing SET name = name || ' ' WHERE id = 2",
    "a blank in JSON": 'UPDATE gone_thing SET json = \'{"b": 1, "a": [1.50, "x"]}\' WHERE id = 1',
    "empty for nothing": "UPDATE gone_thing SET long = '' WHERE id = 7",
    "nothing for empty": "UPDATE gone_thing SET bytes = NULL WHERE id = 2",
    "a microsecond": "UPDATE gone_thing SET at = '2026-11-22 11:18:00.123457+00:00' WHERE id = 1",
    "a bit of a float": "UPDATE gone_thing SET double = 0.10000000000000002 WHERE id = 1",
    "no for yes": "UPDATE gone_thing SET flag = 0 WHERE id = 1",
    "a byte": "UPDATE gone_thing SET bytes = x'00ff5d' WHERE id = 1",
    "a row too few": "DELETE FROM gone_thing WHERE id = 3",
    "a row twice": (
        "INSERT INTO gone_thing SELECT 8, uuid || '', name, long, json, meant, flag, small, big, "
        "amount, at, wall, day, clock, span, bytes, double, exact, parent, customer_id "
        "FROM gone_thing WHERE id = 7"
    ),
    "two rows that change names": (
        "UPDATE gone_thing SET name = (SELECT name FROM gone_thing o WHERE o.id = 3 - "
        "gone_thing.id) WHERE id IN (1, 2)"
    ),
    "two columns of one row": "UPDATE gone_thing SET name = long, long = name WHERE id = 2",
    "from one column to the next": (
        "UPDATE gone_thing SET name = '3:abc;~', long = ';' WHERE id = 7"
    ),
}


@pytest.mark.parametrize("statement", CHANGES.values(), ids=CHANGES.keys())
def test_notices(connection: sqlite3.Connection, statement: str) -> None:
    before = checksum(connection)
    # without constraints: a row that is there twice must not be kept out
    columns = columns_of(embedded_layouts(connection)[TABLE])
    connection.execute("CREATE TABLE other AS SELECT * FROM gone_thing")
    assert embedded_checksum(connection, "other", columns) == before
    assert connection.execute(statement.replace("gone_thing", "other")).rowcount
    assert embedded_checksum(connection, "other", columns).digest != before.digest


def test_a_row_twice_is_not_the_same_as_none(connection: sqlite3.Connection) -> None:
    columns = columns_of(embedded_layouts(connection)[TABLE])
    connection.execute("CREATE TABLE other AS SELECT * FROM gone_thing")
    before = embedded_checksum(connection, "other", columns)
    for _ in range(2):
        connection.execute("INSERT INTO other SELECT * FROM gone_thing WHERE id = 2")
    after = embedded_checksum(connection, "other", columns)
    assert after.digest != before.digest
    assert after.rows == before.rows + 2


def test_does_not_depend_on_the_order(connection: sqlite3.Connection) -> None:
    before = checksum(connection)
    shuffled = random.Random(4).sample(ROWS, len(ROWS))
    columns = columns_of(embedded_layouts(connection)[TABLE])
    connection.execute("CREATE TABLE other AS SELECT * FROM gone_thing WHERE 0")
    marks = ",".join("?" * len(COLUMNS))
    connection.executemany(f"INSERT INTO other ({listed(COLUMNS)}) VALUES ({marks})", shuffled)
    assert embedded_checksum(connection, "other", columns) == before


@pytest.mark.parametrize(
    ("value", "form"),
    [
        (5, "n5"),
        (1.5, "n1.5"),
        ("1.50", "n1.5"),
        ("1e3", "n1000"),
        ("-0", "n0"),
        ("true", "4:true"),
        (' {"a":1}', '8: {"a":1}'),
    ],
)
def test_bare_json(value: Any, form: str) -> None:
    assert bare_json(value) == form


@pytest.mark.postgres
@pytest.mark.parametrize(
    "value",
    [
        {"bb": 1, "a": [True, None, 'é\n\u0001"\\/'], "aa": {}},
        [1.10, 1e2, -0.5, 12345678901234567890, 1e-7, 0.0],
        "ký tự 𝄞",
        {},
    ],
    ids=["tree", "numbers", "text", "empty"],
)
async def test_jsonb_is_written_as_postgresql_writes_it(value: Any, server_url: str) -> None:
    target = await ServerTarget.open(server_url)
    try:
        text = json.dumps(value, ensure_ascii=False)
        theirs = await target._connection.fetchval("SELECT $1::text::jsonb::text", text)
    finally:
        await target.close()
    assert jsonb(text) == f"{len(theirs)}:{theirs}"


def test_every_kind_has_a_form_on_both() -> None:
    from relatum.moving import canonical, embedded_end, server_end

    assert set(canonical._EMBEDDED) == set(canonical._SERVER) == set(Kind)
    assert set(server_end._STORED) == set(Kind)
    assert set(embedded_end._LINES) <= set(Kind)
    forms: list[Callable[..., str]] = [canonical.embedded_form, canonical.server_form]
    assert all(form("c", kind).endswith("';'") for form in forms for kind in Kind)
