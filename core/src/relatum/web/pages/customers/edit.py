"""Making a customer and changing one: the forms, who may be the same, two people at once, undo."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath

from relatum.access.viewer import current_viewer
from relatum.customers.duplicates import Likeness, Sought
from relatum.customers.types import ContactPointDraft, Customer, CustomerChange, FieldDraft
from relatum.http.answers import Answer, Html
from relatum.http.calls import Call, id_in_path
from relatum.values.problems import Conflict, InvalidInput, NotFound, Refused, RelatumError
from relatum.web.flashes import declare_flashes
from relatum.web.forms import Form, Nothing, sent
from relatum.web.languages import language_of, marked, translations
from relatum.web.layout import PAGE, Redirect, page
from relatum.web.pages.customers import card
from relatum.web.pages.customers.belonging import belonging_choices
from relatum.web.pages.customers.cells import came_from, undo_path
from relatum.web.pages.customers.comparing import compared
from relatum.web.pages.customers.form import CustomerForm
from relatum.web.pages.customers.history import changed_by
from relatum.web.pages.customers.merging import merge
from relatum.web.pages.customers.sentences import one
from relatum.web.pages.customers.show import WRITE, customer_page
from relatum.web.pages.customers.typed import (
    Typed,
    changed_values,
    draft_from,
    drafted,
    field_values,
    typed_from,
)

WRITES = {"permission": WRITE, **PAGE}
FRAGMENTS = {"points": "relatum/customer_points.html", "likely": "relatum/customer_likely.html"}

declare_flashes(
    {
        "customer-made": marked("The customer is there."),
        "customer-changed": marked("Saved."),
        "customer-given-away": marked("Saved. You do not see this customer any more."),
        "customer-undone": marked("Changed back."),
        "point-removed": marked("The contact point is removed."),
    }
)


@get("/customers/new", opt=WRITES, include_in_schema=False)
async def show_new(request: Call) -> Html:
    """The form for a new customer."""
    request.refuse_query(("kind", "name", "lang"))
    kind = "organisation" if request.query_params.get("kind") == "organisation" else "person"
    viewer = current_viewer()
    typed = Typed(
        display_name=request.query_params.get("name", "")[:300],
        kind=kind,
        roles=["prospect"],
        owner=str(viewer.account) if viewer.kind == "person" and viewer.account else "",
    )
    return await _form_page(request, CustomerForm(typed), None)


@post("/customers/new", opt=WRITES, include_in_schema=False)
async def create(request: Call) -> Answer[Any]:
    """Make a customer; one who may be there already only when that is meant."""
    form = CustomerForm.read(await sent(request))
    if form.rearranges:
        form.rearrange()
    if form.rearranges or form.problems:
        return await _form_page(request, form, None)
    house = request.house
    country = house.settings.company.country
    likely = await _likely(request, form, None)
    if _is_new(likely, form):
        form.status = 409
        return await _form_page(request, form, None, likely=likely)
    try:
        draft = draft_from(form.typed, await house.customers.fields(), country)
        (id,) = await one(house.customers.create([draft], by=request.actor))
    except RelatumError as error:
        form.refuse(error)
        return await _form_page(request, form, None, likely=likely)
    return await _onwards(request, id, "customer-made")


@post("/customers/duplicates", opt=WRITES, include_in_schema=False)
async def find_duplicates(request: Call) -> Html:
    """Who may be the same, while somebody types."""
    pairs = await sent(request)
    form = CustomerForm.read([pair for pair in pairs if pair[0] != "id"])
    own = next((text for name, text in pairs if name == "id"), "")
    id = id_in_path(own, "customer") if own else None
    return await page(
        request,
        "relatum/customer_duplicates.html",
        here="customers",
        fragments=FRAGMENTS,
        **await _likely_values(request, await _likely(request, form, id)),
    )


@get("/customers/{customer_id:str}/edit", opt=WRITES, include_in_schema=False)
async def show_edit(request: Call, customer_id: FromPath[str]) -> Html:
    """The form of a customer."""
    request.refuse_query(("lang",))
    house = request.house
    customer = await house.customers.get(id_in_path(customer_id, "customer"))
    return await _form_page(request, await _opened(request, customer), customer)


@post("/customers/{customer_id:str}/edit", opt=WRITES, include_in_schema=False)
async def change(request: Call, customer_id: FromPath[str]) -> Answer[Any]:
    """Change a customer; when somebody was faster, show both versions."""
    id = id_in_path(customer_id, "customer")
    form = CustomerForm.read(await sent(request))
    house = request.house
    customer = await house.customers.get(id)
    if form.rearranges:
        form.rearrange()
    if form.rearranges or form.problems:
        return await _form_page(request, form, customer)
    fields = await house.customers.fields()
    country = house.settings.company.country
    base = form.base or typed_from(customer, fields, country, language_of(request))
    likely: list[Likeness] = []
    if form.typed.display_name != base.display_name or form.typed.points != base.points:
        likely = await _likely(request, form, id)
    if _is_new(likely, form):
        form.status = 409
        return await _form_page(request, form, customer, likely=likely)
    if form.version != customer.version:
        return await _conflict(request, form, customer)
    try:
        asked = changed_values(form.typed, base, customer, fields, country)
        changing = house.customers.change(
            id, CustomerChange(**asked), by=request.actor, version=form.version
        )
        changed = await one(changing)
    except Conflict as error:
        now = error.extra.get("current")
        if not isinstance(now, Customer):
            raise
        return await _conflict(request, form, now)
    except RelatumError as error:
        form.refuse(error)
        return await _form_page(request, form, customer, likely=likely)
    undo = undo_path(changed) if changed.version > form.version else ""
    return await _onwards(request, id, "customer-changed", undo=undo)


@post("/customers/{customer_id:str}/undo/{version:int}", opt=WRITES, include_in_schema=False)
async def undo(request: Call, customer_id: FromPath[str], version: FromPath[int]) -> Answer[Any]:
    """Change a customer back, when nothing was changed since."""
    id = id_in_path(customer_id, "customer")
    form = Form("action")
    try:
        form.take(await sent(request), Nothing)
        customers = request.house.customers
        await one(customers.take_back(id, version=version, by=request.actor))
    except NotFound:
        raise
    except RelatumError as error:
        form.refuse(error)
        return await customer_page(request, id, form)
    listed = came_from(request)
    if listed:
        return Redirect(listed, flash="customer-undone")
    return await _onwards(request, id, "customer-undone")


@post(
    "/customers/{customer_id:str}/points/{point_id:str}/remove",
    opt=WRITES,
    include_in_schema=False,
)
async def remove_point(
    request: Call, customer_id: FromPath[str], point_id: FromPath[str]
) -> Answer[Any]:
    """Remove one contact point."""
    id, point = id_in_path(customer_id, "customer"), id_in_path(point_id, "contact point")
    form = Form("action")
    try:
        version = form.take(await sent(request), Versioned).version
        house = request.house
        customer = await house.customers.get(id)
        asked = CustomerChange(contact_points=_without(customer, point))
        changing = house.customers.change(id, asked, by=request.actor, version=version)
        changed = await one(changing)
    except NotFound:
        raise
    except RelatumError as error:
        form.refuse(error)
        return await customer_page(request, id, form)
    return Redirect(f"/customers/{id}", flash="point-removed", undo=undo_path(changed))


def _without(customer: Customer, point: UUID) -> list[ContactPointDraft]:
    """The contact points as they are shown, but one.

    Raises:
        NotFound: there is no such point.
        Refused: it is masked: two masked ones may look alike, and the wrong one would go.
    """
    gone = next((each for each in customer.contact_points if each.id == point), None)
    if gone is None:
        raise NotFound(f"expected a contact point of this customer, got {point}; there is none")
    if card.is_masked(gone.raw):
        raise Refused("expected a contact point that you see, got one that is masked")
    return [
        ContactPointDraft(kind=each.kind, raw=each.raw, label=each.label, primary=each.primary)  # type: ignore[arg-type]
        for each in customer.contact_points
        if each.id != point
    ]


class Versioned(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A button that changes the version that it was shown with."""

    version: int


async def _onwards(request: Call, id: UUID, flash: str, *, undo: str = "") -> Redirect:
    """To the customer; to the list when they are out of sight now."""
    try:
        await request.house.customers.get(id)
    except NotFound:
        return Redirect("/customers", flash="customer-given-away")
    return Redirect(f"/customers/{id}", flash=flash, undo=undo)


async def _opened(request: Call, customer: Customer) -> CustomerForm:
    house = request.house
    typed = typed_from(
        customer,
        await house.customers.fields(),
        house.settings.company.country,
        language_of(request),
    )
    return CustomerForm(typed, version=customer.version, base=typed)


async def _conflict(request: Call, form: CustomerForm, customer: Customer) -> Html:
    """Both versions: nothing that either of them wrote is lost."""
    theirs = (await _opened(request, customer)).typed
    base = form.base or theirs
    merged = merge(base, theirs, form.typed)
    again = CustomerForm(merged.typed, version=customer.version, base=theirs)
    again.seen = form.seen
    again.status = 409
    return await _form_page(
        request,
        again,
        customer,
        conflict=await compared(request, merged.differences),
        faster=await changed_by(request.house, customer.id),
    )


# -- who may be the same -----------------------------------------------------------------------


def _is_new(likely: Sequence[Likeness], form: CustomerForm) -> bool:
    """Whether somebody is among them who was not shown before, or is too like to be passed over."""
    if form.do == "anyway":
        return False
    return any(one.strong or str(one.id) not in form.seen for one in likely)


async def _likely(request: Call, form: CustomerForm, own: UUID | None) -> list[Likeness]:
    typed, house = form.typed, request.house
    country = house.settings.company.country
    sought = Sought(
        display_name=typed.display_name,
        kind="organisation" if typed.kind == "organisation" else "person",
        contact_points=drafted(typed, None, country),
        fields=_read_fields(typed, await house.customers.fields()),
    )
    return await house.customers.duplicates.of(sought, other_than=own)


def _read_fields(typed: Typed, fields: Sequence[FieldDraft]) -> dict[str, Any]:
    """The custom fields that can be read; while somebody types not all can."""
    try:
        return field_values(typed.fields, fields)
    except InvalidInput:
        return {}


async def _likely_values(request: Call, likely: Sequence[Likeness]) -> dict[str, Any]:
    say = translations(language_of(request)).gettext
    country = request.house.settings.company.country
    owners = [one.owner for one in likely if one.owner]
    accounts = await request.house.accounts.get_many(owners) if owners else []
    return {
        "likely": likely,
        "owners": {account.id: account.name for account in accounts},
        "reached": {one.id: card.reaches_of(one.contact_points, country, say) for one in likely},
    }


# -- the page ----------------------------------------------------------------------------------


async def _form_page(
    request: Call,
    form: CustomerForm,
    customer: Customer | None,
    *,
    likely: Sequence[Likeness] = (),
    **values: Any,
) -> Html:
    house, language = request.house, language_of(request)
    say = translations(language).gettext
    fields = await house.customers.fields()
    kind = form.typed.kind
    path = f"/customers/{customer.id}/edit" if customer else "/customers/new"
    return await page(
        request,
        "relatum/customer_edit.html",
        here="customers",
        forms=(form,),
        fragments=FRAGMENTS,
        edited=customer,
        address=path,
        form_path=path,
        fields=[field for field in fields if field.applies_to in ("both", kind)],
        field_titles={field.key: card.title_of(field, language) for field in fields},
        is_masked=card.is_masked,
        kinds=[(name, say(title)) for name, title in card.KINDS.items()],
        roles=[(name, say(title)) for name, title in card.ROLES.items()],
        point_kinds=[(name, say(title)) for name, (title, _) in card.POINTS.items()],
        belonging=await belonging_choices(house, current_viewer(), form.typed),
        **{"conflict": [], "faster": None, **values},
        **await _likely_values(request, likely),
    )


ROUTES = [show_new, create, find_duplicates, show_edit, change, undo, remove_point]
