"""``/api/v1/runs``: runs of jobs, one by one: looking, calling off, trying again, letting go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from litestar import delete, get, post
from litestar.params import FromPath
from msgspec import Meta

from relatum.db.pages import Page
from relatum.http.answers import Answer, paged
from relatum.http.calls import Call, id_in_path
from relatum.http.routes.operations.names import READ, TAGS, WRITE, told
from relatum.jobs.types import JobRun, RunState

if TYPE_CHECKING:
    from relatum.access.viewer import Viewer

#: One run, as it is shown. ``args``, ``result``, ``key``, ``unique`` and the text of ``error`` may
#: tell of customers whom not everybody sees; they are there for those who may also change runs
#: (``args`` and ``result`` only in the answer to one run).
ShownRun = JobRun


class RunQuery(msgspec.Struct, frozen=True):
    """Which runs to list, the newest first."""

    job: Annotated[str, Meta(max_length=160)] = ""
    states: list[RunState] = []
    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    cursor: str | None = None


@get("/api/v1/runs", opt={"permission": READ, "query": RunQuery}, tags=TAGS)
async def find_runs(request: Call) -> Answer[Page[ShownRun]]:
    """Runs, the newest first; those that ended well are kept for some days."""
    query = request.query_as(RunQuery)
    page = await request.house.jobs.find(
        job=query.job, states=query.states, limit=query.limit, cursor=query.cursor
    )
    items = [
        msgspec.structs.replace(shown(run, request.viewer), args=None, result=None)
        for run in page.items
    ]
    return paged(request, Page(items, page.next))


@get("/api/v1/runs/{run_id:str}", opt={"permission": READ}, tags=TAGS)
async def read_run(request: Call, run_id: FromPath[str]) -> Answer[ShownRun]:
    """One run: its state, how far it is, what went wrong."""
    request.refuse_query()
    run = await request.house.jobs.get(id_in_path(run_id, "run"))
    return Answer(shown(run, request.viewer))


@post("/api/v1/runs/{run_id:str}/cancel", opt={"permission": WRITE}, tags=TAGS, status_code=200)
async def cancel_run(request: Call, run_id: FromPath[str]) -> Answer[ShownRun]:
    """Call off a run: one that waits at once, one that goes on is asked to stop."""
    request.refuse_query()
    run = await request.house.jobs.cancel(id_in_path(run_id, "run"))
    return Answer(shown(run, request.viewer))


@post("/api/v1/runs/{run_id:str}/retry", opt={"permission": WRITE}, tags=TAGS, status_code=200)
async def retry_run(request: Call, run_id: FromPath[str]) -> Answer[ShownRun]:
    """Let a dead letter run again, as if for the first time."""
    request.refuse_query()
    run = await request.house.jobs.retry(id_in_path(run_id, "run"))
    return Answer(shown(run, request.viewer))


@delete("/api/v1/runs/{run_id:str}", opt={"permission": WRITE}, tags=TAGS, status_code=204)
async def drop_run(request: Call, run_id: FromPath[str]) -> None:
    """Let go of a dead letter for good."""
    request.refuse_query()
    await request.house.jobs.drop(id_in_path(run_id, "run"))


def shown(run: JobRun, viewer: Viewer) -> JobRun:
    """A run without what not everybody who sees runs may see."""
    if viewer.may(WRITE):
        return run
    hidden: dict[str, Any] = {"args": None, "result": None, "key": "", "unique": ""}
    progress = run.progress
    if progress is not None:
        hidden["progress"] = msgspec.structs.replace(progress, note="")
    return msgspec.structs.replace(run, error=told(run.error, viewer), **hidden)


ROUTES = [find_runs, read_run, cancel_run, retry_run, drop_run]
