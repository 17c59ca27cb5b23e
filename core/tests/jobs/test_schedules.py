"""Schedules ask for runs when they are due: once, by one of several processes, never lost."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Any

import pytest

from core.tests.jobs.conftest import NO_WAIT
from relatum.hooks.declarations import Retry
from relatum.values.problems import NotFound

HOURLY = dt.timedelta(hours=1)


async def status(scene: Any, name: str) -> Any:
    return {status.id: status for status in await scene.jobs.schedules()}[f"probe.{name}"]


async def test_a_new_job_waits_for_its_first_time(scene: Any, clock: Any) -> None:
    scene.declare("hourly", every=HOURLY)
    assert await scene.worker.drain() == 0
    clock.forward(minutes=59)
    assert await scene.worker.drain() == 0
    clock.forward(minutes=1)
    assert await scene.worker.drain() == 1
    assert await scene.worker.drain() == 0
    clock.forward(hours=1)
    assert await scene.worker.drain() == 1
    assert scene.ran == ["hourly"] * 2


async def test_times_that_were_missed_count_as_one(scene: Any, clock: Any) -> None:
    scene.declare("hourly", every=HOURLY)
    await scene.worker.drain()
    clock.forward(days=3, minutes=20)
    assert await scene.worker.drain() == 1
    assert await scene.worker.drain() == 0
    assert (await status(scene, "hourly")).due_at == clock.moment + dt.timedelta(minutes=40)


@pytest.mark.parametrize(("missed", "runs"), [("once", 1), ("skip", 0), ("each", 3)])
async def test_what_the_job_says_about_missed_times(
    scene: Any, clock: Any, missed: str, runs: int
) -> None:
    due: list[dt.datetime] = []

    async def note(plugin: Any, run: Any) -> None:
        due.append(run.due)

    scene.declare("hourly", note, every=HOURLY, missed=missed)
    await scene.worker.drain()
    begun = clock.moment
    clock.forward(hours=3, minutes=20)
    assert await scene.worker.drain() == runs
    assert due == [begun + n * HOURLY for n in range(1, runs + 1)], "the time of the schedule"
    clock.forward(minutes=40)
    assert await scene.worker.drain() == 1


async def test_what_is_due_survives_a_restart(process: Any, clock: Any) -> None:
    scene, other = await process(), await process()
    scene.declare("hourly", every=HOURLY)
    await scene.worker.drain()
    clock.forward(minutes=50)
    other.declare("hourly", every=HOURLY)
    assert await other.worker.drain() == 0
    clock.forward(minutes=10)
    assert await other.worker.drain() == 1


async def test_of_two_processes_one_asks_for_it(process: Any, clock: Any) -> None:
    scenes = [await process(), await process()]
    names = [f"job_{n}" for n in range(10)]
    for scene in scenes:
        for name in names:
            scene.declare(name, every=HOURLY)
        await scene.worker.drain()
    for _ in range(4):
        clock.forward(hours=1)
        await asyncio.gather(*(scene.worker.drain() for scene in scenes))
    assert sorted(scenes[0].ran + scenes[1].ran) == sorted(names * 4)


async def test_both_have_seen_that_it_is_due(
    process: Any, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has read the due time before either has moved it."""
    scenes = [await process(), await process()]
    for scene in scenes:
        scene.declare("hourly", every=HOURLY)
        await scene.worker.drain()
    clock.forward(hours=1)
    both = asyncio.Barrier(2)
    schedules = type(scenes[0].jobs.schedules_of)
    real = schedules._make_up

    async def together(self: Any, *args: Any) -> Any:
        await both.wait()
        return await real(self, *args)

    monkeypatch.setattr(schedules, "_make_up", together)
    asked = await asyncio.gather(
        *(scene.jobs.schedules_of.tick(scene.jobs.enqueue_many) for scene in scenes)
    )
    assert sorted(asked) == [0, 1]
    assert len((await scenes[0].jobs.find()).items) == 1


async def test_a_tick_that_breaks_off_is_not_lost(scene: Any, clock: Any) -> None:
    """The due time and the run are written together or not at all."""
    scene.declare("hourly", every=HOURLY)
    await scene.worker.drain()
    clock.forward(hours=1)

    async def breaks(job: str, requests: Any) -> Any:
        await scene.jobs.enqueue_many(job, requests)
        raise OSError("the machine stops here")

    await scene.jobs.schedules_of.tick(breaks)
    assert (await scene.jobs.find()).items == []
    assert await scene.worker.drain() == 1


async def test_while_one_goes_on_the_next_is_not_added(scene: Any, clock: Any) -> None:
    async def slow(plugin: Any, run: Any) -> None:
        clock.forward(hours=5)
        await scene.jobs.schedules_of.tick(scene.jobs.enqueue_many)
        waiting = await scene.jobs.find(states=["waiting"])
        scene.ran.append(f"{len(waiting.items)} waiting")

    scene.declare("hourly", slow, every=HOURLY)
    await scene.worker.drain()
    clock.forward(hours=1)
    assert await scene.worker.drain() == 1
    assert scene.ran == ["0 waiting"]


async def test_failures_in_a_row_are_counted(scene: Any, clock: Any) -> None:
    async def fail(plugin: Any, run: Any) -> None:
        raise ValueError("no paper")

    scene.declare("broken", fail, every=HOURLY, retry=Retry(attempts=1))
    scene.declare("whole", every=HOURLY)
    await scene.worker.drain()
    for times in (1, 2):
        clock.forward(hours=1)
        assert await scene.worker.drain() == 2
        found = await status(scene, "broken")
        assert (found.failures, "no paper" in found.error) == (times, True)
        assert found.last_started_at <= found.last_finished_at
    assert scene.ran == ["whole", "whole"]
    scene.declare("broken", every=HOURLY)
    assert await scene.jobs.run_now("probe.broken")
    found = await status(scene, "broken")
    assert (found.failures, found.error) == (0, "")


async def test_a_try_that_will_be_repeated_is_told_too(scene: Any, clock: Any) -> None:
    """Who looks at the schedules should not have to wait for the last of the tries."""

    async def fail(plugin: Any, run: Any) -> None:
        raise ValueError("no paper")

    later = Retry(attempts=3, first=dt.timedelta(hours=1))
    scene.declare("broken", fail, every=HOURLY, retry=later)
    await scene.worker.drain()
    clock.forward(hours=1)
    assert await scene.worker.drain() == 1
    found = await status(scene, "broken")
    assert (found.failures, "no paper" in found.error) == (1, True)


async def test_a_job_of_a_plugin_that_is_off(scene: Any, clock: Any) -> None:
    scene.declare("hourly", every=HOURLY)
    await scene.worker.drain()
    clock.forward(hours=2)
    scene.gate.set([])
    assert await scene.worker.drain() == 0
    found = await status(scene, "hourly")
    assert (found.on, found.schedule, found.title) == (False, "every 1 h", "hourly")
    with pytest.raises(NotFound):
        await scene.jobs.run_now("probe.hourly")
    scene.gate.set(["probe"])
    assert await scene.worker.drain() == 1
    assert scene.ran == ["hourly"]


async def test_a_schedule_whose_plugin_is_gone_is_still_shown(process: Any, clock: Any) -> None:
    scene, other = await process(), await process()
    scene.declare("hourly", every=HOURLY)
    await scene.worker.drain()
    (found,) = await other.jobs.schedules()
    assert (found.id, found.on, found.schedule) == ("probe.hourly", False, "every 1 h")


async def test_running_by_hand_leaves_the_schedule_alone(scene: Any, clock: Any) -> None:
    scene.declare("hourly", every=HOURLY)
    await scene.worker.drain()
    due = (await status(scene, "hourly")).due_at
    clock.forward(minutes=10)
    assert await scene.jobs.run_now("probe.hourly")
    found = await status(scene, "hourly")
    assert found.due_at == due
    assert found.last_started_at is not None


@pytest.mark.parametrize(
    ("before", "after", "due"),
    [
        # a new release runs it more often, or at another hour: the new schedule holds at once
        ({"every": dt.timedelta(days=1)}, {"every": dt.timedelta(minutes=5)}, 5),
        ({"every": dt.timedelta(minutes=5)}, {"every": dt.timedelta(days=1)}, 24 * 60),
        ({"daily_at": "16:00"}, {"daily_at": "18:00"}, 3 * 60),
        ({"daily_at": "16:00"}, {"cron": "30 15 * * *"}, 30),
    ],
)
async def test_another_schedule_holds_at_once(
    scene: Any, clock: Any, before: Any, after: Any, due: int
) -> None:
    scene.declare("job", **before)  # it is 15:00 in Ho Chi Minh City
    await scene.worker.drain()
    scene.declare("job", **after)
    await scene.worker.drain()
    found = await status(scene, "job")
    assert found.due_at == clock.moment + dt.timedelta(minutes=due)


async def test_what_was_due_before_the_schedule_changed_still_runs(scene: Any, clock: Any) -> None:
    scene.declare("job", every=HOURLY)
    await scene.worker.drain()
    clock.forward(hours=2)
    scene.declare("job", every=dt.timedelta(days=1))
    assert await scene.worker.drain() == 1


@pytest.mark.parametrize(
    "when",
    [
        {"every": HOURLY},
        {"every": dt.timedelta(days=7)},
        {"daily_at": "16:00"},
        {"cron": "0 9 * * 1"},
    ],
)
async def test_a_due_time_of_a_wrong_clock_is_not_believed(
    scene: Any, clock: Any, when: Any
) -> None:
    """A machine once believed that it was 2036."""
    scene.declare("job", **when)
    await scene.worker.drain()
    due = (await status(scene, "job")).due_at
    await scene.db.execute("UPDATE core_job SET due_at = ?", dt.datetime(2036, 1, 1, tzinfo=dt.UTC))
    for _ in range(2):
        assert await scene.worker.drain() == 0
        assert (await status(scene, "job")).due_at == due


async def test_dead_letters_of_a_schedule_do_not_pile_up(scene: Any, clock: Any) -> None:
    async def fail(plugin: Any, run: Any) -> None:
        raise ValueError("no paper")

    scene.declare("broken", fail, every=HOURLY, retry=Retry(attempts=1))
    scene.declare(run=fail, retry=Retry(attempts=1))
    await scene.worker.drain()
    for _ in range(3):
        clock.forward(hours=1)
        await scene.worker.drain()
    asked = [await scene.say("", unique=unique) for unique in ("", "u", "")]
    await scene.worker.drain()
    dead = [run.id for run in (await scene.jobs.find(states=["failed"])).items]
    assert len(dead) == 6
    assert await scene.jobs.forget_old() == 2
    left = [run.id for run in (await scene.jobs.find(states=["failed"])).items]
    assert left == [*asked[::-1], dead[3]], "the newest of the schedule, and all that was asked for"
    long_ago = dt.datetime(2021, 1, 1, tzinfo=dt.UTC)
    await scene.db.execute("UPDATE core_queue SET finished_at = ?", long_ago)
    assert await scene.jobs.forget_old() == 4


async def test_rows_of_the_release_before_keep_their_due_time(scene: Any, clock: Any) -> None:
    """They say nothing of the schedule by which it was reckoned."""
    scene.declare("daily", daily_at="16:00")
    scene.declare("hourly", every=HOURLY)
    for job, minutes in (("daily", -30), ("hourly", 20)):
        await scene.db.execute(
            "INSERT INTO core_job (id, due_at, failures, error) VALUES (?, ?, 1, 'old')",
            f"probe.{job}",
            clock.moment + dt.timedelta(minutes=minutes),
        )
    assert await scene.worker.drain() == 1
    assert scene.ran == ["daily"]
    hourly = await status(scene, "hourly")
    assert hourly.due_at == clock.moment + dt.timedelta(minutes=20)
    assert (hourly.failures, hourly.error) == (1, "old")


async def test_a_job_without_a_time_runs_only_when_asked_for(scene: Any, clock: Any) -> None:
    scene.declare("by_hand", retry=NO_WAIT)
    clock.forward(days=10_000)
    assert await scene.worker.drain() == 0
    assert await scene.jobs.schedules() == []
    assert await scene.jobs.run_now("probe.by_hand")


async def test_one_broken_schedule_does_not_stop_the_others(
    scene: Any, clock: Any, caplog: pytest.LogCaptureFixture
) -> None:
    scene.declare("never", cron="0 0 31 2 *")  # not let in by the checks of declarations
    scene.declare("hourly", every=HOURLY)
    await scene.worker.drain()
    clock.forward(hours=1)
    assert await scene.worker.drain() == 1
    assert "probe.never" in caplog.text


async def test_a_daily_job_runs_once_a_day(scene: Any, clock: Any) -> None:
    scene.declare("daily", daily_at="06:00")
    for _ in range(2 * 24 * 2):
        await scene.worker.drain()
        clock.forward(minutes=30)
    assert scene.ran == ["daily"] * 2
