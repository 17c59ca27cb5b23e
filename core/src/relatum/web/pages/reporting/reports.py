"""Reports that core and plugins declare: asked for by a form, answered as tables and charts."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from litestar import get
from litestar.params import FromPath
from msgspec import inspect

from relatum.access.viewer import current_viewer
from relatum.http.answers import Html
from relatum.http.calls import Call
from relatum.http.permissions import refuse_without
from relatum.http.queries import pairs_of, read_query
from relatum.reports.running import run_report
from relatum.values.problems import PluginError, RelatumError
from relatum.web.forms import Form
from relatum.web.languages import translations
from relatum.web.layout import PAGE, page
from relatum.web.pages.reporting.naming import field_title, plugin_title
from relatum.web.pages.reporting.results import Part, parts_of
from relatum.web.visit import Visit

READ = {"permission": "core.reports.read", **PAGE}
OPEN = {"open_query": True, **READ}


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """A parameter of a report as a field of its form.

    Attributes:
        options: what can be chosen; none for what is typed.
    """

    name: str
    title: str
    kind: Literal["text", "number", "date", "choice", "flag"]
    options: list[tuple[str, str]] = []


@get("/reports", opt=READ, include_in_schema=False)
async def show_reports(request: Call) -> Html:
    """Everything that can be asked."""
    request.refuse_query(("lang",))
    viewer = current_viewer()
    visit = Visit.of(request, request.house.registry.plugins["core"])
    found = sorted(request.house.registry.reports, key=lambda each: each.id)
    groups: dict[str, list[tuple[str, str]]] = {}
    for report in found:
        if viewer.may(report.permission):
            owner = report.id.partition(".")[0]
            groups.setdefault(owner, []).append((report.id, visit.say(report.title)))
    metrics = [
        (each.id, visit.say(each.title), visit.say(each.description) if each.description else "")
        for each in request.house.figures.known(visit)
    ]
    charts = await request.house.charts.find(viewer=viewer) if viewer.account else []
    return await page(
        request,
        "relatum/reports.html",
        here="reports",
        groups=[(plugin_title(request, owner), reports) for owner, reports in groups.items()],
        metrics=metrics,
        charts=charts,
    )


@get("/reports/{report_id:str}", opt=OPEN, include_in_schema=False)
async def show_report(request: Call, report_id: FromPath[str]) -> Html:
    """One report with its form, and its answer."""
    house = request.house
    report = house.registry.reports.get(report_id)
    refuse_without(request.viewer, report.permission)
    visit = Visit.of(request, house.registry.plugin_of(report_id))
    title = visit.say(report.title)
    form, params = _asked(request, report.params)
    parts: list[Part] = []
    failed = False
    if not form.problems:
        try:
            parts = parts_of(await run_report(house.registry, report_id, params), visit, title)
        except PluginError:
            failed = True
        except RelatumError as error:
            form.refuse(error)
    return await page(
        request,
        "relatum/report.html",
        here="reports",
        forms=(form,),
        fragments={"result": "relatum/report_result.html"},
        report=report,
        there=f"/reports/{report_id}",
        title=title,
        fields=_fields(report.params, visit),
        parts=parts,
        failed=failed,
    )


def _asked(request: Call, kind: type[msgspec.Struct] | None) -> tuple[Form, Any]:
    pairs = [
        pair
        for pair in pairs_of(request.scope["query_string"])
        if pair[0] != "lang" and pair[1] != ""
    ]
    form = Form("filter", dict(pairs))
    if kind is None:
        request.refuse_query(("lang",))
        return form, None
    form._fields = [field.encode_name for field in msgspec.structs.fields(kind)]
    try:
        from urllib.parse import urlencode

        zone = request.house.settings.company.time_zone
        return form, read_query(urlencode(pairs).encode(), kind, time_zone=zone)
    except RelatumError as error:
        form.refuse(error)
        return form, None


def _fields(kind: type[msgspec.Struct] | None, visit: Visit) -> list[Field]:
    if kind is None:
        return []
    info = inspect.type_info(kind)
    if not isinstance(info, inspect.StructType):
        return []
    return [_field(field.encode_name, field.type, visit) for field in info.fields]


def _field(name: str, kind: inspect.Type, visit: Visit) -> Field:
    title = field_title(visit, name)
    inner = _inner(kind)
    if isinstance(inner, inspect.DateType | inspect.DateTimeType):
        return Field(name=name, title=title, kind="date")
    if isinstance(inner, inspect.IntType | inspect.FloatType):
        return Field(name=name, title=title, kind="number")
    if isinstance(inner, inspect.BoolType):
        text = translations(visit.language).gettext
        options = [("true", text("Yes")), ("false", text("No"))]
        return Field(name=name, title=title, kind="choice", options=options)
    if isinstance(inner, inspect.LiteralType):
        options = [(str(value), field_title(visit, str(value))) for value in inner.values]
        return Field(name=name, title=title, kind="choice", options=options)
    return Field(name=name, title=title, kind="text")


def _inner(kind: inspect.Type) -> inspect.Type:
    if isinstance(kind, inspect.Metadata):
        return _inner(kind.type)
    if isinstance(kind, inspect.UnionType):
        rest = [each for each in kind.types if not isinstance(each, inspect.NoneType)]
        return _inner(rest[0]) if rest else kind
    return kind


ROUTES = [show_reports, show_report]
