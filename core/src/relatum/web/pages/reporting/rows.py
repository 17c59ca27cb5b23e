"""The rows behind one figure."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any
from urllib.parse import urlencode

import msgspec
from litestar import get
from litestar.params import FromPath
from msgspec import Meta

from relatum.access.viewer import SIGNED_IN
from relatum.hooks.screens import MetricQuery
from relatum.http.answers import Html
from relatum.http.calls import Call
from relatum.reports.counting import NOTHING
from relatum.reports.drawing import MOST_DAYS, today_in
from relatum.reports.periods import DAY, stretch_of
from relatum.values.problems import InvalidInput
from relatum.web.filters import filtered
from relatum.web.languages import translations
from relatum.web.layout import PAGE, page
from relatum.web.pages.reporting.asking import Only, only_from
from relatum.web.pages.reporting.showing import figure_text
from relatum.web.pages.reporting.wording import days_of
from relatum.web.visit import Visit

ANYBODY = {"permission": SIGNED_IN, **PAGE}
AT_ONCE = 50
Day = Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\d$")]


class Behind(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which figure: its days (else the last twelve months), its parts as ``dimension:part``."""

    first: Day = ""
    last: Day = ""
    only: Annotated[list[Only], Meta(max_length=20)] = []
    after: Annotated[str, Meta(max_length=200)] = ""


@get("/figures/{metric_id:str}/rows", opt=ANYBODY, include_in_schema=False)
async def show_rows(request: Call, metric_id: FromPath[str]) -> Html:
    """As many as the figure says."""
    figures = request.house.figures
    visit = Visit.of(request, request.house.registry.plugins["core"])
    metric = request.house.registry.metrics.get(metric_id)
    form, behind = filtered(request, Behind)
    query = _query(behind, visit.time_zone)
    rows, after = await figures.rows(metric_id, visit, query, behind.after, AT_ONCE)
    reading = await figures.read(metric_id, visit, query)
    total = reading.series[0].figures[0] if reading.series else None
    currency = query.only.get("currency", "")
    return await page(
        request,
        "relatum/figure_rows.html",
        here="reports",
        forms=(form,),
        fragments={"rows": "relatum/figure_rows_list.html"},
        metric=metric,
        days=days_of(query.first, query.until, visit.language),
        parts=await _parts(request, visit, metric_id, query),
        figure=figure_text(total.value, metric.unit, currency, visit.language) if total else "",
        count=total.rows if total else 0,
        rows=rows,
        unit=metric.unit,
        write=lambda row: figure_text(
            row.value, metric.unit, row.currency or visit.currency, visit.language
        ),
        next=_next(behind, after),
        first_page=not behind.after,
    )


def _query(behind: Behind, zone: str) -> MetricQuery:
    if not behind.first and not behind.last:
        stretch = stretch_of("last_12_months", today_in(zone))
        return MetricQuery(first=stretch.first, until=stretch.until, only=only_from(behind.only))
    try:
        first, last = dt.date.fromisoformat(behind.first), dt.date.fromisoformat(behind.last)
    except ValueError:
        raise InvalidInput("expected the first and the last day of a figure") from None
    if not 0 <= (last - first).days <= MOST_DAYS or not 1900 <= first.year <= 2200:
        raise InvalidInput("expected at most twenty years of this time")
    return MetricQuery(first=first, until=last + DAY, only=only_from(behind.only))


def _next(behind: Behind, after: str) -> str:
    if not after:
        return ""
    pairs = {"first": behind.first, "last": behind.last, "only": behind.only, "after": after}
    return f"?{urlencode(pairs, doseq=True)}"


async def _parts(
    request: Call, visit: Visit, metric_id: str, query: MetricQuery
) -> list[tuple[str, str]]:
    """Dimension and part as people call them."""
    metric: Any = request.house.registry.metrics.get(metric_id)
    text = translations(visit.language).gettext
    titles = {each.id: visit.say(each.title) for each in metric.dimensions}
    titles.setdefault("currency", text("Currency"))
    said = []
    for dimension, part in query.only.items():
        names = await request.house.figures.part_names(metric_id, visit, dimension, [part])
        shown = text("No value") if part == NOTHING else names.get(part, part)
        said.append((titles.get(dimension, dimension), shown))
    return said


ROUTES = [show_rows]
