"""Figures as charts, numbers and tables, each leading to the rows behind it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import msgspec
from msgspec.structs import replace

from relatum.reports.counting import NOTHING
from relatum.reports.periods import DAY
from relatum.web import formats
from relatum.web.charts import Chart, Kind
from relatum.web.charts import Series as Shape
from relatum.web.languages import Language, grouped, translations
from relatum.web.pages.reporting.wording import PERIODS, failure_text, label_of, stretch_text

if TYPE_CHECKING:
    from relatum.hooks.screens import Metric, MetricQuery, Unit
    from relatum.reports.drawing import Drawn
    from relatum.reports.figures import Figure, Reading, Series
    from relatum.web.visit import Visit

_KINDS: Mapping[str, Kind] = {
    "line": "line",
    "area": "area",
    "bars": "bars",
    "stacked": "stacked",
    "rows": "rows",
}


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A chart as a page shows it.

    Attributes:
        days: which it is about, in words.
        text: the figure, of a number; ``exact`` in full.
        change: against what it is compared with, with its ``tone`` and in ``than`` what that was.
        notes: what is not in the picture.
        heads: of the table, with ``lines`` of cells: text and where its rows are.
    """

    title: str
    days: str
    failed: str = ""
    empty: bool = False
    chart: Chart | None = None
    text: str = ""
    exact: str = ""
    href: str = ""
    change: str = ""
    tone: str = ""
    than: str = ""
    notes: tuple[str, ...] = ()
    heads: tuple[str, ...] = ()
    lines: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()


def rows_url(metric: str, query: MetricQuery) -> str:
    """Where the rows behind a figure are shown."""
    pairs = [("first", str(query.first)), ("last", str(query.until - DAY))]
    pairs += [("only", f"{dimension}:{part}") for dimension, part in query.only.items()]
    return f"/figures/{metric}/rows?{urlencode(pairs)}"


def figure_text(value: float | None, unit: Unit, currency: str, language: Language) -> str:
    """A figure in full."""
    if value is None:
        return formats.NOTHING
    if unit == "money":
        return formats.money(int(value), currency, language)
    if unit == "share":
        return formats.percent(value, language, 1)
    if unit == "count" or isinstance(value, int):
        return grouped(int(value), language)
    return formats.decimal(value, language)


def short_text(value: float | None, unit: Unit, currency: str, language: Language) -> str:
    """A figure for the corner of an eye."""
    if unit == "money" and value is not None:
        return formats.money_short(int(value), currency, language)
    return figure_text(value, unit, currency, language)


def answer_of(drawn: Drawn, visit: Visit, title: str, *, lean: bool = False) -> Answer:
    """What a chart shows in the language of the page.

    Args:
        lean: on a page of many: only the figures of now lead to their rows.
    """
    language = visit.language
    text = translations(language).gettext
    days = stretch_text(drawn.stretch, language)
    if drawn.failed:
        return Answer(title=title, days=days, failed=failure_text(drawn.failed, language))
    currency = _currency(drawn, visit)
    notes = _notes(drawn, visit, currency)
    if drawn.spec.kind == "number":
        return _number(drawn, visit, title, currency, notes)
    heads, lines = _table(drawn, visit, currency)
    chart = None
    if drawn.spec.kind != "table" and not drawn.reading.is_empty:
        chart = _chart(drawn, visit, title, currency)
    if chart is not None and lean:
        chart = replace(chart, series=tuple(map(_leading_nowhere, chart.series)))
    than = ""
    if drawn.before is not None:
        than = text("beside %(days)s") % {"days": stretch_text(drawn.before, language)}
    return Answer(
        title=title,
        days=days,
        empty=drawn.reading.is_empty,
        chart=chart,
        than=than,
        notes=notes,
        heads=heads,
        lines=lines,
    )


def _leading_nowhere(shape: Shape) -> Shape:
    """Without links, when it is there for comparison."""
    return replace(shape, hrefs=()) if shape.tone == "quiet" else shape


def part_name(series: Series, visit: Visit) -> str:
    """What a part is called."""
    text = translations(visit.language).gettext
    return text("No value") if series.part == NOTHING else series.name


def _currency(drawn: Drawn, visit: Visit) -> str:
    """The one that is drawn: the company's, or what there is."""
    there = [each.currency for each in _main(drawn).series]
    return visit.currency if visit.currency in there or not there else there[0] or visit.currency


def _main(drawn: Drawn) -> Reading:
    return drawn.whole if drawn.whole is not None else drawn.reading


def _of(reading: Reading | None, currency: str) -> list[Series]:
    if reading is None:
        return []
    return [each for each in reading.series if each.currency in ("", currency)]


def _notes(drawn: Drawn, visit: Visit, currency: str) -> tuple[str, ...]:
    language = visit.language
    text = translations(language).gettext
    notes = []
    sums: dict[str, int] = {}
    for series in _main(drawn).series:
        if series.currency not in ("", currency):
            value = sum(int(each.value or 0) for each in series.figures)
            sums[series.currency] = sums.get(series.currency, 0) + value
    for other, value in sums.items():
        amount = formats.money(value, other, language)
        notes.append(text("Besides, in another currency: %(amount)s") % {"amount": amount})
    if drawn.reading.more:
        notes.append(text("%(number)s smaller parts are left out") % {"number": drawn.reading.more})
    return tuple(notes)


def _number(
    drawn: Drawn, visit: Visit, title: str, currency: str, notes: tuple[str, ...]
) -> Answer:
    language, metric = visit.language, drawn.reading.metric
    text = translations(language).gettext
    now = _first(drawn.whole, currency)
    then = _first(drawn.whole_before, currency) if drawn.whole_before else None
    value = now.value if now else 0
    change, tone = "", ""
    if then is not None and drawn.whole_before and not drawn.whole_before.failed:
        change, tone = change_of(value, then.value, metric, language)
    than = ""
    if drawn.before is not None and then is not None:
        than = text("%(figure)s in %(days)s") % {
            "figure": short_text(then.value, metric.unit, currency, language),
            "days": stretch_text(drawn.before, language),
        }
    return Answer(
        title=title,
        days=stretch_text(drawn.stretch, language),
        text=short_text(value, metric.unit, currency, language),
        exact=figure_text(value, metric.unit, currency, language),
        href=rows_url(metric.id, now.drill) if now and now.rows else "",
        change=change,
        tone=tone,
        than=than,
        chart=_spark(drawn, title, currency, visit),
        notes=notes,
    )


def _first(reading: Reading | None, currency: str) -> Figure | None:
    series = _of(reading, currency)
    return series[0].figures[0] if series else None


def change_of(
    now: float | None, then: float | None, metric: Metric, language: Language
) -> tuple[str, str]:
    """``+12%`` and whether that is good news; nothing when there is nothing to compare."""
    if now is None or then is None or (not now and not then):
        return "", ""
    if not then:
        return f"+{grouped(int(now), language)}" if metric.unit == "count" else "", ""
    share = (now - then) / abs(then)
    sign = "+" if share > 0 else ""
    good = {"up": share > 0, "down": share < 0}.get(metric.direction)
    tone = "" if good is None or not share else "good" if good else "bad"
    return f"{sign}{formats.percent(share, language)}", tone


def _spark(drawn: Drawn, title: str, currency: str, visit: Visit) -> Chart | None:
    series = _of(drawn.reading, currency)
    if drawn.period is None or not series or len(series[0].figures) < 3:
        return None
    figures = series[0].figures
    return Chart(
        title=title,
        kind="spark",
        labels=tuple(label_of(each.bucket, drawn.period, visit.language) for each in figures),
        series=(Shape(name=title, values=tuple(each.value for each in figures)),),
        unit=drawn.reading.metric.unit,
        currency=currency,
    )


def _chart(drawn: Drawn, visit: Visit, title: str, currency: str) -> Chart:
    language, metric = visit.language, drawn.reading.metric
    text = translations(language).gettext
    shown = _of(drawn.reading, currency)
    before = _of(drawn.reading_before, currency)
    if drawn.period is None:
        labels, shapes = _by_part(shown, before, metric.id, visit, title)
        heading = _dimension(drawn, visit)
    else:
        labels = tuple(label_of(each.bucket, drawn.period, language) for each in shown[0].figures)
        shapes = [_shape(each, metric.id, part_name(each, visit) or title) for each in shown]
        if before and not drawn.spec.by:
            shapes.append(_quiet(before[0], len(labels), metric.id, text("Before")))
        heading = text(PERIODS[drawn.period])
    return Chart(
        title=title,
        kind=_KINDS.get(drawn.spec.kind, "bars"),
        labels=labels,
        series=tuple(shapes),
        unit=metric.unit,
        currency=currency,
        heading=heading,
    )


def _dimension(drawn: Drawn, visit: Visit) -> str:
    found = (each for each in drawn.reading.metric.dimensions if each.id == drawn.spec.by)
    dimension = next(found, None)
    return visit.say(dimension.title) if dimension else ""


def _shape(series: Series, metric: str, name: str) -> Shape:
    return Shape(
        name=name,
        values=tuple(each.value for each in series.figures),
        hrefs=_hrefs(metric, series.figures),
    )


def _quiet(series: Series, length: int, metric: str, name: str) -> Shape:
    """The time before, with as many periods as there are now."""
    figures = series.figures[:length]
    missing = length - len(figures)
    return Shape(
        name=name,
        values=(*(each.value for each in figures), *[None] * missing),
        hrefs=(*_hrefs(metric, figures), *[""] * missing),
        tone="quiet",
    )


def _hrefs(metric: str, figures: list[Figure]) -> tuple[str, ...]:
    return tuple(rows_url(metric, each.drill) if each.rows else "" for each in figures)


def _by_part(
    shown: list[Series], before: list[Series], metric: str, visit: Visit, title: str
) -> tuple[tuple[str, ...], list[Shape]]:
    text = translations(visit.language).gettext
    labels = tuple(part_name(each, visit) or title for each in shown)
    figures = [each.figures[0] for each in shown]
    shapes = [
        Shape(
            name=title,
            values=tuple(each.value for each in figures),
            hrefs=_hrefs(metric, figures),
        )
    ]
    if before:
        then = {each.part: each.figures[0] for each in before}
        found = [then.get(each.part) for each in shown]
        shapes.append(
            Shape(
                name=text("Before"),
                values=tuple(each.value if each else 0 for each in found),
                hrefs=tuple(rows_url(metric, e.drill) if e and e.rows else "" for e in found),
                tone="quiet",
            )
        )
    return labels, shapes


def _table(
    drawn: Drawn, visit: Visit, currency: str
) -> tuple[tuple[str, ...], tuple[tuple[str, tuple[tuple[str, str], ...]], ...]]:
    """Periods below each other and parts beside each other; parts below when time is not cut."""
    language, metric = visit.language, drawn.reading.metric
    text = translations(language).gettext
    shown = _of(drawn.reading, currency)

    def cell(figure: Figure) -> tuple[str, str]:
        href = rows_url(metric.id, figure.drill) if figure.rows else ""
        return figure_text(figure.value, metric.unit, currency, language), href

    if drawn.period is None:
        heads = (_dimension(drawn, visit) or text("Days"), visit.say(metric.title))
        days = stretch_text(drawn.stretch, language)
        return heads, tuple(
            (part_name(each, visit) or days, (cell(each.figures[0]),)) for each in shown
        )
    names = [part_name(each, visit) or visit.say(metric.title) for each in shown]
    labels = [label_of(each.bucket, drawn.period, language) for each in shown[0].figures]
    lines = zip(*([cell(figure) for figure in each.figures] for each in shown), strict=True)
    return (text(PERIODS[drawn.period]), *names), tuple(zip(labels, lines, strict=True))
