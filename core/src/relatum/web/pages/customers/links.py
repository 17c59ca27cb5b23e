"""Linking customers with each other, and taking links away."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any, cast
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from relatum.customers.types import Customer, CustomerQuery, Link, LinkDraft, LinkKind
from relatum.http.answers import Answer, Html
from relatum.http.calls import Call, id_in_path
from relatum.values.problems import (
    InvalidInput,
    MalformedRequest,
    NotFound,
    Problem,
    RelatumError,
)
from relatum.values.text import fold
from relatum.web.flashes import declare_flashes
from relatum.web.forms import Form, Nothing, sent
from relatum.web.languages import marked
from relatum.web.layout import PAGE, Redirect, page
from relatum.web.pages.customers.card import LINKS, is_masked, shown_point
from relatum.web.pages.customers.sentences import one
from relatum.web.pages.customers.show import CUSTOMERS, WRITE, customer_page

WRITES = {"permission": WRITE, **PAGE}
MOST_NAMED = 8
FORTH, BACK = ">", "<"

declare_flashes(
    {
        "linked": marked("Linked."),
        "linked-before": marked("The two are linked like this already."),
        "unlinked": marked("The link is removed."),
    }
)


class LinkForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Another customer, and what it is to this one.

    Attributes:
        relation: the kind of link, ``>`` before it from this customer, ``<`` from the other one.
        other: a name, a phone number or an e-mail.
        chosen: the id of the other one, where several fitted.
    """

    relation: Annotated[str, Meta(max_length=40)]
    other: Annotated[str, Meta(min_length=1, max_length=300)]
    role: Annotated[str, Meta(max_length=100)] = ""
    chosen: UUID | None = None


class Named(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What somebody types to name a customer."""

    other: Annotated[str, Meta(max_length=300)] = ""
    lang: str = ""


@get("/customers/named", opt=CUSTOMERS, include_in_schema=False)
async def named(request: Call) -> Html:
    """Customers that a text may mean, for a list of suggestions."""
    asked = request.query_as(Named)
    country = request.house.settings.company.country
    found = await _meant(request, asked.other) if asked.other.strip() else []
    return await page(
        request,
        "relatum/customer_named.html",
        here="customers",
        fragments={"link-found": "relatum/customer_options.html"},
        found=[(each, _spelled(each, country)) for each in found],
        asked=asked.other,
    )


@post("/customers/{customer_id:str}/links", opt=WRITES, include_in_schema=False)
async def link(request: Call, customer_id: FromPath[str]) -> Answer[Any]:
    """Link two customers."""
    id = id_in_path(customer_id, "customer")
    form = Form("linking")
    try:
        asked = form.take(await sent(request), LinkForm)
        await request.house.customers.get(id)
        draft = _draft(id, await _other(request, asked, form), asked)
        made = await one(request.house.customers.links.create([draft], by=request.actor))
    except NotFound:
        raise
    except RelatumError as error:
        form.refuse(error, renamed={"": "other"})
        return await customer_page(request, id, form)
    if not made:
        return Redirect(f"/customers/{id}", flash="linked-before")
    undo = f"/customers/{id}/links/{made[0]}/remove"
    return Redirect(f"/customers/{id}", flash="linked", undo=undo)


@post(
    "/customers/{customer_id:str}/links/{link_id:str}/remove", opt=WRITES, include_in_schema=False
)
async def unlink(request: Call, customer_id: FromPath[str], link_id: FromPath[str]) -> Answer[Any]:
    """Take a link away; the customers stay as they are."""
    id, link = id_in_path(customer_id, "customer"), id_in_path(link_id, "link")
    Form("action").take(await sent(request), Nothing)
    links = request.house.customers.links
    async with request.house.db.transaction():
        found = await links.get_many([link])
        if not found or id not in (found[0].source, found[0].target):
            raise NotFound(f"expected the id of a link of this customer, got {link}; there is none")
        await links.remove([link], by=request.actor)
    undo = f"/customers/{id}/links/again/{_packed(found[0])}"
    return Redirect(f"/customers/{id}", flash="unlinked", undo=undo)


@post("/customers/{customer_id:str}/links/again/{packed:str}", opt=WRITES, include_in_schema=False)
async def link_again(
    request: Call, customer_id: FromPath[str], packed: FromPath[str]
) -> Answer[Any]:
    """Put back a link that was taken away."""
    id = id_in_path(customer_id, "customer")
    Form("action").take(await sent(request), Nothing)
    draft = _unpacked(packed)
    if id not in (draft.source, draft.target):
        raise NotFound("expected a link of this customer, got one of others")
    await request.house.customers.links.create([draft], by=request.actor)
    return Redirect(f"/customers/{id}", flash="undone")


def _draft(id: UUID, other: UUID, asked: LinkForm) -> LinkDraft:
    kind = asked.relation[1:]
    if kind not in LINKS or asked.relation[:1] not in (FORTH, BACK):
        raise _refused("relation", "wrong-value", "one of the list")
    source, target = (id, other) if asked.relation.startswith(FORTH) else (other, id)
    return LinkDraft(source=source, target=target, kind=cast("LinkKind", kind), role=asked.role)


async def _other(request: Call, asked: LinkForm, form: Form) -> UUID:
    """The customer that is meant.

    Raises:
        InvalidInput: nobody, or several; the form then offers them.
    """
    if asked.chosen is not None:
        return (await request.house.customers.get(asked.chosen)).id
    found = await _meant(request, asked.other)
    same = [each for each in found if fold(each.display_name) == fold(asked.other)]
    meant = same if len(same) == 1 else found
    if not meant:
        raise _refused("other", "nobody-found", "a name, a phone number or an e-mail")
    if len(meant) > 1:
        country = request.house.settings.company.country
        form.hold({"found": [(str(each.id), _spelled(each, country)) for each in meant]})
        raise _refused("other", "several-found", "one of them")
    return meant[0].id


async def _meant(request: Call, text: str) -> list[Customer]:
    query = CustomerQuery(q=text, limit=MOST_NAMED, sort="-updated_at")
    return (await request.house.customers.find(query)).items


def _spelled(customer: Customer, country: str) -> str:
    """A name that finds one customer again: with a phone number or an e-mail where one is seen."""
    reach = next(
        (
            shown_point(point, country)
            for point in customer.contact_points
            if point.kind in ("phone", "email") and not is_masked(point.raw)
        ),
        "",
    )
    plain = reach.replace(" ", "") if reach[:1] in "0+" else reach
    return f"{customer.display_name} {plain}".strip()


def _refused(field: str, code: str, expected: str) -> InvalidInput:
    problem = Problem(code=code, message="cannot link", where=f"/{field}", expected=expected)
    return InvalidInput("The two cannot be linked yet.", problems=[problem])


def _packed(link: Link) -> str:
    draft = LinkDraft(
        source=link.source,
        target=link.target,
        kind=cast("LinkKind", link.kind),
        role=link.role,
        since=link.since,
        until=link.until,
    )
    return base64.urlsafe_b64encode(msgspec.json.encode(draft)).decode().rstrip("=")


def _unpacked(text: str) -> LinkDraft:
    try:
        padded = text + "=" * (-len(text) % 4)
        return msgspec.json.decode(base64.urlsafe_b64decode(padded), type=LinkDraft)
    except (binascii.Error, ValueError) as error:
        raise MalformedRequest("expected a link that was removed, got something else") from error


ROUTES = [named, link, unlink, link_again]
