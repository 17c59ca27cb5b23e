"""Proving metrics: every figure is as many rows as drilling down shows, whoever looks.

    async def test_my_metric(house):
        await check_metric(house, "spa.visits", first=date(2026, 1, 1), until=date(2027, 1, 1))

It asks for the metric by every period and every dimension and follows each figure to its rows.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import TYPE_CHECKING, get_args

if TYPE_CHECKING:
    from relatum.access.viewer import Viewer
    from relatum.app.house import House
    from relatum.hooks.screens import Metric, MetricQuery, Row
    from relatum.reports.figures import Figure, Reading
    from relatum.web.visit import Visit

#: Rows are asked for in pages of this size, so that the cursor is tried as well.
PAGE = 7
#: Of the figures of one question, as many are followed.
MOST_FIGURES = 60


async def check_metric(
    house: House,
    metric_id: str,
    *,
    first: dt.date,
    until: dt.date,
    viewers: Iterable[Viewer] = (),
) -> int:
    """Prove a metric over some days; returns how many figures with rows were followed.

    Args:
        first: the first day; choose days that have rows.
        until: the day after the last.
        viewers: who looks; the system when nobody is given. Give one who sees few customers.

    Raises:
        AssertionError: a figure is not its rows, rows come twice or in a wrong order, a page is
            too long, or nothing had any rows.
    """
    from relatum.access.viewer import SYSTEM

    metric = house.registry.metrics.get(metric_id)
    followed = 0
    for viewer in tuple(viewers) or (SYSTEM,):
        for query in questions(metric, first, until):
            followed += await check_question(house, metric_id, query, viewer)
    _demand(followed > 0, f"expected figures of {metric_id} with rows in these days, got none")
    return followed


def questions(metric: Metric, first: dt.date, until: dt.date) -> Iterator[MetricQuery]:
    """Every period with every dimension."""
    from relatum.hooks.screens import MetricQuery, Period

    periods: list[Period | None] = [None, *get_args(Period)]
    dimensions = ["", *(each.id for each in metric.dimensions)]
    for period, by in itertools.product(periods, dimensions):
        last = min(until, first + dt.timedelta(days=60)) if period == "day" else until
        yield MetricQuery(first=first, until=last, period=period, by=by)


async def check_question(house: House, metric_id: str, query: MetricQuery, viewer: Viewer) -> int:
    """Prove the figures of one question; returns how many with rows were followed.

    Raises:
        AssertionError: as :func:`check_metric`.
    """
    from relatum.web.visit import Visit

    async with house.sights.looking_as(viewer):
        visit = Visit(house.registry.plugin_of(metric_id), house, viewer, "en")
        reading = await house.figures.read(metric_id, visit, query)
        _demand(not reading.failed, f"{metric_id} failed ({reading.failed}) with {query}")
        found = [each for series in reading.series for each in series.figures if each.rows]
        step = max(1, len(found) // MOST_FIGURES)
        for figure in found[::step]:
            await _check_figure(house, metric_id, visit, figure, reading)
        return len(found[::step])


async def _check_figure(
    house: House, metric_id: str, visit: Visit, figure: Figure, reading: Reading
) -> None:
    rows = [row async for row in _rows(house, metric_id, visit, figure.drill)]
    where = f"{metric_id} {figure.drill}"
    ids = [row.id for row in rows]
    _demand(len(ids) == len(set(ids)), f"rows come twice: {where}")
    _demand(
        len(rows) == figure.rows, f"the figure says {figure.rows} rows, got {len(rows)}: {where}"
    )
    if reading.metric.unit == "count":
        _demand(figure.value == len(rows), f"{figure.value} is not {len(rows)} rows: {where}")
    if reading.metric.unit == "money" and all(row.value is not None for row in rows):
        total = sum(row.value or 0 for row in rows)
        _demand(
            figure.value == total, f"{figure.value} is not the sum {total} of its rows: {where}"
        )


def _demand(holds: bool, otherwise: str) -> None:
    if not holds:
        raise AssertionError(otherwise)


async def _rows(
    house: House, metric_id: str, visit: Visit, query: MetricQuery
) -> AsyncIterator[Row]:
    """All rows behind one figure, page by page."""
    after = ""
    while True:
        rows, after = await house.figures.rows(metric_id, visit, query, after, PAGE)
        _demand(len(rows) <= PAGE, f"asked for {PAGE} rows, got {len(rows)}")
        for row in rows:
            yield row
        if not after:
            return
