"""``/api/v1/jobs`` and ``/api/v1/schedules``: what background work there is and how it stands."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import get, post
from litestar.params import FromPath

from relatum.http.answers import Answer
from relatum.http.calls import Call
from relatum.http.routes.operations.names import READ, TAGS, WRITE, told
from relatum.http.routes.operations.runs import ShownRun, shown
from relatum.jobs.asking import arguments_of
from relatum.jobs.types import QueueStatus, ScheduleStatus


class ListedQueues(msgspec.Struct, frozen=True):
    """Every job that has runs in the queue or is declared, by id."""

    items: list[QueueStatus]


class ListedSchedules(msgspec.Struct, frozen=True):
    """Every job with a schedule, by id; also those whose plugins are off."""

    items: list[ScheduleStatus]


class Retried(msgspec.Struct, frozen=True):
    """How many dead letters will run again."""

    retried: int


class Ask(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a run is asked for with: the job's own arguments, as it declares them."""

    args: dict[str, Any] | None = None


@get("/api/v1/jobs", opt={"permission": READ}, tags=TAGS)
async def read_jobs(request: Call) -> Answer[ListedQueues]:
    """How many runs of each job wait, go on, and have failed for good."""
    request.refuse_query()
    house = request.house
    found = {status.job: status for status in await house.jobs.queues()}
    for job in house.registry.jobs.ids():
        found.setdefault(job, _without_runs(job))
    return Answer(ListedQueues([found[job] for job in sorted(found)]))


@get("/api/v1/schedules", opt={"permission": READ}, tags=TAGS)
async def read_schedules(request: Call) -> Answer[ListedSchedules]:
    """When each scheduled job ran, when it is due, what went wrong the last time."""
    request.refuse_query()
    schedules = await request.house.jobs.schedules()
    return Answer(
        ListedSchedules(
            [
                msgspec.structs.replace(each, error=told(each.error, request.viewer))
                for each in schedules
            ]
        )
    )


@post(
    "/api/v1/jobs/{job_id:str}/run",
    opt={"permission": WRITE, "body": Ask},
    tags=TAGS,
    status_code=202,
)
async def run_job(request: Call, job_id: FromPath[str]) -> Answer[ShownRun]:
    """Ask for a run of a job, now. It goes on in the background."""
    request.refuse_query()
    house = request.house
    asked = await request.read(Ask) if await request.body() else Ask()
    args = arguments_of(house.registry.jobs.get(job_id), asked.args)
    run = await house.jobs.enqueue(job_id, args)
    location = (b"location", f"/api/v1/runs/{run}".encode())
    made = shown(await house.jobs.get(run), request.viewer)
    return Answer(made, status=202, headers=[location])


@post("/api/v1/jobs/{job_id:str}/retry", opt={"permission": WRITE}, tags=TAGS, status_code=200)
async def retry_job(request: Call, job_id: FromPath[str]) -> Answer[Retried]:
    """Let all dead letters of a job run again."""
    request.refuse_query()
    return Answer(Retried(await request.house.jobs.retry_all(job_id)))


def _without_runs(job: str) -> QueueStatus:
    return QueueStatus(job=job, on=True, waiting=0, running=0, failed=0, oldest_seconds=0.0)


ROUTES = [read_jobs, read_schedules, run_job, retry_job]
