from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any, NamedTuple

import pytest

from relatum.db.database import Database
from relatum.db.guarding import MASK, Guard, Shadow
from relatum_sdk.databases import Databases


@pytest.fixture
async def db(relatum_empty_database_url: str) -> AsyncIterator[Database]:
    """A database without tables of the house, with one table of notes."""
    database = await Database.open(relatum_empty_database_url)
    await database.execute("CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT NOT NULL)")
    await database.execute("CREATE TABLE counter (id INTEGER PRIMARY KEY, n INTEGER NOT NULL)")
    await database.execute("INSERT INTO counter (id, n) VALUES (1, 0)")
    yield database
    await database.close()


# -- a small world that is seen in part ------------------------------------------------------------

Row = tuple[Any, ...]
Rows = dict[str, list[Row]]

COLUMNS: dict[str, tuple[str, ...]] = {
    "core_customer": ("id", "name", "owner"),
    "crm_contact": ("id", "customer_id", "raw", "label"),
    "crm_deal": ("id", "customer_id", "name", "amount"),
    "crm_line": ("id", "deal_id", "n"),
    "crm_total": ("id", "n"),
    "crm_plain": ("id", "n", "text"),
}
TEXTS = {"name", "raw", "label", "text"}

#: Customers 0…11 belong to owners 0…3 in turn; owners 1 and 2 are seen. Two deals and one contact
#: belong to nobody; one line belongs to no deal.
EVERYTHING: Rows = {
    "core_customer": [(n, f"customer {n}", n % 4) for n in range(12)],
    "crm_contact": [(n, n if n < 12 else None, f"090{n:07}", f"label {n % 3}") for n in range(13)],
    "crm_deal": [(n, (n * 5) % 12 if n < 12 else None, f"deal {n}", n * 10) for n in range(14)],
    "crm_line": [(n, n % 14 if n < 28 else None, n) for n in range(29)],
    "crm_total": [(1, 99), (2, 101)],
    "crm_plain": [(n, n * n, f"plain {n}") for n in range(4)],
}
SEEN_OWNERS = {1, 2}


def seen(rows: Rows) -> Rows:
    """What is left for the viewer: worked out in Python, row by row."""
    customers = {row[0] for row in rows["core_customer"] if row[2] in SEEN_OWNERS} | {None}
    deals = {row[0] for row in rows["crm_deal"] if row[1] in customers} | {None}
    return {
        "core_customer": [row for row in rows["core_customer"] if row[2] in SEEN_OWNERS],
        "crm_contact": [row for row in rows["crm_contact"] if row[1] in customers],
        "crm_deal": [row for row in rows["crm_deal"] if row[1] in customers],
        "crm_line": [row for row in rows["crm_line"] if row[1] in deals],
        "crm_total": [],
        "crm_plain": rows["crm_plain"],
    }


def masked(rows: Rows) -> Rows:
    contacts = [(*row[:2], MASK, *row[3:]) for row in rows["crm_contact"]]
    return rows | {"crm_contact": contacts}


def guard(*, masks: bool, rows: bool = True) -> Guard:
    """The same, as a guard."""
    of_customer = (
        "(g.customer_id IS NULL OR EXISTS "
        "(SELECT 1 FROM core_customer s WHERE s.id = g.customer_id))"
    )
    raw = f"'{MASK}' AS raw" if masks else "g.raw"
    shadows = {
        "core_customer": Shadow(
            select="SELECT g.id, g.name, g.owner FROM {table} g WHERE g.owner IN (?, ?)",
            params=tuple(sorted(SEEN_OWNERS)),
        ),
        "crm_contact": Shadow(
            select=f"SELECT g.id, g.customer_id, {raw}, g.label FROM {{table}} g"
            + (f" WHERE {of_customer}" if rows else ""),
            needs=("core_customer",) if rows else (),
            hides_rows=rows,
            masked=frozenset({"raw"} if masks else ()),
            refers={"customer_id": "core_customer"},
        ),
        "crm_deal": Shadow(
            select="SELECT g.id, g.customer_id, g.name, g.amount "
            f"FROM {{table}} g WHERE {of_customer}",
            needs=("core_customer",),
            refers={"customer_id": "core_customer"},
        ),
        "crm_line": Shadow(
            select="SELECT g.id, g.deal_id, g.n FROM {table} g WHERE g.deal_id IS NULL OR EXISTS "
            "(SELECT 1 FROM crm_deal s WHERE s.id = g.deal_id AND g.n > ?)",
            params=(-1,),
            needs=("crm_deal",),
            refers={"deal_id": "crm_deal"},
        ),
        "crm_total": Shadow(select="SELECT g.id, g.n FROM {table} g WHERE 1 = 0"),
    }
    if not rows:
        shadows = {"crm_contact": shadows["crm_contact"]}
    return Guard(shape=f"masks {masks} rows {rows}", shadows=shadows, masks=masks)


async def fill(database: Database, rows: Rows) -> None:
    async with database.transaction():
        for table, columns in COLUMNS.items():
            await database.execute(f"DELETE FROM {table}")
            await database.insert(table, columns, rows[table])


async def contents(database: Database) -> Rows:
    """All rows of every table, by their keys."""
    return {
        table: await database.fetch(f"SELECT {', '.join(columns)} FROM {table} ORDER BY id")
        for table, columns in COLUMNS.items()
    }


class World(NamedTuple):
    """``full`` has every row; ``truth`` has only those that the guard lets through."""

    full: Database
    truth: Database

    guard = staticmethod(guard)
    seen = staticmethod(seen)
    masked = staticmethod(masked)
    everything = EVERYTHING
    columns = COLUMNS
    texts = TEXTS

    async def reset(self, *, masks: bool) -> None:
        await fill(self.full, EVERYTHING)
        await fill(self.truth, masked(seen(EVERYTHING)) if masks else seen(EVERYTHING))

    async def contents(self, database: Database) -> Rows:
        return await contents(database)


async def _create(database: Database) -> None:
    for table, columns in COLUMNS.items():
        rest = [f"{name} {'TEXT' if name in TEXTS else 'INTEGER'}" for name in columns[1:]]
        await database.execute(f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, {', '.join(rest)})")


@pytest.fixture
async def masked_world(world: World) -> World:
    """The same, where contacts are masked as well."""
    await world.reset(masks=True)
    return world


@pytest.fixture
async def world(relatum_databases: Databases) -> AsyncIterator[World]:
    """Two databases of one kind, without a mask."""
    urls: Sequence[str] = [relatum_databases.empty(), relatum_databases.empty()]
    full, truth = [await Database.open(url) for url in urls]
    both = World(full, truth)
    for database in both:
        await _create(database)
    await both.reset(masks=False)
    yield both
    for database, url in zip(both, urls, strict=True):
        await database.close()
        relatum_databases.drop(url)
