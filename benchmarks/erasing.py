"""Erasing a hundred people: whether anything of them is left, and how long it takes.

They lie among thousands of others, with rows in the tables of core that point at customers and in
tables that no code knows; others quote them. What is left is looked for by code that knows nothing
of erasing (``core/tests/customers/erasing/subjects.py``): every value of every table, and the
bytes of the database's files.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from pathlib import Path

from benchmarks.measures import Condition, Measure, Reading
from core.tests.customers.erasing.subjects import (
    BY,
    Stage,
    left_in_files,
    left_in_tables,
    spellings_of,
)
from relatum.app.house import House
from relatum.config.settings import Settings
from relatum.customers.types import CustomerDraft
from relatum.interactions.types import InteractionDraft
from relatum_sdk.databases import PostgresDatabases

SERVER = "RELATUM_TEST_POSTGRES"
SUBJECTS = 100
#: other customers, and interactions of each
OTHERS = 5_000
INTERACTIONS = 4
TEXT = "Khách hỏi giá ghế gỗ, hẹn gọi lại tuần sau; số máy bàn 028 3822 0000"

Row = tuple[str, int, int, int, float, float]


def measure_erasure() -> Reading:
    """How many identifiers of a hundred people are found after they were erased."""
    rows = [asyncio.run(_erased("SQLite", None))]
    if os.environ.get(SERVER):
        rows.append(_on_server(os.environ[SERVER]))
    return Reading(
        value=max(row[3] for row in rows),
        heads=["database", "people", "found before", "found after", "seconds", "MB"],
        rows=rows,
        conditions=[
            Condition("people erased", rows[0][1], "people", SUBJECTS, "at least"),
            Condition("seconds for all of them", max(row[4] for row in rows), "s", 120),
        ],
        notes=[] if len(rows) > 1 else [f"PostgreSQL was left out: {SERVER} is not set."],
    )


def _on_server(server: str) -> Row:
    databases = PostgresDatabases(server, lambda url: None)
    url = databases.empty()
    try:
        return asyncio.run(_erased("PostgreSQL", url))
    finally:
        databases.drop(url)


async def _erased(name: str, url: str | None) -> Row:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        settings = Settings(
            home=home,
            database=url or f"sqlite:///{home}/erasing.sqlite3",
            safe_mode=True,
            durability="normal",
        )
        async with await House.open(settings) as house:
            await house.migrate_apply()
            stage = Stage(house, SUBJECTS)
            await stage.build()
            await _others(house)
            wanted = spellings_of(stage.subjects)
            before = await left_in_tables(settings.database, wanted)
            began = time.perf_counter()
            batch = await house.erasing.erase_many(stage.ids, by=BY, reason="measured")
            seconds = time.perf_counter() - began
            after = await left_in_tables(settings.database, wanted)
            after += left_in_files(home, wanted)
        size = _size(home)
        return name, len(batch.erased), len(before), len(after), seconds, round(size, 1)


def _size(home: Path) -> float:
    return sum(path.stat().st_size for path in home.rglob("*") if path.is_file()) / 1e6


async def _others(house: House) -> None:
    for start in range(0, OTHERS, 1_000):
        some = range(start, min(start + 1_000, OTHERS))
        ids = await house.customers.create(
            [CustomerDraft(display_name=f"Lê Thị Khách {n}") for n in some], by=BY
        )
        notes = [
            InteractionDraft(kind="core.note", customer_id=id, payload={"text": TEXT})
            for id in ids
            for _ in range(INTERACTIONS)
        ]
        await house.interactions.record(notes, by=BY)


MEASURES = [
    Measure(
        id="privacy.erasure",
        title="identifiers of 100 erased people that are found again",
        unit="found",
        limit=0,
        goal="at most",
        run=measure_erasure,
    )
]
