"""From an event to what handlers make of it, and through the whole log again."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from benchmarks.measures import Condition, Measure, Reading
from benchmarks.rounds import percentile
from relatum.app.house import House
from relatum.config.settings import Settings
from relatum.customers.types import CustomerDraft
from relatum.events.types import Event, NewEvent
from relatum.hooks.context import Plugin
from relatum.hooks.declarations import Handler
from relatum.interactions.events import RECORDED, InteractionFact
from relatum.interactions.types import InteractionDraft
from relatum.values.ids import new_ids
from relatum.values.time import now

SERVER = "RELATUM_TEST_POSTGRES"
PLUGINS = 10
CUSTOMERS = 200
#: Interactions a second, for so many seconds, in requests of one each.
RATE = 200
SECONDS = 20
WARM_SECONDS = 2

EVENTS = 1_000_000
AT_ONCE = 5_000
#: Live events while the log is replayed, a second.
LIVE_RATE = 10

#: One process is how SQLite is meant to be used; two wait for each other's turns at the file.
COMPARED = "  for comparison: SQLite, handlers in another"

Row = list[object]


@dataclass
class Effects:
    """When each interaction was offered, and when each handler's effect was on disk."""

    offered: dict[UUID, float] = field(default_factory=dict)
    done: dict[str, dict[UUID, float]] = field(default_factory=dict)

    def latencies(self) -> list[float]:
        """Milliseconds, of every interaction at every handler."""
        return sorted(
            (moment - self.offered[each]) * 1e3
            for seen in self.done.values()
            for each, moment in seen.items()
            if each in self.offered
        )


def handlers(house: House, effects: Effects) -> None:
    """Ten plugins, each with a handler that writes a row for every event."""
    for n in range(1, PLUGINS + 1):
        _declare(house, f"probe_{n:02}", effects)


def _declare(house: House, plugin_id: str, effects: Effects) -> Handler:
    seen = effects.done.setdefault(plugin_id, {})

    async def handle(plugin: Plugin, events: Sequence[Event]) -> None:
        ids = [event.read(InteractionFact).interaction_id for event in events]
        rows = [(plugin_id, str(each)) for each in ids]
        await house.db.insert("probe_effect", ("plugin", "interaction"), rows)

        def note() -> None:
            moment = time.perf_counter()
            seen.update(dict.fromkeys(ids, moment))

        house.db.after_commit(note)

    handler = Handler(id=f"{plugin_id}.writer", events=(RECORDED,), handle=handle)
    house.registry.plugins[plugin_id] = Plugin(plugin_id, version="1.0")
    house.registry.handlers.put(handler)
    house.gate.set({*house.gate.on, plugin_id})
    return handler


# -- latency -------------------------------------------------------------------------------------


def latency() -> Reading:
    """On SQLite, and on PostgreSQL with the handlers in the same process and in another."""
    rows: list[Row] = []
    for name, url, apart in _databases():
        found = asyncio.run(_latency(url, apart=apart)) if url else None
        rows.append([name, *(found or ["not run", "", "", "", "", ""])])
    taken = [float(str(row[3])) for row in rows if row[1] != "not run" and row[0] != COMPARED]
    note = (
        f"{RATE} interactions a second for {SECONDS} s, one a transaction, {PLUGINS} handlers that "
        "each write a row for every event; from offering the interaction to the service until the "
        "handler's effect is on disk. Busy is the processor time of this process (all but the "
        f"server's) for each second; on a busy machine look there. PostgreSQL: set {SERVER}"
    )
    heads = ["database", "effects", "p50 ms", "p95 ms", "p99 ms", "interactions/s", "cores busy"]
    return Reading(value=max(taken), heads=heads, rows=rows, notes=[note])


def _databases() -> Iterator[tuple[str, str | None, bool]]:
    with tempfile.TemporaryDirectory(prefix="relatum-bench-") as folder:
        yield "SQLite, one process", f"sqlite:///{folder}/one.sqlite3", False
        yield COMPARED, f"sqlite:///{folder}/two.sqlite3", True
    server = os.environ.get(SERVER)
    if not server:
        yield "PostgreSQL", None, False
        return
    from relatum_sdk.databases import PostgresDatabases

    databases = PostgresDatabases(server, lambda _: None)
    for name, apart in (("one process", False), ("handlers in another", True)):
        url = databases.empty()
        try:
            yield f"PostgreSQL, {name}", url, apart
        finally:
            databases.drop(url)


async def _latency(url: str, *, apart: bool) -> Row:
    effects = Effects()
    async with contextlib.AsyncExitStack() as stack:
        writing = following = await stack.enter_async_context(_house(url))
        if apart:
            following = await stack.enter_async_context(_house(url))
        handlers(following, effects)
        people = [CustomerDraft(display_name=f"Lan {n}") for n in range(CUSTOMERS)]
        customers = await writing.customers.create(people, by="system")
        await stack.enter_async_context(_running(following))
        await _offer(writing, customers, effects, WARM_SECONDS)
        effects.offered.clear()
        began, used = time.perf_counter(), time.process_time()
        await _offer(writing, customers, effects, SECONDS)
        passed = time.perf_counter() - began
        offered, busy = len(effects.offered) / passed, (time.process_time() - used) / passed
        await _settled(effects)
    found = effects.latencies()
    if len(found) != len(effects.offered) * PLUGINS:
        raise RuntimeError(f"expected every effect once, got {len(found)}")
    shares = (percentile(found, share) for share in (0.5, 0.95, 0.99))
    return [len(found), *shares, offered, busy]


async def _offer(house: House, customers: Sequence[UUID], effects: Effects, seconds: float) -> None:
    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for n in range(int(seconds * RATE)):
            due = began + n / RATE
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            group.create_task(_record(house, customers[n % len(customers)], effects))


async def _record(house: House, customer: UUID, effects: Effects) -> None:
    offered = time.perf_counter()
    draft = InteractionDraft(kind="core.note", customer_id=customer, payload={"text": "Called"})
    (interaction,) = await house.interactions.record([draft], by="system")
    effects.offered[interaction] = offered


async def _settled(effects: Effects) -> None:
    for _ in range(3_000):
        if all(effects.offered.keys() <= seen.keys() for seen in effects.done.values()):
            return
        await asyncio.sleep(0.02)
    raise RuntimeError("expected every effect within a minute, got fewer")


@contextlib.asynccontextmanager
async def _running(house: House) -> AsyncIterator[None]:
    tasks = [
        asyncio.create_task(work())
        for work in (house.signals.run_forever, house.handlers.run_forever)
    ]
    await asyncio.sleep(1)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


@contextlib.asynccontextmanager
async def _house(url: str) -> AsyncIterator[House]:
    with tempfile.TemporaryDirectory(prefix="relatum-bench-") as folder:
        settings = Settings(home=Path(folder), database=url, safe_mode=True)
        async with await House.open(settings) as house:
            await house.migrate_apply()
            await house.db.execute(
                "CREATE TABLE IF NOT EXISTS probe_effect (plugin TEXT, interaction TEXT)"
            )
            yield house


# -- replay --------------------------------------------------------------------------------------


def replay() -> Reading:
    """A million events through a handler that reads each of them and adds it to a sum."""
    return asyncio.run(_replay())


async def _replay() -> Reading:
    with tempfile.TemporaryDirectory(prefix="relatum-bench-") as folder:
        async with _house(f"sqlite:///{folder}/log.sqlite3") as house:
            await _fill(house)
            return await _replay_it(house)


async def _fill(house: House) -> None:
    moment = now()
    customers = new_ids(CUSTOMERS)
    for start in range(0, EVENTS, AT_ONCE):
        events = [
            NewEvent(
                type=RECORDED,
                payload=InteractionFact(id, "core.note", moment),
                customer=customers[n % CUSTOMERS],
            )
            for n, id in enumerate(new_ids(min(AT_ONCE, EVENTS - start)))
        ]
        await house.events.append(events, by="import:benchmark")


async def _replay_it(house: House) -> Reading:
    effects = Effects()
    _declare_counter(house)
    handler = _declare(house, "probe_live", effects)
    last = await house.events.last()
    await house.db.execute(
        "INSERT INTO core_handler (id, handler, lo, hi, position, paused, handled, rate, "
        "updated_at) VALUES (?, ?, 0, 65536, ?, ?, 0, 0, ?)",
        *(handler.id, handler.id, last, False, now()),
    )
    await house.handlers.replay("probe.counter")
    (customer,) = await house.customers.create([CustomerDraft(display_name="Lan")], by="system")
    used, began = time.process_time(), time.perf_counter()
    shown: list[Row] = []
    async with _running(house):
        live = asyncio.create_task(_live(house, customer, effects))
        async with asyncio.timeout(600):
            while (progress := await _progress(house)) is not None:
                shown.append(progress)
                await asyncio.sleep(0.05 if EVENTS < 100_000 else 1.0)
        seconds, busy = time.perf_counter() - began, time.process_time() - used
        live.cancel()
        await asyncio.wait([live])
        await _settled(effects)
    row = await house.db.fetch_one("SELECT n FROM probe_sum")
    total = int(row[0]) if row else 0
    expected = EVENTS + len(effects.offered)
    if not EVENTS <= total <= expected:
        raise RuntimeError(f"expected {EVENTS:,} events to be counted once, got {total:,}")
    latencies = effects.latencies() or [0.0]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    note = (
        f"{EVENTS:,} events in {seconds:.1f} s ({busy:.1f} s busy), durability full; "
        f"{len(latencies)} live events, another handler's effect p50 "
        f"{percentile(latencies, 0.5):.1f} ms; peak {peak:.0f} MB"
    )
    return Reading(
        value=EVENTS / seconds,
        heads=["after s", "done", "of", "rate/s", "left s"],
        rows=shown[:: max(1, len(shown) // 10)],
        conditions=[
            Condition("live events meanwhile, p95", percentile(latencies, 0.95), "ms", 200.0)
        ],
        notes=[note],
    )


def _declare_counter(house: House) -> None:
    async def handle(plugin: Plugin, events: Sequence[Event]) -> None:
        more = sum(event.read(InteractionFact).kind == "core.note" for event in events)
        await house.db.execute("UPDATE probe_sum SET n = n + ?", more)

    async def reset(plugin: Plugin) -> None:
        await house.db.execute("CREATE TABLE IF NOT EXISTS probe_sum (n BIGINT)")
        await house.db.execute("DELETE FROM probe_sum")
        await house.db.execute("INSERT INTO probe_sum (n) VALUES (0)")

    house.registry.plugins["probe"] = Plugin("probe", version="1.0")
    house.gate.set({*house.gate.on, "probe"})
    house.registry.handlers.put(
        Handler(id="probe.counter", events=(RECORDED,), handle=handle, reset=reset)
    )


async def _live(house: House, customer: UUID, effects: Effects) -> None:
    await asyncio.sleep(1)
    while True:
        await _record(house, customer, effects)
        await asyncio.sleep(1 / LIVE_RATE)


async def _progress(house: House) -> Row | None:
    (status,) = [each for each in await house.handlers.status() if each.id == "probe.counter"]
    found: Any = status.replay
    if found is None:
        return None
    passed = (now() - found.started_at).total_seconds()
    left = (found.ends_at - now()).total_seconds() if found.ends_at else 0.0
    return [passed, found.done, found.of, found.rate, left]


MEASURES = [
    Measure(
        id="events.latency",
        title="an interaction until the effect of each of ten handlers, p95, at 200 a second",
        unit="ms",
        limit=200.0,
        goal="at most",
        run=latency,
    ),
    Measure(
        id="events.replay",
        title="a million events through a trivial handler, embedded, while others stay live",
        unit="events/s",
        limit=20_000.0,
        goal="at least",
        run=replay,
    ),
]
