"""What runs and whether it is well: health, plugins, handlers, jobs, imports."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import msgspec
from litestar import get, post
from litestar.params import FromPath

from relatum.http.answers import Answer
from relatum.http.calls import Call
from relatum.http.problems import failure_of
from relatum.plugins.states import PluginProblem, PluginState

if TYPE_CHECKING:
    from relatum.app.house import House

log = logging.getLogger("relatum.http")

TAGS = ["operations"]


class Health(msgspec.Struct, frozen=True):
    """The process lives."""

    status: str = "ok"


class Readiness(msgspec.Struct, frozen=True):
    """Whether requests can be served, and every reason why not."""

    status: str
    reasons: list[str] = []


class ListedPlugins(msgspec.Struct, frozen=True):
    """Every installed plugin, and what is wrong with the installation as a whole."""

    items: list[PluginState]
    problems: list[PluginProblem]


class Many(msgspec.Struct, frozen=True):
    """Everything there is, without pages."""

    items: list[Any]


class Retried(msgspec.Struct, frozen=True):
    """How many parked events went through."""

    handled: int


@get("/health", opt={"permission": "public"}, tags=TAGS)
async def health(request: Call) -> Answer[Health]:
    """200 as long as the process lives; touches no database."""
    return Answer(Health())


@get("/ready", opt={"permission": "public"}, tags=TAGS)
async def ready(request: Call) -> Answer[Readiness]:
    """200 when the database answers and core is migrated, else 503 with the reasons."""
    reasons = await reasons_not_ready(request.house)
    if not reasons:
        return Answer(Readiness("ready"))
    return Answer(Readiness("not ready", reasons), status=503, headers=[(b"retry-after", b"1")])


@get("/api/v1/plugins", opt={"permission": "core.plugins.read"}, tags=TAGS)
async def read_plugins(request: Call) -> Answer[ListedPlugins]:
    """Every installed plugin: its state and version, and what is wrong with it."""
    request.refuse_query()
    plugins = request.house.plugins
    return Answer(ListedPlugins(plugins.states(), plugins.installation_problems()))


@get("/api/v1/handlers", opt={"permission": "core.operations.read"}, tags=TAGS)
async def read_handlers(request: Call) -> Answer[Many]:
    """How far each handler has come, and the events that it could not take."""
    request.refuse_query()
    return Answer(Many(list(await request.house.handlers.status())))


@post(
    "/api/v1/handlers/{handler_id:str}/retry",
    opt={"permission": "core.operations.write"},
    tags=TAGS,
    status_code=200,
)
async def retry_handler(request: Call, handler_id: FromPath[str]) -> Answer[Retried]:
    """Try the parked events of a handler again, now."""
    request.refuse_query()
    return Answer(Retried(await request.house.handlers.retry(handler_id)))


@get("/api/v1/jobs", opt={"permission": "core.operations.read"}, tags=TAGS)
async def read_jobs(request: Call) -> Answer[Many]:
    """When each job ran, when it is due, what went wrong the last time."""
    request.refuse_query()
    return Answer(Many(list(await request.house.jobs.status())))


async def reasons_not_ready(house: House) -> list[str]:
    """Why requests cannot be served; empty when they can."""
    try:
        await house.db.fetch_one("SELECT 1")
        pending = await house.core_pending()
    except Exception as error:  # noqa: BLE001 - whatever it is, the answer is "not ready"
        log.warning("not ready: %r", error)
        return [failure_of(error).error.detail]
    if pending:
        apps = ", ".join(sorted({step.app for step in pending}))
        return [f"{len(pending)} migrations have not run ({apps}); run `relatum migrate --apply`"]
    return []


ROUTES = [health, ready, read_plugins, read_handlers, retry_handler, read_jobs]
