"""A dashboard of twelve charts, as people ask for it: whole requests that wait for every box.

In the company of :mod:`benchmarks.lists`, where two in five interactions become contacts (calls,
messages, visits): without them half of the figures would have nothing to count.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from benchmarks.company import CUSTOMERS, INTERACTIONS
from benchmarks.houses import NO_LIMITS
from benchmarks.lists import VIEWERS, Times, _client, _databases
from benchmarks.measures import Measure, Reading
from benchmarks.million import account
from benchmarks.rounds import percentile
from relatum.app.asgi import create_app
from relatum.app.house import House
from relatum.app.serve import settle
from relatum.config.settings import Settings
from relatum.importing.acting import viewer_of
from relatum.reports.types import Tile

SECONDS = 2.0
CHARTS = 12
ROUNDS = 4
RANGES = ("this_month", "last_month", "last_12_months")
#: Last digits of ids, of which there are as many of each.
_CONTACTS = {"core.call": "1357", "core.message": "9b", "core.visit": "df"}
_FAILED = 'class="quiet failed"'


def dashboard() -> Reading:
    """The dashboard of four people, over days of three lengths."""
    times = [each for name, url in _databases() for each in asyncio.run(_times(name, url))]
    worst = max(times, key=lambda each: each.p95)
    return Reading(
        value=worst.p95 / 1000,
        heads=["database", "who, which days", "p50 ms", "p95 ms", "busy p95 ms"],
        rows=[
            [
                *(each.database, f"{each.viewer}, {each.slowest}"),
                *(percentile(each.clock, 0.5), each.p95, percentile(each.busy, 0.95)),
            ]
            for each in times
        ],
        notes=[
            f"{CUSTOMERS:,} customers, {INTERACTIONS:,} interactions, {CHARTS} boxes of core",
            f"each beside the days before; {ROUNDS} requests of each after one to warm up",
        ],
    )


async def _times(name: str, url: str) -> list[Times]:
    with tempfile.TemporaryDirectory(prefix="relatum-bench-") as home:
        Path(home, "relatum.toml").write_text(NO_LIMITS, encoding="utf-8")  # noqa: ASYNC240
        settings = Settings(home=Path(home), database=url, durability="normal", safe_mode=True)
        async with await House.open(settings) as house:
            await _contacts(house)
            app = create_app(house)
            settle()
            found = []
            for viewer, number in VIEWERS.items():
                board = await _board(house, number)
                client = await _client(house, app, number)
                for days in RANGES:
                    path = f"/dashboards/{board}?range={days}&compare=before&whole=1"
                    found.append(await _asked(Times(name, viewer, [], [], days), client, path))
            return found


async def _asked(times: Times, client: Any, path: str) -> Times:
    for number in range(ROUNDS + 1):
        started, used = time.perf_counter(), time.process_time()
        answer = await client.get(path)
        taken = (time.perf_counter() - started) * 1e3
        busy = (time.process_time() - used) * 1e3
        boxes, failed = answer.text.count("data-tile="), answer.text.count(_FAILED)
        if failed or boxes not in {CHARTS, CHARTS - 1}:  # not everybody sees imports
            raise RuntimeError(
                f"expected {CHARTS} boxes at {path}, got {answer.status_code}, {boxes} boxes, of "
                f"which {failed} failed"
            )
        if number:
            times.clock.append(taken)
            times.busy.append(busy)
    return times


async def _contacts(house: House) -> None:
    """Make contacts of notes."""
    for kind, digits in _CONTACTS.items():
        marks = ",".join("?" * len(digits))
        await house.db.execute(
            "UPDATE core_interaction SET kind = ?, direction = ? WHERE kind = 'core.note' "
            f"AND substr(CAST(id AS text), 36, 1) IN ({marks})",
            *(kind, "in" if kind == "core.visit" else "out", *digits),
        )


async def _board(house: House, number: int) -> str:
    """A dashboard of somebody with every box that core has."""
    viewer = await viewer_of(house, account(number), "")
    core = [each.id for each in house.registry.widgets if each.id.startswith("core.")][:CHARTS]
    if len(core) < CHARTS:
        raise RuntimeError(f"expected {CHARTS} boxes of core, got {len(core)}")
    tiles = [Tile(id=f"t{place}", widget=each, width=1) for place, each in enumerate(core)]
    like = replace(house.dashboards.standard(viewer), tiles=tiles)
    return str(await house.dashboards.create("Twelve", viewer=viewer, like=like))


MEASURES = [
    Measure(
        id="reports.dashboard",
        title="a dashboard of twelve charts among two million interactions, p95",
        unit="s",
        limit=SECONDS,
        goal="at most",
        run=dashboard,
    ),
]
