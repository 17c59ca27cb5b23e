"""A chart's question asked: which stretch, which periods, and what it is compared with."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import TYPE_CHECKING

import msgspec

from relatum.hooks.screens import MetricQuery
from relatum.reports.figures import Reading, Series, period_for
from relatum.reports.periods import DAY, Stretch, compared, stretch_of
from relatum.values.problems import InvalidInput
from relatum.values.time import local_day, now

if TYPE_CHECKING:
    from relatum.hooks.screens import Period
    from relatum.reports.figures import Figures
    from relatum.reports.types import ChartSpec
    from relatum.web.visit import Visit

MOST_DAYS = 366 * 20


class Drawn(msgspec.Struct, frozen=True, kw_only=True):
    """A chart with its figures.

    Attributes:
        stretch: the days it is about.
        period: by which they are cut; ``None`` when they are not.
        before: the days that it is compared with, and its figures then.
        whole: one figure over all of the days, for those that are drawn as a number.
    """

    spec: ChartSpec
    stretch: Stretch
    period: Period | None
    reading: Reading
    before: Stretch | None = None
    reading_before: Reading | None = None
    whole: Reading | None = None
    whole_before: Reading | None = None

    @property
    def failed(self) -> str:
        """Why there is nothing to see; empty when there is."""
        return self.reading.failed or (self.whole.failed if self.whole else "")


def today_in(zone: str) -> dt.date:
    """The day by the company's clock."""
    return local_day(now(), zone)


def stretch_for(spec: ChartSpec, today: dt.date) -> Stretch:
    """The days that a chart is about.

    Raises:
        InvalidInput: it names no stretch, and no first and last day of at most twenty years.
    """
    if spec.range:
        return stretch_of(spec.range, today)
    if spec.first is None or spec.last is None or spec.last < spec.first:
        raise InvalidInput("expected a first day and a last day that is not before it")
    stretch = Stretch(spec.first, spec.last + DAY)
    if stretch.days > MOST_DAYS or spec.first.year < 1900 or spec.last.year > 2200:
        raise InvalidInput("expected at most twenty years of this time, got more")
    return stretch


async def draw(figures: Figures, spec: ChartSpec, visit: Visit) -> Drawn:
    """A chart with its figures, for whoever looks; a failure is in the answer.

    Raises:
        NotFound: there is no such metric, or its plugin is off.
        InvalidInput: the days cannot be.
    """
    stretch = stretch_for(spec, today_in(visit.time_zone))
    before = compared(spec.range or None, stretch, spec.compare)
    period = _period(spec, stretch)
    queries = {"reading": _query(spec, stretch, period)}
    if spec.kind == "number":
        queries["whole"] = _query(spec, stretch, None)
    if before is not None:
        if spec.kind != "number":
            queries["reading_before"] = _query(spec, before, period)
        else:
            queries["whole_before"] = _query(spec, before, None)
    found = await asyncio.gather(
        *(figures.read(spec.metric, visit, query) for query in queries.values())
    )
    read = dict(zip(queries, found, strict=True))
    read["reading"] = _largest(read["reading"], spec.most)
    return Drawn(spec=spec, stretch=stretch, period=period, before=before, **read)


def _period(spec: ChartSpec, stretch: Stretch) -> Period | None:
    if spec.period == "whole" or (spec.kind == "rows" and spec.period == "auto"):
        return None
    return period_for(stretch) if spec.period == "auto" else spec.period


def _query(spec: ChartSpec, stretch: Stretch, period: Period | None) -> MetricQuery:
    by = "" if spec.kind == "number" else spec.by
    return MetricQuery(
        first=stretch.first, until=stretch.until, period=period, by=by, only=spec.only
    )


def _largest(reading: Reading, most: int) -> Reading:
    """The series that weigh most; how many are left out is for the page to say."""
    kept: list[Series] = reading.series[: max(most, 1)]
    return msgspec.structs.replace(reading, series=kept, more=len(reading.series) - len(kept))
