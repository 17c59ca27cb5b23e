"""Moments and days: always aware, stored in UTC, shown in the company's time zone."""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from relatum.values.problems import InvalidInput, Problem


def now() -> datetime:
    """This moment, aware, in UTC."""
    return datetime.now(UTC)


def utc(moment: datetime) -> datetime:
    """The same moment in UTC.

    Raises:
        InvalidInput: ``moment`` is naive: nobody knows which moment it means.
    """
    if moment.tzinfo is UTC:
        return moment
    if moment.utcoffset() is None:
        raise _bad_moment(moment.isoformat(), "")
    return moment.astimezone(UTC)


def parse_timestamp(text: str, *, where: str = "") -> datetime:
    """Read an ISO 8601 moment with an offset, such as ``2026-11-22T08:30:00+07:00``; UTC.

    Raises:
        InvalidInput: another form, no offset, or outside the years 1 to 9999.
    """
    try:
        # fromisoformat would also take week numbers, any separator and a NUL at the end.
        if text[4:5] != "-" or text[7:8] != "-" or text[10:11] not in _HOUR_FOLLOWS:
            raise _bad_moment(text, where)
        if not text.isprintable():
            raise _bad_moment(text, where)
        moment = datetime.fromisoformat(text)
        if moment.utcoffset() is None:
            raise _bad_moment(text, where)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise _bad_moment(text, where) from None


class DateFormat(msgspec.Struct, frozen=True):
    """How days are written in one column: order of the parts, and whether an hour follows.

    Parts are separated by ``/``, ``-`` or ``.``. A year of two digits is read as POSIX does: 69–99
    are of the last century, 00–68 of this one.
    """

    order: Literal["dmy", "mdy", "ymd"] = "ymd"
    time: bool = False
    short_year: bool = False

    @property
    def pattern(self) -> str:
        """The format for a person to choose: ``dd/MM/yyyy HH:mm``."""
        year = "yy" if self.short_year else "yyyy"
        parts = {"dmy": f"dd/MM/{year}", "mdy": f"MM/dd/{year}", "ymd": f"{year}-MM-dd"}
        return parts[self.order] + (" HH:mm" if self.time else "")


class AmbiguousDates(msgspec.Struct, frozen=True):
    """The samples can be read in several ways, or (no ``readings``) in none.

    ``example`` is a sample that the readings understand differently, or that nothing reads.
    """

    readings: tuple[DateFormat, ...]
    example: str


ISO_DATE = DateFormat("ymd")


def parse_date(text: str, formats: Sequence[DateFormat] = (ISO_DATE,), *, where: str = "") -> date:
    """The day ``text`` names, by the first of ``formats`` that fits; an hour in it is ignored.

    Raises:
        InvalidInput: no format fits, or there is no such day.
    """
    if formats[0].order == "ymd" and len(text) == 10 and text[4] == "-" == text[7]:
        try:
            return date.fromisoformat(text)
        except ValueError:
            raise _bad_date(text, formats, where) from None
    written = _WRITTEN.fullmatch(text.strip())
    days = (_day(written, form) for form in formats) if written else iter(())
    day = next(filter(None, days), None)
    if day is not None:
        return day
    raise _bad_date(text, formats, where)


def parse_moment(
    text: str, formats: Sequence[DateFormat], zone: ZoneInfo | str, *, where: str = ""
) -> datetime:
    """The moment ``text`` names by the clock of ``zone`` (midnight without an hour), in UTC.

    An offset in the text wins over ``zone``. Hours: ``8:05``, ``20:05:30``, ``8:05 PM``,
    ``8:05 CH``.

    Raises:
        InvalidInput: no format fits, there is no such day or hour, or no such zone.
    """
    day = parse_date(text, formats, where=where)
    clock = zone_of(zone) if isinstance(zone, str) else zone
    written = _WRITTEN.fullmatch(text.strip())
    try:
        local = datetime(day.year, day.month, day.day, *_hour(written), tzinfo=clock)
        offset = written["offset"] if written else None
        if offset:
            local = datetime.fromisoformat(local.replace(tzinfo=None).isoformat() + offset.upper())
        return local.astimezone(UTC)
    except (ValueError, OverflowError):
        raise _bad_date(text, formats, where) from None


def guess_date_format(samples: Iterable[str]) -> DateFormat | AmbiguousDates:
    """The one format that reads the samples, or the readings a person must choose from.

    A format counts when it reads at least nine in ten samples and no other reads as many; blank
    samples are left out.
    """
    texts = {text: _WRITTEN.fullmatch(text) for text in map(str.strip, samples) if text}
    written = {text: match for text, match in texts.items() if match}
    with_time = any(match["hour"] for match in written.values())
    short = bool(written) and all(_is_short(match) for match in written.values())
    candidates = [DateFormat(order, with_time, short) for order in ("dmy", "mdy", "ymd")]
    read = {
        form: {text: _day(match, form) for text, match in written.items()} for form in candidates
    }
    counts = {form: sum(map(bool, days.values())) for form, days in read.items()}
    best = max(counts.values())
    if best == 0 or best * 10 < len(texts) * 9:
        unread = (text for text in texts if not any(days.get(text) for days in read.values()))
        return AmbiguousDates((), next(unread, ""))
    readings = tuple(form for form in candidates if counts[form] == best)
    if len(readings) == 1:
        return readings[0]
    differing = (t for t in written if len({read[form][t] for form in readings}) > 1)
    return AmbiguousDates(readings, next(differing, next(iter(written))))


def zone_of(name: str) -> ZoneInfo:
    """The time zone of an IANA name.

    Raises:
        InvalidInput: there is no such zone.
    """
    try:
        return _zone(name)
    except (KeyError, ValueError, OSError):
        raise _no_such_zone(name) from None


def day_bounds(day: date, zone: ZoneInfo | str) -> tuple[datetime, datetime]:
    """First moment of a local day and of the next one, in UTC; a day may have 23 or 25 hours."""
    clock = zone_of(zone) if isinstance(zone, str) else zone
    try:
        return _midnight(day, clock), _midnight(day + timedelta(days=1), clock)
    except OverflowError:
        raise _bad_date(day.isoformat(), (ISO_DATE,), "") from None


def local_day(moment: datetime, zone: ZoneInfo | str) -> date:
    """The calendar day of a moment by the clock of ``zone``."""
    return utc(moment).astimezone(zone_of(zone) if isinstance(zone, str) else zone).date()


def quarter(day: date) -> str:
    """The calendar quarter, such as ``2017-Q3``."""
    return f"{day.year:04}-Q{(day.month + 2) // 3}"


def month(day: date) -> str:
    """The calendar month, such as ``2017-07``."""
    return f"{day.year:04}-{day.month:02}"


def format_duration(seconds: float, language: str) -> str:
    """A length of time in at most two units: ``1 h 5 min``, ``1 giờ 5 phút``; below a second 0 s.

    Rounded down, as people read a clock; a negative length keeps its sign.
    """
    units = _UNITS_VI if language.startswith("vi") else _UNITS_EN
    whole = int(abs(seconds))
    sign = "-" if seconds < 0 and whole else ""
    for (length, name), (next_length, next_name) in pairwise(units):
        if whole >= length:
            first, rest = divmod(whole, length)
            second = rest // next_length
            tail = f" {second} {next_name}" if second else ""
            return f"{sign}{first} {name}{tail}"
    return f"{sign}{whole} {units[-1][1]}"


_HOUR_FOLLOWS = ("T", "t", " ")
_UNITS_EN = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))
_UNITS_VI = ((86400, "ngày"), (3600, "giờ"), (60, "phút"), (1, "giây"))


_WRITTEN = re.compile(
    r"""(?P<a>\d{1,4})(?P<mark>[-/.])(?P<b>\d{1,2})(?P=mark)(?P<c>\d{1,4})
    (?:(?:[ ]+|,[ ]*|T)(?P<hour>\d{1,2}):(?P<minute>\d{2})
    (?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?
    (?:[ ]?(?P<half>am|pm|sa|ch))?[ ]?(?P<offset>Z|[+-]\d{2}:?\d{2})?)?""",
    re.VERBOSE | re.ASCII | re.IGNORECASE,
)


def _is_short(written: re.Match[str]) -> bool:
    return max(len(written["a"]), len(written["c"])) <= 2


def _day(written: re.Match[str], form: DateFormat) -> date | None:
    """The day in one reading; None when it does not fit or does not exist."""
    a, b, c = written["a"], written["b"], written["c"]
    if form.order == "ymd":
        year, month_, day = a, b, c
    else:
        year = c
        day, month_ = (a, b) if form.order == "dmy" else (b, a)
    if len(year) != (2 if form.short_year else 4) or len(day) > 2 or len(month_) > 2:
        return None
    number = int(year)
    if form.short_year:
        number += 1900 if number >= 69 else 2000
    try:
        return date(number, int(month_), int(day))
    except ValueError:
        return None


def _hour(written: re.Match[str] | None) -> tuple[int, int, int, int]:
    """Hour, minute, second, microsecond; midnight when there is no hour."""
    if written is None or not written["hour"]:
        return 0, 0, 0, 0
    hour = int(written["hour"])
    half = (written["half"] or "").lower()
    if half:
        if not 1 <= hour <= 12:
            raise ValueError(f"{hour} is no hour of a half day")
        hour = hour % 12 + (12 if half in ("pm", "ch") else 0)
    micro = (written["fraction"] or "").ljust(6, "0")[:6]
    return hour, int(written["minute"]), int(written["second"] or 0), int(micro)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def _bad_moment(text: str, where: str) -> InvalidInput:
    got = repr(text)[:80]
    problem = Problem(
        code="not-a-moment",
        message="This is not a moment with a time zone",
        where=where,
        expected="ISO 8601 with an offset, such as 2026-11-22T08:30:00+07:00",
        got=got,
        mend="Add the offset (Z for UTC, +07:00 for Viet Nam) or correct the form.",
    )
    return InvalidInput(f"{got} is not a moment with a time zone.", problems=[problem])


def _bad_date(text: str, formats: Sequence[DateFormat], where: str) -> InvalidInput:
    got = repr(text)[:80]
    expected = " or ".join(form.pattern for form in formats)
    problem = Problem(
        code="not-a-date",
        message="This is not a day of the calendar in the expected form",
        where=where,
        expected=expected,
        got=got,
        mend="Correct the day, or choose another date format.",
    )
    return InvalidInput(f"{got} is not a day written as {expected}.", problems=[problem])


def _no_such_zone(name: str) -> InvalidInput:
    problem = Problem(
        code="unknown-time-zone",
        message="There is no such time zone",
        expected="an IANA name such as Asia/Ho_Chi_Minh",
        got=repr(name)[:80],
        mend="Look the name up in the list of IANA time zones.",
    )
    return InvalidInput(f"There is no time zone {name[:80]!r}.", problems=[problem])
