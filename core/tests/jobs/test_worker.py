"""The worker as it runs in a process: told, stopped, cut off from its database, killed."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from itertools import pairwise
from typing import Any

import pytest

from core.tests.jobs.conftest import Say, until
from relatum.hooks.declarations import Retry
from relatum.jobs.types import JobRequest
from relatum.values.time import now


async def _is(scene: Any, id: Any, *states: str) -> bool:
    return await scene.state(id) in states


async def test_a_run_begins_when_it_is_asked_for(scene: Any) -> None:
    scene.declare()
    waits: list[float] = []

    async def note(plugin: Any, run: Any) -> None:
        waits.append(time.monotonic() - float(run.args.word))

    scene.declare(run=note)
    async with scene.working():
        await asyncio.sleep(0.3)  # it is idle
        for n in range(5):
            await scene.say(str(time.monotonic()))
            await until(lambda n=n: _count(waits, n + 1))
    assert sorted(waits)[2] < 0.1, "not at the next look, five seconds later"


async def _count(items: list[Any], number: int) -> bool:
    return len(items) >= number


async def test_a_run_begins_when_another_process_asks_for_it(process: Any) -> None:
    asks, works = await process(), await process()
    for scene in (asks, works):
        scene.declare()
    async with works.working(), asks.listening():
        await asyncio.sleep(0.3)
        await asks.say("far")
        began = time.monotonic()
        await until(lambda: _count(works.ran, 1))
    assert time.monotonic() - began < 2


async def test_one_for_later_begins_at_its_time(scene: Any) -> None:
    begun: list[dt.datetime] = []

    async def note(plugin: Any, run: Any) -> None:
        begun.append(now())

    scene.declare(run=note)
    async with scene.working():
        await asyncio.sleep(0.1)
        due = now() + dt.timedelta(seconds=0.6)
        await scene.say("", at=due)
        await until(lambda: _count(begun, 1))
    assert dt.timedelta(0) <= begun[0] - due < dt.timedelta(seconds=0.4)


async def test_a_schedule_is_followed(scene: Any) -> None:
    scene.declare("quick", every=dt.timedelta(seconds=1))
    async with scene.working():
        await until(lambda: _count(scene.ran, 2))


async def test_a_failed_try_is_repeated_after_its_distance(scene: Any) -> None:
    tries: list[float] = []

    async def fail(plugin: Any, run: Any) -> None:
        tries.append(time.monotonic())
        if run.attempt < 3:
            raise ValueError("no")

    tenth = dt.timedelta(seconds=0.3)
    scene.declare(run=fail, retry=Retry(attempts=3, first=tenth, factor=1, jitter=0))
    async with scene.working():
        id = await scene.say("")
        await until(lambda: _is(scene, id, "succeeded"))
    assert [round(b - a, 1) >= 0.3 for a, b in pairwise(tries)] == [True, True]
    assert tries[-1] - tries[0] < 3


async def test_what_goes_on_is_handed_back_when_the_worker_is_cancelled(process: Any) -> None:
    """It is not lost, not counted as a try, and another worker has it at once."""
    scene, other = await process(), await process()
    tries: list[tuple[str, int]] = []

    def hang(where: str) -> Any:
        async def run(plugin: Any, run: Any) -> None:
            tries.append((where, run.attempt))
            if where == "first":
                await asyncio.sleep(60)

        return run

    scene.declare(run=hang("first"), timeout=dt.timedelta(seconds=50))
    other.declare(run=hang("second"))
    id = await scene.say("")
    async with scene.working():
        await until(lambda: _count(tries, 1))
    back = await other.jobs.get(id)
    assert (back.state, back.attempts, back.error) == ("waiting", 0, "")
    assert await other.worker.drain() == 1
    assert tries == [("first", 1), ("second", 1)]
    assert await other.state(id) == "succeeded"


async def test_finishing_ends_what_goes_on_and_takes_nothing_new(scene: Any) -> None:
    go = asyncio.Event()

    async def wait(plugin: Any, run: Any) -> None:
        await go.wait()
        scene.ran.append("finished")

    scene.declare("waits", wait)
    scene.declare()
    async with scene.working() as task:
        id = await scene.jobs.enqueue("probe.waits")
        await until(lambda: _is(scene, id, "running"))
        finishing = asyncio.create_task(scene.worker.finish())
        await asyncio.sleep(0.05)
        later = await scene.say("new")
        await asyncio.sleep(0.2)
        assert not finishing.done()
        go.set()
        await asyncio.wait_for(finishing, 5)
        assert await scene.state(id) == "succeeded"
        assert await scene.state(later) == "waiting"
        assert not task.done(), "it is for the caller to cancel"
    assert scene.ran == ["finished"]


async def test_one_that_is_told_to_finish_before_it_began(scene: Any) -> None:
    """It was still importing its engine."""
    scene.declare()
    id = await scene.say("later")
    await scene.worker.finish()
    async with scene.working() as task:
        await asyncio.sleep(0.3)
        assert not task.done()
    assert await scene.state(id) == "waiting"


async def test_a_job_that_does_not_let_itself_be_cut_off(
    process: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker does not wait for it for ever; its run may go on elsewhere at once."""
    monkeypatch.setattr("relatum.jobs.worker.HAND_BACK_SECONDS", 0.2)
    monkeypatch.setattr("relatum.jobs.worker.GIVE_BACK_SECONDS", 0.5)
    scene = await process()
    begun = asyncio.Event()
    enough = asyncio.Event()

    async def stubborn(plugin: Any, run: Any) -> None:
        begun.set()
        while not enough.is_set():
            try:
                await asyncio.wait_for(enough.wait(), 30)
            except asyncio.CancelledError:
                continue

    scene.declare(run=stubborn, timeout=dt.timedelta(seconds=50))
    id = await scene.say("")
    began = time.monotonic()
    async with scene.working():
        await begun.wait()
        began = time.monotonic()
    assert time.monotonic() - began < 3
    back = await scene.jobs.get(id)
    assert (back.state, back.attempts) == ("waiting", 0)
    enough.set()
    await asyncio.sleep(0.1)


@pytest.mark.parametrize("where", ["here", "elsewhere"])
async def test_calling_off_one_that_goes_on(process: Any, where: str) -> None:
    scene, other = await process(), await process()
    begun = asyncio.Event()

    async def hang(plugin: Any, run: Any) -> None:
        begun.set()
        await asyncio.sleep(60)

    for each in (scene, other):
        each.declare(run=hang, timeout=dt.timedelta(seconds=50))
    async with scene.working(), other.listening():
        id = await scene.say("")
        await begun.wait()
        asked = await (scene if where == "here" else other).jobs.cancel(id)
        assert asked.state in ("running", "cancelled")
        await until(lambda: _is(other, id, "cancelled"))
    ended = await other.jobs.get(id)
    assert ended.attempts == 1
    assert ended.finished_at is not None


async def test_a_job_that_looks_whether_it_is_to_stop(scene: Any) -> None:
    """It may end in its own way: what it returns is kept."""
    begun = asyncio.Event()

    async def tidy(plugin: Any, run: Any) -> Say:
        begun.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            assert run.cancelled
            return Say(word="tidied up")
        raise AssertionError

    scene.declare(run=tidy, timeout=dt.timedelta(seconds=50))
    async with scene.working():
        id = await scene.say("")
        await begun.wait()
        await scene.jobs.cancel(id)
        await until(lambda: _is(scene, id, "cancelled"))
    assert (await scene.jobs.get(id)).result == {"word": "tidied up", "times": 1}


async def test_one_that_was_to_stop_when_its_worker_died_does_not_begin_again(
    scene: Any,
) -> None:
    scene.declare()
    id = await scene.say("")
    stale = now() - dt.timedelta(hours=1)
    await scene.db.execute(
        "UPDATE core_queue SET status = 'picked', stage = 0, heartbeat = ?, stopping = ?, "
        "deliveries = 1, queue_manager_id = ? WHERE run = ?",
        *(stale, True, id, id),
    )
    await scene.worker.drain()
    assert scene.ran == []
    assert await scene.state(id) == "cancelled"


async def test_a_plugin_that_comes_on_wakes_the_worker(scene: Any) -> None:
    scene.declare()
    await scene.say("kept")
    scene.gate.set([])
    async with scene.working():
        await asyncio.sleep(0.3)
        assert scene.ran == []
        scene.gate.set(["probe"])
        await until(lambda: _count(scene.ran, 1), seconds=3)


async def test_a_run_that_kills_its_workers_becomes_a_dead_letter(scene: Any) -> None:
    """As if the process had died in the middle, again and again."""
    scene.declare()
    id = await scene.say("")
    for delivery in (1, 2, 3):
        await scene.db.execute(
            "UPDATE core_queue SET status = 'picked', deliveries = ?, heartbeat = ?, "
            "queue_manager_id = ? WHERE run = ?",
            *(delivery, now() - dt.timedelta(hours=1), id, id),
        )
        if delivery < 3:
            continue
        assert await scene.worker.drain() == 0
    dead = await scene.jobs.get(id)
    assert (dead.state, dead.attempts) == ("failed", 3)
    assert "3 times" in dead.error
    assert scene.ran == []
    await scene.jobs.retry(id)
    assert await scene.worker.drain() == 1


async def test_a_crash_counts_as_a_try(scene: Any) -> None:
    attempts: list[int] = []

    async def note(plugin: Any, run: Any) -> None:
        attempts.append(run.attempt)

    scene.declare(run=note)
    id = await scene.say("")
    await scene.db.execute(
        "UPDATE core_queue SET status = 'picked', deliveries = 1, heartbeat = ?, "
        "queue_manager_id = ? WHERE run = ?",
        *(now() - dt.timedelta(hours=1), id, id),
    )
    await scene.worker.drain()
    assert attempts == [2]
    assert (await scene.jobs.get(id)).attempts == 2


async def test_a_worker_that_lives_keeps_what_it_has(process: Any) -> None:
    """Its heartbeats say so, for as long as the run takes."""
    scene = await process(heartbeat_seconds=0.4)
    other = await process(heartbeat_seconds=0.4)

    async def slow(plugin: Any, run: Any) -> None:
        await asyncio.sleep(1.5)
        scene.ran.append("done")

    for each in (scene, other):
        each.declare(run=slow)
    async with scene.working():
        id = await scene.say("")
        await until(lambda: _is(scene, id, "running"))
        async with other.working():
            await until(lambda: _is(scene, id, "succeeded"))
    assert scene.ran == ["done"]
    assert (await scene.jobs.get(id)).attempts == 1


async def test_many_runs_by_two_workers_each_once(process: Any) -> None:
    scenes = [await process(), await process()]
    for scene in scenes:
        scene.declare()
    words = [str(n) for n in range(300)]
    await scenes[0].jobs.enqueue_many(
        "probe.say", [JobRequest(args=Say(word=word)) for word in words]
    )
    async with scenes[0].working(), scenes[1].working():
        await until(lambda: _count(scenes[0].ran + scenes[1].ran, 300), seconds=30)
        await asyncio.sleep(0.2)
    assert sorted(scenes[0].ran + scenes[1].ran) == sorted(words)
    assert (await scenes[0].jobs.queues()) == []


# -- a database that goes away -------------------------------------------------------------------


@pytest.mark.postgres
@pytest.mark.parametrize("relatum_database_kind", ["postgresql"])
async def test_connections_that_the_server_ends(process: Any, caplog: Any) -> None:
    """Also while a run goes on: it ends well, and what comes after it is taken up."""
    scene, admin = await process(), await process()
    go = asyncio.Event()

    async def wait(plugin: Any, run: Any) -> None:
        if run.args.word == "across":
            await go.wait()
        scene.ran.append(run.args.word)

    scene.declare(run=wait)
    admin.declare(run=wait)
    async with scene.working() as task:
        across = await scene.say("across")
        await until(lambda: _is(admin, across, "running"))
        for _ in range(3):
            await _end_connections(scene, admin)
            await asyncio.sleep(0.2)
        go.set()
        await until(lambda: _is(admin, across, "succeeded"))
        after = await admin.say("after")
        await until(lambda: _is(admin, after, "succeeded"), seconds=20)
        assert not task.done()
    assert sorted(scene.ran) == ["across", "after"]
    assert (await admin.jobs.get(across)).attempts == 1


async def _end_connections(scene: Any, admin: Any) -> None:
    """Those of all processes but ``admin``, and not those of other tests."""
    (own,) = (await admin.db.fetch("SELECT pg_backend_pid()"))[0]
    await admin.db.fetch(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> ?",
        own,
    )


async def test_a_database_that_does_not_answer_for_a_while(
    scene: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looking fails, and so does writing down that a run is over."""
    from relatum.jobs.engine.repository import HouseRepository

    monkeypatch.setattr("relatum.jobs.engine.loop.BACKOFF", (0.02,))
    down = asyncio.Event()
    begun = asyncio.Event()

    def fails_while_down(name: str) -> None:
        real = getattr(HouseRepository, name)

        async def call(self: Any, *args: Any, **more: Any) -> Any:
            if down.is_set():
                raise OSError("connection refused")
            return await real(self, *args, **more)

        monkeypatch.setattr(HouseRepository, name, call)

    for name in ("dequeue", "log_jobs", "retry_job", "eligible_queued_work", "update_heartbeat"):
        fails_while_down(name)

    async def work(plugin: Any, run: Any) -> None:
        begun.set()
        while down.is_set() or run.args.word == "first":
            if run.args.word == "first" and down.is_set():
                break
            await asyncio.sleep(0.01)
        scene.ran.append(f"{run.args.word} {run.attempt}")
        if run.args.word == "fails" and run.attempt == 1:
            raise ValueError("no")

    scene.declare(run=work)
    async with scene.working() as task:
        first = await scene.say("first")
        await begun.wait()
        down.set()
        await asyncio.sleep(0.3)
        assert scene.ran == ["first 1"]
        assert await scene.state(first) == "running"
        down.clear()
        await until(lambda: _is(scene, first, "succeeded"))
        fails = await scene.say("fails")
        await until(lambda: _is(scene, fails, "succeeded"))
        assert not task.done()
    assert scene.ran == ["first 1", "fails 1", "fails 2"]
