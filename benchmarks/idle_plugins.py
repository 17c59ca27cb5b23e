"""What ten plugins cost that are switched on and have nothing to say about interactions."""

from __future__ import annotations

import asyncio
import contextlib
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from benchmarks.houses import installation
from benchmarks.load import press, tool
from benchmarks.measures import Measure, Reading
from benchmarks.rounds import in_turns, ratio
from benchmarks.servers import Server, free_port, relatum
from relatum.app.house import House
from relatum.config.settings import Plugins, Settings
from relatum.customers.types import CustomerDraft
from relatum.interactions.types import InteractionDraft
from relatum_sdk.temporary import make_idle_plugins, make_plugin

PLUGINS = 10
ROUNDS = 101
SINGLES = 20
BATCHES = 2
BATCH = 100
HTTP_ROUNDS = 21
HTTP_SECONDS = 1

AGREES = """
from relatum.api import hookimpl


@hookimpl
async def relatum_validate_interactions(plugin, drafts):
    return []
"""

Row = list[object]


@dataclass(frozen=True)
class Recorder:
    """A house in this process and a customer to record interactions with."""

    house: House
    customer: UUID

    async def singles(self) -> int:
        """Record one at a time; returns how many."""
        for _ in range(SINGLES):
            await self.house.interactions.record([self._draft()], by="system")
        return SINGLES

    async def batches(self) -> int:
        """Record in batches; returns how many interactions."""
        for _ in range(BATCHES):
            drafts = [self._draft() for _ in range(BATCH)]
            await self.house.interactions.record(drafts, by="system")
        return BATCHES * BATCH

    def _draft(self) -> InteractionDraft:
        return InteractionDraft(
            kind="core.note", customer_id=self.customer, payload={"text": "Called back, no answer"}
        )


@dataclass(frozen=True)
class Cost:
    """Of one interaction, in µs: by the clock, and of processor time."""

    clock: float
    busy: float


def idle_ten() -> Reading:
    """Through the service one at a time and in batches, then through HTTP."""
    rows = [*_through_the_service(), _through_http()]
    idle = [row for row in rows if row[0] != ASKED]
    note = (
        f"medians of {ROUNDS} rounds in turns (HTTP: {HTTP_ROUNDS}, {tool()}). Busy is the "
        "processor time of the process, which other work on the machine changes little; its worst "
        "ratio with idle plugins is the value. Durability `normal` by the service, so that waiting "
        "for the disk hides nothing"
    )
    heads = ["creating an interaction", "core alone µs", "with ten µs", "ratio"]
    return Reading(
        value=max(float(str(row[-1])) for row in idle),
        heads=[*heads, "core alone busy µs", "with ten busy µs", "busy ratio"],
        rows=rows,
        notes=[note],
    )


ASKED = "  for comparison: ten plugins that are asked about each batch and agree"


def _through_the_service() -> list[Row]:
    with _plugins() as (folder, idle, asked), asyncio.Runner() as loop:
        houses = contextlib.AsyncExitStack()

        def open_one(name: str, enabled: list[str]) -> Recorder:
            return loop.run(_open(houses, folder / name, enabled))

        try:
            alone = open_one("alone", [])
            with_idle, with_asked = open_one("idle", idle), open_one("asked", asked)
            take = Recorder.singles, Recorder.batches
            return [
                _row(loop, "service, one at a time", alone, with_idle, take[0]),
                _row(loop, f"service, batches of {BATCH}", alone, with_idle, take[1]),
                _row(loop, ASKED, alone, with_asked, take[1]),
            ]
        finally:
            loop.run(houses.aclose())


@contextlib.contextmanager
def _plugins() -> Iterator[tuple[Path, list[str], list[str]]]:
    """A folder with ten idle plugins and ten that implement a hook, on the path."""
    with tempfile.TemporaryDirectory(prefix="relatum-bench-") as folder:
        place = Path(folder) / "plugins"
        idle = make_idle_plugins(place, PLUGINS)
        asked = [f"asked_{n:02}" for n in range(1, PLUGINS + 1)]
        for plugin_id in asked:
            make_plugin(place, plugin_id, plugin_py=AGREES)
        sys.path.insert(0, str(place))
        try:
            yield Path(folder), idle, asked
        finally:
            sys.path.remove(str(place))


async def _open(houses: contextlib.AsyncExitStack, home: Path, enabled: list[str]) -> Recorder:
    settings = Settings(home=home, durability="normal", plugins=Plugins(enabled=enabled))
    house = await houses.enter_async_context(await House.open(settings))
    await house.migrate_apply()
    if house.gate.on != {"core", *enabled}:
        raise RuntimeError(f"expected {enabled} to be on, got {sorted(house.gate.on)}")
    (customer,) = await house.customers.create([CustomerDraft(display_name="Lan")], by="system")
    return Recorder(house, customer)


def _row(
    loop: asyncio.Runner,
    name: str,
    alone: Recorder,
    others: Recorder,
    work: Callable[[Recorder], Awaitable[int]],
) -> Row:
    def timed(recorder: Recorder) -> Callable[[], Cost]:
        async def run() -> Cost:
            started, used = time.perf_counter(), time.process_time()
            count = await work(recorder)
            clock, busy = time.perf_counter() - started, time.process_time() - used
            return Cost(clock / count * 1e6, busy / count * 1e6)

        return lambda: loop.run(run())

    return _compared(name, *in_turns(timed(alone), timed(others), rounds=ROUNDS))


def _through_http() -> Row:
    ports = free_port(), free_port()
    with contextlib.ExitStack() as stack:
        servers = [
            stack.enter_context(relatum(stack.enter_context(made), port))
            for made, port in (
                (installation(sales=False, port=ports[0]), ports[0]),
                (installation(sales=False, port=ports[1], idle_plugins=PLUGINS), ports[1]),
            )
        ]
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        alone, others = (_posting(server, folder) for server in servers)
        return _compared("HTTP, one a request", *in_turns(alone, others, rounds=HTTP_ROUNDS))


def _posting(server: Server, folder: Path) -> Callable[[], Cost]:
    """One burst of requests that each record one interaction."""
    customer = json.loads(server.post("/api/v1/customers", {"display_name": "Lan"}))["id"]
    paths, body = folder / f"{server.port}.paths", folder / f"{server.port}.json"
    paths.write_text("/api/v1/interactions", encoding="utf-8")
    draft = {"kind": "core.note", "customer_id": customer, "payload": {"text": "No answer"}}
    body.write_text(json.dumps(draft), encoding="utf-8")

    def burst() -> Cost:
        used = server.busy_now()
        load = press(server.port, paths, body, seconds=HTTP_SECONDS, token=server.token)
        return Cost(1e6 / load.rate, (server.busy_now() - used) / load.requests * 1e6)

    return burst


def _compared(name: str, alone: Sequence[Cost], others: Sequence[Cost]) -> Row:
    row: Row = [name]
    for measured in ("clock", "busy"):
        before = [getattr(each, measured) for each in alone]
        after = [getattr(each, measured) for each in others]
        row += [statistics.median(before), statistics.median(after), ratio(after, before)]
    return row


MEASURES = [
    Measure(
        id="hooks.idle_ten",
        title="creating an interaction with ten idle plugins, against core alone",
        unit="× time",
        limit=1.10,
        goal="at most",
        run=idle_ten,
    ),
]
