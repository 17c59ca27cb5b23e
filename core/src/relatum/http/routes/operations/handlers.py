"""``/api/v1/handlers``: how far the event handlers are, trying parked events again, replaying,
pausing."""

from __future__ import annotations

import msgspec
from litestar import get, post
from litestar.params import FromPath

from relatum.access.viewer import SYSTEM, acting_as
from relatum.db.guarding import as_the_house
from relatum.events.runner import HandlerStatus
from relatum.http.answers import Answer
from relatum.http.calls import Call
from relatum.http.routes.operations.names import READ, TAGS, WRITE, told
from relatum.values.problems import NotFound


class ListedHandlers(msgspec.Struct, frozen=True):
    """Every handler that is on."""

    items: list[HandlerStatus]


class Handled(msgspec.Struct, frozen=True):
    """How many parked events went through."""

    handled: int


@get("/api/v1/handlers", opt={"permission": READ}, tags=TAGS)
async def read_handlers(request: Call) -> Answer[ListedHandlers]:
    """How far each handler has come, and the events that it could not take."""
    request.refuse_query()
    return Answer(ListedHandlers(await _statuses(request)))


@get("/api/v1/handlers/{handler_id:str}", opt={"permission": READ}, tags=TAGS)
async def read_handler(request: Call, handler_id: FromPath[str]) -> Answer[HandlerStatus]:
    """How far one handler has come, also on its way through a replay."""
    request.refuse_query()
    return Answer(await _status(request, handler_id))


@post(
    "/api/v1/handlers/{handler_id:str}/retry",
    opt={"permission": WRITE},
    tags=TAGS,
    status_code=200,
)
async def retry_handler(request: Call, handler_id: FromPath[str]) -> Answer[Handled]:
    """Try the parked events of a handler again, now."""
    request.refuse_query()
    # handlers work for everybody, not for whoever starts them
    with acting_as(SYSTEM), as_the_house():
        handled = await request.house.handlers.retry(handler_id)
    return Answer(Handled(handled))


@post(
    "/api/v1/handlers/{handler_id:str}/replay",
    opt={"permission": WRITE},
    tags=TAGS,
    status_code=202,
)
async def replay_handler(request: Call, handler_id: FromPath[str]) -> Answer[HandlerStatus]:
    """Empty what a handler has built and let it build it again from the beginning of the log; it
    goes on in the background."""
    request.refuse_query()
    with acting_as(SYSTEM), as_the_house():
        await request.house.handlers.replay(handler_id)
    return Answer(await _status(request, handler_id), status=202)


@post(
    "/api/v1/handlers/{handler_id:str}/pause",
    opt={"permission": WRITE},
    tags=TAGS,
    status_code=200,
)
async def pause_handler(request: Call, handler_id: FromPath[str]) -> Answer[HandlerStatus]:
    """Let a handler stand where it is, in every process: also in the middle of a replay."""
    request.refuse_query()
    with acting_as(SYSTEM), as_the_house():
        await request.house.handlers.pause(handler_id)
    return Answer(await _status(request, handler_id))


@post(
    "/api/v1/handlers/{handler_id:str}/resume",
    opt={"permission": WRITE},
    tags=TAGS,
    status_code=200,
)
async def resume_handler(request: Call, handler_id: FromPath[str]) -> Answer[HandlerStatus]:
    """Let a paused handler go on from where it stands."""
    request.refuse_query()
    with acting_as(SYSTEM), as_the_house():
        await request.house.handlers.resume(handler_id)
    return Answer(await _status(request, handler_id))


async def _statuses(request: Call) -> list[HandlerStatus]:
    return [
        msgspec.structs.replace(status, error=told(status.error, request.viewer))
        for status in await request.house.handlers.status()
    ]


async def _status(request: Call, handler_id: str) -> HandlerStatus:
    for status in await _statuses(request):
        if status.id == handler_id:
            return status
    raise NotFound(
        f"expected a handler that is on, got {handler_id[:120]!r}; GET /api/v1/handlers lists them"
    )


ROUTES = [
    read_handlers,
    read_handler,
    retry_handler,
    replay_handler,
    pause_handler,
    resume_handler,
]
