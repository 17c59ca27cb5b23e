"""Several workers at one handler: ranges of customers, kills, replay, other numbers of ranges.

The model is as simple as can be: what a handler has written about a customer is the beginning of
what the log says about that customer, and in the end all of it, once.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relatum.events.lanes import Lane
from relatum.events.positions import SPACE, BusyError, Range
from relatum.events.runner import HandlerRunner
from relatum.values.time import now

FOREVER = 10_000
CUSTOMERS = [UUID(int=n * 0x1357 + 1) for n in range(8)]
Op = tuple[Any, ...]


class Stuck:
    """Lets the n-th call of the handler hang after it has written, for somebody to kill it."""

    def __init__(self) -> None:
        self.left = -1
        self.hangs = asyncio.Event()

    async def __call__(self) -> None:
        self.left -= 1
        if self.left == 0:
            self.hangs.set()
            await asyncio.sleep(FOREVER)


class World:
    """Several processes that all follow the same handler ``probe.writer``."""

    def __init__(self, scenes: Sequence[Any], clock: Any) -> None:
        self.scenes = scenes
        self.clock = clock
        self.broken: set[int] = set()
        self.stuck = Stuck()
        self.count = 0
        self.log: list[tuple[UUID | None, int]] = []

    async def begin(self, *, batch: int, shards: int) -> None:
        await self.scenes[0].empty()
        for scene in self.scenes:
            scene.registry.handlers.remove_all_of("probe")
            scene.runner = HandlerRunner(scene.db, scene.log, scene.registry, shards=True)
            write = scene.writer("writer", before=self._before)

            async def handle(plugin: Any, events: Sequence[Any], write: Any = write) -> None:
                await write(plugin, events)
                await self.stuck()

            scene.declare("writer", handle, batch=batch, shards=shards)

    def _before(self, event: Any) -> None:
        if event.data()["n"] in self.broken:
            raise ValueError("on purpose")

    async def append(self, who: Sequence[int]) -> None:
        pairs = []
        for index in who:
            pairs.append((CUSTOMERS[index] if index < len(CUSTOMERS) else None, self.count))
            self.count += 1
        await self.scenes[0].append(*pairs)
        self.log += pairs

    async def run(self, *which: int) -> None:
        await asyncio.gather(*(self.scenes[n].runner.run_once() for n in which))

    async def kill(self, which: int, calls: int) -> None:
        """End a process at one of its next calls, after it has written and before it commits."""
        self.stuck = Stuck()
        self.stuck.left = calls
        task = asyncio.create_task(self.scenes[which].runner.run_once())
        hangs = asyncio.create_task(self.stuck.hangs.wait())
        await asyncio.wait({task, hangs}, return_when=asyncio.FIRST_COMPLETED)
        for each in (task, hangs):
            each.cancel()
        await asyncio.gather(task, hangs, return_exceptions=True)
        self.stuck = Stuck()

    async def shards(self, which: int, number: int) -> None:
        registry = self.scenes[which].registry
        handler = registry.handlers.get("probe.writer")
        registry.handlers.put(msgspec.structs.replace(handler, shards=number))

    async def check(self, *, complete: bool) -> None:
        rows = await self.scenes[0].db.fetch(
            "SELECT customer_id, n FROM probe_seen WHERE handler = 'writer' ORDER BY place"
        )
        for customer in CUSTOMERS:
            theirs = [n for who, n in self.log if who == customer]
            seen = [n for who, n in rows if who == str(customer)]
            assert seen == (theirs if complete else theirs[: len(seen)]), customer
        nobodys = [n for who, n in self.log if who is None]
        seen = [n for who, n in rows if who is None]
        assert len(set(seen)) == len(seen)
        assert set(seen) == set(nobodys) if complete else set(seen) <= set(nobodys)
        await self.check_ranges()

    async def check_ranges(self) -> None:
        """Every customer is in exactly one range."""
        rows = await self.scenes[0].db.fetch(
            "SELECT lo, hi FROM core_handler WHERE handler = 'probe.writer' ORDER BY lo"
        )
        if rows:
            assert rows[0][0] == 0
            assert rows[-1][1] == SPACE
            assert all(a[1] == b[0] for a, b in itertools.pairwise(rows)), rows

    async def finish(self) -> None:
        self.broken.clear()
        with contextlib.suppress(Exception):
            await self.scenes[0].runner.resume("probe.writer")
        for _ in range(60):
            self.clock.forward(FOREVER)
            await self.run(*range(len(self.scenes)))
            (status,) = await self.scenes[0].runner.status()
            if not (status.lag or status.waiting or status.given_up):
                return
            if status.given_up:
                await self.scenes[0].runner.retry("probe.writer")
        raise AssertionError(f"it does not come to an end: {status}")


PROCESSES = 3
which = st.integers(0, PROCESSES - 1)
ops = st.one_of(
    st.tuples(st.just("append"), st.lists(st.integers(0, len(CUSTOMERS)), min_size=1, max_size=9)),
    st.tuples(st.just("run"), which),
    st.tuples(st.just("together"), st.sets(which, min_size=2)),
    st.tuples(st.just("kill"), which, st.integers(1, 4)),
    st.tuples(st.just("shards"), which, st.integers(1, 5)),
    st.tuples(st.just("replay"), which),
    st.tuples(st.just("break"), st.integers(0, 30)),
    st.tuples(st.just("mend")),
    st.tuples(st.just("pause"), which, st.booleans()),
    st.tuples(st.just("later")),
)


async def perform(world: World, op: Op) -> None:
    kind, *given = op
    if kind == "append":
        await world.append(given[0])
    elif kind == "run":
        await world.run(given[0])
    elif kind == "together":
        await world.run(*given[0])
    elif kind == "kill":
        await world.kill(*given)
    elif kind == "shards":
        await world.shards(*given)
    elif kind == "replay":
        await world.scenes[given[0]].runner.replay("probe.writer")
    elif kind == "break":
        world.broken.add(given[0])
    elif kind == "mend":
        world.broken.clear()
    elif kind == "pause":
        runner = world.scenes[given[0]].runner
        await (runner.pause if given[1] else runner.resume)("probe.writer")
    else:
        world.clock.forward(5)


@pytest.fixture
async def world(scene: Any, other_process: Callable[[], Awaitable[Any]], clock: Any) -> World:
    others = [await other_process() for _ in range(PROCESSES - 1)]
    return World([scene, *others], clock)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    steps=st.lists(ops, min_size=5, max_size=30), batch=st.integers(1, 7), shards=st.integers(1, 4)
)
async def test_law_of_many_workers(world: World, steps: list[Op], batch: int, shards: int) -> None:
    world.log, world.count, world.broken = [], 0, set()
    await world.begin(batch=batch, shards=shards)
    for op in steps:
        await perform(world, op)
        await world.check(complete=False)
    await world.finish()
    await world.check(complete=True)


@pytest.mark.parametrize("customer", range(len(CUSTOMERS)))
async def test_what_was_looked_through_for_fewer_customers_is_looked_through_again(
    world: World, customer: int
) -> None:
    """A range keeps its id when its neighbours are merged into it; that nothing was found for it
    before says nothing about their customers."""
    await world.begin(batch=3, shards=4)
    await world.append([customer])
    await world.run(0)
    await world.scenes[1].runner.replay("probe.writer")
    await world.shards(0, 1)
    await world.run(0)
    await world.check(complete=True)


def test_a_lane_that_others_were_merged_into_begins_where_it_stands() -> None:
    whole = Range.all_of("a.b", 10)
    half = msgspec.structs.replace(whole, hi=SPACE // 2)
    lane = Lane(half, "sqlite")
    lane.scanned = 50
    lane.adopt(half)
    assert lane.scanned == 50
    lane.adopt(whole)
    assert lane.scanned == 10
    lane.scanned = 60
    lane.moved(half)
    assert lane.scanned == 10


async def test_the_law_notices_a_position_that_is_written_apart(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control: with the position in a transaction of its own, a kill loses events."""
    from relatum.events import taking

    async def apart(
        self: Any, handler: Any, at: Range, events: Any, reached: int, rate: float
    ) -> None:
        if not hasattr(self, "other"):
            raise AssertionError
        async with self.other.transaction():
            await self.positions.take(at, reached, handled=len(events), rate=rate)
        await handler.handle(self._registry.plugin_of(handler.id), events)

    await world.begin(batch=3, shards=1)
    if world.scenes[0].db.kind == "sqlite":
        pytest.skip("SQLite has one writer: a transaction beside another one waits for ever")
    monkeypatch.setattr(taking.Taker, "_handle", apart)
    monkeypatch.setattr(taking.Taker, "other", world.scenes[1].db, raising=False)
    for scene in world.scenes:
        scene.runner._taker.positions._db = world.scenes[1].db
    await world.append([0, 1, 2, 3, 0, 1])
    await world.kill(0, 1)
    monkeypatch.undo()
    with pytest.raises(AssertionError):
        await world.finish()
        await world.check(complete=True)


# -- followers that come and go ------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 2])
async def test_followers_that_come_and_go(world: World, seed: int) -> None:
    """Three processes follow, are killed and begin anew, while shards change and one replays."""
    chance = random.Random(seed)
    await world.begin(batch=20, shards=3)
    following: dict[int, asyncio.Task[None]] = {}

    async def end(n: int) -> None:
        task = following.pop(n, None)
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    for step in range(30):
        n = chance.randrange(PROCESSES)
        await end(n)
        if chance.random() < 0.8:
            following[n] = asyncio.create_task(world.scenes[n].runner.run_forever())
        if chance.random() < 0.3:
            number = chance.randint(1, 4)
            for each in range(PROCESSES):
                await world.shards(each, number)
        if step == 15:
            await world.scenes[0].runner.replay("probe.writer")
        for _ in range(chance.randint(1, 5)):
            await world.append([chance.randrange(9) for _ in range(chance.randint(1, 30))])
        await asyncio.sleep(chance.random() * 0.1)
        await world.check(complete=False)
    for n in list(following):
        await end(n)
    await world.finish()
    await world.check(complete=True)


async def test_ranges_become_as_many_as_wanted_while_following(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relatum.events.following.REFRESH_SECONDS", 0.02)
    monkeypatch.setattr("relatum.events.following.POLL_SECONDS", 0.05)
    await world.begin(batch=20, shards=4)
    tasks = [asyncio.create_task(each.runner.run_forever()) for each in world.scenes[:2]]
    try:
        for wanted in (4, 1, 3):
            for n in range(PROCESSES):
                await world.shards(n, wanted)
            await world.append([n % 9 for n in range(40)])
            await until_shards(world, wanted)
            await world.check(complete=False)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    await world.finish()
    await world.check(complete=True)


async def until_shards(world: World, wanted: int) -> None:
    for _ in range(500):
        (status,) = await world.scenes[0].runner.status()
        if status.shards == wanted and not status.lag:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"expected {wanted} ranges, got {status}")


@pytest.mark.parametrize("relatum_database_kind", ["postgresql"], indirect=True)
@pytest.mark.postgres
async def test_ranges_are_handled_at_the_same_time(world: World) -> None:
    """Two batches of one handler run side by side, for other customers each."""
    both = asyncio.Barrier(2)
    seen: list[UUID | None] = []

    async def handle(plugin: Any, events: Sequence[Any]) -> None:
        seen.extend(event.customer for event in events)
        async with asyncio.timeout(5):
            await both.wait()

    await world.begin(batch=20, shards=2)
    await world.scenes[0].runner.run_once()
    for scene in world.scenes:
        handler = scene.registry.handlers.get("probe.writer")
        scene.registry.handlers.put(msgspec.structs.replace(handler, handle=handle))
    low, high = UUID(int=1), UUID(int=0xFFFF)
    tasks = [asyncio.create_task(each.runner.run_forever()) for each in world.scenes[:2]]
    try:
        await asyncio.sleep(0.5)
        await world.scenes[0].append((low, 1), (high, 2))
        for _ in range(200):
            (status,) = await world.scenes[0].runner.status()
            if not status.lag:
                break
            await asyncio.sleep(0.05)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    assert (status.lag, status.waiting, set(seen)) == (0, 0, {low, high})


async def test_who_comes_second_keeps_nothing(scene: Any) -> None:
    """The position itself is the lock: a batch from where the handler stood before is refused."""
    scene.declare("writer")
    await scene.append((uuid4(), 1))
    at = Range(
        id="probe.writer", handler="probe.writer", lo=0, hi=SPACE, position=0, updated_at=now()
    )
    handler = scene.registry.handlers.get("probe.writer")
    events = await scene.log.read(0, until=10, types=handler.events, limit=10)
    await scene.runner.run_once()
    with pytest.raises(BusyError):
        await scene.runner._taker.take(handler, at, lambda: (events, events[-1].seq))
    assert await scene.seen("writer") == [1]
