"""A month leaves the database and comes back, while somebody else writes."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import os
import random
import resource
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch
from uuid import UUID

from benchmarks.measures import Condition, Measure, Reading
from relatum.app.house import House
from relatum.archive.catalogue import ArchiveFile
from relatum.archive.kinds import EVENTS, INTERACTIONS
from relatum.config.settings import Settings
from relatum.customers.types import CustomerDraft
from relatum.db.database import to_json
from relatum.events import log as log_module
from relatum.events.types import NewEvent
from relatum.interactions.events import RECORDED, InteractionFact
from relatum.interactions.service import COLUMNS
from relatum.values.time import now
from relatum_sdk.databases import PostgresDatabases

SERVER = "RELATUM_TEST_POSTGRES"
FACTS = 1_000_000
CONTACTS = 200_000
CUSTOMERS = 2_000
AT_ONCE = 10_000
MONTH = "2025-01"
BEGIN = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
#: Another writer tries so often, in seconds.
BEAT = 0.05
#: Milliseconds that it may have to wait for its turn, at most.
LONGEST_WAIT = 2_000.0


@dataclass
class Waits:
    """How long somebody else's writes took, in milliseconds."""

    all: list[float]

    @property
    def longest(self) -> float:
        return max(self.all, default=0.0)


def month() -> Reading:
    """Archive, check, restore and drop a month, on each database there is."""
    rows: list[list[object]] = []
    rates, waits, ratios = [], [], []
    for name, url in _databases():
        for entry, steps, table, longest in asyncio.run(_of(url)):
            for step, seconds in steps:
                rows.append([name, entry.kind, step, entry.rows, seconds, entry.rows / seconds])
            ratio = entry.bytes / table
            rows.append(
                [name, entry.kind, f"file {entry.bytes / 1e6:.1f} MB", table / 1e6, ratio, 0]
            )
            ratios.append(ratio)
            waits.append(longest)
            if entry.kind == EVENTS:
                rates.append(entry.rows / steps[0][1])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Reading(
        value=min(rates),
        heads=["database", "table", "step", "rows (table, MB)", "s (ratio)", "rows/s"],
        rows=rows,
        conditions=[
            Condition("longest write of somebody else", max(waits), "ms", LONGEST_WAIT),
            Condition("file, of the table with its indexes", max(ratios), "of 1", 0.5),
        ],
        notes=[f"memory of the process at most {peak:.0f} MB"],
    )


def _databases() -> Iterator[tuple[str, str]]:
    yield "SQLite", ""
    server = os.environ.get(SERVER)
    if server:
        databases = PostgresDatabases(server, lambda _: None)
        url = databases.empty()
        try:
            yield "PostgreSQL", url
        finally:
            databases.drop(url)


async def _of(url: str) -> list[tuple[ArchiveFile, list[tuple[str, float]], int, float]]:
    async with _house(url) as house:
        sizes = await _fill(house)
        results = []
        for kind in (EVENTS, INTERACTIONS):
            waits = Waits([])
            steps: list[tuple[str, float]] = []
            async with _writing(house, waits):
                work = house.archive.run(until=MONTH, kinds=[kind])
                await _timed(steps, "archived", work)
                if kind == EVENTS:
                    await _timed(steps, "seals checked from the file", _check(house))
                    await _timed(steps, "read as a replay does", _read(house))
                await _timed(steps, "restored", house.archive.restore(kind, MONTH))
                await _timed(steps, "dropped again", house.archive.drop(kind, MONTH))
            (entry,) = [each for each in await house.archive.files() if each.kind == kind]
            results.append((entry, steps, sizes[kind], waits.longest))
        return results


async def _timed(steps: list[tuple[str, float]], name: str, work: Awaitable[object]) -> None:
    began = time.perf_counter()
    await work
    steps.append((name, time.perf_counter() - began))


async def _read(house: House) -> None:
    """Every event of one type, from the first on."""
    after, until = 0, await house.events.last()
    while True:
        found = await house.events.read(after, until=until, types=(RECORDED,), limit=5_000)
        if len(found) < 5_000:
            return
        after = found[-1].seq


async def _check(house: House) -> None:
    found = await house.audit.check()
    if not found.sound or not found.archived:
        raise RuntimeError(f"expected sound seals, got {found}")


@contextlib.asynccontextmanager
async def _house(url: str) -> AsyncIterator[House]:
    with tempfile.TemporaryDirectory(prefix="relatum-bench-") as folder:
        settings = Settings(home=Path(folder), safe_mode=True, database=url)
        async with await House.open(settings) as house:
            await house.migrate_apply()
            yield house


async def _fill(house: House) -> dict[str, int]:
    """A month of events and interactions, and today; returns the bytes of each table."""
    chance = random.Random(7)
    drafts = [CustomerDraft(display_name=f"Nguyễn Văn {n}") for n in range(CUSTOMERS)]
    step = dt.timedelta(days=30) / FACTS
    moment = [BEGIN]
    with patch.object(log_module, "now", lambda: moment[0]):
        people = await house.customers.create(drafts, by="system")
        before = await _size(house, EVENTS)
        for start in range(0, FACTS, AT_ONCE):
            moment[0] = BEGIN + start * step
            facts = [
                NewEvent(
                    type=RECORDED,
                    payload=InteractionFact(_id(chance, moment[0]), "core.purchase", moment[0]),
                    customer=chance.choice(people),
                )
                for _ in range(min(AT_ONCE, FACTS - start))
            ]
            await house.events.append(facts, by="import:0193-benchmark")
    sizes = {EVENTS: await _size(house, EVENTS) - before}
    before = await _size(house, INTERACTIONS)
    for start in range(0, CONTACTS, AT_ONCE):
        moments = [
            BEGIN + n * (dt.timedelta(days=30) / CONTACTS)
            for n in range(start, min(start + AT_ONCE, CONTACTS))
        ]
        rows = [
            (
                *(_id(chance, at), "core.purchase", 1, chance.choice(people), "shop", "in", at, at),
                _payload(chance),
                *(chance.randint(1, 900) * 1000, "VND", None, None),
                *("import:x", f"shop:{start}:{n}"),
            )
            for n, at in enumerate(moments)
        ]
        await house.db.insert("core_interaction", COLUMNS, rows)
    sizes[INTERACTIONS] = await _size(house, INTERACTIONS) - before
    await house.customers.create([CustomerDraft(display_name="Hôm nay")], by="system")
    await house.seals.seal()
    return sizes


def _id(chance: random.Random, moment: dt.datetime) -> UUID:
    """As :func:`relatum.values.ids.new_id` makes them one at a time: the rest is random."""
    stamp = int(moment.timestamp() * 1_000)
    return UUID(
        int=stamp << 80 | 7 << 76 | chance.getrandbits(12) << 64 | 2 << 62 | chance.getrandbits(62)
    )


def _payload(chance: random.Random) -> str:
    reference, item = f"INV{chance.randint(1, 10**6)}", f"SKU{chance.randint(1, 4000)}"
    return to_json({"reference": reference, "item": item, "quantity": str(chance.randint(1, 20))})


async def _size(house: House, table: str) -> int:
    if house.db.kind == "postgresql":
        row = await house.db.fetch_one(f"SELECT pg_total_relation_size('{table}')")
    else:
        row = await house.db.fetch_one(
            "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
        )
    return int(row[0]) if row else 0


@contextlib.asynccontextmanager
async def _writing(house: House, waits: Waits) -> AsyncIterator[None]:
    """Somebody else writes all the while."""

    async def write() -> None:
        while True:
            began = time.perf_counter()
            await house.customers.create([CustomerDraft(display_name=str(now()))], by="system")
            waits.all.append((time.perf_counter() - began) * 1e3)
            await asyncio.sleep(BEAT)

    task = asyncio.create_task(write())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


MEASURES = [
    Measure(
        id="archive.month",
        title="events of a month archived a second (file written, read back, rows taken out)",
        unit="events/s",
        limit=5_000,
        goal="at least",
        run=month,
    ),
]
