"""Working days of Viet Nam: the week, the public holidays of each year, and days that are swapped.

Holidays are data (``holidays/<year>.toml``), because Tet and the swaps are decided year by year. Of
a year without a file the days with a fixed date are off; Tet is to be named in the settings.
"""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Iterable
from functools import lru_cache
from importlib.resources import files

import msgspec

DAY = dt.timedelta(days=1)
#: Month and day of holidays that are the same each year (Labour Code 2019, art. 112).
FIXED = ((1, 1), (4, 30), (5, 1), (9, 2))


class Year(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The days off of one year, and pairs of a day off and the day that is worked for it."""

    off: tuple[dt.date, ...]
    swapped: tuple[tuple[dt.date, dt.date], ...] = ()


class WorkingDays:
    """Which days are worked.

    Args:
        swapped: whether days that the government swaps are swapped.
        off: further days off; ``worked`` are days that are worked whatever else says.
    """

    def __init__(
        self,
        *,
        swapped: bool = True,
        off: Iterable[dt.date] = (),
        worked: Iterable[dt.date] = (),
    ) -> None:
        self._swapped = swapped
        self._off = frozenset(off)
        self._worked = frozenset(worked)

    def is_worked(self, day: dt.date) -> bool:
        """Whether this day is a working day."""
        if day in self._worked:
            return True
        year = year_of(day.year)
        if day in self._off or day in year.off:
            return False
        swaps = year.swapped if self._swapped else ()
        if any(day == off for off, _ in swaps):
            return False
        return day.weekday() < 5 or any(day == worked for _, worked in swaps)

    def after(self, day: dt.date, count: int) -> dt.date:
        """The ``count``-th working day after ``day``, which is itself not counted.

        Civil Code 2015, art. 147: the day of the event is not counted.
        """
        for _ in range(count):
            day = self.next_from(day + DAY)
        return day

    def next_from(self, day: dt.date) -> dt.date:
        """This day, or the first working day after it (Civil Code 2015, art. 148(5))."""
        while not self.is_worked(day):
            day += DAY
        return day


def is_listed(year: int) -> bool:
    """Whether there is a list of the holidays of this year."""
    return files(__package__).joinpath("holidays", f"{year}.toml").is_file()


@lru_cache(maxsize=64)
def year_of(year: int) -> Year:
    """The days off of a year; those with a fixed date when there is no list."""
    file = files(__package__).joinpath("holidays", f"{year}.toml")
    if not file.is_file():
        return Year(tuple(dt.date(year, month, day) for month, day in FIXED))
    return msgspec.convert(tomllib.loads(file.read_text(encoding="utf-8")), Year)
