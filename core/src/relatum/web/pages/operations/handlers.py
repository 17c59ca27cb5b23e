"""Event handlers: how far each has come in the log, and the events that it could not take."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import msgspec
from litestar import get, post
from litestar.params import FromPath

from relatum.access.viewer import SYSTEM, acting_as
from relatum.db.guarding import as_the_house
from relatum.http.answers import Answer, Html
from relatum.http.calls import Call
from relatum.http.routes.operations.names import told
from relatum.values.problems import NotFound, RelatumError
from relatum.values.time import format_duration
from relatum.web.forms import Form, Nothing, sent
from relatum.web.languages import language_of
from relatum.web.layout import Redirect, page
from relatum.web.pages.operations.names import READ, WRITE

if TYPE_CHECKING:
    from uuid import UUID

    from relatum.events.runner import HandlerStatus, ParkedEvent

HERE = "/settings/handlers"
MOST_SHOWN = 100
#: What an event holds is for those who may read the audit trail.
TRAIL = "core.audit.read"


class ParkedLine(msgspec.Struct, frozen=True, kw_only=True):
    """A parked event as somebody may see it.

    Attributes:
        customer: its id and name, for those who see the customer.
        title: of its type.
        payload: what it holds, for those who may read the audit trail.
    """

    parked: ParkedEvent
    title: str
    customer: tuple[UUID, str] | None
    error: str
    payload: str


@get(HERE, opt=READ, include_in_schema=False)
async def show_handlers(request: Call) -> Html:
    """Every handler that is on."""
    request.refuse_query(("lang",))
    statuses = await _statuses(request)
    busy = any(status.replay or status.lag for status in statuses)
    return await page(
        request,
        "relatum/handlers.html",
        here="handlers",
        fragments={"handlers": "relatum/handlers_list.html"},
        statuses=statuses,
        busy=busy,
        lasting=_lasting(request),
    )


@get("/settings/handlers/{handler_id:str}", opt=READ, include_in_schema=False)
async def show_handler(request: Call, handler_id: FromPath[str]) -> Html:
    """One handler, with what is parked at it."""
    request.refuse_query(("lang",))
    return await _page(request, handler_id, Form("act"))


@post("/settings/handlers/{handler_id:str}/retry", opt=WRITE, include_in_schema=False)
async def retry_handler(request: Call, handler_id: FromPath[str]) -> Answer[Any]:
    """Try its parked events again, now."""
    return await _act(request, handler_id, "retry", "handler-retried")


@post("/settings/handlers/{handler_id:str}/pause", opt=WRITE, include_in_schema=False)
async def pause_handler(request: Call, handler_id: FromPath[str]) -> Answer[Any]:
    """Let it stand where it is."""
    return await _act(request, handler_id, "pause", "handler-paused")


@post("/settings/handlers/{handler_id:str}/resume", opt=WRITE, include_in_schema=False)
async def resume_handler(request: Call, handler_id: FromPath[str]) -> Answer[Any]:
    """Let it go on."""
    return await _act(request, handler_id, "resume", "handler-resumed")


@post("/settings/handlers/{handler_id:str}/replay", opt=WRITE, include_in_schema=False)
async def replay_handler(request: Call, handler_id: FromPath[str]) -> Answer[Any]:
    """Empty what it has built, and let it build it again."""
    return await _act(request, handler_id, "replay", "handler-replays")


async def _act(request: Call, handler_id: str, what: str, flash: str) -> Answer[Any]:
    form = Form("act")
    await _status(request, handler_id)
    try:
        form.take(await sent(request), Nothing)
        # handlers work for everybody, not for whoever starts them
        with acting_as(SYSTEM), as_the_house():
            count = await getattr(request.house.handlers, what)(handler_id)
    except RelatumError as error:
        form.refuse(error)
        return await _page(request, handler_id, form)
    values = {"count": count} if isinstance(count, int) else {}
    return Redirect(f"{HERE}/{handler_id}", flash=flash, values=values)


async def _page(request: Call, handler_id: str, form: Form) -> Html:
    status = await _status(request, handler_id)
    handler = request.house.registry.handlers.get(handler_id)
    return await page(
        request,
        "relatum/handler.html",
        here="handlers",
        forms=(form,),
        address=f"{HERE}/{handler_id}",
        fragments={"handler": "relatum/handler_state.html"},
        status=status,
        lines=await _parked(request, handler_id),
        events=handler.events,
        replayable=handler.reset is not None,
        busy=bool(status.replay or status.lag),
        lasting=_lasting(request),
        most=MOST_SHOWN,
    )


async def _parked(request: Call, handler_id: str) -> list[ParkedLine]:
    house, viewer = request.house, request.viewer
    with acting_as(SYSTEM), as_the_house():
        parked = await house.handlers.parked(handler_id, limit=MOST_SHOWN)
    ids = list({each.customer for each in parked if each.customer is not None})
    names: dict[UUID, str] = {}
    if ids and viewer.may("core.customers.read"):
        names = {one.id: one.display_name for one in await house.customers.get_many(ids)}
    language = language_of(request)
    titles = {kind.id: kind.title.in_language(language) for kind in house.registry.event_types}
    lines = []
    for each in parked:
        event, customer = each.event, each.customer
        sees = customer is None or customer in names
        lines.append(
            ParkedLine(
                parked=each,
                title=titles.get(event.type, event.type) if event is not None else "",
                customer=(customer, names[customer]) if customer in names else None,
                error=told(each.error, viewer) if each.attempts else "",
                payload=_told(each) if viewer.may(TRAIL) and sees else "",
            )
        )
    return lines


def _told(parked: ParkedEvent) -> str:
    if parked.event is None:
        return ""
    return msgspec.json.format(bytes(parked.event.payload), indent=2).decode()


async def _statuses(request: Call) -> list[HandlerStatus]:
    return [
        msgspec.structs.replace(status, error=told(status.error, request.viewer))
        for status in await request.house.handlers.status()
    ]


async def _status(request: Call, handler_id: str) -> HandlerStatus:
    for status in await _statuses(request):
        if status.id == handler_id:
            return status
    raise NotFound(f"expected a handler that is on, got {handler_id[:120]!r}; look at the list")


def _lasting(request: Call) -> Any:
    return functools.partial(format_duration, language=language_of(request))


ROUTES = [
    show_handlers,
    show_handler,
    retry_handler,
    pause_handler,
    resume_handler,
    replay_handler,
]
