"""Changing one thing of a customer where it stands in the list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlencode, urlsplit
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from relatum.access.viewer import current_viewer
from relatum.customers.types import CustomerChange, Role
from relatum.http.answers import Answer, Html
from relatum.http.batches import of_one
from relatum.http.calls import Call, id_in_path
from relatum.values.problems import InvalidInput, NotFound, Problem, RelatumError
from relatum.web.flashes import Flash, header_of, toast
from relatum.web.forms import Form, sent
from relatum.web.languages import language_of, translations
from relatum.web.layout import PAGE, Redirect, page, target_of
from relatum.web.pages.customers.asking import HERE, asked_of, pairs_in
from relatum.web.pages.customers.card import ROLES
from relatum.web.pages.customers.colleagues import colleagues
from relatum.web.pages.customers.columns import FIELD, NAME, Columns, ListColumn

if TYPE_CHECKING:
    from relatum.customers.types import Customer, FieldDraft
    from relatum.web.pages.customers.colleagues import Colleagues

WRITE = {"permission": "core.customers.write", **PAGE}
PATH = "/customers/{customer_id:str}/cells/{column:str}"
#: What services call the things that a cell holds.
_CALLED = {"display_name": "value", "tags": "value", "owner": "value", "roles": "values"}


class Edit(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A cell as it was sent: one text, or the chosen ones of a group."""

    version: int
    value: Annotated[str, Meta(max_length=7000)] = ""
    values: list[str] = []
    listed: Annotated[str, Meta(max_length=5000)] = ""


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """What a cell belongs to, and who may be chosen in it."""

    customer: Customer
    column: ListColumn
    columns: Columns
    field: FieldDraft | None
    names: Colleagues


@get(PATH, opt=WRITE, include_in_schema=False)
async def show_cell(request: Call, customer_id: FromPath[str], column: FromPath[str]) -> Html:
    """The form of a cell; with ``shown`` the cell as it is."""
    request.refuse_query(("shown", "lang"))
    cell = await _cell(request, customer_id, column)
    if request.query_params.get("shown"):
        return await _shown(request, cell)
    form = Form("cell", {**_held(cell), "listed": _came_from(request) or ""})
    return await _form_page(request, cell, form)


@post(PATH, opt=WRITE, include_in_schema=False)
async def change_cell(
    request: Call, customer_id: FromPath[str], column: FromPath[str]
) -> Answer[Any]:
    """Change what a cell holds, unless somebody else changed the customer meanwhile."""
    cell = await _cell(request, customer_id, column)
    form = Form("cell")
    house = request.house
    try:
        edit = form.take(await sent(request), Edit)
        change = _change(cell, edit)
        try:
            changed = await house.customers.change(
                cell.customer.id, change, by=request.actor, version=edit.version
            )
        except InvalidInput as error:
            raise of_one(error) from error
    except RelatumError as error:
        form.refuse(error, renamed={**_CALLED, "fields": "value"})
        current = error.extra.get("current")
        cell = msgspec.structs.replace(cell, customer=current) if current else cell
        return await _form_page(request, cell, form)
    undo = undo_path(changed) if changed.version > edit.version else ""
    if not target_of(request):
        return Redirect(_back(edit.listed), flash="saved", undo=undo)
    shown = await _shown(request, msgspec.structs.replace(cell, customer=changed))
    said = toast(Flash(code="saved", undo=undo), house.registry, language_of(request))
    if said is not None and undo:
        shown.raw.append(header_of(said))
    return shown


def undo_path(changed: Customer) -> str:
    """Where the last change of a customer is taken back, unless another one follows."""
    return f"{HERE}/{changed.id}/undo/{changed.version}"


def came_from(request: Call) -> str:
    """The list that sent a request, with its filter; empty when it was another page."""
    listed = _came_from(request)
    return _back(listed) if listed is not None else ""


async def _cell(request: Call, customer_id: str, column: str) -> Cell:
    house, viewer = request.house, current_viewer()
    customer = await house.customers.get(id_in_path(customer_id, "customer"))
    fields = await house.customers.fields()
    columns = Columns(request, fields, language_of(request))
    found = columns.name if column == NAME else columns.there.get(column)
    if found is None or not found.editable:
        raise NotFound(f"expected a column that can be changed, got {column[:80]!r}")
    names = await colleagues(house, viewer, [customer])
    field = next((each for each in fields if FIELD + each.key == column), None)
    return Cell(customer=customer, column=found, columns=columns, field=field, names=names)


def _held(cell: Cell) -> dict[str, Any]:
    """What the form begins with."""
    customer, id = cell.customer, cell.column.id
    held: dict[str, Any] = {"version": customer.version}
    if id == "roles":
        return {**held, "values": customer.roles}
    if cell.field is not None:
        value = customer.fields.get(cell.field.key)
        text = str(value).lower() if isinstance(value, bool) else value
        return {**held, "value": text}
    values = {
        NAME: customer.display_name,
        "tags": ", ".join(customer.tags),
        "owner": str(customer.owner or ""),
    }
    return {**held, "value": values[id]}


def _change(cell: Cell, edit: Edit) -> CustomerChange:
    id, text = cell.column.id, edit.value.strip()
    if id == "roles":
        return CustomerChange(roles=_roles(edit.values))
    if id == "tags":
        return CustomerChange(tags=[tag.strip() for tag in text.split(",") if tag.strip()])
    if id == "owner":
        return CustomerChange(owner=_account(text))
    if cell.field is not None:
        return CustomerChange(fields={cell.field.key: _field_value(cell.field, text)})
    return CustomerChange(display_name=text)


def _field_value(field: FieldDraft, text: str) -> Any:
    """What was typed, as the service takes it; nothing takes the value away."""
    if not text:
        return None
    return text == "true" if field.type == "boolean" else text


def _roles(texts: list[str]) -> list[Role]:
    try:
        return msgspec.convert(texts, list[Role])
    except msgspec.ValidationError as error:
        problem = Problem(code="unknown-role", message=str(error), where="/values")
        raise InvalidInput("There is no such role.", problems=[problem]) from error


def _account(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError as error:
        problem = Problem(code="no-such-account", message="this is no id", where="/value")
        raise InvalidInput("There is no such account.", problems=[problem]) from error


async def _form_page(request: Call, cell: Cell, form: Form) -> Html:
    text = translations(language_of(request)).gettext
    me = current_viewer().account
    people = [(str(me), text("me")), *cell.names.owners] if me else cell.names.owners
    return await page(
        request,
        "relatum/customer_cell.html",
        here="customers",
        forms=(form,),
        fragments=_part(request, "relatum/customer_cell_form.html"),
        one=cell.customer,
        column=cell.column,
        field=cell.field,
        options=[(each, each) for each in cell.field.choices] if cell.field else [],
        path=f"{HERE}/{cell.customer.id}/cells/{cell.column.id}",
        back=_back(str(form.value("listed"))),
        people=people,
        roles=[(id, text(title)) for id, title in ROLES.items()],
        theirs=form.error.extra.get("current") if form.error is not None else None,
        held=_shown_value(cell, text) if form.error is not None else "",
    )


def _shown_value(cell: Cell, text: Any) -> str:
    """What the cell holds now, for the one who has just been refused."""
    if cell.column.id == "roles":
        return ", ".join(text(ROLES.get(role, role)) for role in cell.customer.roles)
    if cell.column.id == "owner":
        return cell.names.name(cell.customer.owner)
    return str(_held(cell)["value"] or "")


async def _shown(request: Call, cell: Cell) -> Html:
    names = await colleagues(request.house, current_viewer(), [cell.customer])
    rows, _ = await cell.columns.rows([cell.customer], [cell.column], names)
    return await page(
        request,
        "relatum/customer_cell.html",
        fragments=_part(request, "relatum/customer_cell_shown.html"),
        here="customers",
        forms=(Form("cell", _held(cell)),),
        one=cell.customer,
        column=cell.column,
        field=cell.field,
        options=[],
        shown=rows[0].cells[0],
        path="",
        back=HERE,
        people=[],
        roles=[],
        theirs=None,
        held="",
    )


def _part(request: Call, template: str) -> dict[str, str]:
    """What stands for the whole page when htmx asks for a cell, whichever it is."""
    target = target_of(request)
    return {target: template} if target else {}


def _came_from(request: Call) -> str | None:
    """The query of the list that led here; ``None`` when it was another page."""
    try:
        parts = urlsplit(request.header(b"referer") or "")
    except ValueError:
        return None
    return parts.query if parts.path == HERE else None


def _back(listed: str) -> str:
    """The list that the cell belongs to; anything else that came along is left out."""
    pairs = asked_of(pairs_in(listed)).pairs()
    return f"{HERE}?{urlencode(pairs)}" if pairs else HERE


ROUTES = [show_cell, change_cell]
