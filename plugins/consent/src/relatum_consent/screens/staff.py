"""The queue of requests, one request, and what belongs to one customer."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from relatum.api import (
    Conflict,
    Customer,
    Form,
    InvalidInput,
    Plugin,
    Redirect,
    Refused,
    Visit,
    id_in_path,
    local_day,
    next_page,
    now,
)
from relatum_consent.permissions import REQUESTS_READ, REQUESTS_WRITE
from relatum_consent.services.carrying_out import Actor
from relatum_consent.services.links import Links
from relatum_consent.services.requests import FROM, Requests
from relatum_consent.types import (
    CARRIED_OUT,
    KINDS,
    OPEN,
    IdentityMethod,
    Move,
    Request,
    RequestDraft,
    RequestKind,
    RequestQuery,
    Source,
    Words,
)
from relatum_consent.working_days import is_listed

HERE = "/p/consent"
PER_PAGE = 50
QUEUES = ("open", "answered", "refused")


class Queue(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Which requests are shown."""

    state: Literal["open", "answered", "refused"] = "open"
    cursor: Annotated[str, Meta(max_length=300)] = ""


class Taken(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The step that somebody takes."""

    do: Literal["check_identity", "start", "carry_out", "extend", "answer", "refuse"]
    method: IdentityMethod | None = None
    days: int = 0
    words: Words = ""


class OfCustomer(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What is done on the page of one customer."""

    do: Literal["link", "revoke", "request"]
    link: Annotated[str, Meta(max_length=40)] = ""
    kind: RequestKind | None = None
    source: Source = "email"
    received_on: dt.date | None = None
    processors: bool = False
    words: Words = ""


async def show_queue(plugin: Plugin, visit: Visit) -> dict[str, Any]:
    """Requests of one state, the first due first."""
    _, asked = visit.query(Queue)
    query = RequestQuery(state=asked.state, limit=PER_PAGE, cursor=asked.cursor or None)
    found = await Requests(plugin).find(query)
    ids = list({each.customer for each in found.items if each.customer is not None})
    people = {each.id: each for each in await visit.house.customers.get_many(ids)}
    return {
        "requests": found.items,
        "people": people,
        "state": asked.state,
        "states": QUEUES,
        "today": _today(visit),
        "open_states": OPEN,
        "next": next_page(visit.call, found.next),
        "root": HERE,
        "listed": is_listed(_today(visit).year),
        "year": str(_today(visit).year),
    }


async def show_request(plugin: Plugin, visit: Visit) -> dict[str, Any]:
    """One request with its steps, and the step that is next."""
    requests = Requests(plugin)
    request = await requests.get(id_in_path(visit.path["request_id"], "request"))
    people = await visit.house.customers.get_many([request.customer] if request.customer else [])
    return {
        "asked": request,
        "steps": await requests.steps_of(request.id),
        "customer": people[0] if people else None,
        "may": _may(request) if visit.may(REQUESTS_WRITE) else [],
        "today": _today(visit),
        "open_states": OPEN,
        "longest": plugin.settings.longest_extension,
        "root": HERE,
        "plain": Form("plain"),
    }


async def move(plugin: Plugin, visit: Visit) -> Any:
    """Take a step."""
    id = id_in_path(visit.path["request_id"], "request")
    form, said = await visit.form("plain", Taken)
    if said is not None:
        step = Move(do=said.do, method=said.method, days=said.days, words=said.words)
        try:
            await Requests(plugin).move(id, step, actor_of(visit))
        except (Conflict, InvalidInput, Refused) as error:
            form.refuse(error)
        else:
            return Redirect(f"{HERE}/requests/{id}", flash="consent.moved")
    return {**await show_request(plugin, visit), "plain": form}


async def show_customer(plugin: Plugin, visit: Visit) -> dict[str, Any]:
    """Links and requests of one customer."""
    id = id_in_path(visit.path["customer_id"], "customer")
    customer = await visit.house.customers.get(id)
    reads = visit.may(REQUESTS_READ)
    return {
        "customer": customer,
        "links": await Links(plugin).of(customer.id),
        "requests": await Requests(plugin).open_of(customer.id) if reads else [],
        "may_ask": visit.may(REQUESTS_WRITE),
        "reads": reads,
        "kinds": KINDS,
        "today": _today(visit),
        "open_states": OPEN,
        "root": HERE,
        "asking": Form("asking", {"source": "email"}),
    }


async def act_for_customer(plugin: Plugin, visit: Visit) -> Any:
    """Make a link, revoke one, or write down a request."""
    id = id_in_path(visit.path["customer_id"], "customer")
    form, said = await visit.form("asking", OfCustomer)
    by = visit.call.actor
    if said is not None:
        try:
            code = await _done(plugin, visit, id, said, by=by)
        except InvalidInput as error:
            form.refuse(error)
        else:
            return Redirect(f"{HERE}/customers/{id}", flash=f"consent.{code}")
    return {**await show_customer(plugin, visit), "asking": form}


async def _done(plugin: Plugin, visit: Visit, id: Any, said: OfCustomer, *, by: str) -> str:
    if said.do == "link":
        await Links(plugin).make(id, by=by)
        return "linked"
    if said.do == "revoke":
        await Links(plugin).revoke(id_in_path(said.link, "link"), by=by)
        return "revoked"
    if not visit.may(REQUESTS_WRITE):
        raise Refused(f"expected the permission {REQUESTS_WRITE}, which none of your roles gives")
    draft = RequestDraft(
        customer=id,
        kind=said.kind or "access",
        source=said.source,
        received_on=said.received_on,
        processors=said.processors,
        words=said.words,
    )
    await Requests(plugin).receive(draft, by=by)
    return "received"


async def panel(plugin: Plugin, visit: Visit) -> dict[str, Any] | None:
    """What a customer waits for, and the way to their link."""
    customer: Customer = visit.subject
    reads = visit.may(REQUESTS_READ)
    return {
        "customer": customer,
        "requests": (await Requests(plugin).open_of(customer.id))[:3] if reads else [],
        "today": _today(visit),
        "open_states": OPEN,
        "root": HERE,
    }


def actor_of(visit: Visit) -> Actor:
    """Who takes a step at the screen."""
    identity = visit.call.identity
    return Actor(visit.call.actor, visit.viewer, identity.name if identity else "")


def _may(request: Request) -> list[str]:
    """The steps that may be taken now."""
    steps = [step for step, states in FROM.items() if request.state in states]
    carried = request.kind not in CARRIED_OUT or request.carried_out_at is not None
    if carried and "carry_out" in steps:
        steps.remove("carry_out")
    if not carried and request.customer is not None and "answer" in steps:
        steps.remove("answer")
    return steps


def _today(visit: Visit) -> dt.date:
    return local_day(now(), visit.time_zone)
