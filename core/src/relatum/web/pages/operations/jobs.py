"""Jobs: what is done in the background, when next, and how much of it waits or has failed."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import msgspec
from litestar import get, post
from litestar.params import FromPath

from relatum.http.answers import Answer, Html
from relatum.http.calls import Call
from relatum.http.routes.operations.names import told
from relatum.values.problems import RelatumError
from relatum.values.time import format_duration
from relatum.web.forms import Form, Nothing, sent
from relatum.web.languages import Language, language_of
from relatum.web.layout import Redirect, page
from relatum.web.pages.operations.names import READ, WRITE, schedule_text, titles_of

if TYPE_CHECKING:
    from relatum.hooks.declarations import Job
    from relatum.jobs.types import QueueStatus, ScheduleStatus

HERE = "/settings/jobs"


class JobLine(msgspec.Struct, frozen=True, kw_only=True):
    """One job as it is shown.

    Attributes:
        on: whether its plugin is on.
        plain: whether it can be run without saying more.
    """

    id: str
    title: str
    on: bool
    when: str
    plain: bool
    queue: QueueStatus | None
    schedule: ScheduleStatus | None
    error: str


@get(HERE, opt=READ, include_in_schema=False)
async def show_jobs(request: Call) -> Html:
    """Every job that is declared or has runs or a schedule."""
    request.refuse_query(("lang",))
    return await _page(request, Form("act"))


@post("/settings/jobs/{job_id:str}/run", opt=WRITE, include_in_schema=False)
async def run_job(request: Call, job_id: FromPath[str]) -> Answer[Any]:
    """Ask for a run, now."""
    form = Form("act")
    try:
        form.take(await sent(request), Nothing)
        run = await request.house.jobs.enqueue(job_id)
    except RelatumError as error:
        form.refuse(error)
        return await _page(request, form)
    return Redirect(f"/settings/jobs/runs/{run}", flash="run-asked")


@post("/settings/jobs/{job_id:str}/retry", opt=WRITE, include_in_schema=False)
async def retry_job(request: Call, job_id: FromPath[str]) -> Answer[Any]:
    """Let everything of a job that has failed for good run again."""
    form = Form("act")
    try:
        form.take(await sent(request), Nothing)
        count = await request.house.jobs.retry_all(job_id)
    except RelatumError as error:
        form.refuse(error)
        return await _page(request, form)
    return Redirect(HERE, flash="runs-retried", values={"count": count})


async def _page(request: Call, form: Form) -> Html:
    language = language_of(request)
    lines = await _lines(request, language)
    return await page(
        request,
        "relatum/jobs.html",
        here="jobs",
        forms=(form,),
        address=HERE,
        fragments={"jobs": "relatum/jobs_list.html"},
        lines=lines,
        waiting=sum(line.queue.waiting for line in lines if line.queue),
        running=sum(line.queue.running for line in lines if line.queue),
        failed=sum(line.queue.failed for line in lines if line.queue),
        oldest=max((line.queue.oldest_seconds for line in lines if line.queue), default=0.0),
        lasting=functools.partial(format_duration, language=language),
    )


async def _lines(request: Call, language: Language) -> list[JobLine]:
    house = request.house
    queues = {status.job: status for status in await house.jobs.queues()}
    schedules = {status.id: status for status in await house.jobs.schedules()}
    declared: dict[str, Job] = {job.id: job for job in house.registry.jobs.declared()}
    titles = titles_of(house.registry, language)
    lines = []
    for id in sorted({*declared, *queues, *schedules}):
        job, schedule = declared.get(id), schedules.get(id)
        lines.append(
            JobLine(
                id=id,
                title=titles.get(id, id),
                on=house.registry.jobs.find(id) is not None,
                when=schedule_text(job, language) or (schedule.schedule if schedule else ""),
                plain=job is not None and (job.args is None or schedule is not None),
                queue=queues.get(id),
                schedule=schedule,
                error=told(schedule.error, request.viewer) if schedule else "",
            )
        )
    return lines


ROUTES = [show_jobs, run_job, retry_job]
