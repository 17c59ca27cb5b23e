"""Building charts over any metric, keeping them, taking their figures out."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta
from msgspec.structs import replace

from relatum.access.viewer import current_viewer
from relatum.http.answers import Answer, Html
from relatum.http.calls import Call, id_in_path
from relatum.http.queries import pairs_of
from relatum.reports.drawing import draw, today_in
from relatum.reports.files import file_name, written
from relatum.reports.sheets import sheet_of
from relatum.reports.types import Chart, ChartDraft, ChartSpec, FileFormat, Shared
from relatum.values.problems import InvalidInput, NotFound, RelatumError
from relatum.web.filters import filtered
from relatum.web.forms import Form, Nothing, sent
from relatum.web.languages import language_of
from relatum.web.layout import PAGE, Redirect, page
from relatum.web.pages.reporting.asking import Asked, fields_of, query_of, spec_from
from relatum.web.pages.reporting.naming import plugin_title
from relatum.web.pages.reporting.sending import FileAnswer
from relatum.web.pages.reporting.showing import Answer as Shown
from relatum.web.pages.reporting.showing import answer_of
from relatum.web.pages.reporting.wording import (
    COMPARE,
    CUTTINGS,
    KINDS,
    RANGES,
    SHARED,
    failure_text,
    options,
)
from relatum.web.visit import Visit

READ = {"permission": "core.reports.read", **PAGE}
#: Of a file, which is not read at a glance.
MOST_PARTS = 1000


class Keeping(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a chart is called, who else sees it, and what it asks.

    Attributes:
        query: the chart, as an address has it.
        chart: the id of the kept chart that it takes the place of.
        board: the id of a dashboard that it is put on.
    """

    title: Annotated[str, Meta(min_length=1, max_length=100)]
    shared: Shared = "private"
    role: Annotated[str, Meta(max_length=60)] = ""
    board: Annotated[str, Meta(max_length=40)] = ""
    query: Annotated[str, Meta(max_length=4000)] = ""
    chart: Annotated[str, Meta(max_length=40)] = ""


class Taking(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The form of a file."""

    format: FileFormat = "xlsx"


@get("/charts", opt=READ, include_in_schema=False)
async def show_charts(request: Call) -> Html:
    """The charts that the viewer keeps or that others share."""
    request.refuse_query(("lang",))
    viewer = current_viewer()
    visit = _visit(request)
    metrics = {each.id: visit.say(each.title) for each in request.house.figures.known(visit)}
    charts = await request.house.charts.find(viewer=viewer)
    people = await request.house.accounts.get_many(list({each.account for each in charts}))
    return await page(
        request,
        "relatum/charts_list.html",
        here="charts",
        charts=charts,
        metrics=metrics,
        names={each.id: each.name for each in people},
        account=viewer.account,
        kinds=KINDS,
    )


@get("/charts/new", opt=READ, include_in_schema=False)
async def build_chart(request: Call) -> Html:
    """The builder, with what its address asks for."""
    form, asked = filtered(request, Asked)
    return await _builder(request, form, asked)


@post("/charts", opt=READ, include_in_schema=False)
async def keep_chart(request: Call) -> Answer[Any]:
    """Keep a chart, perhaps in the place of another, perhaps on a dashboard."""
    form, viewer, house = Form("keeping"), current_viewer(), request.house
    asked = Asked()
    try:
        keeping = form.take(await sent(request), Keeping)
        asked = _asked_in(keeping.query)
        draft = ChartDraft(
            title=keeping.title,
            spec=spec_from(asked),
            shared=keeping.shared,
            role=keeping.role,
        )
        async with house.db.transaction():
            if keeping.chart:
                id = id_in_path(keeping.chart, "chart")
                await house.charts.change(id, draft, viewer=viewer)
            else:
                id = await house.charts.keep(draft, viewer=viewer)
            if keeping.board:
                board = id_in_path(keeping.board, "dashboard")
                await house.dashboards.add(board, viewer=viewer, chart=id)
    except RelatumError as error:
        form.refuse(error)
        return await _builder(request, Form("filter", fields_of(spec_from(asked))), asked, form)
    return Redirect(f"/charts/{id}", flash="chart-kept")


@get("/charts/{chart_id:str}", opt=READ, include_in_schema=False)
async def show_chart(request: Call, chart_id: FromPath[str]) -> Html:
    """One kept chart, with its figures."""
    request.refuse_query(("lang",))
    chart = await _chart(request, chart_id)
    visit = _visit(request)
    shown = await _shown(request, chart.spec, visit, chart.title)
    viewer = current_viewer()
    boards = await request.house.dashboards.find(viewer)
    return await page(
        request,
        "relatum/chart.html",
        here="charts",
        chart=chart,
        shown=shown,
        own=chart.account == viewer.account,
        edit=f"/charts/new?{query_of(chart.spec, chart=str(chart.id))}",
        boards=[each for each in boards if each.account == viewer.account],
        may_schedule=viewer.account is not None,
    )


@get("/charts/{chart_id:str}/file", opt=READ, include_in_schema=False)
async def chart_file(request: Call, chart_id: FromPath[str]) -> Answer[Any]:
    """The figures of a kept chart as a file."""
    _, taking = filtered(request, Taking)
    chart = await _chart(request, chart_id)
    return await _file(request, chart.spec, chart.title, taking.format)


@get("/figures/{metric_id:str}/file", opt=READ, include_in_schema=False)
async def figure_file(request: Call, metric_id: FromPath[str]) -> Answer[Any]:
    """The figures of the builder as a file."""
    pairs = pairs_of(request.scope["query_string"])
    form = Form("filter")
    asked = form.take([pair for pair in pairs if pair[0] not in ("format", "lang")], Asked)
    taking = form.take([pair for pair in pairs if pair[0] == "format"], Taking)
    spec = replace(spec_from(asked), metric=metric_id)
    visit = _visit(request)
    title = visit.say(request.house.registry.metrics.get(metric_id).title)
    return await _file(request, spec, title, taking.format)


@post("/charts/{chart_id:str}/delete", opt=READ, include_in_schema=False)
async def delete_chart(request: Call, chart_id: FromPath[str]) -> Answer[Any]:
    """Delete one's own chart."""
    id = id_in_path(chart_id, "chart")
    Form("deleting").take(await sent(request), Nothing)
    await request.house.charts.delete(id, viewer=current_viewer())
    return Redirect("/charts", flash="chart-deleted", undo=f"/charts/{id}/restore")


@post("/charts/{chart_id:str}/restore", opt=READ, include_in_schema=False)
async def restore_chart(request: Call, chart_id: FromPath[str]) -> Answer[Any]:
    """Take the deletion back."""
    id = id_in_path(chart_id, "chart")
    Form("restoring").take(await sent(request), Nothing)
    await request.house.charts.restore(id, viewer=current_viewer())
    return Redirect(f"/charts/{id}", flash="undone")


def _visit(request: Call) -> Visit:
    return Visit.of(request, request.house.registry.plugins["core"])


async def _chart(request: Call, chart_id: str) -> Chart:
    id = id_in_path(chart_id, "chart")
    return await request.house.charts.get(id, viewer=current_viewer())


def _asked_in(query: str) -> Asked:
    return Form("filter").take(pairs_of(query.encode("ascii", "replace")), Asked)


async def _shown(request: Call, spec: ChartSpec, visit: Visit, title: str) -> Shown:
    try:
        drawn = await draw(request.house.figures, spec, visit)
    except InvalidInput:
        return Shown(title=title, days="", failed=failure_text("days", visit.language))
    except NotFound:
        return Shown(title=title, days="", failed=failure_text("gone", visit.language))
    return answer_of(drawn, visit, title)


async def _file(request: Call, spec: ChartSpec, title: str, form: FileFormat) -> Answer[Any]:
    """Figures alone leave the house here; rows of people go through the exports."""
    visit = _visit(request)
    drawn = await draw(request.house.figures, replace(spec, most=MOST_PARTS), visit)
    if drawn.failed:
        raise InvalidInput(failure_text(drawn.failed, visit.language))
    content = await asyncio.to_thread(
        written,
        [sheet_of(drawn, visit, title)],
        form,
        renderer=request.house.renderer,
        language=visit.language,
    )
    day = today_in(visit.time_zone).isoformat()
    return FileAnswer(content, file_name(title, day, form))


async def _builder(request: Call, form: Form, asked: Asked, keeping: Form | None = None) -> Html:
    house, viewer, visit = request.house, current_viewer(), _visit(request)
    language = language_of(request)
    metrics = house.figures.known(visit)
    if not asked.metric and metrics:
        asked = replace(asked, metric=metrics[0].id)
    spec = spec_from(asked)
    metric = next((each for each in metrics if each.id == spec.metric), None)
    dimensions = [(each.id, visit.say(each.title)) for each in metric.dimensions] if metric else []
    if spec.by and spec.by not in dict(dimensions):
        spec = replace(spec, by="")
    title = visit.say(metric.title) if metric else ""
    shown = await _shown(request, spec, visit, title) if metric else None
    kept = await _chart(request, asked.chart) if asked.chart else None
    mine = kept is not None and kept.account == viewer.account
    values = {"title": kept.title, "shared": kept.shared, "role": kept.role} if kept else {}
    fields = Form("filter", {**fields_of(spec), "chart": asked.chart})
    if form.problems:
        fields = form
    query = query_of(spec)
    return await page(
        request,
        "relatum/chart_new.html",
        here="charts",
        forms=(fields, keeping or Form("keeping", values)),
        address="/charts/new",
        fragments={"building": "relatum/chart_building.html"},
        metrics=_grouped(request, visit),
        metric=metric,
        about=visit.say(metric.description) if metric and metric.description else "",
        dimensions=dimensions,
        ranges=options(RANGES, language),
        cuttings=options(CUTTINGS, language),
        kinds=options(KINDS, language),
        compares=options(COMPARE, language),
        shared=options(SHARED, language),
        roles=[(r.key, r.title.in_language(language)) for r in await house.roles.every()],
        boards=[
            (str(each.id), each.title)
            for each in await house.dashboards.find(viewer)
            if each.account == viewer.account
        ],
        shown=shown,
        kept=kept if mine else None,
        query=query,
        file=f"/figures/{spec.metric}/file?{query}",
    )


def _grouped(request: Call, visit: Visit) -> list[tuple[str, list[tuple[str, str]]]]:
    """The metrics under the names of their plugins, core's first."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for each in request.house.figures.known(visit):
        owner = each.id.partition(".")[0]
        groups.setdefault(owner, []).append((each.id, visit.say(each.title)))
    return [(plugin_title(request, owner), metrics) for owner, metrics in groups.items()]


ROUTES = [
    show_charts,
    build_chart,
    keep_chart,
    show_chart,
    chart_file,
    figure_file,
    delete_chart,
    restore_chart,
]
