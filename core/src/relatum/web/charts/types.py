"""What a chart shows: plain data, the same for core and for plugins."""

from __future__ import annotations

from typing import Literal

import msgspec

Kind = Literal["line", "area", "bars", "stacked", "rows", "funnel", "waterfall", "heat", "spark"]
ChartUnit = Literal["count", "money", "share", "days", "number"]
Tone = Literal["", "quiet", "info", "accent", "good", "warning", "bad", "violet", "teal"]


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """One row of figures.

    Attributes:
        values: one for each label; ``None`` where there is none. Money in minor units.
        hrefs: where the rows behind each figure are shown; empty texts for none.
        tone: its colour; the next of the palette when empty. ``quiet`` is for comparison.
        tones: of single bars of ``rows`` and ``funnel``.
    """

    name: str
    values: tuple[float | None, ...]
    hrefs: tuple[str, ...] = ()
    tone: Tone = ""
    tones: tuple[Tone, ...] = ()


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """A chart, drawn on the server by ``ui.chart``.

    ``line`` and ``area`` are for time, ``bars`` stand beside each other, ``stacked`` upon each
    other, ``rows`` lie (for names), a ``funnel`` says how many went on, the values of a
    ``waterfall`` are changes, ``heat`` is a table of labels by series, ``spark`` a small line
    without anything around it.

    Attributes:
        labels: below the marks, or beside the rows, in the language of the page.
        currency: of money.
        description: what there is to see, in a sentence; highest and lowest when left out.
        heading: what the labels are (“Month”), for the table of the figures.
        compact: half as high.
    """

    title: str
    kind: Kind
    labels: tuple[str, ...]
    series: tuple[Series, ...]
    unit: ChartUnit = "count"
    currency: str = "VND"
    description: str = ""
    heading: str = ""
    compact: bool = False

    def __post_init__(self) -> None:
        """Raises ValueError when labels and figures do not fit together."""
        for series in self.series:
            if len(series.values) != len(self.labels):
                raise ValueError(
                    f"expected {len(self.labels)} values of {series.name!r}, one for each label,"
                    f" got {len(series.values)}"
                )
