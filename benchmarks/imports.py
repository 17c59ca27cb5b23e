"""Importing by the command line, beside a raw ``executemany`` of the rows that it left."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.houses import RELATUM, Installation, installation
from benchmarks.measures import Condition, Measure, NotRunError, Reading
from benchmarks.people import write_csv
from benchmarks.results import ROOT

CUSTOMERS = 100_000
PURCHASES = 541_909
PLUGINS = 10
PURCHASE_PLAN = ROOT / "examples" / "import" / "online_retail.toml"
PURCHASE_DATA = ROOT.parent / "shared" / "data" / "online_retail"

CUSTOMER_PLAN = """
name = "benchmark"

[[files]]
path = "customers.csv"
target = "core.customers"

[files.columns]
external_id = "id"
display_name = "name"
phone = "phone"
email = "email"
tags = "tags"
"""


@dataclass(frozen=True)
class Imported:
    """One run of ``relatum import``; memory in megabytes (10⁶ bytes)."""

    seconds: float
    #: seconds of processor time of the process and its children
    busy: float
    #: the greatest resident size that the system saw in the process itself
    peak: float
    #: the greatest sum that was seen of it and its children
    peak_of_all: float


def customers_100k() -> Reading:
    """Customers with phone and e-mail, validated and normalised, ten idle plugins on."""
    with tempfile.TemporaryDirectory(prefix="relatum-bench-") as folder:
        plan = Path(folder) / "plan.toml"
        plan.write_text(CUSTOMER_PLAN, encoding="utf-8")
        write_csv(Path(folder) / "customers.csv", CUSTOMERS)
        with installation(idle_plugins=PLUGINS) as made:
            run = run_import(made, plan, Path(folder))
            expect(made, "SELECT count(*) FROM core_customer", CUSTOMERS)
            expect(made, "SELECT count(*) FROM core_contact_point", 2 * CUSTOMERS)
            raw = raw_inserts(made)
    return _reading(run, raw, CUSTOMERS, [Condition("peak memory", run.peak, "MB", 300)])


def purchases_541k() -> Reading:
    """Every line of the online shop."""
    if not PURCHASE_DATA.is_dir():
        raise NotRunError(f"the data folder {_shown(PURCHASE_DATA)} is not here")
    if not PURCHASE_PLAN.is_file():
        raise NotRunError(f"the plan {_shown(PURCHASE_PLAN)} is not here")
    with installation(idle_plugins=PLUGINS) as made:
        run = run_import(made, PURCHASE_PLAN, PURCHASE_DATA)
        expect(made, "SELECT count(*) FROM core_interaction", PURCHASES)
        raw = raw_inserts(made)
    return _reading(run, raw, PURCHASES, [])


def _reading(run: Imported, raw: Raw, lines: int, conditions: list[Condition]) -> Reading:
    heads = ["way in", "s", "busy s", "lines/s", "rows", "rows/s", "peak MB", "ratio"]
    rows = [
        [
            "executemany of the same rows",
            raw.seconds,
            raw.busy,
            lines / raw.seconds,
            raw.rows,
            raw.rows / raw.seconds,
            "",
            "",
        ],
        [
            "relatum import --apply",
            run.seconds,
            run.busy,
            lines / run.seconds,
            raw.rows,
            raw.rows / run.seconds,
            run.peak,
            run.seconds / raw.seconds,
        ],
    ]
    conditions_of_run = (
        f"{lines:,} lines; {PLUGINS} idle plugins and the sales pipeline on; from the start of the "
        "command to its end; durability `full`"
    )
    memory = f"greatest sum of the process and its children: {run.peak_of_all:.0f} MB"
    return Reading(
        value=run.seconds,
        heads=heads,
        rows=rows,
        conditions=conditions,
        notes=[conditions_of_run, memory],
    )


def run_import(made: Installation, plan: Path, folder: Path) -> Imported:
    """Run the command to its end, watching time and memory.

    Raises:
        RuntimeError: it failed; with the end of what it printed.
    """
    command = [*RELATUM, "import", "--plan", str(plan), str(folder), "--apply", "--json"]
    printed = made.home / "import.log"
    with printed.open("wb") as log:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=made.home, env=made.environment, stdout=log, stderr=log
        )
        with _watched(process.pid) as seen:
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        said = printed.read_text(encoding="utf-8", errors="replace")[-3_000:]
        raise RuntimeError(f"relatum import ended with {process.returncode}:\n{said}")
    peak = usage.ru_maxrss * 1024 / 1e6
    busy = usage.ru_utime + usage.ru_stime
    return Imported(seconds, busy, peak, max(peak, max(seen, default=0.0)))


@contextlib.contextmanager
def _watched(pid: int) -> Iterator[list[float]]:
    """Sums of the resident memory of a process and its children, four a second, in MB."""
    sums: list[float] = []
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.25):
            with contextlib.suppress(psutil.Error):
                root = psutil.Process(pid)
                family = [root, *root.children(recursive=True)]
                sums.append(sum(each.memory_info().rss for each in family) / 1e6)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield sums
    finally:
        ended.set()
        thread.join()


def expect(made: Installation, sql: str, count: int) -> None:
    """Refuse to report the time of an import that did not do its work."""
    with contextlib.closing(sqlite3.connect(made.database)) as connection:
        (found,) = connection.execute(sql).fetchone()
    if found != count:
        raise RuntimeError(f"expected {count:,} by {sql!r}, got {found:,}")


@dataclass(frozen=True)
class Raw:
    """The reference: how many rows, and how long they took."""

    rows: int
    seconds: float
    busy: float


def raw_inserts(made: Installation) -> Raw:
    """Write every row that the import left once more, into the same empty tables with indexes.

    One ``executemany`` a table, one transaction, parameters ready in memory: what SQLite alone
    needs for these rows.
    """
    with installation(idle_plugins=0) as empty:
        with contextlib.closing(sqlite3.connect(made.database)) as source:
            tables = {name: _rows(source, name) for name in _tables(source)}
        copy = empty.home / "raw.sqlite3"
        shutil.copyfile(empty.database, copy)
        with contextlib.closing(sqlite3.connect(copy, isolation_level=None)) as target:
            target.execute("PRAGMA journal_mode = WAL")
            target.execute("PRAGMA synchronous = FULL")
            for name in tables:
                target.execute(f'DELETE FROM "{name}"')
            started, used = time.perf_counter(), time.process_time()
            target.execute("BEGIN IMMEDIATE")
            for name, rows in tables.items():
                marks = ",".join("?" * len(rows[0]))
                target.executemany(f'INSERT INTO "{name}" VALUES ({marks})', rows)
            target.execute("COMMIT")
            seconds, busy = time.perf_counter() - started, time.process_time() - used
    return Raw(sum(map(len, tables.values())), seconds, busy)


def _tables(connection: sqlite3.Connection) -> list[str]:
    """Tables of core that have rows; what is pointed at comes first."""
    names = [
        name
        for (name,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name GLOB 'core_*'"
        )
        if connection.execute(f'SELECT 1 FROM "{name}" LIMIT 1').fetchone()
    ]
    return sorted(names, key=lambda name: (name != "core_customer", name))


def _rows(connection: sqlite3.Connection, table: str) -> list[tuple[object, ...]]:
    return connection.execute(f'SELECT * FROM "{table}" ORDER BY rowid').fetchall()


def _shown(path: Path) -> str:
    return os.path.relpath(path, ROOT)


MEASURES = [
    Measure(
        id="import.customers_100k",
        title="importing 100,000 customers with phone and e-mail, ten plugins on",
        unit="s",
        limit=60,
        goal="at most",
        run=customers_100k,
    ),
    Measure(
        id="import.purchases_541k",
        title="importing 541,909 purchase lines",
        unit="s",
        limit=90,
        goal="at most",
        run=purchases_541k,
    ),
]
