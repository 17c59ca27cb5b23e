"""Writing down what happened: a note, a call, a meeting; and taking it back at once."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import post
from litestar.params import FromPath
from msgspec import Meta

from relatum.http.answers import Answer
from relatum.http.calls import Call, id_in_path
from relatum.interactions.types import InteractionDraft
from relatum.values.problems import Conflict, InvalidInput, NotFound, Problem, RelatumError
from relatum.values.time import now, zone_of
from relatum.web.flashes import declare_flashes
from relatum.web.forms import Form, Nothing, sent
from relatum.web.languages import marked
from relatum.web.layout import PAGE, Redirect
from relatum.web.pages.customers.sentences import one
from relatum.web.pages.customers.show import RECORD, customer_page
from relatum.web.reading import zone_here

WRITE = {"permission": RECORD, **PAGE}
#: For so long what was written down can be taken back.
TAKEN_BACK = dt.timedelta(minutes=30)

declare_flashes(
    {
        "noted": marked("Written down."),
        "note-undone": marked("Taken back: it is not in the timeline any more."),
    }
)


class NoteForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What happened.

    Attributes:
        happened: by the company's clock; now when left out.
        minutes: how long a call or a meeting lasted.
        missed: nobody answered the call.
    """

    kind: Literal["note", "call", "meeting"] = "note"
    text: Annotated[str, Meta(min_length=1, max_length=100_000)]
    title: Annotated[str, Meta(max_length=300)] = ""
    direction: Literal["in", "out"] = "out"
    minutes: Annotated[int, Meta(ge=0, le=1_440)] | None = None
    missed: bool = False
    happened: Annotated[str, Meta(max_length=40)] = ""


@post("/customers/{customer_id:str}/notes", opt=WRITE, include_in_schema=False)
async def write_note(request: Call, customer_id: FromPath[str]) -> Answer[Any]:
    """Record a note, a call or a meeting."""
    id = id_in_path(customer_id, "customer")
    form = Form("note")
    try:
        asked = form.take(await sent(request), NoteForm)
        draft = _draft(id, asked, request)
        (made,) = await one(request.house.interactions.record([draft], by=request.actor))
    except RelatumError as error:
        form.refuse(error, renamed={"occurred_at": "happened", "payload": "text"})
        return await customer_page(request, id, form)
    return Redirect(f"/customers/{id}", flash="noted", undo=f"/customers/{id}/notes/{made}/undo")


@post("/customers/{customer_id:str}/notes/{note_id:str}/undo", opt=WRITE, include_in_schema=False)
async def take_back(request: Call, customer_id: FromPath[str], note_id: FromPath[str]) -> Redirect:
    """Take back what one has written down a moment ago."""
    id, note = id_in_path(customer_id, "customer"), id_in_path(note_id, "interaction")
    Form("undo").take(await sent(request), Nothing)
    interactions = request.house.interactions
    async with request.house.db.transaction():
        noted = await interactions.get(note)
        if noted.customer_id != id or not noted.kind.startswith("core."):
            raise NotFound(f"expected a note of this customer, got {note}; there is none")
        if noted.actor != request.actor or now() - noted.recorded_at > TAKEN_BACK:
            raise Conflict(
                "expected something that you wrote down in the last half hour, got something "
                "else; what happened stays in the timeline: add a note that mends it"
            )
        await interactions.remove([note], by=request.actor)
    return Redirect(f"/customers/{id}", flash="note-undone")


def _draft(customer: UUID, asked: NoteForm, request: Call) -> InteractionDraft:
    zone = zone_here(request.house)
    draft = InteractionDraft(
        kind=f"core.{asked.kind}",
        customer_id=customer,
        occurred_at=_moment(asked.happened, zone) if asked.happened else None,
        payload={"text": asked.text},
        actor=request.actor,
    )
    minutes = asked.minutes or 0
    if asked.kind == "call":
        return msgspec.structs.replace(
            draft,
            channel="phone",
            direction=asked.direction,
            payload={"seconds": minutes * 60, "answered": not asked.missed, "summary": asked.text},
        )
    if asked.kind == "meeting":
        return msgspec.structs.replace(
            draft,
            channel="in_person",
            payload={"title": asked.title, "minutes": minutes, "summary": asked.text},
        )
    return draft


def _moment(text: str, zone: str) -> dt.datetime:
    """What ``<input type="datetime-local">`` sends, by the company's clock.

    Raises:
        InvalidInput: it is not of that form.
    """
    try:
        local = dt.datetime.fromisoformat(text)
    except ValueError:
        local = None
    if local is None or local.tzinfo is not None:
        problem = Problem(
            code="bad-time",
            message="the time it happened cannot be read",
            where="/happened",
            expected="a day such as 2026-11-22 with a time",
            got=text[:40],
            mend="Choose day and time again.",
        )
        raise InvalidInput("The time it happened cannot be read.", problems=[problem])
    return local.replace(tzinfo=zone_of(zone))


ROUTES = [write_note, take_back]
