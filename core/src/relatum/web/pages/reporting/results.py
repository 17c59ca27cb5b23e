"""Results of declared reports, whatever their shape: facts, tables, and a chart where one fits."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from relatum.values.text import Text
from relatum.web import formats
from relatum.web.charts import Chart, Series
from relatum.web.languages import grouped, translations
from relatum.web.pages.reporting.naming import field_title

if TYPE_CHECKING:
    from relatum.web.visit import Visit

#: Bars below each other that can still be read.
MOST_BARS = 24
MOST_LINES = 500


class Part(msgspec.Struct, kw_only=True):
    """One part of a result: facts, or a table and perhaps a chart of it."""

    title: str = ""
    facts: list[tuple[str, str]] = []
    heads: list[str] = []
    numbers: list[bool] = []
    lines: list[list[str]] = []
    chart: Chart | None = None
    level: int = 2


def parts_of(result: msgspec.Struct, visit: Visit, title: str) -> list[Part]:
    """A result in the language of the page, in the order of its fields."""
    return [part for part in _parts(result, visit, title, 2) if part.facts or part.lines]


def _parts(result: Any, visit: Visit, title: str, level: int) -> Iterator[Part]:
    facts = Part(title=title, level=level)
    deeper: list[Part] = []
    for name, value in _fields(result):
        label = field_title(visit, name)
        if isinstance(value, msgspec.Struct) and _is_deep(value):
            deeper += _parts(value, visit, label, min(level + 1, 4))
        elif isinstance(value, list | tuple) and value and isinstance(value[0], msgspec.Struct):
            deeper += _of_list(value, visit, label, min(level + 1, 4))
        elif isinstance(value, Mapping):
            pairs = [(str(key), _text(each, visit)) for key, each in value.items()]
            deeper.append(Part(title=label, facts=pairs, level=min(level + 1, 4)))
        elif not (isinstance(value, list | tuple) and not value):
            facts.facts.append((label, _text(value, visit)))
    yield facts
    yield from deeper


def _fields(value: Any) -> Iterator[tuple[str, Any]]:
    for field in msgspec.structs.fields(value):
        yield field.name, getattr(value, field.name)


def _of_list(rows: Any, visit: Visit, title: str, level: int) -> Iterator[Part]:
    """A table of what is flat in the rows; what is deep in them comes below, row by row."""
    first = rows[0]
    flat = [name for name, value in _fields(first) if not _is_deep(value)]
    numbers = [_is_number(getattr(first, n)) or _is_rate(getattr(first, n)) for n in flat]
    part = Part(
        title=title,
        level=level,
        heads=[field_title(visit, name) for name in flat],
        numbers=numbers,
        lines=[[_text(getattr(row, n), visit) for n in flat] for row in rows[:MOST_LINES]],
    )
    part.chart = _chart(rows, flat, visit, title)
    yield part
    for row in rows:
        words = (getattr(row, n) for n in flat)
        named = next((_text(each, visit) for each in words if isinstance(each, str | Text)), "")
        for name, value in _fields(row):
            if _is_deep(value):
                label = (
                    f"{field_title(visit, name)}: {named}" if named else field_title(visit, name)
                )
                yield from _deep(value, visit, label, min(level + 1, 4))


def _deep(value: Any, visit: Visit, title: str, level: int) -> Iterator[Part]:
    if isinstance(value, msgspec.Struct):
        yield from _parts(value, visit, title, level)
    elif isinstance(value, Mapping):
        pairs = [(str(key), _text(each, visit)) for key, each in value.items()]
        yield Part(title=title, facts=pairs, level=level)
    elif value:
        yield from _of_list(value, visit, title, level)


def _is_deep(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return bool(value) and isinstance(value[0], msgspec.Struct)
    return isinstance(value, msgspec.Struct) and not isinstance(value, Text) and not _is_rate(value)


def _is_rate(value: Any) -> bool:
    """A figure with what it rests on: it fits into a cell."""
    return isinstance(value, msgspec.Struct) and "value" in value.__struct_fields__


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _chart(rows: Any, flat: list[str], visit: Visit, title: str) -> Chart | None:
    """The first number by the last text before it, when there are bars to compare."""
    number = next((n for n in flat if _is_number(getattr(rows[0], n))), None)
    texts = [n for n in flat if isinstance(getattr(rows[0], n), str | Text)]
    if number is None or not texts or not 2 <= len(rows) <= MOST_BARS:
        return None
    values = tuple(_plain(getattr(row, number)) for row in rows)
    name = next((n for n in ("title", "name") if n in texts), texts[-1])
    whole = all(value is None or float(value).is_integer() for value in values)
    return Chart(
        title=title,
        kind="rows",
        labels=tuple(_text(getattr(row, name), visit) for row in rows),
        series=(Series(name=field_title(visit, number), values=values),),
        unit="count" if whole else "number",
        heading=field_title(visit, name),
    )


def _plain(value: Any) -> float | None:
    return float(value) if _is_number(value) else None


def _text(value: Any, visit: Visit) -> str:
    language = visit.language
    text = translations(language).gettext
    if value is None or value == "":
        return formats.NOTHING
    if isinstance(value, Text):
        return visit.say(value)
    if isinstance(value, bool):
        return text("Yes") if value else text("No")
    if isinstance(value, int | float | Decimal):
        whole = isinstance(value, int)
        return grouped(int(value), language) if whole else formats.decimal(value, language, 2)
    if isinstance(value, dt.date):
        return visit.moment(value) if isinstance(value, dt.datetime) else visit.day(value)
    if isinstance(value, list | tuple):
        return ", ".join(_text(each, visit) for each in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_text(each, visit)}" for key, each in value.items())
    return _rate(value, visit) if _is_rate(value) else str(value)


def _rate(rate: Any, visit: Visit) -> str:
    """``62% (13 / 21)``, or the plain figure where it is no share."""
    over, under = getattr(rate, "numerator", None), getattr(rate, "denominator", None)
    if over is None or under is None:
        return _text(rate.value, visit)
    rests = f"{_text(over, visit)} / {_text(under, visit)}"
    if rate.value is None:
        return f"{formats.NOTHING} ({rests})"
    return f"{formats.percent(rate.value, visit.language)} ({rests})"
