"""``/api/v1/reports``: what can be asked, and the answers."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import get
from litestar.params import FromPath

from relatum.http.answers import Answer
from relatum.http.calls import Call
from relatum.http.permissions import refuse_without
from relatum.http.queries import parameter_names
from relatum.reports import running
from relatum.values.text import Text

READ = "core.reports.read"
TAGS = ["reports"]


class ReportShown(msgspec.Struct, frozen=True, kw_only=True):
    """A report that can be asked for, and its query parameters."""

    id: str
    title: Text
    permission: str
    parameters: list[str]


class ListedReports(msgspec.Struct, frozen=True):
    """The reports of core and of the plugins that are on."""

    items: list[ReportShown]


@get("/reports", opt={"permission": READ}, tags=TAGS)
async def list_reports(request: Call) -> Answer[ListedReports]:
    """The reports that you may ask for."""
    request.refuse_query()
    shown = [
        ReportShown(
            id=report.id,
            title=report.title,
            permission=report.permission,
            parameters=parameter_names(report.params) if report.params is not None else [],
        )
        for report in sorted(request.house.registry.reports, key=lambda report: report.id)
        if request.viewer.may(report.permission)
    ]
    return Answer(ListedReports(shown))


@get("/reports/{report_id:str}", opt={"permission": READ, "open_query": True}, tags=TAGS)
async def run_report(request: Call, report_id: FromPath[str]) -> Answer[Any]:
    """Run one report; its parameters are query parameters. It asks for a permission of its own."""
    registry = request.house.registry
    report = registry.reports.get(report_id)
    refuse_without(request.viewer, report.permission)
    params = None
    if report.params is None:
        request.refuse_query()
    else:
        params = request.query_as(report.params)
    return Answer(await running.run_report(registry, report_id, params))


ROUTES = [list_reports, run_report]
