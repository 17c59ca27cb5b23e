"""Files of charts and dashboards on a schedule."""

from __future__ import annotations

from typing import Annotated, Any, get_args

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from relatum.access.viewer import current_viewer
from relatum.http.answers import Answer, Html
from relatum.http.calls import Call, id_in_path
from relatum.reports.types import Days, Every, FileFormat, ScheduleDraft
from relatum.values.problems import RelatumError
from relatum.web.forms import Form, Nothing, sent
from relatum.web.languages import language_of
from relatum.web.layout import PAGE, Redirect, page
from relatum.web.pages.reporting.sending import FileAnswer
from relatum.web.pages.reporting.wording import EVERY, options

READ = {"permission": "core.reports.read", **PAGE}
HERE = "/reports/schedules"


class Planned(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is to be written, ``chart:<id>`` or ``dashboard:<id>``, and when."""

    what: Annotated[str, Meta(max_length=60, pattern=r"^(chart|dashboard):.+$")]
    format: FileFormat = "xlsx"
    every: Every = "week"
    day: Days = 1
    at: Annotated[str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] = "07:00"
    keep_days: Annotated[int, Meta(ge=1, le=366)] = 90


class Chosen(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the form begins with."""

    what: Annotated[str, Meta(max_length=60)] = ""


@get(HERE, opt=READ, include_in_schema=False)
async def show_schedules(request: Call) -> Html:
    """One's own schedules with their files."""
    from relatum.web.filters import filtered

    _, chosen = filtered(request, Chosen)
    start = {"what": chosen.what, "at": "07:00", "day": 1, "keep_days": 90, "every": "week"}
    return await _schedules_page(request, Form("schedule", start))


@post(HERE, opt=READ, include_in_schema=False)
async def make_schedule(request: Call) -> Answer[Any]:
    """Begin one."""
    form = Form("schedule")
    try:
        asked = form.take(await sent(request), Planned)
        kind, _, id = asked.what.partition(":")
        draft = ScheduleDraft(
            kind="chart" if kind == "chart" else "dashboard",
            subject=id_in_path(id, kind),
            format=asked.format,
            language=language_of(request),
            every=asked.every,
            day=asked.day,
            at=asked.at,
            keep_days=asked.keep_days,
        )
        await request.house.report_schedules.keep(draft, viewer=current_viewer())
    except RelatumError as error:
        form.refuse(error)
        return await _schedules_page(request, form)
    return Redirect(HERE, flash="schedule-made")


@post("/reports/schedules/{schedule_id:str}/now", opt=READ, include_in_schema=False)
async def write_now(request: Call, schedule_id: FromPath[str]) -> Answer[Any]:
    """Have one written at once."""
    Form("now").take(await sent(request), Nothing)
    id = id_in_path(schedule_id, "schedule")
    await request.house.report_schedules.order(id, viewer=current_viewer())
    return Redirect(HERE, flash="file-ordered")


@post("/reports/schedules/{schedule_id:str}/end", opt=READ, include_in_schema=False)
async def end_schedule(request: Call, schedule_id: FromPath[str]) -> Answer[Any]:
    """End one, with its files."""
    Form("ending").take(await sent(request), Nothing)
    id = id_in_path(schedule_id, "schedule")
    await request.house.report_schedules.end(id, viewer=current_viewer())
    return Redirect(HERE, flash="schedule-ended")


@get("/reports/files/{file_id:str}", opt=READ, include_in_schema=False)
async def fetch_file(request: Call, file_id: FromPath[str]) -> Answer[Any]:
    """One file of one's own."""
    id = id_in_path(file_id, "file")
    file, content = await request.house.report_schedules.open(id, viewer=current_viewer())
    return FileAnswer(content, file.name)


async def _schedules_page(request: Call, form: Form) -> Html:
    house, viewer = request.house, current_viewer()
    language = language_of(request)
    charts = await house.charts.find(viewer=viewer)
    boards = [each for each in await house.dashboards.find(viewer) if each.id is not None]
    return await page(
        request,
        "relatum/schedules.html",
        here="reports",
        forms=(form,),
        address=HERE,
        schedules=await house.report_schedules.find(viewer),
        charts=[(f"chart:{each.id}", each.title) for each in charts],
        boards=[(f"dashboard:{each.id}", each.title) for each in boards],
        formats=[(each, each.upper()) for each in get_args(FileFormat)],
        every=options(EVERY, language),
        said_every=EVERY,
    )


ROUTES = [show_schedules, make_schedule, write_now, end_schedule, fetch_file]
