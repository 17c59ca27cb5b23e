"""Runs of jobs: found by job, state and day; one of them with how far it is and what went wrong."""

from __future__ import annotations

import datetime as dt
import functools
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from relatum.http.answers import Answer, Html
from relatum.http.calls import Call, id_in_path
from relatum.http.routes.operations.runs import shown
from relatum.jobs.types import RunState
from relatum.values.problems import InvalidInput, NotFound, RelatumError
from relatum.values.time import format_duration, zone_of
from relatum.web.filters import filtered, next_page
from relatum.web.forms import Form, Nothing, sent
from relatum.web.languages import language_of
from relatum.web.layout import Redirect, page
from relatum.web.pages.operations.names import READ, STATES, WRITE, titles_of
from relatum.web.reading import zone_here

HERE = "/settings/jobs/runs"
MOST_SHOWN = 50
DAY = dt.timedelta(days=1)


class RunFilter(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which runs; ``first`` and ``last`` are days of the company on which they were asked for."""

    job: Annotated[str, Meta(max_length=160)] = ""
    state: RunState | None = None
    first: dt.date | None = None
    last: dt.date | None = None
    cursor: Annotated[str, Meta(max_length=500)] | None = None


@get(HERE, opt=READ, include_in_schema=False)
async def show_runs(request: Call) -> Html:
    """Runs, the newest first."""
    form, asked = filtered(request, RunFilter)
    zone = zone_of(zone_here(request.house))
    jobs = request.house.jobs
    try:
        found = await jobs.find(
            job=asked.job,
            states=[asked.state] if asked.state else [],
            limit=MOST_SHOWN,
            cursor=asked.cursor,
            asked_from=_midnight(asked.first, zone),
            asked_before=_midnight(asked.last + DAY, zone) if asked.last else None,
        )
    except InvalidInput as error:
        form.refuse(error)
        found = await jobs.find(limit=MOST_SHOWN)
    language = language_of(request)
    titles = titles_of(request.house.registry, language)
    runs = [shown(run, request.viewer) for run in found.items]
    return await page(
        request,
        "relatum/runs.html",
        here="jobs",
        forms=(form,),
        fragments={"runs": "relatum/runs_list.html"},
        runs=runs,
        titles=titles,
        jobs=sorted(titles.items(), key=lambda pair: pair[1]),
        states=STATES,
        next=next_page(request, found.next),
        busy=any(run.state in ("waiting", "running") for run in runs),
        again=str(request.url.path) + (f"?{request.url.query}" if request.url.query else ""),
        lasting=functools.partial(format_duration, language=language),
    )


@get("/settings/jobs/runs/{run_id:str}", opt=READ, include_in_schema=False)
async def show_run(request: Call, run_id: FromPath[str]) -> Html:
    """One run."""
    request.refuse_query(("lang",))
    return await _page(request, id_in_path(run_id, "run"), Form("act"))


@post("/settings/jobs/runs/{run_id:str}/cancel", opt=WRITE, include_in_schema=False)
async def cancel_run(request: Call, run_id: FromPath[str]) -> Answer[Any]:
    """Call a run off."""
    return await _act(request, run_id, "cancel", "run-called-off")


@post("/settings/jobs/runs/{run_id:str}/retry", opt=WRITE, include_in_schema=False)
async def retry_run(request: Call, run_id: FromPath[str]) -> Answer[Any]:
    """Let a run that has failed for good run again."""
    return await _act(request, run_id, "retry", "run-retried")


@post("/settings/jobs/runs/{run_id:str}/drop", opt=WRITE, include_in_schema=False)
async def drop_run(request: Call, run_id: FromPath[str]) -> Answer[Any]:
    """Let go of a run that has failed for good."""
    return await _act(request, run_id, "drop", "run-dropped")


async def _act(request: Call, run_id: str, what: str, flash: str) -> Answer[Any]:
    id = id_in_path(run_id, "run")
    form = Form("act")
    try:
        form.take(await sent(request), Nothing)
        await getattr(request.house.jobs, what)(id)
    except NotFound:
        raise
    except RelatumError as error:
        form.refuse(error)
        return await _page(request, id, form)
    return Redirect(f"{HERE}/{id}", flash=flash)


async def _page(request: Call, id: UUID, form: Form) -> Html:
    language = language_of(request)
    run = shown(await request.house.jobs.get(id), request.viewer)
    return await page(
        request,
        "relatum/run.html",
        here="jobs",
        forms=(form,),
        address=f"{HERE}/{id}",
        fragments={"run": "relatum/run_state.html"},
        run=run,
        title=titles_of(request.house.registry, language).get(run.job, run.job),
        args=_told(run.args),
        result=_told(run.result),
        busy=run.state in ("waiting", "running"),
        states=STATES,
        lasting=functools.partial(format_duration, language=language),
    )


def _told(value: object) -> str:
    """Plain data as text that can be read."""
    if value is None:
        return ""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def _midnight(day: dt.date | None, zone: dt.tzinfo) -> dt.datetime | None:
    return None if day is None else dt.datetime.combine(day, dt.time(), zone)


ROUTES = [show_runs, show_run, cancel_run, retry_run, drop_run]
