"""Charts: bars as long as their figures, round axes, and any figures at all."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import get_args
from xml.etree import ElementTree as ET

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from markupsafe import escape

from relatum.api import Chart, Series
from relatum.hooks.registry import Registry
from relatum.web.charts import Kind, plotted
from relatum.web.charts.scales import scale_of
from relatum.web.rendering import Renderer

FIGURES = st.floats(-1e15, 1e15, allow_nan=False) | st.integers(-(10**15), 10**15)
ANY = st.none() | st.floats() | st.integers(-(10**30), 10**30)
#: Half of the last digit that is drawn.
FINENESS = 0.0051


def chart(kind: Kind, *rows: tuple[float | None, ...], **more: object) -> Chart:
    series = tuple(Series(name=f"S{number}", values=row) for number, row in enumerate(rows))
    labels = tuple(f"L{number}" for number in range(len(rows[0]) if rows else 0))
    return Chart(title="T", kind=kind, labels=labels, series=series, **more)  # type: ignore[arg-type]


@given(st.lists(FIGURES, min_size=1, max_size=30))
def test_bars_are_as_long_as_their_figures(figures: list[float]) -> None:
    plot = plotted(chart("bars", tuple(figures), unit="number"), "vi")
    longest = max(abs(each) for each in figures)
    assume(longest > 0)
    whole = max(float(mark.height) for mark in plot.marks)
    assert whole > 30
    for value, mark in zip(figures, plot.marks, strict=True):
        expected = abs(value) / longest * whole
        assert math.isclose(float(mark.height), expected, abs_tol=3 * FINENESS)
        # it stands on the ground, or hangs from it
        end = float(mark.y) + (float(mark.height) if value >= 0 else 0)
        assert math.isclose(end, float(plot.ground), abs_tol=2 * FINENESS)


@given(st.lists(FIGURES, min_size=1, max_size=12))
def test_rows_are_as_long_as_their_figures(figures: list[float]) -> None:
    lying = plotted(chart("rows", tuple(figures)), "en").lying
    longest = max(abs(each) for each in figures)
    for value, bar in zip(figures, lying, strict=True):
        share = float(Fraction(abs(value)) / Fraction(longest) * 100) if longest else 0
        assert math.isclose(float(bar.width), share, abs_tol=FINENESS)


@given(st.lists(st.lists(st.integers(0, 1000), min_size=3, max_size=3), min_size=1, max_size=5))
def test_stacked_bars_stand_upon_each_other(rows: list[list[int]]) -> None:
    plot = plotted(chart("stacked", *(tuple(row) for row in rows)), "vi")
    columns = [plot.marks[at * len(rows) : (at + 1) * len(rows)] for at in range(3)]
    for pieces in columns:
        floor = float(plot.ground)
        for piece in pieces:
            assert math.isclose(float(piece.y) + float(piece.height), floor, abs_tol=3 * FINENESS)
            floor = float(piece.y)


def test_a_waterfall_goes_on_where_it_was() -> None:
    plot = plotted(chart("waterfall", (100, 40, -60)), "vi")
    first, second, third = plot.marks
    assert (first.colour, second.colour, third.colour) == ("good", "good", "bad")
    # an axis from 0 to 150: 100 stands at a third from above
    assert [(mark.y, mark.height) for mark in plot.marks] == [
        ("33.33", "66.67"),
        ("6.67", "26.67"),
        ("6.67", "40"),
    ]


@given(st.lists(FIGURES, min_size=1, max_size=30), st.booleans())
def test_axes_have_few_round_marks(figures: list[float], whole: bool) -> None:
    scale = scale_of(figures, whole=whole)
    assert 2 <= len(scale.ticks) <= 8
    steps = {after - before for before, after in zip(scale.ticks, scale.ticks[1:], strict=False)}
    assert len(steps) == 1
    step = steps.pop()
    assert Fraction(0) in scale.ticks
    assert min(scale.ticks) <= min(Fraction(each) for each in [*figures, 0])
    assert max(scale.ticks) >= max(Fraction(each) for each in [*figures, 0])
    if whole:
        assert step.denominator == 1
    while step >= 10:
        step /= 10
    while step < 1:
        step *= 10
    assert step in {Fraction(1), Fraction(2), Fraction(5, 2), Fraction(5)}


@pytest.mark.parametrize(
    ("figures", "ticks"),
    [
        ((), [0, 1]),
        ((0, 0), [0, 1]),
        ((3,), [0, 1, 2, 3]),
        ((311_000_000, 120_000_000), [0, 100_000_000, 200_000_000, 300_000_000, 400_000_000]),
        ((8, -8), [-10, -5, 0, 5, 10]),
        ((1,), [0, 1]),
        ((12,), [0, 5, 10, 15]),
    ],
)
def test_axes(figures: tuple[int, ...], ticks: list[int]) -> None:
    assert list(scale_of(figures, whole=True).ticks) == ticks


def drawn(what: Chart, language: str = "vi") -> str:
    renderer = Renderer(Registry([]))
    environment = renderer._environment(language)  # type: ignore[arg-type]
    source = '{% import "relatum/charts.html" as charts %}{{ charts.chart(chart) }}'
    return environment.from_string(source).render(chart=what)


@given(
    st.sampled_from(get_args(Kind)),
    st.lists(st.lists(ANY, min_size=4, max_size=4), max_size=3),
    st.sampled_from(["count", "money", "share", "days", "number"]),
)
def test_any_figures_are_drawn(kind: Kind, rows: list[list[float | None]], unit: str) -> None:
    what = chart(kind, *(tuple(row) for row in rows), unit=unit)
    plot = plotted(what, "vi")
    for mark in plot.marks:
        for place in (mark.x, mark.y, mark.width or "0", mark.height or "0"):
            assert -0.01 <= float(place) <= 100.01


def test_it_says_what_it_shows() -> None:
    revenue = Series(name="Doanh thu", values=(120_000_000, None), hrefs=("/rows?a=1&b=2", ""))
    what = Chart(
        title="Doanh thu <b>",
        kind="bars",
        labels=("01/26", "02/26"),
        series=(revenue,),
        unit="money",
    )
    shown = drawn(what)
    svg = ET.fromstring(shown[shown.index("<svg") : shown.index("</svg>") + 6])  # noqa: S314 - our own
    assert svg.attrib["role"] == "group"
    assert svg.attrib["aria-label"].startswith("Doanh thu <b>. Cao nhất: 120")
    assert "style" not in shown
    assert "<b>" not in shown
    assert shown.count(str(escape("/rows?a=1&b=2"))) == 2  # the bar and its row of the table
    assert "120.000.000\u00a0₫" in shown
    assert "120\u00a0triệu" in shown
    assert shown.count("–") == 1


def test_nothing_is_said_to_be_nothing() -> None:
    for kind in get_args(Kind):
        if kind != "spark":
            assert "Chưa có số liệu" in drawn(chart(kind, (None, math.nan)))
            assert "There are no figures yet" in drawn(chart(kind), "en")


def test_figures_without_labels_are_refused() -> None:
    with pytest.raises(ValueError, match="expected 1 values of 'x'"):
        Chart(title="T", kind="bars", labels=("a",), series=(Series(name="x", values=(1, 2)),))
