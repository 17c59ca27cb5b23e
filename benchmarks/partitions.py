"""What partitions of the event log would bring on PostgreSQL: a trial in a schema of its own.

Two tables of the same events, one plain, one in monthly partitions by ``seq``: writing, reading as
handlers do, reading one customer, and taking one month out.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import time
from collections.abc import AsyncIterator, Awaitable
from typing import Any
from uuid import UUID

import asyncpg

from benchmarks.measures import Measure, NotRunError, Reading
from relatum.values.ids import new_ids
from relatum_sdk.databases import PostgresDatabases

SERVER = "RELATUM_TEST_POSTGRES"
ROWS = 3_000_000
MONTHS = 12
CUSTOMERS = 20_000
AT_ONCE = 20_000

_COLUMNS = """seq bigint NOT NULL, type varchar(120), version smallint, customer_id uuid,
    recorded_at timestamptz NOT NULL, by varchar(120), payload json, context json"""
_NAMES = ("seq", "type", "version", "customer_id", "recorded_at", "by", "payload")


def partitions() -> Reading:
    """Times of the same work on both tables."""
    server = os.environ.get(SERVER)
    if not server:
        raise NotRunError(f"no PostgreSQL; give its address in {SERVER}")
    databases = PostgresDatabases(server, lambda _: None)
    url = databases.empty()
    try:
        rows = asyncio.run(_both(url))
    finally:
        databases.drop(url)
    away = {row[0]: row for row in rows}["take a month out"]
    return Reading(
        value=max(float(away[1]), 0.001) / max(float(away[2]), 0.001),
        heads=["", "plain", "partitioned", "unit"],
        rows=rows,
        notes=[f"{ROWS:,} events in {MONTHS} months, {CUSTOMERS:,} customers"],
    )


async def _both(url: str) -> list[list[Any]]:
    connection = await asyncpg.connect(url)
    try:
        people = new_ids(CUSTOMERS)
        await _tables(connection)
        found = [
            [await each async for each in _work(connection, table, people)]
            for table in ("plain", "parted")
        ]
        names = [
            *("write", "read 5,000 events in order", "the newest 200 of a customer, each"),
            *("take a month out", "vacuum after it", "size before", "size after"),
        ]
        units = ["s", "ms", "ms", "s", "s", "MB", "MB"]
        return [list(row) for row in zip(names, *found, units, strict=True)]
    finally:
        await connection.close()


async def _tables(connection: Any) -> None:
    await connection.execute(f"CREATE TABLE plain ({_COLUMNS}, PRIMARY KEY (seq))")
    await connection.execute(
        f"CREATE TABLE parted ({_COLUMNS}, PRIMARY KEY (seq)) PARTITION BY RANGE (seq)"
    )
    size = ROWS // MONTHS
    for month in range(MONTHS):
        await connection.execute(
            f"CREATE TABLE parted_{month} PARTITION OF parted "
            f"FOR VALUES FROM ({month * size}) TO ({(month + 1) * size})"
        )
    for table in ("plain", "parted"):
        for column in ("type", "customer_id", "recorded_at"):
            await connection.execute(f"CREATE INDEX ON {table} ({column})")


async def _work(connection: Any, table: str, people: list[UUID]) -> AsyncIterator[Awaitable[float]]:
    size = ROWS // MONTHS
    yield _seconds(_fill(connection, table, people))
    await connection.execute(f"ANALYZE {table}")
    read = (
        f"SELECT * FROM {table} WHERE seq > $1 AND seq <= $2 AND type IN ('core.a', 'core.b') "
        "ORDER BY seq LIMIT 5000"
    )
    yield _average(connection, 20, lambda n: (read, (n * ROWS // 25, ROWS)))
    yield _average(
        connection,
        200,
        lambda n: (
            f"SELECT * FROM {table} WHERE customer_id = $1 ORDER BY seq DESC LIMIT 200",
            (people[n * 7],),
        ),
    )
    before = await _size(connection, table)
    out = (
        f"DELETE FROM {table} WHERE seq < {size}"
        if table == "plain"
        else "ALTER TABLE parted DETACH PARTITION parted_0; DROP TABLE parted_0"
    )
    yield _seconds(connection.execute(out))
    yield _seconds(connection.execute(f"VACUUM {table}"))
    yield _known(before)
    yield _known(await _size(connection, table))


async def _fill(connection: Any, table: str, people: list[UUID]) -> None:
    begin = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
    step = dt.timedelta(days=365) / ROWS
    for start in range(0, ROWS, AT_ONCE):
        rows = [
            (
                *(seq, f"core.{'abcd'[seq % 4]}", 1, people[seq * 7919 % CUSTOMERS]),
                *(begin + seq * step, "import:x", f'{{"interaction_id":"{seq}","kind":"core.x"}}'),
            )
            for seq in range(start, min(start + AT_ONCE, ROWS))
        ]
        await connection.copy_records_to_table(table, columns=_NAMES, records=rows)


async def _seconds(work: Awaitable[Any]) -> float:
    began = time.perf_counter()
    await work
    return round(time.perf_counter() - began, 2)


async def _average(connection: Any, times: int, statement: Any) -> float:
    began = time.perf_counter()
    for n in range(times):
        sql, params = statement(n)
        await connection.fetch(sql, *params)
    return round((time.perf_counter() - began) * 1e3 / times, 2)


async def _known(value: float) -> float:
    return round(value, 1)


async def _size(connection: Any, table: str) -> float:
    total = await connection.fetchval(
        "SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree($1)", table
    )
    if total is None:
        total = await connection.fetchval(f"SELECT pg_total_relation_size('{table}')")
    return float(total) / 1e6


MEASURES = [
    Measure(
        id="archive.partitions",
        title="how much faster a month goes from a partitioned event log (trial, PostgreSQL)",
        unit="times",
        limit=1.0,
        goal="at least",
        run=partitions,
    ),
]
