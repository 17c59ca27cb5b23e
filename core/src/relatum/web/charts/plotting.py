"""Where the marks of a chart stand, in per cent of the space, and what each of them says."""

from __future__ import annotations

from fractions import Fraction
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

import msgspec

from relatum.web import formats
from relatum.web.charts.scales import Scale, ends_of, known, scale_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from relatum.web.charts.types import Chart, Series
    from relatum.web.languages import Language

PALETTE = 6
#: Of the space that one label has, what its bars take.
BAND = 0.7
#: Above this many points a line has no dots.
MOST_DOTS = 40
#: How many labels an axis shows.
MOST_LABELS = 12
#: So many fit on a phone as well.
FEW_LABELS = 6
HEAT_STEPS = 7


class Mark(msgspec.Struct, kw_only=True):
    """A bar or a dot: its left upper corner (a dot's centre) and its size, in per cent."""

    x: str
    y: str
    colour: str
    says: str
    width: str = ""
    height: str = ""
    href: str = ""


class Line(msgspec.Struct, kw_only=True):
    """A stretch without gaps, and the ground below it, as points of 0 to 100."""

    points: str
    ground: str
    colour: str


class Tick(msgspec.Struct):
    """A mark of an axis; ``rare`` ones are left out where there is little room."""

    at: str
    text: str
    rare: bool = False


class Lying(msgspec.Struct, kw_only=True):
    """A bar that lies, with its name and what of the one before is left (of a funnel)."""

    label: str
    text: str
    x: str
    width: str
    colour: str
    href: str = ""
    share: str = ""


class Figure(msgspec.Struct):
    """A cell of the table: in full, in words, how strong (of heat), and where its rows are."""

    text: str
    words: str
    heat: int = 0
    href: str = ""


class Plot(msgspec.Struct, kw_only=True):
    """Everything that a template needs to draw a chart."""

    chart: Chart
    legend: list[tuple[str, str]]
    rows: list[tuple[str, list[Figure]]]
    marks: list[Mark] = []
    lines: list[Line] = []
    lying: list[Lying] = []
    values: list[Tick] = []
    labels: list[Tick] = []
    ground: str = "100"
    gutter: str = "slim"
    extremes: tuple[str, str, str, str] | None = None


def plotted(chart: Chart, language: Language) -> Plot:
    """A chart as places on paper, in a language."""
    write = _writer(chart, language)
    plot = Plot(
        chart=chart,
        legend=[(each.name, _colour(each, place)) for place, each in enumerate(chart.series)],
        rows=_table(chart, language),
        extremes=_extremes(chart, write),
    )
    if chart.kind in ("rows", "funnel"):
        plot.lying = list(_lying(chart, write, language))
    elif chart.kind != "heat":
        _stand(plot, chart, write)
    return plot


def _stand(plot: Plot, chart: Chart, write: Callable[[float | None], str]) -> None:
    """Bars, lines and their axes."""
    bars = _stacks(chart) if chart.kind in ("stacked", "waterfall") else None
    ends = [end for bar in bars or [] for end in bar[2:]]
    figures = [value for each in chart.series for value in each.values]
    if chart.kind == "spark":
        scale = ends_of(figures)
    else:
        scale = scale_of(ends or figures, whole=chart.unit == "count")
    plot.ground = _shown(100 - scale.place(0))
    plot.values = [
        Tick(_shown(100 - scale.place(tick)), write(float(tick))) for tick in scale.ticks
    ]
    plot.gutter = (
        "broad" if max((len(tick.text) for tick in plot.values), default=0) > 5 else "slim"
    )
    plot.labels = _labels(chart.labels)
    if bars is not None:
        plot.marks = [_piece(chart, scale, write, *bar) for bar in bars]
    elif chart.kind == "bars":
        plot.marks = list(_bars(chart, scale, write))
    else:
        for place, series in enumerate(chart.series):
            plot.lines += _lines(series, place, scale)
            if chart.kind != "spark" and len(chart.labels) <= MOST_DOTS:
                plot.marks += _dots(chart, series, place, scale, write)


def _bars(chart: Chart, scale: Scale, write: Callable[[float | None], str]) -> Iterator[Mark]:
    band = 100 / len(chart.labels) if chart.labels else 100
    thick = band * BAND / max(len(chart.series), 1)
    for place, series in enumerate(chart.series):
        for at, value in enumerate(series.values):
            if value is not None and known(value):
                left = band * (at + (1 - BAND) / 2) + thick * place
                top, high = _span(scale, Fraction(0), Fraction(value))
                yield Mark(
                    x=_shown(left),
                    y=_shown(top),
                    width=_shown(thick * 0.94),
                    height=_shown(high),
                    colour=_colour(series, place),
                    says=_says(chart, series, at, write(value)),
                    href=_href(series, at),
                )


def _stacks(chart: Chart) -> list[tuple[int, int, Fraction, Fraction]]:
    """Series, label, and the two ends of each piece: upon each other, or each where one ended."""
    pieces: list[tuple[int, int, Fraction, Fraction]] = []
    if chart.kind == "waterfall":
        for place, series in enumerate(chart.series[:1]):
            steps = [
                Fraction(each) if each is not None and known(each) else Fraction(0)
                for each in series.values
            ]
            ends = [Fraction(0), *accumulate(steps)]
            pieces += [(place, at, start, end) for at, (start, end) in enumerate(pairwise(ends))]
        return pieces
    for at in range(len(chart.labels)):
        above = below = Fraction(0)
        for place, series in enumerate(chart.series):
            value = series.values[at]
            if value is None or not known(value):
                continue
            start = above if value >= 0 else below
            end = start + Fraction(value)
            above, below = (end, below) if value >= 0 else (above, end)
            pieces.append((place, at, start, end))
    return pieces


def _piece(
    chart: Chart,
    scale: Scale,
    write: Callable[[float | None], str],
    place: int,
    at: int,
    start: Fraction,
    end: Fraction,
) -> Mark:
    series = chart.series[place]
    band = 100 / len(chart.labels)
    top, high = _span(scale, start, end)
    colour = _colour(series, place)
    if chart.kind == "waterfall":
        colour = "good" if end >= start else "bad"
    return Mark(
        x=_shown(band * (at + (1 - BAND) / 2)),
        y=_shown(top),
        width=_shown(band * BAND),
        height=_shown(high),
        colour=colour,
        says=_says(chart, series, at, write(series.values[at])),
        href=_href(series, at),
    )


def _lines(series: Series, place: int, scale: Scale) -> list[Line]:
    """The stretches between gaps; a point alone has no line."""
    band = 100 / len(series.values) if series.values else 100
    ground = _shown(100 - scale.place(0))
    found: list[list[str]] = [[]]
    for at, value in enumerate(series.values):
        if value is None or not known(value):
            found.append([])
        else:
            found[-1].append(f"{_shown(band * (at + 0.5))},{_shown(100 - scale.place(value))}")
    return [
        Line(
            points=" ".join(points),
            ground=f"{points[0].partition(',')[0]},{ground} {' '.join(points)}"
            f" {points[-1].partition(',')[0]},{ground}",
            colour=_colour(series, place),
        )
        for points in found
        if len(points) > 1
    ]


def _dots(
    chart: Chart,
    series: Series,
    place: int,
    scale: Scale,
    write: Callable[[float | None], str],
) -> Iterator[Mark]:
    band = 100 / len(series.values) if series.values else 100
    for at, value in enumerate(series.values):
        if value is not None and known(value):
            yield Mark(
                x=_shown(band * (at + 0.5)),
                y=_shown(100 - scale.place(value)),
                colour=_colour(series, place),
                says=_says(chart, series, at, write(value)),
                href=_href(series, at),
            )


def _lying(
    chart: Chart, write: Callable[[float | None], str], language: Language
) -> Iterator[Lying]:
    series = chart.series[0] if chart.series else None
    if series is None:
        return
    longest = max(
        (abs(each) for each in series.values if each is not None and known(each)), default=0
    )
    before: float | None = None
    for at, value in enumerate(series.values):
        there = value is not None and known(value)
        width = (
            float(Fraction(abs(value or 0)) / Fraction(longest) * 100) if there and longest else 0.0
        )
        share = ""
        if chart.kind == "funnel" and at and before and there and value is not None:
            share = formats.percent(float(Fraction(value) / Fraction(before)), language)
        yield Lying(
            label=chart.labels[at],
            text=write(value),
            x=_shown((100 - width) / 2 if chart.kind == "funnel" else 0),
            width=_shown(width),
            colour=(series.tones[at] if at < len(series.tones) else "") or _colour(series, 0),
            href=_href(series, at),
            share=share,
        )
        before = value if there else None


def _labels(labels: Sequence[str]) -> list[Tick]:
    """Below the axis: not more than fit, and half of them where there is half the room."""
    stride = -(-len(labels) // MOST_LABELS) or 1
    many = len(labels) > FEW_LABELS
    band = 100 / len(labels) if labels else 100
    return [
        Tick(_shown(band * (at + 0.5)), text, rare=many and at // stride % 2 == 1)
        for at, text in enumerate(labels)
        if at % stride == 0
    ]


def _table(chart: Chart, language: Language) -> list[tuple[str, list[Figure]]]:
    """The figures in full: a row for each label (of heat, for each series)."""
    most = max(
        (abs(v) for each in chart.series for v in each.values if v is not None and known(v)),
        default=0,
    )
    if chart.kind == "heat":
        return [
            (
                each.name,
                [_figure(chart, each, at, language, most) for at in range(len(chart.labels))],
            )
            for each in chart.series
        ]
    return [
        (label, [_figure(chart, each, at, language, most) for each in chart.series])
        for at, label in enumerate(chart.labels)
    ]


def _figure(chart: Chart, series: Series, at: int, language: Language, most: float) -> Figure:
    value = series.values[at]
    if value is None or not known(value):
        return Figure(formats.NOTHING, "")
    heat = -(-Fraction(abs(value)) * HEAT_STEPS // Fraction(most)) if most else 0
    href = _href(series, at)
    if chart.unit == "money":
        amount = round(value)
        words = formats.money_words(amount, chart.currency, language)
        return Figure(formats.money(amount, chart.currency, language), words, int(heat), href)
    return Figure(_written(chart, value, language), "", int(heat), href)


def _extremes(
    chart: Chart, write: Callable[[float | None], str]
) -> tuple[str, str, str, str] | None:
    """The highest and its label, the lowest and its label, of the first series."""
    found = [
        (value, at)
        for at, value in enumerate(chart.series[0].values if chart.series else ())
        if value is not None and known(value)
    ]
    if not found:
        return None
    most, least = max(found, key=lambda each: (each[0], -each[1])), min(found)
    return write(most[0]), chart.labels[most[1]], write(least[0]), chart.labels[least[1]]


def _writer(chart: Chart, language: Language) -> Callable[[float | None], str]:
    def write(value: float | None) -> str:
        if value is None or not known(value):
            return formats.NOTHING
        if chart.unit == "money":
            return formats.money_short(round(value), chart.currency, language)
        if chart.unit == "count" and abs(value) >= 100_000:
            return formats.number_short(value, language)
        return _written(chart, value, language)

    return write


def _written(chart: Chart, value: float, language: Language) -> str:
    if chart.unit == "share":
        return formats.percent(value, language, 1)
    text = formats.decimal(value, language, 0 if chart.unit == "count" else 2)
    if chart.unit == "days":
        one = language == "en" and text == "1"
        return f"{text}\u00a0{'ngày' if language == 'vi' else 'day' if one else 'days'}"
    return text


def _says(chart: Chart, series: Series, at: int, text: str) -> str:
    """What a mark says when one points at it or comes to it by the keyboard."""
    named = f"{series.name}, " if len(chart.series) > 1 else ""
    return f"{named}{chart.labels[at]}: {text}"


def _span(scale: Scale, start: Fraction, end: Fraction) -> tuple[float, float]:
    """Top and height of a bar between two figures."""
    low, high = sorted((scale.place(start), scale.place(end)))
    return 100 - high, high - low


def _colour(series: Series, place: int) -> str:
    return series.tone or f"c{place % PALETTE + 1}"


def _href(series: Series, at: int) -> str:
    return series.hrefs[at] if at < len(series.hrefs) else ""


def _shown(number: float) -> str:
    """At most two decimals; the paper is not that fine."""
    return f"{number:.2f}".rstrip("0").rstrip(".")
