"""Erasing a customer: what goes, what stays and why, and the receipt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from relatum.customers.erasing.types import TableCount
from relatum.http.answers import Answer, Html
from relatum.http.calls import Call, id_in_path
from relatum.values.problems import InvalidInput, NotFound, Problem, RelatumError
from relatum.web.flashes import declare_flashes
from relatum.web.forms import Form, sent
from relatum.web.languages import language_of, marked, translations
from relatum.web.layout import PAGE, Redirect, page

ERASE = {"permission": "core.customers.erase", **PAGE}
OTHERS = marked("Other records")
FILES = marked("Files with a copy")
ARCHIVE = marked("Archived rows")
#: What the tables of core are called; those of plugins are counted together.
TITLES = {
    "core_customer": marked("Customer"),
    "core_contact_point": marked("Contact points"),
    "core_consent": marked("Consents"),
    "core_customer_link": marked("Links"),
    "core_interaction": marked("Interactions"),
    "core_contact_verdict": marked("Contact decisions"),
    "core_event": marked("Entries of the log"),
}
ACTS = {
    "delete": marked("goes for good"),
    "anonymise": marked("stays without a name"),
    "redact": marked("stays without what it said"),
    "scrub": marked("quotations are replaced by a mark"),
}

declare_flashes({"customer-erased": marked("The customer is erased. This is the receipt.")})


class EraseForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Why, and the name once more."""

    reason: Annotated[str, Meta(min_length=1, max_length=500)]
    confirm: Annotated[str, Meta(min_length=1, max_length=300)]


@get("/customers/{customer_id:str}/erase", opt=ERASE, include_in_schema=False)
async def preview(request: Call, customer_id: FromPath[str]) -> Html:
    """What erasing would do. Nothing is written."""
    request.refuse_query(("lang",))
    return await _preview(request, customer_id, Form("erasing"))


@post("/customers/{customer_id:str}/erase", opt=ERASE, include_in_schema=False)
async def erase(request: Call, customer_id: FromPath[str]) -> Answer[Any]:
    """Erase, when the name was typed as it is."""
    house, form = request.house, Form("erasing")
    customer = await house.customers.get(id_in_path(customer_id, "customer"))
    try:
        asked = form.take(await sent(request), EraseForm)
        if asked.confirm.strip() != customer.display_name:
            raise _not_confirmed(customer.display_name)
        made = await house.erasing.erase(customer.id, by=request.actor, reason=asked.reason)
    except NotFound:
        raise
    except RelatumError as error:
        form.refuse(error)
        return await _preview(request, customer_id, form)
    return Redirect(f"/erasures/{made.id}", flash="customer-erased")


@get("/erasures", opt=ERASE, include_in_schema=False)
async def listed(request: Call) -> Html:
    """Every receipt."""
    request.refuse_query(("lang",))
    return await page(
        request,
        "relatum/erasures.html",
        here="customers",
        erasures=await request.house.erasing.receipts(),
    )


@get("/erasures/{erasure_id:str}", opt=ERASE, include_in_schema=False)
async def shown(request: Call, erasure_id: FromPath[str]) -> Html:
    """One receipt."""
    request.refuse_query(("lang",))
    found = await request.house.erasing.receipt(id_in_path(erasure_id, "erasure"))
    return await page(
        request,
        "relatum/erasure.html",
        here="customers",
        erasure=found,
        rows=_rows(request, found.tables),
    )


async def _preview(request: Call, customer_id: str, form: Form) -> Html:
    house = request.house
    customer = await house.customers.get(id_in_path(customer_id, "customer"))
    found = await house.erasing.preview(customer.id)
    return await page(
        request,
        "relatum/customer_erase.html",
        here="customers",
        address=f"/customers/{customer.id}/erase",
        forms=(form,),
        customer=customer,
        preview=found,
        rows=_rows(request, found.tables),
    )


def _not_confirmed(name: str) -> InvalidInput:
    message = f"expected the customer's name exactly as it is shown ({name}), got something else"
    problem = Problem(code="not-confirmed", message=message, where="/confirm")
    return InvalidInput(f"{message}; nothing was erased", problems=[problem])


def _rows(request: Call, counts: Sequence[TableCount]) -> list[tuple[str, str, int]]:
    """What becomes of what, by what people call it."""
    say = translations(language_of(request)).gettext
    found: dict[tuple[str, str], int] = {}
    for each in counts:
        place = _title(each.table), ACTS[each.act]
        found[place] = found.get(place, 0) + each.rows
    return [(say(title), say(act), number) for (title, act), number in found.items()]


def _title(table: str) -> str:
    if table.startswith("files:"):
        return FILES
    if table.startswith("archive:"):
        return ARCHIVE
    return TITLES.get(table, OTHERS)


ROUTES = [preview, erase, listed, shown]
