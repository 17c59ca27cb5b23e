"""AC-PRIV-3: clocks over holidays. Every due day was counted by hand in a calendar of Viet Nam."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
import pytest

from relatum_consent.clocks import due
from relatum_consent.settings import Settings
from relatum_consent.working_days import WorkingDays, is_listed, year_of

#: kind, received on, processors, extended by, answer until, stop until (None: nothing to stop)
VECTORS: list[tuple[Any, str, bool, int, str, str | None]] = [
    # an ordinary Monday: Tuesday, Wednesday
    ("access", "2025-03-10", False, 0, "2025-03-12", None),
    # a Thursday: Friday, then Monday
    ("access", "2025-03-13", False, 0, "2025-03-17", None),
    # a Saturday does not count and neither does the Sunday: Monday, Tuesday
    ("correct", "2025-03-15", False, 0, "2025-03-18", None),
    # Friday before Hung Kings (Monday 7 April 2025): Tuesday, Wednesday
    ("access", "2025-04-04", False, 0, "2025-04-09", None),
    # the last Thursday before Tet At Ty (27-31 January 2025): Friday, Monday 3 February
    ("portability", "2025-01-23", False, 0, "2025-02-03", None),
    # the Friday before Tet: Monday 3, Tuesday 4 February
    ("access", "2025-01-24", False, 0, "2025-02-04", None),
    # Thursday before the Saturday that is worked for 2 May 2025: Friday 25, Saturday 26 April
    ("access", "2025-04-24", False, 0, "2025-04-26", None),
    # Tuesday 29 April 2025: 30 April, 1 and 2 May are off; Monday 5, Tuesday 6 May
    ("access", "2025-04-29", False, 0, "2025-05-06", None),
    # Friday before the National Day (1 and 2 September 2025): Wednesday 3, Thursday 4
    ("access", "2025-08-29", False, 0, "2025-09-04", None),
    # New Year's Eve 2025: 1 January off, 2 January swapped; Monday 5, Tuesday 6 January 2026
    ("access", "2025-12-31", False, 0, "2026-01-06", None),
    # Thursday 8 January 2026: Friday 9, Saturday 10 is worked
    ("access", "2026-01-08", False, 0, "2026-01-10", None),
    # Thursday before Tet Binh Ngo (16-20 February 2026): Friday 13, Monday 23
    ("access", "2026-02-12", False, 0, "2026-02-23", None),
    # Friday before Hung Kings on a Sunday, off on Monday 27 April 2026: Tuesday, Wednesday
    ("access", "2026-04-24", False, 0, "2026-04-29", None),
    # Thursday 20 August 2026: Friday 21, Saturday 22 is worked for 31 August
    ("access", "2026-08-20", False, 0, "2026-08-22", None),
    # Friday 28 August 2026: 31 August to 2 September off; Thursday 3, Friday 4
    ("access", "2026-08-28", False, 0, "2026-09-04", None),
    # Sunday 22 November 2026: Monday 23, Tuesday 24 is off, Wednesday 25; fifteen days: 7 December
    ("restrict", "2026-11-22", False, 0, "2026-11-25", "2026-12-07"),
    # fifteen days after Monday 10 March 2025 is Tuesday 25
    ("withdraw", "2025-03-10", False, 0, "2025-03-12", "2025-03-25"),
    # fifteen days after Friday 31 January 2026 + 1: Sunday 1 February -> 16 February, in Tet
    ("erase", "2026-02-01", False, 0, "2026-02-03", "2026-02-23"),
    # twenty days with processors: Tuesday 15 April 2025 -> 5 May, a Monday
    ("object", "2025-04-15", True, 0, "2025-04-17", "2025-05-05"),
    # extended by fifteen: answer 12 + 15 = 27 March, stop 10 + 30 days = 9 April 2025
    ("erase", "2025-03-10", False, 15, "2025-03-27", "2025-04-09"),
    # processors and ten more days: 10 March + 30 = 9 April; answer 12 + 10 = Saturday -> Monday 24
    ("restrict", "2025-03-10", True, 10, "2025-03-24", "2025-04-09"),
]


@pytest.mark.parametrize(("kind", "came", "processors", "extended", "answer", "stop"), VECTORS)
def test_ac_priv_3(
    kind: Any, came: str, processors: bool, extended: int, answer: str, stop: str | None
) -> None:
    found = due(
        Settings(), kind, dt.date.fromisoformat(came), processors=processors, extended=extended
    )
    assert (found.answer_on.isoformat(), found.stop_on and found.stop_on.isoformat()) == (
        answer,
        stop,
    )


def test_there_are_twenty() -> None:
    assert len(VECTORS) >= 20
    assert {each[0] for each in VECTORS} == {
        *("access", "correct", "restrict", "erase", "withdraw", "object", "portability")
    }


def test_the_next_day_to_keep() -> None:
    found = due(Settings(), "erase", dt.date(2025, 3, 10))
    assert found.first(carried_out=False) == dt.date(2025, 3, 12)
    late = msgspec.structs.replace(found, answer_on=dt.date(2025, 4, 1))
    assert late.first(carried_out=False) == dt.date(2025, 3, 25)
    assert late.first(carried_out=True) == dt.date(2025, 4, 1)


def test_settings_have_the_last_word() -> None:
    day = dt.date
    plain = Settings(swapped_days=False)
    assert due(plain, "access", day(2026, 1, 8)).answer_on == day(2026, 1, 12)
    assert due(plain, "access", day(2025, 12, 31)).answer_on == day(2026, 1, 5)
    own = Settings(days_off=[day(2025, 3, 11)], work_days=[day(2025, 3, 15)])
    assert due(own, "access", day(2025, 3, 10)).answer_on == day(2025, 3, 13)
    assert due(own, "access", day(2025, 3, 13)).answer_on == day(2025, 3, 15)


def test_a_year_without_a_list_knows_the_days_with_a_date() -> None:
    assert is_listed(2026)
    assert not is_listed(2031)
    assert WorkingDays().after(dt.date(2031, 4, 29), 1) == dt.date(2031, 5, 2)
    assert WorkingDays(off=[dt.date(2031, 5, 2)]).after(dt.date(2031, 4, 29), 1) == dt.date(
        2031, 5, 5
    )


@pytest.mark.parametrize(("year", "count"), [(2025, 11), (2026, 12)])
def test_the_days_of_the_labour_code(year: int, count: int) -> None:
    """Eleven days a year (art. 112), and one more since 2026."""
    listed = year_of(year)
    assert len(set(listed.off)) == count
    assert all(day.year == year for day in listed.off)
    assert all(day.weekday() < 5 for day in listed.off), "of a weekend the day after is off"
    assert all(off.weekday() < 5 <= worked.weekday() for off, worked in listed.swapped)
