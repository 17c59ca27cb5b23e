"""The page of one customer: who they are, what happened, what plugins know, what to do."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
from litestar import get
from litestar.params import FromPath

from relatum.access.viewer import current_viewer
from relatum.customers.finding import Absorbed
from relatum.http.answers import Answer, Html
from relatum.http.calls import Call, id_in_path
from relatum.web.boxes import boxes
from relatum.web.forms import Form
from relatum.web.languages import language_of, translations
from relatum.web.layout import PAGE, Redirect, page, target_of
from relatum.web.pages.customers import card
from relatum.web.pages.customers.history import history_of
from relatum.web.pages.customers.located import located_of
from relatum.web.pages.customers.neighbours import neighbours_of
from relatum.web.pages.customers.timeline import (
    DIRECTIONS,
    READ,
    TimelineFilter,
    channel_name,
    timeline_of,
)

if TYPE_CHECKING:
    from relatum.customers.types import Customer, FieldDraft
    from relatum.hooks.screens import Command

CUSTOMERS = {"permission": "core.customers.read", **PAGE}
WRITE = "core.customers.write"
RECORD = "core.interactions.write"
#: The address of a list that is remembered.
LONGEST_LIST = 2_000
#: What htmx may ask for alone: the timeline with its filters, and what is older.
FRAGMENTS = {
    "timeline": "relatum/customer_timeline.html",
    "older": "relatum/customer_entries.html",
    "who": "relatum/customer_who.html",
}


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """A button of a plugin."""

    id: str
    title: str
    path: str
    icon: str
    post: bool
    danger: bool


@get("/customers/{customer_id:str}", opt=CUSTOMERS, include_in_schema=False)
async def show_customer(request: Call, customer_id: FromPath[str]) -> Answer[Any]:
    """One customer; the id of one who was merged into another leads to that one."""
    try:
        return await customer_page(request, id_in_path(customer_id, "customer"))
    except Absorbed as merged:
        return Redirect(f"/customers/{merged.into}", flash="customer-was-merged")


async def customer_page(request: Call, id: UUID, refused: Form | None = None) -> Html:
    """The page, perhaps with a form that has to be mended."""
    house = request.house
    customer = await house.customers.get(id)
    part = "" if refused is not None else target_of(request)
    if part in ("timeline", "older"):
        return await _page(request, customer, **await _timeline(request, customer))
    forms = {form.name: form for form in (blank_note(), Form("linking"), Form("action"))}
    if refused is not None:
        forms[refused.name] = refused
    fields = await house.customers.fields()
    if part == "who":
        values = await _who(request, customer, fields)
        return await _page(request, customer, forms=tuple(forms.values()), **values)
    # Beside each other: on a server each of them waits for the database by itself.
    who, timeline, side, main, history, neighbours = await asyncio.gather(
        _who(request, customer, fields),
        _timeline(request, customer),
        boxes(request, "customer.side", subject=customer),
        boxes(request, "customer.main", subject=customer),
        history_of(house, id, fields, language_of(request)),
        neighbours_of(request, customer, request.query_params.get("in", "")[:LONGEST_LIST]),
    )
    timeline["forms"] = (*timeline["forms"], *forms.values())
    return await _page(
        request,
        customer,
        side=side,
        main=main,
        actions=_actions(request, customer),
        history=history,
        neighbours=neighbours,
        **who,
        **timeline,
    )


async def _page(request: Call, customer: Customer, **values: Any) -> Html:
    return await page(
        request,
        "relatum/customer.html",
        here="customers",
        address=f"/customers/{customer.id}",
        fragments=FRAGMENTS,
        customer=customer,
        **values,
    )


async def _who(request: Call, customer: Customer, fields: Sequence[FieldDraft]) -> dict[str, Any]:
    """The values that say who a customer is."""
    house, language = request.house, language_of(request)
    say = translations(language).gettext
    links, belongs, located = await asyncio.gather(
        house.customers.links.of(customer.id),
        card.belongs_to(house, customer),
        located_of(house, customer.contact_points),
    )
    return {
        "reaches": card.reaches_of(customer.contact_points, house.settings.company.country, say),
        "located": located,
        "related": card.related(links, customer.id, say),
        "link_kinds": link_kinds(say),
        "fields": card.field_values(customer, fields, language, say),
        "belongs": belongs,
        "roles": {role: say(title) for role, title in card.ROLES.items()},
        "kinds": {kind: say(title) for kind, title in card.KINDS.items()},
    }


def blank_note() -> Form:
    """Something to write down about a customer."""
    return Form("note", {"kind": "note", "direction": "out"})


def link_kinds(say: card.Say) -> list[tuple[str, str]]:
    """What another customer may be to this one: ``>kind`` from here, ``<kind`` from there."""
    return [
        pair
        for kind, (forth, back) in card.LINKS.items()
        for pair in ((f">{kind}", say(forth)), (f"<{kind}", say(back)))
    ]


async def _timeline(request: Call, customer: Customer) -> dict[str, Any]:
    """The values that the timeline and its fragments need."""
    say = translations(language_of(request)).gettext
    values: dict[str, Any] = {
        "directions": {name: say(title) for name, title in DIRECTIONS.items()},
        "channel_name": lambda channel: channel_name(channel, say),
    }
    if not current_viewer().may(READ):
        return {**values, "asked": TimelineFilter(), "timeline": None, "forms": ()}
    older = target_of(request) == "older"
    form, asked, found = await timeline_of(request, customer, say, whole=not older)
    return {**values, "asked": asked, "timeline": found, "forms": (form,)}


def _actions(request: Call, customer: Customer) -> list[Action]:
    """What plugins offer to do with a customer, in their order."""
    commands = [
        command
        for command in request.house.registry.commands
        if command.slot == "customer.actions" and current_viewer().may(command.permission)
    ]
    commands.sort(key=lambda command: (command.order, command.id))
    return [_action(command, customer, request) for command in commands]


def _action(command: Command, customer: Customer, request: Call) -> Action:
    return Action(
        id=command.id,
        title=command.title.in_language(language_of(request)),
        path=command.path.replace("{id}", str(customer.id)),
        icon=command.icon,
        post=command.post,
        danger=command.danger,
    )


ROUTES = [show_customer]
