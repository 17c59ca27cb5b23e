"""The boxes of a dashboard: read beside each other, the slow ones after the page."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from relatum.access.viewer import current_viewer
from relatum.reports.drawing import draw
from relatum.reports.types import Chart, ChartSpec, Dashboard, Tile
from relatum.values.problems import RelatumError
from relatum.web.boxes import Box, loaded
from relatum.web.languages import translations
from relatum.web.pages.reporting.asking import query_of
from relatum.web.pages.reporting.showing import Answer, answer_of
from relatum.web.pages.reporting.wording import failure_text
from relatum.web.visit import Visit

if TYPE_CHECKING:
    from relatum.hooks.screens import Widget
    from relatum.http.calls import Call
    from relatum.reports.periods import Compare, Range

#: Seconds that the page waits for all of its boxes; those that take longer come after it.
PATIENCE = 0.6


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """One box as it is drawn.

    Attributes:
        answer: of a chart or a widget that draws a metric.
        box: of any other widget.
        href: where it can be looked at more closely.
        later: where it is to be fetched from, when it comes after the page.
    """

    tile: Tile
    title: str
    icon: str = ""
    answer: Answer | None = None
    box: Box | None = None
    href: str = ""
    later: str = ""

    @property
    def element(self) -> str:
        """The id of its element on the page."""
        return f"tile-{self.tile.id}"


class Days(msgspec.Struct, frozen=True, kw_only=True):
    """The days that a whole dashboard is about."""

    range: Range
    compare: Compare


def address_of(board: Dashboard) -> str:
    """Where a dashboard is shown."""
    return f"/dashboards/{board.id or 'standard'}"


async def shown_tiles(
    request: Call, board: Dashboard, days: Days, *, patience: float | None = PATIENCE
) -> list[Shown]:
    """All boxes of a dashboard that there is something to say about.

    Args:
        patience: seconds after which what is not there yet comes later; ``None`` waits for all.
    """
    kept = await _charts_of(request, board.tiles)
    tasks = [
        asyncio.create_task(_shown(request, tile, days, kept.get(tile.chart)))
        for tile in board.tiles
    ]
    if tasks:
        await asyncio.wait(tasks, timeout=patience)
    shown = []
    for tile, task in zip(board.tiles, tasks, strict=True):
        if task.done():
            one = task.result()
        else:
            task.cancel()  # its figures are still read, for the request that fetches it
            one = _later(request, board, tile, days, kept.get(tile.chart))
        if one is not None:
            shown.append(one)
    return shown


async def shown_tile(request: Call, board: Dashboard, tile: Tile, days: Days) -> Shown | None:
    """One box alone."""
    kept = await _charts_of(request, [tile])
    return await _shown(request, tile, days, kept.get(tile.chart))


async def _charts_of(request: Call, tiles: Sequence[Tile]) -> dict[UUID | None, Chart]:
    ids = [tile.chart for tile in tiles if tile.chart is not None]
    if not ids:
        return {}
    viewer = current_viewer()
    return {each.id: each for each in await request.house.charts.get_many(ids, viewer=viewer)}


async def _shown(request: Call, tile: Tile, days: Days, kept: Chart | None) -> Shown | None:
    if tile.chart is not None:
        return await _chart(request, tile, kept)
    widget = request.house.registry.widgets.find(tile.widget)
    if widget is None or not current_viewer().may(widget.permission):
        # of a plugin that is off, or not for this viewer: nothing to say, it comes back with it
        return None
    if widget.metric:
        return await _metric(request, tile, widget, days)
    boxes = await loaded(request, [widget], at_once=True)
    if not boxes:
        return None
    return Shown(tile=tile, title=boxes[0].title, icon=widget.icon, box=boxes[0])


async def _chart(request: Call, tile: Tile, kept: Chart | None) -> Shown:
    core = request.house.registry.plugins["core"]
    visit = Visit.of(request, core)
    if kept is None:
        text = translations(visit.language).gettext("A chart")
        answer = Answer(title=text, days="", failed=failure_text("gone", visit.language))
        return Shown(tile=tile, title=text, answer=answer)
    answer = await _answered(request, kept.spec, visit, kept.title)
    return Shown(tile=tile, title=kept.title, answer=answer, href=f"/charts/{kept.id}")


async def _metric(request: Call, tile: Tile, widget: Widget, days: Days) -> Shown:
    visit = Visit.of(request, request.house.registry.plugins["core"])
    title = visit.say(widget.title)
    spec = spec_of(widget, days)
    answer = await _answered(request, spec, visit, title)
    return Shown(
        tile=tile,
        title=title,
        icon=widget.icon,
        answer=answer,
        href=f"/charts/new?{query_of(spec)}",
    )


async def _answered(request: Call, spec: ChartSpec, visit: Visit, title: str) -> Answer:
    try:
        drawn = await draw(request.house.figures, spec, visit)
        return answer_of(drawn, visit, title, lean=True)
    except RelatumError:
        return Answer(title=title, days="", failed=failure_text("gone", visit.language))


def spec_of(widget: Widget, days: Days) -> ChartSpec:
    """The chart that a widget of a metric is, over the days of its dashboard."""
    return ChartSpec(
        metric=widget.metric,
        range=days.range,
        kind=widget.chart,
        compare=days.compare,
    )


def _later(request: Call, board: Dashboard, tile: Tile, days: Days, kept: Chart | None) -> Shown:
    visit = Visit.of(request, request.house.registry.plugins["core"])
    widget = request.house.registry.widgets.find(tile.widget) if tile.widget else None
    title = kept.title if kept else visit.say(widget.title) if widget else ""
    query = f"range={days.range}&compare={days.compare or 'none'}"
    return Shown(
        tile=tile,
        title=title,
        icon=widget.icon if widget else "",
        later=f"{address_of(board)}/boxes/{tile.id}?{query}",
    )
