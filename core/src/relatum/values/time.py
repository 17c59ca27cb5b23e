"""Moments and days: always aware, stored in UTC, shown in the company's time zone."""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

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
        if len(text) < len("2026-11-22T08Z") or text[10] not in "Tt ":
            raise _bad_moment(text, where)
        moment = datetime.fromisoformat(text)
        if moment.utcoffset() is None:
            raise _bad_moment(text, where)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise _bad_moment(text, where) from None


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
    if isinstance(zone, str):
        zone = zone_of(zone)
    start = datetime(day.year, day.month, day.day, tzinfo=zone)
    following = day + timedelta(days=1)
    end = datetime(following.year, following.month, following.day, tzinfo=zone)
    return start.astimezone(UTC), end.astimezone(UTC)


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
    for (length, name), (next_length, next_name) in zip(units, units[1:], strict=False):
        if whole >= length:
            first, rest = divmod(whole, length)
            second = rest // next_length
            tail = f" {second} {next_name}" if second else ""
            return f"{sign}{first} {name}{tail}"
    return f"{sign}{whole} {units[-1][1]}"


_UNITS_EN = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))
_UNITS_VI = ((86400, "ngày"), (3600, "giờ"), (60, "phút"), (1, "giây"))


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


def _no_such_zone(name: str) -> InvalidInput:
    problem = Problem(
        code="unknown-time-zone",
        message="There is no such time zone",
        expected="an IANA name such as Asia/Ho_Chi_Minh",
        got=repr(name)[:80],
        mend="Look the name up in the list of IANA time zones.",
    )
    return InvalidInput(f"There is no time zone {name[:80]!r}.", problems=[problem])
