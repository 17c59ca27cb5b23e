"""Random policies, rows and users against a slow reference that knows no SQL."""

from __future__ import annotations

import asyncio
import os
import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.measures import Condition, Measure, Reading
from benchmarks.visibility import (
    SORTS,
    build,
    differences,
    list_differences,
    random_policies,
    sees,
)
from relatum.app.house import House
from relatum.config.settings import Settings
from relatum.customers.types import CustomerQuery

#: for each database
TRIPLES = 100_000
CUSTOMERS = 60
SEED = 20261122
SERVER = "RELATUM_TEST_POSTGRES"
#: one policy in so many is compared page by page as well, in one of the orders
LISTED = 20


def policies() -> Reading:
    """Every triple by a plain SELECT, a part of them by the pages of lists."""
    rows: list[list[object]] = []
    agreed, wrong = 0, 0
    for kind, url in _urls():
        with tempfile.TemporaryDirectory(prefix="relatum-bench-") as folder:
            started = time.monotonic()
            same, seen, bad = asyncio.run(_compare(Path(folder), url))
            share = seen / max(1, same)
            rows.append([kind, same, share, len(bad), time.monotonic() - started])
            agreed, wrong = agreed + same, wrong + len(bad)
            for difference in bad[:5]:
                print(difference)
    notes = [f"companies of {CUSTOMERS} customers, seed {SEED}"]
    if len(rows) < 2:
        notes.append(f"PostgreSQL was not asked: {SERVER} is not set")
    return Reading(
        value=agreed / len(rows),
        heads=["database", "triples agreed", "share seen", "disagreements", "s"],
        rows=rows,
        conditions=[Condition("disagreements", wrong, "triples", 0)],
        notes=notes,
    )


@contextmanager
def _server_database(server: str) -> Iterator[str]:
    from relatum_sdk.databases import PostgresDatabases

    databases = PostgresDatabases(server, lambda _: None)
    url = databases.empty()
    try:
        yield url
    finally:
        databases.drop(url)
        databases.close()


def _urls() -> Iterator[tuple[str, str]]:
    yield "SQLite", ""
    server = os.environ.get(SERVER, "")
    if server:
        with _server_database(server) as url:
            yield "PostgreSQL", url


async def _compare(home: Path, url: str) -> tuple[int, int, list[str]]:
    """How many triples agree, how many of all are seen, and what differs."""
    database = url or f"sqlite:///{home / 'relatum.sqlite3'}"
    settings = Settings(home=home, database=database, safe_mode=True, durability="normal")
    async with await House.open(settings) as house:
        await house.migrate_apply()
        chance = random.Random(SEED)
        company = await build(house, chance, customers=CUSTOMERS)
        triples, seen, number = 0, 0, 0
        bad: list[str] = []
        while triples < TRIPLES:
            some = random_policies(company, chance)
            account = chance.choice(list(company.accounts))
            bad += await differences(house, company, some, account)
            if number % LISTED == 0:
                query = CustomerQuery(sort=SORTS[number // LISTED % len(SORTS)], limit=20)
                bad += await list_differences(house, company, some, account, query)
            triples += len(company.customers)
            seen += sum(sees(company, some, account, one) for one in company.customers)
            number += 1
        return triples - len(bad), seen, bad


MEASURES = [
    Measure(
        id="access.policies",
        title="random policy, row and user against a slow reference, on each database",
        unit="triples",
        limit=100_000,
        goal="at least",
        run=policies,
    )
]
