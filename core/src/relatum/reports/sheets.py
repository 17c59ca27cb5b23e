"""Figures as plain tables with numbers that a spreadsheet can go on with."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from relatum.reports.counting import NOTHING
from relatum.reports.periods import DAY
from relatum.values.money import exponent
from relatum.values.text import Text

if TYPE_CHECKING:
    from relatum.reports.drawing import Drawn
    from relatum.reports.figures import Figure, Series
    from relatum.web.visit import Visit

Cell = str | int | float | Decimal | dt.date | None

_FROM = Text(en="From", vi="Từ ngày")
_TO = Text(en="To", vi="Đến ngày")
_NONE = Text(en="None", vi="Không có")
_FAILED = Text(en="could not be read", vi="không đọc được")


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """One table.

    Attributes:
        about: days and other things to know, below the title.
        failed: whether there are no figures because they could not be read.
        unit: of the figures: ``count``, ``money`` (in major units), ``share`` of one, ``days``.
    """

    title: str
    about: str
    heads: tuple[str, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    failed: bool = False
    unit: str = "count"


def sheet_of(drawn: Drawn, visit: Visit, title: str) -> Sheet:
    """The figures of a chart: periods below each other and parts beside each other."""
    first, last = drawn.stretch.first, drawn.stretch.last
    about = f"{visit.day(first)} – {visit.day(last)}"
    if drawn.failed:
        return Sheet(title=title, about=f"{about}: {visit.say(_FAILED)}", failed=True)
    reading = drawn.whole if drawn.whole is not None else drawn.reading
    unit = reading.metric.unit
    series = reading.series
    heads = [_head(each, visit, visit.say(reading.metric.title)) for each in series]
    if drawn.period is None or drawn.whole is not None:
        pairs = zip(heads, series, strict=True)
        rows = tuple(
            (head, _cell(each.figures[0], each.currency or visit.currency, unit))
            for head, each in pairs
        )
        return Sheet(
            title=title,
            about=about,
            heads=("", visit.say(reading.metric.title)),
            rows=rows,
            unit=unit,
        )
    lines = zip(*(each.figures for each in series), strict=True)
    return Sheet(
        title=title,
        about=about,
        unit=unit,
        heads=(visit.say(_FROM), visit.say(_TO), *heads),
        rows=tuple(
            (
                line[0].bucket.first,
                line[0].bucket.until - DAY,
                *(
                    _cell(figure, each.currency or visit.currency, unit)
                    for figure, each in zip(line, series, strict=True)
                ),
            )
            for line in lines
        ),
    )


def _head(series: Series, visit: Visit, otherwise: str) -> str:
    name = visit.say(_NONE) if series.part == NOTHING else series.name or otherwise
    return f"{name} ({series.currency})" if series.currency else name


def _cell(figure: Figure, currency: str, unit: str) -> Cell:
    if unit == "money" and figure.value is not None:
        return Decimal(int(figure.value)).scaleb(-exponent(currency))
    return figure.value
