"""Background work: how many runs a second, how soon one starts, what asking for one costs."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import os
import sqlite3
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from benchmarks.measures import Measure, Reading
from benchmarks.rounds import percentile
from relatum.app.house import House
from relatum.config.settings import Settings
from relatum.hooks.declarations import Job
from relatum.jobs.types import JobRequest
from relatum.values.text import Text
from relatum.values.time import now

SERVER = "RELATUM_TEST_POSTGRES"
JOB = "core.benchmark"
ROUNDS = 3
#: runs of one round
RUNS = 5_000
SINGLES = 500
#: runs that one call asks for
AT_ONCE = 1_000
#: that a worker takes in one go, with the default of 20 at a time
BATCH = 10
FUTURE = 100_000
STARTS = 60
#: transactions of one kind in a row, and how often both kinds take turns
TRANSACTIONS = 100
TURNS = 8


class Scene:
    """A house with one job that does next to nothing, and tells when it did."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.started: dict[Any, float] = {}
        self._enough = asyncio.Event()
        self._wanted = 0
        title = Text(en="Benchmark", vi="Đo")
        house.registry.jobs.put(Job(id=JOB, title=title, run=self._run))

    async def _run(self, plugin: Any, run: Any) -> None:
        self.started[run.id] = time.perf_counter()
        if len(self.started) >= self._wanted:
            self._enough.set()

    async def wait_for(self, count: int) -> None:
        """Until so many have run since the last :meth:`clear`, and are put away."""
        self._wanted = count
        if len(self.started) < count:
            self._enough.clear()
            await self._enough.wait()
        while await self.waiting():  # noqa: ASYNC110 - the rows are what counts
            await asyncio.sleep(0.002)

    async def waiting(self) -> int:
        """Ready or running ones."""
        rows = await self.house.db.fetch(
            "SELECT count(*) FROM core_queue WHERE status = 'picked' UNION ALL "
            "SELECT count(*) FROM core_queue WHERE status = 'queued' AND stage = 0"
        )
        return sum(count for (count,) in rows)

    def clear(self) -> None:
        self.started.clear()
        self._wanted = 0

    @contextlib.asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """A worker of this process, as ``relatum serve`` has it."""
        tasks = [
            asyncio.create_task(self.house.worker.run_forever()),
            asyncio.create_task(self.house.signals.run_forever()),
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)


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


def _on_each(measure: Callable[[Scene], Awaitable[Any]]) -> dict[str, Any]:
    """What a measure finds on each database, with the durability that is the default."""
    found = {}
    for kind, url in _urls():
        with tempfile.TemporaryDirectory(prefix="relatum-bench-") as folder:
            found[kind] = asyncio.run(_in_house(Path(folder), url, measure))
    return found


async def _in_house(home: Path, url: str, measure: Callable[[Scene], Awaitable[Any]]) -> Any:
    database = url or f"sqlite:///{home / 'relatum.sqlite3'}"
    settings = Settings(home=home, database=database, safe_mode=True)
    async with await House.open(settings) as house:
        await house.migrate_apply()
        return await measure(Scene(house))


def _missing(found: dict[str, Any]) -> list[str]:
    return [] if len(found) > 1 else [f"PostgreSQL was not asked: {SERVER} is not set"]


# -- how many a second -----------------------------------------------------------------------------


def rate() -> Reading:
    """Runs that are asked for in thousands and done; the slower database counts."""
    found = _on_each(_rates)
    rows = [
        [kind, what, statistics.median(figures)]
        for kind, rates in found.items()
        for what, figures in rates.items()
    ]
    floors = [_floor(BATCH) for _ in range(ROUNDS)]
    rows.append(["SQLite", f"floor: sqlite3 alone, claim and finish by {BATCH}", max(floors)])
    both = "asked for and done"
    worst = min(statistics.median(rates[both]) for rates in found.values())
    return Reading(
        value=worst,
        heads=["database", "what", "a second"],
        rows=rows,
        notes=[
            f"{RUNS:,} runs a round, {ROUNDS} rounds, median; 20 go on at a time; full durability",
            *_missing(found),
        ],
    )


async def _rates(scene: Scene) -> dict[str, list[float]]:
    rates: dict[str, list[float]] = {
        "asked for one by one, each in its transaction": [],
        f"asked for by {AT_ONCE:,}": [],
        "done": [],
        "asked for and done": [],
    }
    for _ in range(ROUNDS + 1):
        for what, figure in zip(rates, await _round(scene), strict=True):
            rates[what].append(figure)
    return {what: figures[1:] for what, figures in rates.items()}


async def _round(scene: Scene) -> tuple[float, float, float, float]:
    scene.clear()
    jobs, db = scene.house.jobs, scene.house.db
    began = time.perf_counter()
    for _ in range(SINGLES):
        async with db.transaction():
            await jobs.enqueue(JOB)
    singles = time.perf_counter() - began
    began = time.perf_counter()
    for start in range(SINGLES, RUNS, AT_ONCE):
        await jobs.enqueue_many(JOB, [JobRequest()] * min(AT_ONCE, RUNS - start))
    many = time.perf_counter() - began
    await asyncio.to_thread(__import__, "relatum.jobs.engine.loop")
    began = time.perf_counter()
    async with scene.at_work():
        await scene.wait_for(RUNS)
        done = time.perf_counter() - began
    await _all_there(scene, RUNS)
    asked = RUNS - SINGLES
    return SINGLES / singles, asked / many, RUNS / done, RUNS / (many * RUNS / asked + done)


async def _all_there(scene: Scene, count: int) -> None:
    """A rate of work that was lost, or done twice, is none."""
    rows = await scene.house.db.fetch("SELECT state, count(*) FROM core_job_done GROUP BY state")
    if dict(rows) != {"succeeded": count} or len(scene.started) != count:
        raise RuntimeError(f"expected {count:,} runs to have succeeded, got {rows}")
    await scene.house.db.execute("DELETE FROM core_job_done")


def _floor(batch: int) -> float:
    """The same rows moved by the plain library: one connection, nothing else to do."""
    with tempfile.TemporaryDirectory(prefix="relatum-bench-") as folder:
        path = Path(folder) / "floor.sqlite3"
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.executescript(
                "CREATE TABLE queue (id INTEGER PRIMARY KEY, run TEXT, status TEXT, args TEXT);"
                "CREATE INDEX ready ON queue (id) WHERE status = 'queued';"
                "CREATE TABLE done (run TEXT PRIMARY KEY, state TEXT, args TEXT)"
            )
            rows = [(f"{n:032x}", "queued", "{}") for n in range(RUNS)]
            began = time.perf_counter()
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT INTO queue (run, status, args) VALUES (?, ?, ?)", rows)
            connection.execute("COMMIT")
            while _floor_batch(connection, batch):
                pass
            return RUNS / (time.perf_counter() - began)


def _floor_batch(connection: sqlite3.Connection, batch: int) -> int:
    connection.execute("BEGIN IMMEDIATE")
    rows = connection.execute(
        "UPDATE queue SET status = 'picked' WHERE id IN (SELECT id FROM queue "
        "WHERE status = 'queued' ORDER BY id LIMIT ?) RETURNING id, run, args",
        (batch,),
    ).fetchall()
    connection.execute("COMMIT")
    if rows:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("DELETE FROM queue WHERE id = ?", [(row[0],) for row in rows])
        connection.executemany(
            "INSERT INTO done VALUES (?, 'succeeded', ?)", [(row[1], row[2]) for row in rows]
        )
        connection.execute("COMMIT")
    return len(rows)


# -- how soon --------------------------------------------------------------------------------------


def behind_future() -> Reading:
    """From commit to start, behind runs of a higher priority whose time has not come."""
    found = _on_each(_starts)
    rows = [
        [kind, percentile(ms, 0.5), percentile(ms, 0.95), max(ms)] for kind, ms in found.items()
    ]
    return Reading(
        value=max(percentile(ms, 0.95) for ms in found.values()),
        heads=["database", "median ms", "95 % ms", "longest ms"],
        rows=rows,
        notes=[
            f"{STARTS} runs, one at a time, behind {FUTURE:,} of higher priority",
            "the 95th percentile of the slower database counts",
            *_missing(found),
        ],
    )


async def _starts(scene: Scene) -> list[float]:
    jobs, db = scene.house.jobs, scene.house.db
    later = now() + dt.timedelta(days=1)
    for start in range(0, FUTURE, 10 * AT_ONCE):
        count = min(10 * AT_ONCE, FUTURE - start)
        await jobs.enqueue_many(JOB, [JobRequest(at=later, priority=9)] * count)
    times = []
    async with scene.at_work():
        await jobs.enqueue(JOB)
        await scene.wait_for(1)
        for number in range(STARTS):
            await asyncio.sleep(0.02 if number % 2 else 0.12)
            async with db.transaction():
                run = await jobs.enqueue(JOB)
            committed = time.perf_counter()
            await scene.wait_for(number + 2)
            times.append((scene.started[run] - committed) * 1_000)
    return times


# -- what asking costs -----------------------------------------------------------------------------


def enqueue_cost() -> Reading:
    """A transaction that writes a row, with and without asking for a run; in turns."""
    found = _on_each(_costs)
    rows = [
        [kind, statistics.median(plain), statistics.median(asking), _added(plain, asking)]
        for kind, (plain, asking) in found.items()
    ]
    added = max(_added(*figures) for figures in found.values())
    return Reading(
        value=added,
        heads=["database", "without ms", "with ms", "added ms"],
        rows=rows,
        notes=[
            f"{TURNS} turns of {TRANSACTIONS} transactions each, median of each",
            "added: the median of the differences of neighbouring turns",
            *_missing(found),
        ],
    )


def _added(plain: list[float], asking: list[float]) -> float:
    return statistics.median(b - a for a, b in zip(plain, asking, strict=True))


async def _costs(scene: Scene) -> tuple[list[float], list[float]]:
    db = scene.house.db
    await db.execute("CREATE TABLE benchmark_note (id INTEGER PRIMARY KEY, text TEXT)")
    number = 0

    async def turn(asks: bool) -> float:
        nonlocal number
        times = []
        for _ in range(TRANSACTIONS):
            number += 1
            began = time.perf_counter()
            async with db.transaction():
                await db.execute(
                    "INSERT INTO benchmark_note (id, text) VALUES (?, ?)", number, "a row"
                )
                if asks:
                    await scene.house.jobs.enqueue(JOB)
            times.append((time.perf_counter() - began) * 1_000)
        return statistics.median(times)

    await turn(True)
    plain, asking = [], []
    for each in range(TURNS):
        for asks in (False, True) if each % 2 else (True, False):
            (asking if asks else plain).append(await turn(asks))
    return plain, asking


MEASURES = [
    Measure(
        id="jobs.rate",
        title="runs asked for and done, the slower database",
        unit="runs a second",
        limit=2_000,
        goal="at least",
        run=rate,
    ),
    Measure(
        id="jobs.behind_future",
        title="from commit to start behind 100,000 runs for later, 95th percentile",
        unit="ms",
        limit=100,
        goal="at most",
        run=behind_future,
    ),
    Measure(
        id="jobs.enqueue_cost",
        title="what asking for a run adds to a transaction",
        unit="ms",
        limit=1,
        goal="at most",
        run=enqueue_cost,
    ),
]
