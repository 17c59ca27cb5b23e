"""Durable handlers: in order, exactly once in the database, failures parked, replay."""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relatum.events.log import Horizon
from relatum.events.parking import BACKOFF
from relatum.values.problems import NotFound

FOREVER = sum(BACKOFF) + 60

law = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


async def run_dry(scene: Any, clock: Any | None = None) -> None:
    """Run until nothing is left to do; with a clock also what is tried again later."""
    for _ in range(40):
        handled = await scene.runner.run_once()
        if clock is not None:
            clock.forward(FOREVER)
        waiting = sum(status.waiting for status in await scene.runner.status())
        if not handled and (clock is None or not waiting):
            return
    raise AssertionError("the runner does not come to an end")


# -- order and once ------------------------------------------------------------------------------


async def test_events_are_handled_in_the_order_of_the_log(scene: Any) -> None:
    scene.declare("writer", batch=7)
    for start in range(0, 100, 10):
        await scene.append(*((uuid4(), n) for n in range(start, start + 10)))
    assert await scene.runner.run_once() == 100
    assert await scene.seen("writer") == list(range(100))
    assert await scene.runner.run_once() == 0


async def test_a_handler_gets_its_types_only(scene: Any) -> None:
    scene.declare("writer")
    await scene.append((None, 1))
    await scene.append_other(2)
    await scene.append((None, 3))
    await run_dry(scene)
    assert await scene.seen("writer") == [1, 3]


async def test_batches_are_no_larger_than_asked_for(scene: Any) -> None:
    sizes: list[int] = []

    async def handle(plugin: Any, events: Sequence[Any]) -> None:
        sizes.append(len(events))

    scene.declare("sizes", handle, batch=8)
    await scene.append(*((None, n) for n in range(20)))
    await run_dry(scene)
    assert sizes == [8, 8, 4]


async def test_a_handler_declared_later_begins_where_it_says(scene: Any) -> None:
    await scene.append((None, 1))
    scene.declare("old")
    scene.declare("new", begin="now")
    await run_dry(scene)
    await scene.append((None, 2))
    await run_dry(scene)
    assert await scene.seen("old") == [1, 2]
    assert await scene.seen("new") == [2]


async def test_a_plugin_that_is_off_keeps_its_position(scene: Any) -> None:
    scene.declare("writer")
    await scene.append((None, 1))
    await run_dry(scene)
    scene.gate.set([])
    await scene.db.execute(
        "INSERT INTO core_event (type, version, recorded_at, by, payload) "
        "SELECT type, version, recorded_at, by, '{\"n\":2}' FROM core_event"
    )
    assert await scene.runner.run_once() == 0
    assert await scene.seen("writer") == [1]
    scene.gate.set(["probe"])
    await run_dry(scene)
    assert await scene.seen("writer") == [1, 2]


async def test_switched_off_in_the_middle_of_a_long_catching_up(scene: Any) -> None:
    async def handle(plugin: Any, events: Sequence[Any]) -> None:
        await scene.writer("writer")(plugin, events)
        if events[-1].data()["n"] >= 9:
            scene.gate.set([])

    scene.declare("writer", handle, batch=5)
    await scene.append(*((None, n) for n in range(100)))
    await scene.runner.run_once()
    assert await scene.seen("writer") == list(range(10))


async def test_a_handler_that_fails_in_the_middle_of_a_batch_writes_nothing_twice(
    scene: Any, clock: Any
) -> None:
    """It fails at random, before and after writing: in the database everything is there once."""
    numbers = random.Random(7)

    def fail_sometimes(event: Any) -> None:
        if numbers.random() < 0.2:
            raise RuntimeError("at random, on purpose")

    scene.declare("flaky", scene.writer("flaky", before=fail_sometimes), batch=10)
    customers = [uuid4() for _ in range(6)]
    everything = [(customers[n % 6], n) for n in range(120)]
    await scene.append(*everything)
    await run_dry(scene, clock)
    assert sorted(await scene.seen("flaky")) == list(range(120))
    for place, customer in enumerate(customers):
        assert await scene.seen_of("flaky", customer) == list(range(place, 120, 6))


async def test_an_effect_and_its_position_are_written_together(scene: Any) -> None:
    """Killed (cancelled) in the middle of a batch: neither of the two is there."""
    started = asyncio.Event()

    async def handle(plugin: Any, events: Sequence[Any]) -> None:
        await scene.writer("slow")(plugin, events)
        started.set()
        await asyncio.sleep(30)

    scene.declare("slow", handle)
    await scene.append((None, 1))
    task = asyncio.create_task(scene.runner.run_once())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await scene.seen("slow") == []
    assert await scene.position("slow") == 0


# -- parking -------------------------------------------------------------------------------------


class Broken:
    """Fails on certain numbers until it is mended."""

    def __init__(self, *numbers: int) -> None:
        self.numbers = set(numbers)

    def __call__(self, event: Any) -> None:
        if event.data()["n"] in self.numbers:
            raise ValueError(f"cannot take {event.data()['n']}")


async def test_a_broken_event_is_parked_and_only_its_customer_waits(scene: Any, clock: Any) -> None:
    lan, minh = uuid4(), uuid4()
    broken = Broken(2)
    scene.declare("writer", scene.writer("writer", before=broken))
    await scene.append((lan, 1), (lan, 2), (minh, 3), (lan, 4), (None, 5))
    await scene.runner.run_once()
    await scene.append((lan, 6), (minh, 7))
    await scene.runner.run_once()
    assert await scene.seen("writer") == [1, 3, 5, 7]
    (status,) = await scene.runner.status()
    assert (status.lag, status.waiting, status.given_up) == (0, 3, 0)
    assert "cannot take 2" in status.error
    broken.numbers.clear()
    clock.forward(FOREVER)
    await scene.runner.run_once()
    assert await scene.seen_of("writer", lan) == [1, 2, 4, 6]
    (status,) = await scene.runner.status()
    assert (status.waiting, status.given_up, status.error) == (0, 0, "")


async def test_events_of_nobody_hold_nobody_up(scene: Any, clock: Any) -> None:
    scene.declare("writer", scene.writer("writer", before=Broken(1)))
    await scene.append((None, 1), (None, 2), (None, 3))
    await run_once_then_more(scene)
    assert await scene.seen("writer") == [2, 3, 9]


async def run_once_then_more(scene: Any) -> None:
    await scene.runner.run_once()
    await scene.append((None, 9))
    await scene.runner.run_once()


async def test_it_is_tried_again_at_growing_distances_then_given_up(scene: Any, clock: Any) -> None:
    tries: list[float] = []
    begin = clock.moment

    def fail(event: Any) -> None:
        tries.append((clock.moment - begin).total_seconds())
        raise ValueError("never")

    lan = uuid4()
    scene.declare("never", scene.writer("never", before=fail))
    await scene.append((lan, 1))
    await scene.runner.run_once()
    for _ in range(int(FOREVER)):
        clock.forward(1)
        await scene.runner.run_once()
    distances = [round(b - a) for a, b in itertools.pairwise(tries[1:])]
    assert distances == list(BACKOFF)
    (status,) = await scene.runner.status()
    assert (status.waiting, status.given_up) == (0, 1)
    await scene.append((lan, 2))
    await scene.runner.run_once()
    assert await scene.seen("never") == [], "what came later waits behind it"


async def test_retry_takes_up_what_was_given_up_in_order(scene: Any, clock: Any) -> None:
    broken = Broken(1)
    lan = uuid4()
    handler = scene.declare("writer", scene.writer("writer", before=broken))
    await scene.append((lan, 1), (lan, 2), (lan, 3))
    for _ in range(10):
        await scene.runner.run_once()
        clock.forward(FOREVER)
    (status,) = await scene.runner.status()
    assert status.given_up == 1
    assert await scene.runner.retry(handler.id) == 0
    assert await scene.seen("writer") == []
    broken.numbers.clear()
    assert await scene.runner.retry(handler.id) == 3
    assert await scene.seen("writer") == [1, 2, 3]
    with pytest.raises(NotFound):
        await scene.runner.retry("probe.nobody")


async def test_one_handler_that_fails_holds_up_no_other(scene: Any, clock: Any) -> None:
    scene.declare("broken", scene.writer("broken", before=Broken(*range(10))))
    scene.declare("writer")
    await scene.append(*((uuid4(), n) for n in range(10)))
    await scene.runner.run_once()
    assert await scene.seen("writer") == list(range(10))
    assert await scene.seen("broken") == []


@pytest.mark.parametrize("error", [SystemExit(3), asyncio.CancelledError("its own")])
async def test_a_handler_cannot_end_the_process(
    scene: Any, clock: Any, error: BaseException
) -> None:
    async def handle(plugin: Any, events: Sequence[Any]) -> None:
        raise error

    scene.declare("exits", handle)
    scene.declare("writer")
    await scene.append((uuid4(), 1))
    await scene.runner.run_once()
    assert await scene.seen("writer") == [1]
    statuses = {status.id: status for status in await scene.runner.status()}
    assert statuses["probe.exits"].waiting == 1
    assert type(error).__name__ in statuses["probe.exits"].error


async def test_a_handler_that_hangs_is_cut_off(
    scene: Any, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def handle(plugin: Any, events: Sequence[Any]) -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr("relatum.events.taking.HANDLER_SECONDS", 0.05)
    scene.declare("hangs", handle)
    scene.declare("writer")
    await scene.append((uuid4(), 1))
    await scene.runner.run_once()
    assert await scene.seen("writer") == [1]
    statuses = {status.id: status for status in await scene.runner.status()}
    assert (statuses["probe.hangs"].waiting, statuses["probe.hangs"].lag) == (1, 0)


@law
@given(
    events=st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=1, max_size=25),
    batch=st.integers(1, 9),
    pieces=st.integers(1, 4),
)
async def test_law_of_parking(
    scene: Any, clock: Any, events: list[tuple[int, bool]], batch: int, pieces: int
) -> None:
    """At any time each customer's handled events are a prefix of theirs; in the end all, once."""
    await scene.empty()
    customers = [UUID(int=n + 1) for n in range(4)]
    broken = Broken(*(n for n, (_, fails) in enumerate(events) if fails))
    scene.declare("writer", scene.writer("writer", before=broken), batch=batch)
    step = -(-len(events) // pieces)
    for start in range(0, len(events), step):
        some = list(enumerate(events))[start : start + step]
        await scene.append(*((customers[who], n) for n, (who, _) in some))
        await scene.runner.run_once()
        clock.forward(2)
        await prefixes(scene, customers, events)
    broken.numbers.clear()
    await run_dry(scene, clock)
    assert sorted(await scene.seen("writer")) == list(range(len(events)))
    await prefixes(scene, customers, events)


async def prefixes(scene: Any, customers: list[UUID], events: list[tuple[int, bool]]) -> None:
    for index, customer in enumerate(customers):
        theirs = [n for n, (who, _) in enumerate(events) if who == index]
        handled = await scene.seen_of("writer", customer)
        assert handled == theirs[: len(handled)]


# -- replay --------------------------------------------------------------------------------------


async def declare_fold(scene: Any, name: str, batch: int) -> Any:
    """A projection whose value depends on every event and on their order."""

    async def handle(plugin: Any, events: Sequence[Any]) -> None:
        for event in events:
            row = await scene.db.fetch_one("SELECT n FROM probe_seen WHERE handler = ?", name)
            value = fold(row[0] if row else 0, event.data()["n"])
            await scene.db.execute("DELETE FROM probe_seen WHERE handler = ?", name)
            await scene.db.execute("INSERT INTO probe_seen (handler, n) VALUES (?, ?)", name, value)

    return scene.declare(name, handle, batch=batch)


def fold(value: int, n: int) -> int:
    return (value * 31 + n + 1) % 1_000_003


@law
@given(
    numbers=st.lists(st.integers(0, 1_000), min_size=1, max_size=30),
    batches=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    pauses=st.sets(st.integers(0, 30)),
)
async def test_replaying_equals_running(
    scene: Any, numbers: list[int], batches: tuple[int, int], pauses: set[int]
) -> None:
    await scene.empty()
    running = await declare_fold(scene, "running", batches[0])
    expected = 0
    for place, n in enumerate(numbers):
        await scene.append((None, n))
        expected = fold(expected, n)
        if place in pauses:
            await scene.runner.run_once()
    await run_dry(scene)
    assert await scene.seen("running") == [expected]
    await scene.runner.replay(running.id)
    assert await scene.seen("running") == []
    await run_dry(scene)
    assert await scene.seen("running") == [expected]
    await declare_fold(scene, "later", batches[1])
    await run_dry(scene)
    assert await scene.seen("later") == [expected]


async def test_replay_forgets_what_was_parked(scene: Any, clock: Any) -> None:
    broken = Broken(1)
    handler = scene.declare("writer", scene.writer("writer", before=broken))
    await scene.append((uuid4(), 1), (uuid4(), 2))
    await scene.runner.run_once()
    broken.numbers.clear()
    await scene.runner.replay(handler.id)
    await run_dry(scene)
    assert await scene.seen("writer") == [1, 2]
    assert await scene.db.fetch("SELECT id FROM core_parked_event") == []


async def test_only_a_handler_with_reset_can_be_replayed(scene: Any) -> None:
    handler = scene.declare("writer")
    scene.registry.handlers.put(msgspec.structs.replace(handler, reset=None))
    with pytest.raises(NotFound, match="reset"):
        await scene.runner.replay(handler.id)


async def test_replay_in_another_process_loses_nothing(
    scene: Any, other_process: Callable[[], Awaitable[Any]]
) -> None:
    """The server that follows the log remembers how far it has looked; the command replays."""
    server, command = scene, await other_process()
    for process in (server, command):
        process.declare("writer", process.writer("writer"))
    await server.append((None, 1), (None, 2))
    await run_dry(server)
    await server.append_other(*range(10))
    await run_dry(server)
    await command.runner.replay("probe.writer")
    await server.append((None, 3))
    await run_dry(server)
    assert await server.seen("writer") == [1, 2, 3]


# -- two processes -------------------------------------------------------------------------------


async def test_two_runners_handle_each_event_once(
    scene: Any, other_process: Callable[[], Awaitable[Any]]
) -> None:
    second = await other_process()
    customers = [uuid4() for _ in range(5)]
    for process in (scene, second):
        for name in ("first", "second"):
            process.declare(name, batch=7)

    async def follow(process: Any) -> None:
        while True:
            await process.runner.run_once()
            await asyncio.sleep(0.001)

    async def write(process: Any, start: int) -> None:
        for n in range(start, start + 150, 3):
            await process.append(*((customers[m % 5], m) for m in range(n, n + 3)))

    following = [asyncio.create_task(follow(process)) for process in (scene, second)]
    await asyncio.gather(write(scene, 0), write(second, 1_000))
    await asyncio.sleep(0.2)
    for task in following:
        task.cancel()
    ended = await asyncio.gather(*following, return_exceptions=True)
    assert [type(each) for each in ended] == [asyncio.CancelledError] * 2, ended
    await run_dry(scene)
    logged = await scene.logged()
    assert len(logged) == 300
    for name in ("first", "second"):
        assert await scene.seen(name) == logged


async def test_two_runners_share_what_is_parked(
    scene: Any, clock: Any, other_process: Callable[[], Awaitable[Any]]
) -> None:
    second = await other_process()
    lan = uuid4()
    broken = Broken(0)
    for process in (scene, second):
        process.declare("writer", process.writer("writer", before=broken))
    await scene.append(*((lan, n) for n in range(20)))
    await scene.runner.run_once()
    broken.numbers.clear()
    clock.forward(FOREVER)
    for _ in range(5):
        await asyncio.gather(scene.runner.run_once(), second.runner.run_once())
    assert await scene.seen("writer") == list(range(20))


# -- following -----------------------------------------------------------------------------------


def declare_told(scene: Any) -> asyncio.Event:
    """A handler that says when it has been called."""
    called = asyncio.Event()

    async def handle(plugin: Any, events: Sequence[Any]) -> None:
        called.set()

    scene.declare("told", handle)
    return called


async def test_following_wakes_up_at_a_commit(scene: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relatum.events.following.POLL_SECONDS", 60.0)
    called = declare_told(scene)
    task = asyncio.create_task(scene.runner.run_forever())
    try:
        await asyncio.sleep(0.05)
        await scene.append((None, 1))
        async with asyncio.timeout(10):
            await called.wait()
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_following_survives_a_fault_of_the_database(
    scene: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    called = declare_told(scene)
    real, faults = Horizon.now, [OSError("gone"), OSError("still gone")]

    async def sometimes(self: Any) -> int:
        if faults:
            raise faults.pop()
        return await real(self)

    monkeypatch.setattr(Horizon, "now", sometimes)
    monkeypatch.setattr("relatum.events.following.POLL_SECONDS", 0.01)
    task = asyncio.create_task(scene.runner.run_forever())
    try:
        await scene.append((None, 1))
        async with asyncio.timeout(10):
            await called.wait()
        assert faults == []
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_finishing_ends_what_runs_and_takes_nothing_new(scene: Any) -> None:
    going, go_on = asyncio.Event(), asyncio.Event()

    async def handle(plugin: Any, events: Sequence[Any]) -> None:
        going.set()
        await go_on.wait()
        await scene.writer("slow")(plugin, events)

    scene.declare("slow", handle)
    task = asyncio.create_task(scene.runner.run_forever())
    try:
        await scene.append((None, 1))
        async with asyncio.timeout(10):
            await going.wait()
        finishing = asyncio.create_task(scene.runner.finish())
        await asyncio.sleep(0.05)
        assert not finishing.done()
        go_on.set()
        async with asyncio.timeout(10):
            await finishing
        assert await scene.seen("slow") == [1]
        going.clear()
        await scene.append((None, 2))
        await asyncio.sleep(0.2)
        assert not going.is_set()
    finally:
        task.cancel()
        await asyncio.wait([task])


# -- lag, pause, progress ------------------------------------------------------------------------


async def age(scene: Any, seconds: float) -> None:
    """Let everything in the log be older."""
    moment = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=seconds)
    await scene.db.execute("UPDATE core_event SET recorded_at = ?", moment)


async def test_lag_in_events_and_in_seconds(scene: Any) -> None:
    scene.declare("writer")
    await scene.append((None, 1))
    await run_dry(scene)
    (status,) = await scene.runner.status()
    assert (status.lag, status.lag_seconds) == (0, 0.0)
    await scene.append((None, 2), (None, 3))
    await age(scene, 60)
    await scene.append_other(4)
    await scene.append((None, 5))
    (status,) = await scene.runner.status()
    assert status.lag == 3
    assert 60 <= status.lag_seconds < 90


async def test_lag_of_a_handler_that_has_never_run(scene: Any) -> None:
    await scene.append((None, 1), (None, 2))
    await age(scene, 60)
    scene.declare("all")
    scene.declare("new", begin="now")
    statuses = {status.id: status for status in await scene.runner.status()}
    assert (statuses["probe.all"].lag, statuses["probe.new"].lag) == (2, 0)
    assert statuses["probe.all"].lag_seconds >= 60
    assert await scene.db.fetch("SELECT id FROM core_handler") == []


async def test_a_paused_handler_stands_still_and_goes_on(
    scene: Any, other_process: Callable[[], Awaitable[Any]]
) -> None:
    command = await other_process()
    for process in (scene, command):
        process.declare("writer", process.writer("writer"))
    await scene.append((None, 1))
    await run_dry(scene)
    await command.runner.pause("probe.writer")
    await scene.append((None, 2))
    assert await scene.runner.run_once() == 0
    (status,) = await scene.runner.status()
    assert (status.paused, status.lag) == (True, 1)
    await command.runner.resume("probe.writer")
    await run_dry(scene)
    assert await scene.seen("writer") == [1, 2]
    with pytest.raises(NotFound):
        await scene.runner.pause("probe.nobody")


async def test_a_replay_says_how_far_it_is_and_goes_on_elsewhere(
    scene: Any, other_process: Callable[[], Awaitable[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stops with its process after some batches; another process takes it to its end."""
    monkeypatch.setattr("relatum.events.lanes.FIRST_LIMIT", 10)
    monkeypatch.setattr("relatum.events.lanes.TARGET_SECONDS", {scene.db.kind: 1e-9})
    calls = itertools.count(1)
    enough = asyncio.Event()

    async def handle(plugin: Any, events: Sequence[Any]) -> None:
        await scene.writer("writer")(plugin, events)
        if next(calls) == 20:
            enough.set()
            await asyncio.sleep(60)

    await scene.append(*((uuid4(), n) for n in range(200)))
    await scene.append_other(*range(50))
    later = await other_process()
    handler = later.declare("writer", later.writer("writer"), batch=10)
    await run_dry(later)
    (status,) = await later.runner.status()
    assert status.replay is None
    await later.runner.replay(handler.id)
    (status,) = await later.runner.status()
    assert (status.replay.done, status.replay.of, status.replay.rate) == (0, 200, 0.0)
    scene.declare("writer", handle, batch=10)
    following = asyncio.create_task(scene.runner.run_forever())
    async with asyncio.timeout(20):
        await enough.wait()
    (status,) = await later.runner.status()
    assert 19 <= status.replay.done < 200
    assert status.lag == 200 - status.replay.done
    assert status.replay.rate > 0
    assert status.replay.ends_at > status.replay.started_at
    following.cancel()
    await asyncio.wait([following])
    await run_dry(later)
    (status,) = await later.runner.status()
    assert status.replay is None
    assert sorted(await later.seen("writer")) == list(range(200))


async def test_others_stay_live_while_one_catches_up(scene: Any) -> None:
    """Ten thousand events through a handler that takes its time; another handler does not wait."""
    took: list[float] = []
    appended: dict[int, float] = {}

    async def slow(plugin: Any, events: Sequence[Any]) -> None:
        for _ in events:
            await asyncio.sleep(0)

    async def live(plugin: Any, events: Sequence[Any]) -> None:
        took.extend(time.perf_counter() - appended[event.data()["n"]] for event in events)

    await scene.append(*((uuid4(), n) for n in range(10_000)))
    scene.declare("slow", slow, batch=10_000)
    scene.declare("live", live, begin="now")
    following = asyncio.create_task(scene.runner.run_forever())
    try:
        await asyncio.sleep(0.1)
        for n in range(10_000, 10_020):
            appended[n] = time.perf_counter()
            await scene.append((uuid4(), n))
            await asyncio.sleep(0.02)
        for _ in range(200):
            if len(took) == 20:
                break
            await asyncio.sleep(0.05)
    finally:
        following.cancel()
        await asyncio.wait([following])
    assert len(took) == 20
    assert sorted(took)[18] < 1.0, took


@pytest.mark.parametrize("relatum_database_kind", ["sqlite"], indirect=True)
async def test_another_process_comes_to_write_while_one_catches_up(
    scene: Any, other_process: Callable[[], Awaitable[Any]]
) -> None:
    """SQLite lets a waiting process in only while nobody holds the file."""
    other = await other_process()

    async def slow(plugin: Any, events: Sequence[Any]) -> None:
        await asyncio.sleep(0.001 * len(events))

    await scene.append(*((uuid4(), n) for n in range(20_000)))
    scene.declare("slow", slow, batch=10_000)
    following = asyncio.create_task(scene.runner.run_forever())
    took = []
    try:
        await asyncio.sleep(0.5)
        for _ in range(20):
            began = time.perf_counter()
            await other.db.execute("INSERT INTO probe_seen (handler, n) VALUES ('x', 1)")
            took.append(time.perf_counter() - began)
        (status,) = await scene.runner.status()
    finally:
        following.cancel()
        await asyncio.wait([following])
    assert status.lag > 0, "it was over too soon to show anything"
    assert sorted(took)[10] < 0.5, took
