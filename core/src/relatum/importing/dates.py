"""Dates in columns: the form is said by the plan or found from all samples, never guessed."""

from __future__ import annotations

import datetime as dt
import functools
import re
from collections.abc import Callable, Iterable
from zoneinfo import ZoneInfo

import msgspec

from relatum.importing.cells import CellError
from relatum.importing.columns import Spec
from relatum.importing.plan import FilePlan
from relatum.values.problems import InvalidInput, Problem
from relatum.values.time import (
    AmbiguousDates,
    DateFormat,
    guess_date_format,
    parse_date,
    parse_moment,
)

#: Dates repeat; this many of a column are remembered.
_REMEMBERED = 20_000


class DateForm(msgspec.Struct, frozen=True):
    """How one column writes dates: a known format, or a ``strptime`` pattern."""

    format: DateFormat | None = None
    pattern: str = ""

    @property
    def shown(self) -> str:
        """For people: ``dd/MM/yyyy``."""
        return self.format.pattern if self.format is not None else self.pattern

    def moments(self, zone: ZoneInfo) -> Callable[[str], dt.datetime]:
        """A reader of moments by the clock of ``zone``, in UTC."""
        read = functools.partial(_moment, self.format, self.pattern, zone)
        return functools.lru_cache(maxsize=_REMEMBERED)(read)

    def days(self) -> Callable[[str], dt.date]:
        """A reader of days."""
        read = functools.partial(_day, self.format, self.pattern)
        return functools.lru_cache(maxsize=_REMEMBERED)(read)


ISO = DateForm(DateFormat("ymd"))


def _moment(form: DateFormat | None, pattern: str, zone: ZoneInfo, text: str) -> dt.datetime:
    if form is None:
        moment = _by_pattern(text, pattern)
    elif form.order == "ymd":
        try:
            moment = dt.datetime.fromisoformat(text)
        except ValueError:
            return _known_moment(form, zone, text)
    else:
        return _known_moment(form, zone, text)
    try:
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=zone)
        return moment.astimezone(dt.UTC)
    except OverflowError:
        raise _not_a_date(text, pattern or "a day of the calendar") from None


def _known_moment(form: DateFormat, zone: ZoneInfo, text: str) -> dt.datetime:
    try:
        return parse_moment(text, (form,), zone)
    except InvalidInput:
        raise _not_a_date(text, form.pattern) from None


def _day(form: DateFormat | None, pattern: str, text: str) -> dt.date:
    if form is None:
        return _by_pattern(text, pattern).date()
    try:
        return parse_date(text, (form,))
    except InvalidInput:
        raise _not_a_date(text, form.pattern) from None


def _by_pattern(text: str, pattern: str) -> dt.datetime:
    try:
        return dt.datetime.strptime(text, pattern)  # noqa: DTZ007 - the caller adds the zone
    except ValueError:
        raise _not_a_date(text, pattern) from None


def _not_a_date(text: str, expected: str) -> CellError:
    return CellError(
        "not-a-date",
        "This is not a day of the calendar in the expected form",
        expected=expected,
        got=text,
        mend="Correct the day, or say date = … for this column in the plan.",
    )


class Dates:
    """The date forms of the columns of one file."""

    def __init__(self, detected: dict[str, DateForm]) -> None:
        self.detected = detected

    def form(self, heading: str, spec: Spec, entry: FilePlan) -> DateForm:
        """The form that the plan says, else the detected one, else ISO 8601."""
        said = spec.date or entry.format.date
        return read_form(said) if said else self.detected.get(heading, ISO)


def detect_dates(
    samples: dict[str, list[str]], name: str
) -> tuple[dict[str, DateForm], list[Problem]]:
    """The form of each column, and a problem for each that can be read in several ways."""
    forms: dict[str, DateForm] = {}
    problems = []
    for heading, texts in samples.items():
        guess = _guess(texts)
        if isinstance(guess, DateFormat):
            forms[heading] = DateForm(guess)
        elif guess is not None:
            problems.append(_ambiguous(heading, guess, name))
    return forms, problems


def _guess(texts: Iterable[str]) -> DateFormat | AmbiguousDates | None:
    """``None`` when there is no date at all, or none that can be read: the rows will say so."""
    texts = [text for text in texts if text]
    if not texts:
        return None
    guess = guess_date_format(texts)
    if isinstance(guess, AmbiguousDates) and not guess.readings:
        return None
    return guess


def _ambiguous(heading: str, guess: AmbiguousDates, name: str) -> Problem:
    readings = [form.pattern for form in guess.readings]
    return Problem(
        code="ambiguous-dates",
        message=f"The dates below {heading!r} can be read in {len(readings)} ways",
        where=f"{name}, column {heading}",
        expected=" or ".join(readings),
        got=guess.example,
        mend=f'Say which: {{column = "{heading}", date = "{readings[0]}"}}.',
    )


_PIECES = {
    "yyyy": "%Y",
    "yy": "%y",
    "MM": "%m",
    "M": "%m",
    "dd": "%d",
    "d": "%d",
    "HH": "%H",
    "H": "%H",
    "mm": "%M",
    "ss": "%S",
}
_PIECE = re.compile("|".join(sorted(_PIECES, key=len, reverse=True)))


@functools.lru_cache(maxsize=64)
def read_form(said: str) -> DateForm:
    """``dd/MM/yyyy HH:mm`` or ``%d/%m/%Y`` as a form."""
    for order in ("dmy", "mdy", "ymd"):
        for time in (False, True):
            for short in (False, True):
                form = DateFormat(order, time, short)
                if form.pattern == said:
                    return DateForm(form)
    if "%" in said:
        return DateForm(pattern=said)
    return DateForm(pattern=_PIECE.sub(lambda piece: _PIECES[piece.group()], said))
