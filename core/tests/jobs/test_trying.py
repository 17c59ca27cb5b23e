"""What becomes of runs: tried again, given up, ended early, kept for a while, dropped."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Any

import msgspec
import pytest

from core.tests.jobs.conftest import NO_WAIT, Say, until
from relatum.hooks.declarations import Retry
from relatum.jobs.running import delay_of
from relatum.values.problems import Conflict, NotFound
from relatum.values.time import now


async def test_a_run_that_fails_is_tried_again_and_then_is_a_dead_letter(scene: Any) -> None:
    tries: list[tuple[Any, int]] = []

    async def fail(plugin: Any, run: Any) -> None:
        tries.append((run.id, run.attempt))
        raise ValueError("no paper, password=hunter2")

    scene.declare(run=fail)
    id = await scene.say("")
    await scene.worker.drain()
    assert tries == [(id, 1), (id, 2), (id, 3)], "the id stays the same"
    dead = await scene.jobs.get(id)
    assert (dead.state, dead.attempts) == ("failed", 3)
    assert "no paper" in dead.error
    assert "ValueError" in dead.error
    assert "hunter2" not in dead.error, "errors are kept without secrets"
    assert await scene.worker.drain() == 0, "nothing happens until somebody does something"
    assert [run.id for run in (await scene.jobs.find(states=["failed"])).items] == [id]


async def test_one_that_goes_well_in_the_end(scene: Any) -> None:
    async def second(plugin: Any, run: Any) -> None:
        if run.attempt == 1:
            raise ValueError("not yet")

    scene.declare(run=second)
    id = await scene.say("")
    assert await scene.worker.drain() == 2
    done = await scene.jobs.get(id)
    assert (done.state, done.attempts, done.error) == ("succeeded", 2, "")


async def test_between_two_tries_it_waits(scene: Any) -> None:
    async def fail(plugin: Any, run: Any) -> None:
        raise ValueError("no")

    minute = dt.timedelta(minutes=1)
    scene.declare(run=fail, retry=Retry(attempts=3, first=minute, jitter=0))
    id = await scene.say("")
    assert await scene.worker.drain() == 1
    waiting = await scene.jobs.get(id)
    assert (waiting.state, waiting.attempts) == ("waiting", 1)
    assert "no" in waiting.error, "why is told while it waits"
    (after,) = (await scene.db.fetch("SELECT execute_after FROM core_queue"))[0]
    assert dt.timedelta(seconds=50) < after - now() <= minute
    assert waiting.due_at < now(), "when it was due stays as it was"


def test_the_distances_grow_up_to_the_longest_and_spread() -> None:
    retry = Retry(attempts=9, first=dt.timedelta(seconds=5), factor=4, jitter=0.2)
    for attempt, plain in ((1, 5), (2, 20), (3, 80), (4, 320), (5, 1280), (6, 3600), (900, 3600)):
        waits = [delay_of(retry, attempt).total_seconds() for _ in range(50)]
        assert plain * 0.8 <= min(waits) < max(waits) <= plain * 1.2
    even = Retry(first=dt.timedelta(seconds=5), factor=1, jitter=0)
    assert delay_of(even, 4) == dt.timedelta(seconds=5)


async def test_a_dead_letter_is_tried_again_as_if_for_the_first_time(scene: Any) -> None:
    broken = True

    async def maybe(plugin: Any, run: Any) -> None:
        if broken:
            raise ValueError("no")
        scene.ran.append(f"try {run.attempt}")

    scene.declare(run=maybe)
    id = await scene.say("")
    with pytest.raises(Conflict, match="waiting"):
        await scene.jobs.retry(id)
    await scene.worker.drain()
    broken = False
    again = await scene.jobs.retry(id)
    assert (again.state, again.attempts, again.error) == ("waiting", 0, "")
    await scene.worker.drain()
    assert scene.ran == ["try 1"]
    with pytest.raises(Conflict, match="succeeded"):
        await scene.jobs.retry(id)


async def fails(plugin: Any, run: Any) -> None:
    raise ValueError("no")


async def test_a_dead_letter_whose_key_is_taken_again(scene: Any) -> None:
    scene.declare(run=fails)
    dead = await scene.say("", unique="u")
    await scene.worker.drain()
    living = await scene.say("", unique="u")
    assert living != dead
    with pytest.raises(Conflict, match="unique key"):
        await scene.jobs.retry(dead)
    assert await scene.jobs.retry_all("probe.say") == 0
    await scene.jobs.cancel(living)
    assert (await scene.jobs.retry(dead)).state == "waiting"


async def test_all_dead_letters_of_a_job(scene: Any) -> None:
    scene.declare(run=fails)
    scene.declare("other", fails)
    plain = [await scene.say(str(n)) for n in range(3)]
    await scene.worker.drain()
    twins = []
    for _ in range(2):
        twins.append(await scene.say("", unique="u"))
        await scene.worker.drain()
    other = await scene.jobs.enqueue("probe.other")
    await scene.worker.drain()
    assert await scene.jobs.retry_all("probe.say") == 4
    states = [await scene.state(id) for id in (*plain, *twins, other)]
    assert states == ["waiting"] * 3 + ["failed", "waiting", "failed"]


async def test_dropping(scene: Any) -> None:
    scene.declare(run=fails)
    id = await scene.say("")
    with pytest.raises(Conflict, match="waiting"):
        await scene.jobs.drop(id)
    await scene.worker.drain()
    await scene.jobs.drop(id)
    dropped = await scene.jobs.get(id)
    assert dropped.state == "cancelled"
    assert "no" in dropped.error, "what was wrong with it stays known"
    with pytest.raises(Conflict):
        await scene.jobs.drop(id)


async def test_calling_off_one_that_waits(scene: Any) -> None:
    scene.declare()
    id = await scene.say("a", unique="u")
    assert (await scene.jobs.cancel(id)).state == "cancelled"
    assert await scene.worker.drain() == 0
    with pytest.raises(Conflict, match="cancelled"):
        await scene.jobs.cancel(id)
    assert await scene.say("b", unique="u") != id, "its key is free"


@pytest.mark.parametrize("error", [SystemExit(3), asyncio.CancelledError("its own")])
async def test_a_job_cannot_end_the_process(scene: Any, error: BaseException) -> None:
    async def escape(plugin: Any, run: Any) -> None:
        raise error

    scene.declare("escapes", escape)
    scene.declare()
    id = await scene.jobs.enqueue("probe.escapes")
    await scene.say("whole")
    await scene.worker.drain()
    assert scene.ran == ["whole"]
    dead = await scene.jobs.get(id)
    assert dead.state == "failed"
    assert type(error).__name__ in dead.error


async def test_a_job_that_takes_too_long_is_cut_off(scene: Any) -> None:
    async def hang(plugin: Any, run: Any) -> None:
        await asyncio.sleep(60)

    scene.declare(run=hang, timeout=dt.timedelta(seconds=0.05), retry=Retry(attempts=1))
    id = await scene.say("")
    await scene.worker.drain()
    dead = await scene.jobs.get(id)
    assert dead.state == "failed"
    assert "0.05 s" in dead.error


async def test_higher_priorities_first(scene: Any) -> None:
    scene.declare()
    scene.declare("urgent", priority=5)
    for word, priority in (("a", None), ("b", 10), ("c", -1), ("d", 10)):
        await scene.say(word, priority=priority)
    await scene.jobs.enqueue("probe.urgent", Say(word="e"))
    await scene.worker.drain()
    assert scene.ran == ["b", "d", "e", "a", "c"]


async def test_so_many_at_once_for_each_key(scene: Any) -> None:
    going: dict[str, int] = {}
    most: dict[str, int] = {}

    async def count(plugin: Any, run: Any) -> None:
        going[run.key] = going.get(run.key, 0) + 1
        most[run.key] = max(most.get(run.key, 0), going[run.key])
        await asyncio.sleep(0.01)
        going[run.key] -= 1
        scene.ran.append(run.key)

    scene.declare(run=count, at_once=1)
    for n in range(12):
        await scene.say(str(n), key="ab"[n % 2])
    await scene.worker.drain()
    assert most == {"a": 1, "b": 1}
    assert sorted(scene.ran) == ["a"] * 6 + ["b"] * 6


async def test_a_plugin_that_is_off(scene: Any) -> None:
    """What it asked for is kept, is not run, and runs when it is on again."""
    scene.declare()
    id = await scene.say("kept")
    scene.gate.set([])
    assert await scene.worker.drain() == 0
    assert await scene.state(id) == "waiting"
    assert (await scene.jobs.find()).items[0].id == id
    scene.gate.set(["probe"])
    assert await scene.worker.drain() == 1
    assert scene.ran == ["kept"]


async def test_switched_off_by_the_run_before_it(scene: Any) -> None:
    """Both are taken together; the second is given back, and was not tried."""

    async def switch_off(plugin: Any, run: Any) -> None:
        scene.gate.set([])

    scene.declare("first", switch_off, priority=1)
    scene.declare()
    await scene.jobs.enqueue("probe.first")
    id = await scene.say("second")
    await scene.worker.drain()
    assert scene.ran == []
    kept = await scene.jobs.get(id)
    assert (kept.state, kept.attempts) == ("waiting", 0)


async def test_arguments_that_an_upgrade_no_longer_reads(scene: Any) -> None:
    """A dead letter says so; with a default in the next version it runs."""
    scene.declare()
    id = await scene.say("old")

    class Renamed(msgspec.Struct):
        text: str

    scene.declare(args=Renamed)
    await scene.worker.drain()
    dead = await scene.jobs.get(id)
    assert (dead.state, dead.attempts) == ("failed", 1), "trying again would not help"
    assert "Renamed" in dead.error
    assert "`text`" in dead.error

    class Mended(msgspec.Struct):
        text: str = "mended"

    async def say(plugin: Any, run: Any) -> None:
        scene.ran.append(run.args.text)

    scene.declare(run=say, args=Mended)
    await scene.jobs.retry(id)
    await scene.worker.drain()
    assert scene.ran == ["mended"]


async def test_results_that_cannot_be_kept_do_not_fail_the_run(
    scene: Any, caplog: pytest.LogCaptureFixture
) -> None:
    class Long(msgspec.Struct):
        text: str = "x" * 200_000

    async def odd(plugin: Any, run: Any) -> Any:
        return object() if run.args.word == "odd" else Long()

    scene.declare(run=odd)
    ids = [await scene.say(word) for word in ("odd", "long")]
    await scene.worker.drain()
    for id in ids:
        run = await scene.jobs.get(id)
        assert (run.state, run.result) == ("succeeded", None)
    assert caplog.text.count("is not kept") == 2


async def test_what_came_of_runs_is_kept_for_a_while(
    scene: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relatum.jobs.changes.FORGET_AT_ONCE", 2)
    scene.declare("short", keep=dt.timedelta(milliseconds=1))
    scene.declare()
    shorts = [await scene.jobs.enqueue("probe.short") for _ in range(5)]
    long = await scene.say("")
    await scene.worker.drain()
    await asyncio.sleep(0.01)
    assert await scene.jobs.forget_old() == 5
    assert await scene.state(long) == "succeeded"
    for short in shorts:
        with pytest.raises(NotFound, match="forgotten"):
            await scene.jobs.get(short)


async def test_progress(scene: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relatum.jobs.running.REPORT_SECONDS", 0.05)
    seen: list[Any] = []
    writes = 0

    async def count(plugin: Any, run: Any) -> None:
        nonlocal writes
        for n in range(40):
            await run.report(n, 40, "rows")
            await asyncio.sleep(0.005)
        seen.append((await scene.jobs.get(run.id)).progress)
        writes = int(run._reported > 0)
        async with scene.db.transaction():
            await asyncio.sleep(0.06)
            await run.report(99)  # not inside of a transaction: it would hold the row
        seen.append((await scene.jobs.get(run.id)).progress)

    scene.declare(run=count)
    id = await scene.say("")
    await scene.worker.drain()
    assert 20 <= seen[0].done < 40
    assert (seen[0].total, seen[0].note) == (40, "rows")
    assert seen[1] == seen[0]
    assert writes
    assert await scene.state(id) == "succeeded"


async def test_progress_is_written_at_most_twice_a_second(
    scene: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []
    real = type(scene.db).execute

    async def execute(self: Any, sql: str, *params: Any) -> int:
        if "progress = ?" in sql:
            written.append(sql)
        return await real(self, sql, *params)

    monkeypatch.setattr(type(scene.db), "execute", execute)

    async def count(plugin: Any, run: Any) -> None:
        for n in range(300):
            await run.report(n, 300)
            await asyncio.sleep(0)

    scene.declare(run=count)
    await scene.say("")
    began = now()
    await scene.worker.drain()
    assert 1 <= len(written) <= 1 + (now() - began).total_seconds() / 0.5


# -- exactly once --------------------------------------------------------------------------------


async def total(scene: Any) -> int:
    return int((await scene.db.fetch("SELECT coalesce(sum(n), 0) FROM probe_sum"))[0][0])


@pytest.fixture
async def summing(scene: Any) -> Any:
    await scene.db.execute("CREATE TABLE probe_sum (n INTEGER)")
    return scene


async def test_an_atomic_job_leaves_all_or_nothing(summing: Any) -> None:
    async def add(plugin: Any, run: Any) -> None:
        await summing.db.execute("INSERT INTO probe_sum VALUES (1)")
        if run.attempt < 3:
            raise ValueError("after the write")

    summing.declare(run=add, atomic=True)
    id = await summing.say("")
    assert await summing.worker.drain() == 3
    assert await total(summing) == 1
    assert (await summing.jobs.get(id)).state == "succeeded"


async def test_a_run_that_is_not_atomic_keeps_what_it_wrote(summing: Any) -> None:
    """What the one before is compared with."""

    async def add(plugin: Any, run: Any) -> None:
        await summing.db.execute("INSERT INTO probe_sum VALUES (1)")
        if run.attempt < 3:
            raise ValueError("after the write")

    summing.declare(run=add)
    await summing.say("")
    await summing.worker.drain()
    assert await total(summing) == 3


@pytest.mark.postgres
@pytest.mark.parametrize("relatum_database_kind", ["postgresql"])
async def test_an_atomic_run_that_another_worker_took_over_is_undone(
    summing: Any, process: Any
) -> None:
    """Its worker stood still for longer than the heartbeat, and the other one was faster. (On
    SQLite the first would keep the other from taking anything.)"""
    other = await process(heartbeat_seconds=0.01)
    go = asyncio.Event()

    async def add_slowly(plugin: Any, run: Any) -> None:
        await summing.db.execute("INSERT INTO probe_sum VALUES (100)")
        await go.wait()

    async def add(plugin: Any, run: Any) -> None:
        await other.db.execute("INSERT INTO probe_sum VALUES (1)")

    summing.declare(run=add_slowly, atomic=True)
    other.declare(run=add, atomic=True)
    id = await summing.say("")
    first = asyncio.create_task(summing.worker.drain())
    await until(lambda: _is(other, id, "running"))
    await asyncio.sleep(0.05)
    assert await other.worker.drain() == 1
    assert await total(other) == 1
    go.set()
    await first
    assert await total(other) == 1
    done = await other.jobs.get(id)
    assert (done.state, done.attempts) == ("succeeded", 2)


async def _is(scene: Any, id: Any, state: str) -> bool:
    return bool(await scene.state(id) == state)


async def test_an_atomic_job_has_ten_seconds_at_most(
    scene: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relatum.jobs.running.ATOMIC_SECONDS", 0.05)

    async def hang(plugin: Any, run: Any) -> None:
        await asyncio.sleep(60)

    scene.declare(run=hang, atomic=True, retry=Retry(attempts=1))
    id = await scene.say("")
    await scene.worker.drain()
    assert "0.05 s" in (await scene.jobs.get(id)).error


# -- by hand -------------------------------------------------------------------------------------


async def test_here_and_now(scene: Any) -> None:
    scene.declare()
    assert await scene.jobs.run_now("probe.say", Say(word="now"))
    assert scene.ran == ["now"]
    assert (await scene.jobs.find()).items == [], "outside of the queue"
    scene.declare(run=fails)
    assert not await scene.jobs.run_now("probe.say")
    with pytest.raises(NotFound):
        await scene.jobs.run_now("probe.nothing")


def test_the_retry_of_these_tests_does_not_wait() -> None:
    assert delay_of(NO_WAIT, 2) == dt.timedelta(0)
