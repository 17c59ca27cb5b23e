"""``/api/v1/plugins/consent/…``: thin; every route calls a service."""

from __future__ import annotations

import functools

import litestar
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from relatum.api import Answer, Call, Page, Plugin, id_in_path, paged
from relatum_consent.permissions import (
    BREACHES_READ,
    BREACHES_WRITE,
    LINKS_WRITE,
    REQUESTS_READ,
    REQUESTS_WRITE,
)
from relatum_consent.services.breaches import Breaches
from relatum_consent.services.carrying_out import Actor
from relatum_consent.services.links import Links
from relatum_consent.services.requests import Requests
from relatum_consent.types import (
    Breach,
    BreachDraft,
    BreachMove,
    BreachQuery,
    Link,
    LinkDraft,
    Move,
    Request,
    RequestDraft,
    RequestQuery,
)

get = functools.partial(litestar.get, request_class=Call)
post = functools.partial(litestar.post, request_class=Call)


@post("/links", opt={"permission": LINKS_WRITE})
async def make_link(
    request: Call, plugin: NamedDependency[Plugin], data: JSONBody[LinkDraft]
) -> Answer[Link]:
    """A new link to the preference page of a customer; whoever has it can change what it shows."""
    request.refuse_query()
    return Answer(await Links(plugin).make(data.customer, by=request.actor), status=201)


@post("/links/{link_id:str}/revoke", opt={"permission": LINKS_WRITE}, status_code=200)
async def revoke_link(
    request: Call, plugin: NamedDependency[Plugin], link_id: FromPath[str]
) -> Answer[Link]:
    """Make a link no good from now on."""
    request.refuse_query()
    return Answer(await Links(plugin).revoke(id_in_path(link_id, "link"), by=request.actor))


@get("/requests", opt={"permission": REQUESTS_READ, "query": RequestQuery})
async def find_requests(request: Call, plugin: NamedDependency[Plugin]) -> Answer[Page[Request]]:
    """Requests of data subjects, the first due first, one page at a time."""
    return paged(request, await Requests(plugin).find(request.query_as(RequestQuery)))


@post("/requests", opt={"permission": REQUESTS_WRITE})
async def receive_request(
    request: Call, plugin: NamedDependency[Plugin], data: JSONBody[RequestDraft]
) -> Answer[Request]:
    """Write down a request; its clocks begin with the day it came."""
    request.refuse_query()
    return Answer(await Requests(plugin).receive(data, by=request.actor), status=201)


@get("/requests/{request_id:str}", opt={"permission": REQUESTS_READ})
async def read_request(
    request: Call, plugin: NamedDependency[Plugin], request_id: FromPath[str]
) -> Answer[Request]:
    """One request."""
    request.refuse_query()
    return Answer(await Requests(plugin).get(id_in_path(request_id, "request")))


@post("/requests/{request_id:str}/moves", opt={"permission": REQUESTS_WRITE}, status_code=200)
async def move_request(
    request: Call,
    plugin: NamedDependency[Plugin],
    request_id: FromPath[str],
    data: JSONBody[Move],
) -> Answer[Request]:
    """Take the next step: check who it is, begin, carry out, extend, answer, refuse."""
    request.refuse_query()
    id = id_in_path(request_id, "request")
    return Answer(await Requests(plugin).move(id, data, Actor(request.actor, request.viewer)))


@get("/breaches", opt={"permission": BREACHES_READ, "query": BreachQuery})
async def find_breaches(request: Call, plugin: NamedDependency[Plugin]) -> Answer[Page[Breach]]:
    """The record of breaches, one page at a time."""
    return paged(request, await Breaches(plugin).find(request.query_as(BreachQuery)))


@post("/breaches", opt={"permission": BREACHES_WRITE})
async def record_breach(
    request: Call, plugin: NamedDependency[Plugin], data: JSONBody[BreachDraft]
) -> Answer[Breach]:
    """Record a breach; the clock runs from its discovery."""
    request.refuse_query()
    return Answer(await Breaches(plugin).record(data, by=request.actor), status=201)


@post("/breaches/{breach_id:str}/moves", opt={"permission": BREACHES_WRITE}, status_code=200)
async def move_breach(
    request: Call,
    plugin: NamedDependency[Plugin],
    breach_id: FromPath[str],
    data: JSONBody[BreachMove],
) -> Answer[Breach]:
    """Say that the authority was told, or that nothing is left to do."""
    request.refuse_query()
    id = id_in_path(breach_id, "breach")
    return Answer(await Breaches(plugin).move(id, data, by=request.actor))


ROUTES = [
    make_link,
    revoke_link,
    find_requests,
    receive_request,
    read_request,
    move_request,
    find_breaches,
    record_breach,
    move_breach,
]
