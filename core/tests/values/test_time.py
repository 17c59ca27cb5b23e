from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relatum.values.problems import InvalidInput
from relatum.values.time import (
    AmbiguousDates,
    DateFormat,
    day_bounds,
    format_duration,
    guess_date_format,
    local_day,
    month,
    now,
    parse_date,
    parse_moment,
    parse_timestamp,
    quarter,
    utc,
    zone_of,
)

HANOI = "Asia/Ho_Chi_Minh"
DMY, MDY, YMD = DateFormat("dmy"), DateFormat("mdy"), DateFormat("ymd")
days = st.dates(date(1970, 1, 1), date(2068, 12, 31))
YEARS = (datetime.fromisoformat("0002-01-01"), datetime.fromisoformat("9998-01-01"))
zones = st.sampled_from([HANOI, "America/New_York", "Europe/Berlin", "America/Sao_Paulo", "UTC"])


def test_now_is_aware_utc():
    assert now().tzinfo is UTC
    assert abs(now() - datetime.now(UTC)) < timedelta(seconds=1)


@given(st.datetimes(*YEARS, timezones=st.timezones()))
def test_utc_keeps_the_moment(moment):
    assert utc(moment).timestamp() == moment.timestamp()
    assert utc(moment).utcoffset() == timedelta(0)


def test_a_naive_moment_is_refused():
    with pytest.raises(InvalidInput, match="time zone"):
        utc(datetime(2026, 11, 22))  # noqa: DTZ001 - the point of the test


offsets = st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m)))


@given(st.datetimes(*YEARS, timezones=offsets))
def test_iso_moments_are_read(moment):
    assert parse_timestamp(moment.isoformat()) == moment
    assert parse_timestamp(moment.isoformat(" ")) == moment


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2026-11-22T08:30:00+07:00", "2026-11-22T01:30:00+00:00"),
        ("2026-11-22T08:30Z", "2026-11-22T08:30:00+00:00"),
        ("2018-03-03T20:18:42.000+0000", "2018-03-03T20:18:42+00:00"),
        ("2026-11-22 08:30:00.123456789-05:00", "2026-11-22T13:30:00.123456+00:00"),
    ],
)
def test_timestamps(text, iso):
    assert parse_timestamp(text).isoformat() == iso


@pytest.mark.parametrize(
    "text",
    [
        *("", "2026-11-22", "2026-11-22T08:30:00", "22/11/2026 08:30+07:00", "now", "1700000000"),
        *("2026-02-30T08:30Z", "2026-11-22T25:00Z", "2026-11-22_08:30Z", "2026-W47-7T08:30:00Z"),
        *("0001-01-01T00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-11-22T08:30Z" * 9999),
        *("２０２６-11-22T08:30Z", "2026-11-22T08:30Z\0", "2026-11-22T08:30\0Z"),
    ],
)
def test_anything_else_is_no_timestamp(text):
    with pytest.raises(InvalidInput) as refusal:
        parse_timestamp(text, where="/occurred_at")
    assert refusal.value.problems[0].where == "/occurred_at"
    assert "+07:00" in refusal.value.problems[0].expected


@pytest.mark.parametrize(
    ("text", "formats", "day"),
    [
        ("2017-03-15", [YMD], date(2017, 3, 15)),
        ("2017/3/5", [YMD], date(2017, 3, 5)),
        ("15/03/2017", [DMY], date(2017, 3, 15)),
        ("5.3.2017", [DMY], date(2017, 3, 5)),
        ("03-15-2017 08:30", [MDY], date(2017, 3, 15)),
        ("03/04/2017", [DMY, MDY], date(2017, 4, 3)),
        ("03/15/2017", [DMY, MDY], date(2017, 3, 15)),
        ("3/4/17", [DateFormat("mdy", short_year=True)], date(2017, 3, 4)),
        ("3/4/69", [DateFormat("mdy", short_year=True)], date(1969, 3, 4)),
    ],
)
def test_dates(text, formats, day):
    assert parse_date(text, formats) == day


@pytest.mark.parametrize(
    ("text", "form"),
    [
        *(("2017-02-29", YMD), ("15/03/2017", MDY), ("15/03/17", DMY), ("15/03-2017", DMY)),
        *(("", DMY), ("15 03 2017", DMY), ("2017-03-15x", YMD), ("١٥/03/2017", DMY)),
        *(("00/03/2017", DMY), ("15/03/0000", DMY), ("1" * 50_000, DMY), ("2017-03-1\0", YMD)),
    ],
)
def test_anything_else_is_no_date(text, form):
    with pytest.raises(InvalidInput) as refusal:
        parse_date(text, [form], where="line 12, column sold")
    assert refusal.value.problems[0].expected == form.pattern
    assert len(str(refusal.value)) < 500


@pytest.mark.parametrize(
    ("text", "form", "iso"),
    [
        ("15/03/2017 08:30", DMY, "2017-03-15T01:30:00+00:00"),
        ("15/03/2017", DMY, "2017-03-14T17:00:00+00:00"),
        ("3/15/2017 8:05:30 PM", MDY, "2017-03-15T13:05:30+00:00"),
        ("15/03/2017 12:05 SA", DMY, "2017-03-14T17:05:00+00:00"),
        ("15/03/2017, 08:05 CH", DMY, "2017-03-15T13:05:00+00:00"),
        ("2018-03-03T20:18:42.5+0000", YMD, "2018-03-03T20:18:42.500000+00:00"),
        ("2018-03-03 20:18z", YMD, "2018-03-03T20:18:00+00:00"),
    ],
)
def test_local_moments(text, form, iso):
    assert parse_moment(text, [form], HANOI).isoformat() == iso


@pytest.mark.parametrize(
    "text", ["15/03/2017 25:00", "15/03/2017 13:00 PM", "15/03/2017 08:60", "01/01/0001"]
)
def test_impossible_hours_are_refused(text):
    with pytest.raises(InvalidInput):
        parse_moment(text, [DMY], HANOI)


def strftime(form: DateFormat, year: str = "%Y") -> str:
    return {"dmy": f"%d/%m/{year}", "mdy": f"%m/%d/{year}", "ymd": f"{year}-%m-%d"}[form.order]


@given(st.lists(days, min_size=1, max_size=30), st.sampled_from([DMY, MDY, YMD]), st.booleans())
def test_the_format_a_column_was_written_in_is_found_or_among_the_readings(sold, form, with_time):
    hour = " 08:05" if with_time else ""
    guess = guess_date_format([day.strftime(strftime(form)) + hour for day in sold])
    expected = DateFormat(form.order, with_time)
    if isinstance(guess, AmbiguousDates):
        assert expected in guess.readings
        assert len(guess.readings) == 2
        assert all(day.day <= 12 for day in sold)
    else:
        assert guess == expected
    if form == YMD or any(day.day > 12 for day in sold):
        assert guess == expected


@given(st.lists(days, min_size=1, max_size=30), st.sampled_from([DMY, MDY]))
def test_short_years_are_seen(sold, form):
    guess = guess_date_format([day.strftime(strftime(form, "%y")) for day in sold])
    expected = DateFormat(form.order, short_year=True)
    assert guess == expected or expected in guess.readings
    assert parse_date(sold[0].strftime(strftime(form, "%y")), [expected]) == sold[0]


def test_an_ambiguous_column_lists_the_readings():
    guess = guess_date_format(["05/05/2017", "03/04/2017", ""])
    assert guess == AmbiguousDates((DMY, MDY), "03/04/2017")
    assert [form.pattern for form in guess.readings] == ["dd/MM/yyyy", "MM/dd/yyyy"]


def test_a_few_bad_cells_do_not_hide_the_format():
    good = [f"{day:02}/11/2026" for day in range(1, 31)]
    assert guess_date_format([*good, "n/a", "12/31/2026"]) == DMY


@pytest.mark.parametrize(
    ("samples", "example"),
    [([], ""), (["", " "], ""), (["soon", "later"], "soon"), (["99/99/2017"], "99/99/2017")],
)
def test_no_format_is_an_answer_too(samples, example):
    assert guess_date_format(samples) == AmbiguousDates((), example)


@given(days, zones)
def test_days_follow_each_other_without_gap(day, zone):
    start, end = day_bounds(day, zone)
    next_start, _ = day_bounds(day + timedelta(days=1), zone)
    assert end == next_start
    assert timedelta(hours=22) < end - start < timedelta(hours=26)
    assert local_day(start + timedelta(hours=12), zone) == day


def test_day_bounds_know_daylight_saving():
    lengths = [
        (end - start) / timedelta(hours=1)
        for start, end in (
            day_bounds(date(2026, 3, 29), "Europe/Berlin"),
            day_bounds(date(2026, 10, 25), ZoneInfo("Europe/Berlin")),
        )
    ]
    assert lengths == [23, 25]
    assert day_bounds(date(2026, 11, 22), HANOI)[0].isoformat() == "2026-11-21T17:00:00+00:00"


@pytest.mark.parametrize("day", [date.min, date.max])
def test_the_ends_of_the_calendar_are_refused(day):
    with pytest.raises(InvalidInput):
        day_bounds(day, HANOI)


@pytest.mark.parametrize(
    "name", ["Asia/Nowhere", "", "../etc/passwd", "/etc/passwd", "Asia", "a\0"]
)
def test_unknown_zones_are_refused(name):
    with pytest.raises(InvalidInput, match="time zone"):
        zone_of(name)


def test_quarters_and_months():
    assert [quarter(date(2017, m, 1)) for m in (1, 3, 4, 9, 12)] == [
        *("2017-Q1", "2017-Q1", "2017-Q2", "2017-Q3", "2017-Q4")
    ]
    assert month(date(2017, 7, 9)) == "2017-07"


@pytest.mark.parametrize(
    ("seconds", "english", "vietnamese"),
    [
        (0, "0 s", "0 giây"),
        (59.9, "59 s", "59 giây"),
        (60, "1 min", "1 phút"),
        (3900, "1 h 5 min", "1 giờ 5 phút"),
        (3600, "1 h", "1 giờ"),
        (90000, "1 d 1 h", "1 ngày 1 giờ"),
        (-61, "-1 min 1 s", "-1 phút 1 giây"),
    ],
)
def test_durations(seconds, english, vietnamese):
    assert format_duration(seconds, "en") == english
    assert format_duration(seconds, "vi") == vietnamese
