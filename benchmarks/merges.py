"""Merging customers and taking it back: whether its laws hold, and what a large merge takes.

The laws and the small worlds they are tried on are those of ``core/tests/customers/merging``; the
expectations there know nothing of journals.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
from collections import Counter
from pathlib import Path

from hypothesis import given, settings

from benchmarks.measures import Condition, Measure, Reading
from core.tests.customers.merging.laws import Act
from core.tests.customers.merging.stage import ACTS, QUIETLY, SEEDS, Stage
from relatum.app.house import House
from relatum.config.settings import Settings
from relatum.customers.types import CustomerDraft
from relatum.interactions.types import InteractionDraft
from relatum_sdk.databases import PostgresDatabases

SERVER = "RELATUM_TEST_POSTGRES"
BY = "system"
CASES = 10_000
#: the same on PostgreSQL, where a statement costs a round trip: 45 minutes
SERVER_CASES = 10_000
INTERACTIONS = 10_000
ROUNDS = 5


def measure_laws() -> Reading:
    """How many of the cases break a law; the first that does ends it, made as small as it gets."""
    rows = [_tried("SQLite", None, CASES)]
    if os.environ.get(SERVER):
        rows.append(_tried("PostgreSQL", os.environ[SERVER], SERVER_CASES))
    broken = sum(row[-1] for row in rows)
    return Reading(
        value=broken,
        heads=["database", "cases", "merged", "undone", "of them not the last", "edits", "broken"],
        rows=rows,
        conditions=[
            Condition(f"cases on {row[0]}", row[1], "cases", least, "at least")
            for row, least in zip(rows, (CASES, SERVER_CASES), strict=False)
        ],
        notes=[] if len(rows) > 1 else [f"PostgreSQL was left out: {SERVER} is not set."],
    )


def _tried(name: str, server: str | None, cases: int) -> tuple[str, int, int, int, int, int, int]:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        databases = None if server is None else PostgresDatabases(server, _migrate)
        url = f"sqlite:///{home}/laws.sqlite" if databases is None else databases.migrated()
        if databases is None:
            _migrate(url)
        stage = Stage(Settings(home=home, database=url, safe_mode=True, durability="normal"))
        stage.open()
        try:
            tried, broken = _try(stage, cases)
        finally:
            stage.close()
            if databases is not None:
                databases.drop(url)
                databases.close()
        done: Counter[str] = stage.done
        edits = done["notes"] + done["renamed"]
        undone = done["undone"], done["undone out of order"]
        return name, tried, done["merged"], *undone, edits, broken


def _try(stage: Stage, cases: int) -> tuple[int, int]:
    tried = 0

    @settings(max_examples=cases, database=None, deadline=None, suppress_health_check=QUIETLY)
    @given(seed=SEEDS, acts=ACTS)
    def hold(seed: int, acts: list[Act]) -> None:
        nonlocal tried
        tried += 1
        stage.check(seed, acts)

    try:
        hold()
    except AssertionError as error:
        print("\n".join([str(error), *getattr(error, "__notes__", [])]))
        return tried, 1
    return tried, 0


def _migrate(url: str) -> None:
    async def migrate() -> None:
        with tempfile.TemporaryDirectory() as home:
            async with await House.open(
                Settings(home=Path(home), database=url, safe_mode=True, durability="normal")
            ) as house:
                await house.migrate_apply()

    asyncio.run(migrate())


def measure_large() -> Reading:
    """The slowest of some merges of a customer with many interactions, and of taking them back."""
    merging, undoing = asyncio.run(_large())
    slowest = max(*merging, *undoing)
    return Reading(
        value=slowest,
        heads=["", "median", "slowest"],
        rows=[
            ("merge", f"{statistics.median(merging):.3f} s", f"{max(merging):.3f} s"),
            ("undo", f"{statistics.median(undoing):.3f} s", f"{max(undoing):.3f} s"),
        ],
    )


async def _large() -> tuple[list[float], list[float]]:
    merging: list[float] = []
    undoing: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        made = Settings(home=home, database=f"sqlite:///{home}/large.sqlite", safe_mode=True)
        async with await House.open(made) as house:
            await house.migrate_apply()
            drafts = [CustomerDraft(display_name=name) for name in ("An", "Bình")]
            survivor, absorbed = await house.customers.create(drafts, by=BY)
            draft = InteractionDraft(
                kind="core.note", customer_id=absorbed, payload={"text": "một việc đã xảy ra"}
            )
            await house.interactions.record([draft] * INTERACTIONS, by=BY)
            for _ in range(ROUNDS):
                began = time.perf_counter()
                merge = await house.merging.merge(survivor, absorbed, by=BY)
                merging.append(time.perf_counter() - began)
                began = time.perf_counter()
                await house.merging.unmerge(merge.id, by=BY)
                undoing.append(time.perf_counter() - began)
    return merging, undoing


MEASURES = [
    Measure(
        id="merge.laws",
        title="laws of merging and taking it back that a case breaks",
        unit="cases",
        limit=0,
        goal="at most",
        run=measure_laws,
    ),
    Measure(
        id="merge.large",
        title="merging a customer with 10,000 interactions, or taking it back, at the slowest",
        unit="s",
        limit=2.0,
        goal="at most",
        run=measure_large,
    ),
]
