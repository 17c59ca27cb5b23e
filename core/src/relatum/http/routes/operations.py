"""What runs and whether it is well: health, plugins, handlers, jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from litestar import get, post
from litestar.params import FromPath

from relatum.access.viewer import PUBLIC, SYSTEM, acting_as
from relatum.db.guarding import as_the_house
from relatum.events.runner import HandlerStatus
from relatum.http.answers import Answer
from relatum.http.calls import Call
from relatum.http.readiness import Readiness
from relatum.jobs.types import ScheduleStatus
from relatum.plugins.states import PluginProblem, PluginState

if TYPE_CHECKING:
    from relatum.app.asgi import Application

TAGS = ["operations"]


class Health(msgspec.Struct, frozen=True):
    """The process lives."""

    status: str = "ok"


class ListedPlugins(msgspec.Struct, frozen=True):
    """Every installed plugin, and what is wrong with the installation as a whole."""

    items: list[PluginState]
    problems: list[PluginProblem]


class ListedHandlers(msgspec.Struct, frozen=True):
    """Every handler that is on."""

    items: list[HandlerStatus]


class ListedJobs(msgspec.Struct, frozen=True):
    """Every job with a schedule."""

    items: list[ScheduleStatus]


class Retried(msgspec.Struct, frozen=True):
    """How many parked events went through."""

    handled: int


@get("/health", opt={"permission": PUBLIC}, tags=TAGS)
async def health(request: Call) -> Answer[Health]:
    """200 as long as the process lives; touches no database."""
    return Answer(Health())


@get("/ready", opt={"permission": PUBLIC}, tags=TAGS)
async def ready(request: Call) -> Answer[Readiness]:
    """200 when the database answers and core is migrated, else 503 with the reasons."""
    app: Application = request.scope["litestar_app"]  # type: ignore[assignment]
    return app.readiness.answer(await app.readiness.reasons())


@get("/api/v1/plugins", opt={"permission": "core.plugins.read"}, tags=TAGS)
async def read_plugins(request: Call) -> Answer[ListedPlugins]:
    """Every installed plugin: its state and version, and what is wrong with it."""
    request.refuse_query()
    plugins = request.house.plugins
    return Answer(ListedPlugins(plugins.states(), plugins.installation_problems()))


@get("/api/v1/handlers", opt={"permission": "core.operations.read"}, tags=TAGS)
async def read_handlers(request: Call) -> Answer[ListedHandlers]:
    """How far each handler has come, and the events that it could not take."""
    request.refuse_query()
    return Answer(ListedHandlers(await request.house.handlers.status()))


@post(
    "/api/v1/handlers/{handler_id:str}/retry",
    opt={"permission": "core.operations.write"},
    tags=TAGS,
    status_code=200,
)
async def retry_handler(request: Call, handler_id: FromPath[str]) -> Answer[Retried]:
    """Try the parked events of a handler again, now."""
    request.refuse_query()
    # handlers work for everybody, not for whoever starts them
    with acting_as(SYSTEM), as_the_house():
        handled = await request.house.handlers.retry(handler_id)
    return Answer(Retried(handled))


@get("/api/v1/jobs", opt={"permission": "core.operations.read"}, tags=TAGS)
async def read_jobs(request: Call) -> Answer[ListedJobs]:
    """When each job ran, when it is due, what went wrong the last time."""
    request.refuse_query()
    return Answer(ListedJobs(await request.house.jobs.schedules()))


ROUTES = [health, ready, read_plugins, read_handlers, retry_handler, read_jobs]
