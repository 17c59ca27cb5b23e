"""Messages to customers: writing one, with the gate's answer before it goes; what became of all."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from relatum.contact.deciding import Decision
from relatum.contact.outbox.types import STATES, Content, MessageDraft, MessageQuery, State
from relatum.http.answers import Answer, Html
from relatum.http.calls import Call, id_in_path
from relatum.values.problems import InvalidInput, NotFound, Problem, RelatumError
from relatum.values.time import zone_of
from relatum.web.filters import filtered, next_page
from relatum.web.flashes import declare_flashes
from relatum.web.forms import Form, Nothing, sent
from relatum.web.languages import language_of, marked, translations
from relatum.web.layout import PAGE, Redirect, page
from relatum.web.pages.customers.contact import CHANNELS, RULES
from relatum.web.reading import zone_here

READS = {"permission": "core.messages.read", **PAGE}
WRITES = {"permission": "core.messages.write", **PAGE}
EMAIL = "email"

SHOWN: dict[State, tuple[str, str]] = {
    "planned": (marked("planned"), "info"),
    "deferred": (marked("deferred"), "warning"),
    "denied": (marked("not allowed"), "bad"),
    "sending": (marked("being sent"), "info"),
    "sent": (marked("sent"), "good"),
    "delivered": (marked("delivered"), "good"),
    "failed": (marked("failed"), "bad"),
    "bounced": (marked("came back"), "bad"),
    "uncertain": (marked("not known"), "warning"),
    "cancelled": (marked("cancelled"), ""),
}

declare_flashes(
    {
        "message-planned": marked("The message is on its way."),
        "message-deferred": marked("The message waits until it is allowed."),
        "message-denied": marked("The message is not sent: the reasons are below."),
        "message-cancelled": marked("The message is cancelled."),
        "message-settled": marked("What became of the message is recorded."),
    }
)


class Letter(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An e-mail as somebody writes it; ``at`` by the company's clock, now when it is empty."""

    purpose: Annotated[str, Meta(max_length=40)]
    subject: Annotated[str, Meta(min_length=1, max_length=200)]
    text: Annotated[str, Meta(min_length=1, max_length=50_000)]
    address: Annotated[str, Meta(max_length=500)] = ""
    at: Annotated[str, Meta(max_length=40)] = ""
    go: Literal["look", "send"] = "look"


class MessageFilter(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which messages to list."""

    customer: UUID | None = None
    state: State | None = None
    cursor: str | None = None


class Settled(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Whether a message was sent of which nobody knew."""

    was: Literal["sent", "not_sent"]


@get("/customers/{customer_id:str}/write", opt=WRITES, include_in_schema=False)
async def show_form(request: Call, customer_id: FromPath[str]) -> Html:
    """An empty e-mail."""
    request.refuse_query(("lang",))
    return await _form_page(request, customer_id, Form("letter", {"purpose": "service"}))


@post("/customers/{customer_id:str}/write", opt=WRITES, include_in_schema=False)
async def write_message(request: Call, customer_id: FromPath[str]) -> Answer[Any]:
    """Show what the gate says, or send it."""
    id = (await request.house.customers.get(id_in_path(customer_id, "customer"))).id
    form = Form("letter")
    try:
        asked = form.take(await sent(request), Letter)
        draft = _draft(request, id, asked)
        outbox = request.house.contact.outbox
        if asked.go == "look":
            (decision,) = await outbox.look([draft])
            return await _form_page(request, customer_id, form, decision)
        (message,) = await outbox.send([draft], by=request.actor)
    except NotFound:
        raise
    except RelatumError as error:
        form.refuse(error)
        return await _form_page(request, customer_id, form)
    return Redirect(f"/messages/{message.id}", flash=f"message-{message.state}")


@get("/messages", opt=READS, include_in_schema=False)
async def show_messages(request: Call) -> Html:
    """Messages, the newest first."""
    form, asked = filtered(request, MessageFilter)
    query = MessageQuery(customer=asked.customer, state=asked.state, cursor=asked.cursor)
    found = await request.house.contact.outbox.find(query)
    ids = {message.customer for message in found.items}
    ids |= {asked.customer} if asked.customer else set()
    people = {each.id: each for each in await request.house.customers.get_many(list(ids))}
    say = translations(language_of(request)).gettext
    return await page(
        request,
        "relatum/messages.html",
        here="messages",
        forms=(form,),
        messages=found.items,
        people=people,
        about=people.get(asked.customer) if asked.customer else None,
        customer_id=asked.customer,
        next=next_page(request, found.next),
        choices=[(state, say(SHOWN[state][0])) for state in STATES],
        **_words(request),
    )


@get("/messages/{message_id:str}", opt=READS, include_in_schema=False)
async def show_message(request: Call, message_id: FromPath[str]) -> Html:
    """One message, with what the gate and the provider said."""
    request.refuse_query(("lang",))
    return await _message_page(request, id_in_path(message_id, "message"))


@post("/messages/{message_id:str}/cancel", opt=WRITES, include_in_schema=False)
async def cancel_message(request: Call, message_id: FromPath[str]) -> Answer[Any]:
    """Take back a message that is not sent yet."""
    id, form = id_in_path(message_id, "message"), Form("action")
    try:
        form.take(await sent(request), Nothing)
        await request.house.contact.outbox.cancel(id, by=request.actor)
    except NotFound:
        raise
    except RelatumError as error:
        form.refuse(error)
        return await _message_page(request, id, form)
    return Redirect(f"/messages/{id}", flash="message-cancelled")


@post("/messages/{message_id:str}/settle", opt=WRITES, include_in_schema=False)
async def settle_message(request: Call, message_id: FromPath[str]) -> Answer[Any]:
    """Say what became of a message that nobody knew about."""
    id, form = id_in_path(message_id, "message"), Form("action")
    try:
        asked = form.take(await sent(request), Settled)
        await request.house.contact.outbox.settle(id, asked.was, by=request.actor)
    except NotFound:
        raise
    except RelatumError as error:
        form.refuse(error)
        return await _message_page(request, id, form)
    return Redirect(f"/messages/{id}", flash="message-settled")


async def _form_page(
    request: Call, customer_id: str, form: Form, decision: Decision | None = None
) -> Html:
    house, language = request.house, language_of(request)
    customer = await house.customers.get(id_in_path(customer_id, "customer"))
    purposes = house.contact.profile.purposes
    return await page(
        request,
        "relatum/message_write.html",
        here="customers",
        address=f"/customers/{customer.id}/write",
        forms=(form,),
        customer=customer,
        decision=decision,
        purposes=[(each.id, each.title.in_language(language)) for each in purposes],
        addresses=[
            (point.normalised or point.raw, point.raw)
            for point in customer.contact_points
            if point.kind == EMAIL
        ],
        sender_there=EMAIL in house.contact.outbox.channels(),
        **_words(request),
    )


async def _message_page(request: Call, id: UUID, refused: Form | None = None) -> Html:
    house = request.house
    message = await house.contact.outbox.get(id)
    profile = house.contact.profile
    purpose = profile.purpose.get(message.purpose)
    return await page(
        request,
        "relatum/message.html",
        here="messages",
        address=f"/messages/{id}",
        forms=(refused or Form("action"),),
        message=message,
        customer=await house.customers.get(message.customer),
        purpose=purpose.title if purpose else None,
        sender_there=message.channel in house.contact.outbox.channels(),
        **_words(request),
    )


def _words(request: Call) -> dict[str, Any]:
    """What states, rules and channels are called."""
    say = translations(language_of(request)).gettext
    return {
        "states": {state: (say(text), tone) for state, (text, tone) in SHOWN.items()},
        "why": {rule: say(text) for rule, text in RULES.items()},
        "channels": {name: say(title) for name, title in CHANNELS.items()},
    }


def _draft(request: Call, customer: UUID, asked: Letter) -> MessageDraft:
    return MessageDraft(
        customer=customer,
        channel=EMAIL,
        purpose=asked.purpose,
        content=Content(subject=asked.subject, text=asked.text),
        address=asked.address,
        at=_moment(asked.at, zone_here(request.house)) if asked.at else None,
    )


def _moment(text: str, zone: str) -> dt.datetime:
    try:
        local = dt.datetime.fromisoformat(text)
    except ValueError:
        local = None
    if local is None or local.tzinfo is not None:
        problem = Problem(
            code="no-such-time",
            message="the time cannot be read",
            where="/at",
            expected="a day such as 2026-11-22 with a time",
            got=text[:40],
            mend="Choose day and time again, or leave it empty to send at once.",
        )
        raise InvalidInput("The time cannot be read.", problems=[problem])
    return local.replace(tzinfo=zone_of(zone))


ROUTES = [
    show_form,
    write_message,
    show_messages,
    show_message,
    cancel_message,
    settle_message,
]
