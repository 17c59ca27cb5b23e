"""``relatum import`` killed at random moments: what was acknowledged is there, nothing twice.

What is acknowledged is what another connection can see. After each kill the journal and the data
must agree, nothing that was seen may be gone, and the same command goes on from there.
"""

from __future__ import annotations

import contextlib
import csv
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
CUSTOMERS = 8_000
LINES = 24_000
#: every so many rows one is bad
BAD = 997

PLAN = """
name = "shop"
currency = "VND"

[[files]]
path = "customers.csv"
target = "core.customers"
[files.columns]
external_id = "id"
display_name = "name"
phone = "phone"
linked_by.parent_of = "parent"

[[files]]
path = "lines.csv"
target = "core.interactions"
number_by = "invoice"
[files.columns]
idempotency_key = { template = "{invoice}/{number}" }
kind = { value = "core.purchase" }
customer = "who"
occurred_at = "at"
money = "total"
payload.item = "item"
"""


def write_files(folder: Path) -> None:
    with (folder / "customers.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "name", "phone", "parent"])
        for n in range(CUSTOMERS):
            phone = "12" if n % BAD == 5 else f"0901{n:06}"
            parent = f"K{n + 1}" if n % 50 == 0 else ""
            writer.writerow([f"K{n}", f"Khách {n}", phone, parent])
    with (folder / "lines.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["invoice", "who", "at", "total", "item"])
        for n in range(LINES):
            total = "free" if n % BAD == 7 else str(n)
            who = "" if n % 3 == 0 else f"K{(n % CUSTOMERS) // BAD * BAD + 9}"
            writer.writerow([n // 4, who, "2024-05-06 07:08", total, f"item {n}"])
    (folder / "plan.toml").write_text(PLAN, encoding="utf-8")


def bad_rows(count: int, place: int) -> int:
    return len(range(place, count, BAD))


class Shop:
    """A data folder, the files to be imported, and the command."""

    def __init__(self, folder: Path) -> None:
        self.files = folder / "files"
        self.home = folder / "home"
        self.files.mkdir(parents=True)
        write_files(self.files)
        kept = {key: text for key, text in os.environ.items() if not key.startswith("RELATUM_")}
        self.environment = {**kept, "RELATUM_HOME": str(self.home), "RELATUM_SAFE_MODE": "1"}
        subprocess.run(
            self._command("migrate", "--apply"),
            env=self.environment,
            check=True,
            stdout=subprocess.DEVNULL,
        )

    def _command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "relatum.cli.main", *words]

    def _import(self) -> list[str]:
        plan = str(self.files / "plan.toml")
        return self._command("import", "--plan", plan, str(self.files), "--apply", "--json")

    def start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self._import(), env=self.environment, cwd=ROOT, stdout=subprocess.DEVNULL
        )

    def finish(self) -> Any:
        done = subprocess.run(
            self._import(), env=self.environment, cwd=ROOT, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr.decode()
        return json.loads(done.stdout)

    def read(self, sql: str) -> list[tuple[Any, ...]]:
        with contextlib.closing(sqlite3.connect(self.home / "relatum.sqlite3")) as connection:
            return connection.execute(sql).fetchall()

    def settled(self) -> tuple[int, int]:
        """Rows of both files that are settled, as anybody can see."""
        rows = dict(self.read("SELECT file, max(rows) FROM core_import_batch GROUP BY file"))
        return rows.get(0, 0), rows.get(1, 0)

    def is_over(self) -> bool:
        return bool(self.read("SELECT 1 FROM core_import WHERE state = 'applied'"))

    def check(self) -> None:
        """The journal and the data say the same, and nothing is there twice."""
        said = [0, 0]
        for file, counts in self.read("SELECT file, counts FROM core_import_batch"):
            said[file] += json.loads(counts)["created"]
        [(customers,)] = self.read("SELECT count(*) FROM core_customer")
        [(lines,)] = self.read("SELECT count(*) FROM core_interaction")
        assert [customers, lines] == said
        [(names,)] = self.read("SELECT count(DISTINCT external_id) FROM core_external_id")
        [(keys,)] = self.read("SELECT count(DISTINCT idempotency_key) FROM core_interaction")
        assert (names, keys) == (customers, lines)
        [(facts,)] = self.read(
            "SELECT count(*) FROM core_event "
            "WHERE type IN ('core.customer_created', 'core.interaction_recorded')"
        )
        assert facts == customers + lines
        assert self.read("PRAGMA quick_check") == [("ok",)]


def kill_after(shop: Shop, rows: int, pause: float) -> tuple[int, int]:
    """Start the import, kill it a moment after so many more rows are settled.

    Counted in rows and not from the start, because a busy machine takes its time to start.

    Returns:
        What was seen settled just before.
    """
    process = shop.start()
    began = seen = shop.settled()
    while process.poll() is None and sum(seen) - sum(began) < rows:
        time.sleep(0.005)
        seen = shop.settled()
    end = time.monotonic() + pause
    while process.poll() is None and time.monotonic() < end:
        seen = shop.settled()
    process.send_signal(signal.SIGKILL)
    process.wait()
    return seen


@pytest.mark.parametrize(
    "kills", [4, pytest.param(50, marks=pytest.mark.thorough)], ids=["few", "many"]
)
def test_killed_at_random_moments(tmp_path, kills):
    moments = random.Random(kills)
    shop, number, inside = Shop(tmp_path / "0"), 0, 0
    for kill in range(kills):
        if shop.is_over():
            check_whole(shop)
            number += 1
            shop = Shop(tmp_path / str(number))
        began = shop.settled()
        seen = kill_after(shop, moments.randint(0, 9_000), moments.uniform(0, 0.4))
        settled = shop.settled()
        assert settled >= seen, f"kill {kill}: what was seen is gone"
        inside += began != settled and not shop.is_over()
        shop.check()
    check_whole(shop)
    assert inside, "no kill fell into an import at work"


def check_whole(shop: Shop) -> None:
    """Run again to the end: the same as without any kill."""
    if not shop.is_over():
        outcome = shop.finish()
        customers, lines = (file["counts"] for file in outcome["files"])
        bad = bad_rows(CUSTOMERS, 5), bad_rows(LINES, 7)
        assert (customers["rows"], customers["rejected"]) == (CUSTOMERS, bad[0])
        assert (lines["rows"], lines["rejected"]) == (LINES, bad[1])
        for file, count in zip(outcome["files"], bad, strict=True):
            rows = Path(file["mend"]).read_text("utf-8-sig").splitlines()
            assert len(rows) == count + 1, "rejected rows are kept once each"
    shop.check()
    [(customers,)] = shop.read("SELECT count(*) FROM core_customer")
    [(lines,)] = shop.read("SELECT count(*) FROM core_interaction")
    assert customers == CUSTOMERS - bad_rows(CUSTOMERS, 5)
    assert lines == LINES - bad_rows(LINES, 7)
    [(links,)] = shop.read("SELECT count(*) FROM core_customer_link")
    ends = [(n, n + 1) for n in range(0, CUSTOMERS, 50) if n + 1 < CUSTOMERS]
    assert links == sum(a % BAD != 5 and b % BAD != 5 for a, b in ends)
