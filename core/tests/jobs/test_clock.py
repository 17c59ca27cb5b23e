"""When schedules are due by the company's clock, also on the days on which it is moved."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from relatum.hooks.declarations import Job
from relatum.jobs.schedules import missed_times, next_time
from relatum.values.text import Text


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).astimezone(dt.UTC)


def job(**when: object) -> Job:
    async def nothing(plugin: object, run: object) -> None: ...

    return Job(id="probe.job", title=Text(en="", vi=""), run=nothing, **when)  # type: ignore[arg-type]


def following(zone: str, after: str, **when: object) -> dt.datetime:
    return next_time(job(**when), at(after), ZoneInfo(zone))


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
    assert following(zone, after, daily_at=time) == at(expected)


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
    due = following(zone, after.isoformat(), daily_at=f"{hour:02}:{minute:02}")
    assert after < due <= after + dt.timedelta(hours=26)
    local = due.astimezone(ZoneInfo(zone))
    skipped = local.utcoffset() != (local - dt.timedelta(hours=3)).utcoffset()
    assert (local.hour, local.minute) == (hour, minute) or skipped


# In New York the clock goes forward on 8 March 2026 at 02:00 and back on 1 November 2026 at 02:00.
@pytest.mark.parametrize(
    ("zone", "cron", "times"),
    [
        # skipped: an hour later by the clock; on the next day as always
        (
            "America/New_York",
            "30 2 * * *",
            [
                "2026-03-07T12:00:00-05:00",
                "2026-03-08T07:30:00+00:00",
                "2026-03-09T06:30:00+00:00",
            ],
        ),
        (
            "America/New_York",
            "0 2 * * *",
            ["2026-03-08T00:00:00-05:00", "2026-03-08T07:00:00+00:00"],
        ),
        # what comes twice counts once
        (
            "America/New_York",
            "30 1 * * *",
            [
                "2026-10-31T12:00:00-04:00",
                "2026-11-01T05:30:00+00:00",
                "2026-11-02T06:30:00+00:00",
            ],
        ),
        # every half hour: every half hour
        (
            "America/New_York",
            "*/30 * * * *",
            [
                "2026-11-01T05:00:00+00:00",
                "2026-11-01T05:30:00+00:00",
                "2026-11-01T06:00:00+00:00",
                "2026-11-01T06:30:00+00:00",
                "2026-11-01T07:00:00+00:00",
            ],
        ),
        (
            "Europe/Berlin",
            "0 * * * *",
            [
                "2026-03-29T00:30:00+00:00",
                "2026-03-29T01:00:00+00:00",
                "2026-03-29T02:00:00+00:00",
            ],
        ),
        (
            "Europe/Berlin",
            "30 2 * * *",
            [
                "2026-10-24T12:00:00+00:00",
                "2026-10-25T00:30:00+00:00",
                "2026-10-26T01:30:00+00:00",
            ],
        ),
        # working days; a day in four years
        (
            "Asia/Ho_Chi_Minh",
            "0 9 * * 1-5",
            ["2026-11-20T09:00:00+07:00", "2026-11-23T02:00:00+00:00"],
        ),
        (
            "Asia/Ho_Chi_Minh",
            "15 4 29 2 *",
            ["2026-11-20T09:00:00+07:00", "2028-02-28T21:15:00+00:00"],
        ),
    ],
)
def test_a_cron_keeps_to_the_companys_clock(zone: str, cron: str, times: list[str]) -> None:
    for before, expected in pairwise(times):
        assert following(zone, before, cron=cron) == at(expected)


def by_the_minute(cron: str, after: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    """The same, minute by minute through the day, without any library: slow and plain."""
    minute, hour, _, _, weekday = cron.split()

    def shows(time: dt.datetime) -> bool:
        days = range(7) if weekday == "*" else [int(day) for day in weekday.split(",")]
        return fits(minute, time.minute) and fits(hour, time.hour) and time.isoweekday() % 7 in days

    def fits(field: str, value: int) -> bool:
        if field.startswith("*"):
            return value % int(field[2:] or 1) == 0
        return value in [int(one) for one in field.split(",")]

    moment = after.replace(second=0, microsecond=0) + dt.timedelta(minutes=1)
    while True:
        local = moment.astimezone(zone)
        hour_before = local.replace(tzinfo=None) - dt.timedelta(hours=1)
        there = hour_before.replace(tzinfo=zone).astimezone(dt.UTC).astimezone(zone)
        skipped = there.replace(tzinfo=None) != hour_before
        if shows(local) and (hour.startswith("*") or not local.fold):
            return moment
        if skipped and shows(hour_before):
            return moment
        moment += dt.timedelta(minutes=1)


fields = st.tuples(
    st.sampled_from(["0", "30", "15,45", "*/20", "59"]),
    st.sampled_from(["*", "0", "1", "2", "3", "1,2", "23", "*/2"]),
    st.sampled_from(["*", "0", "1,6"]),
).map(lambda some: f"{some[0]} {some[1]} * * {some[2]}")


@settings(deadline=None, max_examples=150)
@given(
    cron=fields,
    place=st.sampled_from(
        [
            ("America/New_York", "2026-03-08T07:00:00+00:00"),
            ("America/New_York", "2026-11-01T06:00:00+00:00"),
            ("Europe/Berlin", "2026-03-29T01:00:00+00:00"),
            ("Europe/Berlin", "2026-10-25T01:00:00+00:00"),
            ("Asia/Ho_Chi_Minh", "2026-10-25T01:00:00+00:00"),
        ]
    ),
    minutes=st.integers(-600, 600),
)
@example("15,45 */2 * * *", ("America/New_York", "2026-03-08T07:00:00+00:00"), -16)
def test_law_of_cron(cron: str, place: tuple[str, str], minutes: int) -> None:
    zone, change = place
    after = at(change) + dt.timedelta(minutes=minutes)
    found = following(zone, after.isoformat(), cron=cron)
    assert found == by_the_minute(cron, after, ZoneInfo(zone))


HOURLY = dt.timedelta(hours=1)
UTC = ZoneInfo("UTC")


@pytest.mark.parametrize("when", [{"every": HOURLY}, {"cron": "0 * * * *"}])
@pytest.mark.parametrize(
    ("missed", "late", "expected"),
    [
        ("once", 0, [0]),
        ("once", 200, [0]),
        ("skip", 0, [0]),
        ("skip", 1, [0]),
        ("skip", 2, []),
        ("skip", 180, [3]),
        ("skip", 200, []),
        ("each", 0, [0]),
        ("each", 200, [0, 1, 2, 3]),
    ],
)
def test_what_becomes_of_missed_times(
    when: dict[str, object], missed: str, late: int, expected: list[int]
) -> None:
    due = at("2026-05-05T10:00:00+00:00")
    moment = due + dt.timedelta(minutes=late)
    times, after = missed_times(job(missed=missed, **when), due, moment, UTC)
    assert times == [due + hours * HOURLY for hours in expected]
    assert after == due + (late // 60 + 1) * HOURLY, "the distance is kept, however late it was"


def test_years_of_missed_times_are_made_up_for_in_pieces() -> None:
    due = at("2020-01-01T00:00:00+00:00")
    moment = at("2026-01-01T00:00:00+00:00")
    each = job(cron="0 * * * *", missed="each")
    times, after = missed_times(each, due, moment, UTC)
    assert times == [due + n * HOURLY for n in range(1_000)]
    assert after == due + 1_000 * HOURLY
    rare = job(cron="0 0 1 1 *", missed="skip")
    assert missed_times(rare, due, moment, UTC) == ([moment], at("2027-01-01T00:00:00+00:00"))
