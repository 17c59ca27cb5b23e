"""The deals behind a figure of forecast, targets, conversion, ageing, wins and losses."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal, get_args
from urllib.parse import urlencode

import msgspec
from msgspec import Meta

from relatum.api import Plugin, Text, Visit, WebPage
from relatum_sales_pipeline.permissions import REPORTS_READ
from relatum_sales_pipeline.reports import behind
from relatum_sales_pipeline.reports.behind import Behind, Figure
from relatum_sales_pipeline.reports.conversion import Fate
from relatum_sales_pipeline.reports.outlook import NOBODY, By
from relatum_sales_pipeline.reports.win_loss import WinLossParams
from relatum_sales_pipeline.screens.reading import (
    ROOT,
    address,
    stage_titles,
    titled,
    tones_by_key,
)
from relatum_sales_pipeline.services.deal_reading import DealReader
from relatum_sales_pipeline.services.deals import Deals
from relatum_sales_pipeline.services.pipelines import Pipelines

AT_ONCE = 50
Short = Annotated[str, Meta(max_length=200)]
#: Where the figures are that are asked for.
PLACES = {
    "forecast": "forecast",
    "gap": "forecast",
    "open": "forecast",
    "won": "targets",
    "wins": "wins",
}


class Asked(msgspec.Struct, kw_only=True):
    """Which figure."""

    of: Short = ""
    figure: Figure = "count"
    currency: Short = ""
    by: Short = ""
    part: Short = ""
    committed: bool = False
    pipeline: Short = ""
    stage: Short = ""
    fate: Short = ""
    band: Short = ""
    team: Short = ""
    nobody: Literal["", "team"] = ""
    outcome: Short = ""
    closed_from: dt.date | None = None
    closed_until: dt.date | None = None
    start: Annotated[int, Meta(ge=0, le=1_000_000)] = 0


def rows_href(of: str, **which: object) -> str:
    """Where the deals behind a figure are listed."""
    kept = {name: value for name, value in which.items() if value not in (None, "", False)}
    return f"{ROOT}/rows?" + urlencode({"of": of, **kept})


async def load(plugin: Plugin, visit: Visit) -> dict[str, Any]:
    _, asked = visit.query(Asked)
    found = await _behind(plugin, asked)
    ids = found.ids
    if asked.of != "rotting":
        ids = sorted(ids, key=lambda id: (-found.amounts.get(id, 0), id))
    shown = ids[asked.start : asked.start + AT_ONCE]
    book = await Pipelines(plugin).book()
    following = asked.start + AT_ONCE
    closed = asked.of == "wins"
    return {
        "deals": await Deals(plugin).get_many(shown),
        "count": len(ids),
        "found": found,
        "figure": asked.figure if found.currency else "count",
        "next": address(visit, start=following) if following < len(ids) else "",
        "titles": stage_titles(book, visit),
        "tones": tones_by_key(book),
        "closed": closed,
        "reasons": {each.key: titled(each, visit) for each in book.reasons},
        "notes": await DealReader(plugin).last_notes(shown) if closed else {},
        "back": PLACES.get(asked.of, "flow"),
        "here": "sales_pipeline.forecast",
        "root": ROOT,
    }


async def _behind(plugin: Plugin, asked: Asked) -> Behind:
    """Which deals are meant; none where no figure of ours is."""
    find = FINDERS.get(asked.of)
    return behind.counted([]) if find is None else await find(plugin, asked)


async def _forecast(plugin: Plugin, asked: Asked) -> Behind:
    part, months = _forecast_part(asked), plugin.settings.forecast_months
    return await behind.behind_forecast(plugin, part, asked.pipeline or None, months)


async def _gap(plugin: Plugin, asked: Asked) -> Behind:
    months = plugin.settings.forecast_months
    return await behind.behind_gap(plugin, asked.pipeline or None, months, asked.part)


async def _won(plugin: Plugin, asked: Asked) -> Behind:
    return await behind.behind_won(plugin, _won_part(asked))


async def _open(plugin: Plugin, asked: Asked) -> Behind:
    return await behind.behind_open(plugin, asked.currency)


async def _conversion(plugin: Plugin, asked: Asked) -> Behind:
    fate: Any = asked.fate if asked.fate in get_args(Fate) else None
    return await behind.behind_conversion(plugin, asked.pipeline, asked.stage, fate)


async def _ageing(plugin: Plugin, asked: Asked) -> Behind:
    return await behind.behind_ageing(plugin, asked.pipeline, asked.stage, asked.band)


async def _rotting(plugin: Plugin, asked: Asked) -> Behind:
    return await behind.behind_rotting(plugin, asked.pipeline, asked.stage)


async def _closed(plugin: Plugin, asked: Asked) -> Behind:
    return await behind.behind_win_loss(plugin, _closed_part(asked))


FINDERS: dict[str, Callable[[Plugin, Asked], Awaitable[Behind]]] = {
    "forecast": _forecast,
    "gap": _gap,
    "won": _won,
    "open": _open,
    "conversion": _conversion,
    "ageing": _ageing,
    "rotting": _rotting,
    "wins": _closed,
}


def _forecast_part(asked: Asked) -> behind.ForecastPart:
    by: Any = asked.by if asked.by in get_args(By) else None
    return behind.ForecastPart(
        currency=asked.currency,
        by=by,
        part=asked.part,
        committed=asked.committed,
        figure=asked.figure,
    )


def _won_part(asked: Asked) -> behind.WonPart:
    return behind.WonPart(
        currency=asked.currency or None,
        pipeline=asked.pipeline or None,
        team=NOBODY if asked.nobody == "team" else asked.team or None,
        closed_from=asked.closed_from,
        closed_until=asked.closed_until,
        figure=asked.figure,
    )


def _closed_part(asked: Asked) -> behind.ClosedPart:
    return behind.ClosedPart(
        days=WinLossParams(closed_from=asked.closed_from, closed_until=asked.closed_until),
        by=asked.by,
        part=asked.part,
        currency=asked.currency,
        outcome=asked.outcome,
    )


PAGES = [
    WebPage(
        id="sales_pipeline.rows",
        path="/rows",
        title=Text(en="The deals behind the figure", vi="Các cơ hội sau con số"),
        permission=REPORTS_READ,
        template="sales_pipeline/rows.html",
        load=load,
    )
]
