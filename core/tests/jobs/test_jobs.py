"""Jobs run when they are due, in one of several processes, and failing ones are remembered."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relatum.hooks.declarations import Job
from relatum.jobs.runner import JobRunner
from relatum.values.problems import NotFound
from relatum.values.text import Text

HOURLY = dt.timedelta(hours=1)


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).astimezone(dt.UTC)


async def test_a_new_job_waits_for_its_first_time(scene: Any, clock: Any) -> None:
    scene.declare("hourly", every=HOURLY)
    assert await scene.runner.run_due() == 0
    clock.forward(minutes=59)
    assert await scene.runner.run_due() == 0
    clock.forward(minutes=1)
    assert await scene.runner.run_due() == 1
    assert await scene.runner.run_due() == 0
    clock.forward(hours=1)
    assert await scene.runner.run_due() == 1
    assert scene.ran == ["hourly"] * 2


async def test_times_that_were_missed_count_as_one(scene: Any, clock: Any) -> None:
    scene.declare("hourly", every=HOURLY)
    await scene.runner.run_due()
    clock.forward(days=3, minutes=20)
    assert await scene.runner.run_due() == 1
    assert await scene.runner.run_due() == 0
    assert (await scene.status("hourly")).due_at == clock.moment + HOURLY


async def test_what_is_due_survives_a_restart(scene: Any, other_process: Any, clock: Any) -> None:
    scene.declare("hourly", every=HOURLY)
    await scene.runner.run_due()
    clock.forward(minutes=50)
    other_process.declare("hourly", every=HOURLY)
    assert await other_process.runner.run_due() == 0
    clock.forward(minutes=10)
    assert await other_process.runner.run_due() == 1


async def test_of_two_processes_one_runs_it(scene: Any, other_process: Any, clock: Any) -> None:
    names = [f"job_{n}" for n in range(20)]
    for process in (scene, other_process):
        for name in names:
            process.declare(name, every=HOURLY)
        await process.runner.run_due()
    for _ in range(5):
        clock.forward(hours=1)
        await asyncio.gather(scene.runner.run_due(), other_process.runner.run_due())
    assert sorted(scene.ran + other_process.ran) == sorted(names * 5)


async def test_the_second_of_two_processes_does_not_run_it_again(
    scene: Any, other_process: Any, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both have read that it is due before either has claimed it."""
    for process in (scene, other_process):
        process.declare("hourly", every=HOURLY)
        await process.runner.run_due()
    clock.forward(hours=1)
    both = asyncio.Barrier(2)
    real = JobRunner._claim

    async def together(self: Any, *args: Any) -> bool:
        await both.wait()
        return await real(self, *args)

    monkeypatch.setattr(JobRunner, "_claim", together)
    ran = await asyncio.gather(scene.runner.run_due(), other_process.runner.run_due())
    assert sorted(ran) == [0, 1]
    assert len(scene.ran + other_process.ran) == 1


async def test_a_failing_job_is_recorded_and_the_others_run(scene: Any, clock: Any) -> None:
    async def fail(plugin: Any) -> None:
        raise ValueError("no paper")

    scene.declare("broken", fail, every=HOURLY)
    scene.declare("whole", every=HOURLY)
    await scene.runner.run_due()
    for times in (1, 2):
        clock.forward(hours=1)
        assert await scene.runner.run_due() == 2
        status = await scene.status("broken")
        assert (status.failures, "no paper" in status.error) == (times, True)
        assert status.last_finished_at == clock.moment
    assert scene.ran == ["whole", "whole"]
    scene.declare("broken", every=HOURLY)
    assert await scene.runner.run_now("probe.broken")
    status = await scene.status("broken")
    assert (status.failures, status.error) == (0, "")


@pytest.mark.parametrize("error", [SystemExit(3), asyncio.CancelledError("its own")])
async def test_a_job_cannot_end_the_process(scene: Any, clock: Any, error: BaseException) -> None:
    async def escape(plugin: Any) -> None:
        raise error

    scene.declare("exits", escape, every=HOURLY)
    scene.declare("whole", every=HOURLY)
    await scene.runner.run_due()
    clock.forward(hours=1)
    assert await scene.runner.run_due() == 2
    assert scene.ran == ["whole"]
    assert type(error).__name__ in (await scene.status("exits")).error


async def test_a_job_that_hangs_is_cut_off(
    scene: Any, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relatum.jobs.runner.JOB_SECONDS", 0.05)

    async def hang(plugin: Any) -> None:
        await asyncio.sleep(60)

    scene.declare("hangs", hang, every=HOURLY)
    assert await scene.runner.run_now("probe.hangs") is False
    assert (await scene.status("hangs")).failures == 1


async def test_a_job_of_a_plugin_that_is_off_does_not_run(scene: Any, clock: Any) -> None:
    scene.declare("hourly", every=HOURLY)
    await scene.runner.run_due()
    clock.forward(hours=2)
    scene.gate.set([])
    assert await scene.runner.run_due() == 0
    assert await scene.runner.status() == []
    with pytest.raises(NotFound):
        await scene.runner.run_now("probe.hourly")
    scene.gate.set(["probe"])
    assert await scene.runner.run_due() == 1
    assert scene.ran == ["hourly"]


async def test_switched_off_by_the_job_before_it(scene: Any, clock: Any) -> None:
    async def switch_off(plugin: Any) -> None:
        scene.gate.set([])

    scene.declare("first", switch_off, every=HOURLY)
    scene.declare("second", every=HOURLY)
    await scene.runner.run_due()
    clock.forward(hours=1)
    assert await scene.runner.run_due() == 1
    assert scene.ran == []


async def test_running_by_hand_leaves_the_schedule_alone(scene: Any, clock: Any) -> None:
    scene.declare("hourly", every=HOURLY)
    await scene.runner.run_due()
    due = (await scene.status("hourly")).due_at
    clock.forward(minutes=10)
    assert await scene.runner.run_now("probe.hourly")
    status = await scene.status("hourly")
    assert (status.due_at, status.last_started_at) == (due, clock.moment)
    with pytest.raises(NotFound):
        await scene.runner.run_now("probe.nothing")


async def test_a_shorter_distance_holds_at_once(scene: Any, clock: Any) -> None:
    """A new release runs a job every five minutes that used to run once a day."""
    scene.declare("job", every=dt.timedelta(days=1))
    await scene.runner.run_due()
    scene.declare("job", every=dt.timedelta(minutes=5))
    await scene.runner.run_due()
    clock.forward(minutes=5)
    assert await scene.runner.run_due() == 1


async def test_a_job_without_a_time_runs_only_by_hand(scene: Any, clock: Any) -> None:
    scene.declare("by_hand")
    clock.forward(days=10_000)
    assert await scene.runner.run_due() == 0
    assert await scene.runner.run_now("probe.by_hand")


async def test_following_runs_what_becomes_due(
    scene: Any, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relatum.jobs.runner.POLL_SECONDS", 0.01)
    ran = asyncio.Event()

    async def tell(plugin: Any) -> None:
        ran.set()

    scene.declare("hourly", tell, every=HOURLY)
    task = asyncio.create_task(scene.runner.run_forever())
    try:
        await asyncio.sleep(0.05)
        assert not ran.is_set()
        clock.forward(hours=1)
        async with asyncio.timeout(10):
            await ran.wait()
    finally:
        task.cancel()
        await asyncio.wait([task])


# -- once a day, by the company's clock ----------------------------------------------------------


def daily(zone: str, time: str, after: str) -> dt.datetime:
    """The next run of a daily job, without a database."""

    async def nothing(plugin: Any) -> None: ...

    job = Job(id="probe.daily", title=Text(en="", vi=""), run=nothing, daily_at=time)
    return JobRunner(None, None, time_zone=zone).next_time(job, at(after))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("zone", "time", "after", "expected"),
    [
        ("Asia/Ho_Chi_Minh", "06:00", "2026-11-22T05:59:00+07:00", "2026-11-21T23:00:00+00:00"),
        ("Asia/Ho_Chi_Minh", "06:00", "2026-11-22T06:00:00+07:00", "2026-11-22T23:00:00+00:00"),
        ("Asia/Ho_Chi_Minh", "23:30", "2026-12-31T23:45:00+07:00", "2027-01-01T16:30:00+00:00"),
        # In Berlin the clock goes forward on 29 March 2026 and back on 25 October 2026.
        ("Europe/Berlin", "08:00", "2026-03-28T09:00:00+01:00", "2026-03-29T06:00:00+00:00"),
        ("Europe/Berlin", "08:00", "2026-10-24T09:00:00+02:00", "2026-10-25T07:00:00+00:00"),
        # 02:30 is skipped in spring, and comes twice in autumn.
        ("Europe/Berlin", "02:30", "2026-03-29T01:00:00+01:00", "2026-03-29T01:30:00+00:00"),
        ("Europe/Berlin", "02:30", "2026-10-25T00:00:00+02:00", "2026-10-25T00:30:00+00:00"),
        ("Europe/Berlin", "02:30", "2026-10-25T02:30:00+02:00", "2026-10-26T01:30:00+00:00"),
    ],
)
def test_a_daily_job_keeps_to_the_companys_clock(
    zone: str, time: str, after: str, expected: str
) -> None:
    assert daily(zone, time, after) == at(expected)


@settings(deadline=None, max_examples=300)
@given(
    zone=st.sampled_from(["Asia/Ho_Chi_Minh", "UTC", "Europe/Berlin", "America/New_York"]),
    hour=st.integers(0, 23),
    minute=st.integers(0, 59),
    after=st.datetimes(
        min_value=dt.datetime(2020, 1, 1),  # noqa: DTZ001 - as Hypothesis wants its bounds
        max_value=dt.datetime(2030, 1, 1),  # noqa: DTZ001
        timezones=st.just(dt.UTC),
    ),
)
def test_law_of_daily_jobs(zone: str, hour: int, minute: int, after: dt.datetime) -> None:
    """Always later, about a day at most, and at that hour and minute unless the clock skips it."""
    due = daily(zone, f"{hour:02}:{minute:02}", after.isoformat())
    assert after < due <= after + dt.timedelta(hours=26)
    local = due.astimezone(ZoneInfo(zone))
    skipped = local.utcoffset() != (local - dt.timedelta(hours=3)).utcoffset()
    assert (local.hour, local.minute) == (hour, minute) or skipped


async def test_a_daily_job_runs_once_a_day(scene: Any, clock: Any) -> None:
    scene.declare("daily", daily_at="06:00")
    for _ in range(3 * 24 * 4):
        await scene.runner.run_due()
        clock.forward(minutes=15)
    assert scene.ran == ["daily"] * 3
