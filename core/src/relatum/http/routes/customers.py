"""``/api/v1/customers``: finding, creating and changing customers, their links and timeline."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import delete, get, patch, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from relatum.customers.duplicates import Likeness, Sought
from relatum.customers.finding import Absorbed
from relatum.customers.links import Links
from relatum.customers.types import (
    Customer,
    CustomerChange,
    CustomerDraft,
    CustomerQuery,
    FieldDraft,
    Link,
    LinkDraft,
    LinkKind,
)
from relatum.db.pages import Page
from relatum.http.answers import Answer, expected_version, paged, versioned
from relatum.http.batches import BatchResult, of_one, take_batch
from relatum.http.calls import Call, id_in_path
from relatum.interactions.types import Interaction, InteractionQuery
from relatum.values.problems import Conflict, InvalidInput, NotFound, Problem

READ = "core.customers.read"
WRITE = "core.customers.write"
TAGS = ["customers"]


class DuplicatesQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What is done about customers who are likely the same as the one to be created.

    ``show``: it is created, and the answer names them. ``refuse``: it is not created when one is
    sure, or more likely the same than not; the answer is 409 and names them.
    """

    duplicates: Literal["show", "refuse"] | None = None


class CreatedCustomer(Customer, kw_only=True, frozen=True, omit_defaults=False):
    """The customer as created.

    ``duplicates``: those who are likely the same, where they were asked for.
    """

    duplicates: list[Likeness] | msgspec.UnsetType = msgspec.UNSET


class CustomerBatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Customers to be created together."""

    items: list[CustomerDraft]


class CustomerLink(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A link to or from the customer of the address.

    Give the other end: ``target`` when this customer is the source (``this parent_of target``),
    ``source`` when this customer is the target.
    """

    kind: LinkKind
    source: UUID | None = None
    target: UUID | None = None
    role: Annotated[str, Meta(max_length=100)] = ""
    since: dt.date | None = None
    until: dt.date | None = None


class Listed(msgspec.Struct, frozen=True):
    """Everything there is, without pages."""

    items: list[Link]


class ListedFields(msgspec.Struct, frozen=True):
    """The declared custom fields."""

    items: list[FieldDraft]


@get("/customers", opt={"permission": READ, "query": CustomerQuery}, tags=TAGS)
async def find_customers(request: Call) -> Answer[Page[Customer]]:
    """Customers that fit, one page at a time."""
    return paged(request, await request.house.customers.find(request.query_as(CustomerQuery)))


@post("/customers", opt={"permission": WRITE, "query": DuplicatesQuery}, tags=TAGS)
async def create_customer(request: Call, data: JSONBody[CustomerDraft]) -> Answer[CreatedCustomer]:
    """Create one customer; with `?duplicates=` those who are likely the same are told."""
    asked = request.query_as(DuplicatesQuery).duplicates
    customers = request.house.customers
    likely = await customers.duplicates.of(_sought(data)) if asked else msgspec.UNSET
    if asked == "refuse" and likely:
        _refuse_duplicates(likely)
    try:
        (id,) = await customers.create([data], by=request.actor)
    except InvalidInput as error:
        raise of_one(error) from error
    written = await customers.get_written(id)
    customer = CreatedCustomer(**msgspec.structs.asdict(written), duplicates=likely)
    location = (b"location", f"/api/v1/customers/{id}".encode())
    return versioned(request, customer, customer.version, status=201, headers=[location])


def _sought(draft: CustomerDraft) -> Sought:
    return Sought(
        display_name=draft.display_name,
        kind=draft.kind,
        contact_points=draft.contact_points,
        external_ids=draft.external_ids,
        fields=draft.fields,
    )


def _refuse_duplicates(likely: Sequence[Likeness]) -> None:
    """Let pass what is not more likely one than two.

    Raises:
        Conflict: with those that are.
    """
    strong = [one for one in likely if one.strong]
    if strong:
        raise Conflict(
            f"expected a customer who is not there yet, got one who is likely the same as "
            f"{strong[0].display_name} ({strong[0].id}); use that one, or create without "
            "duplicates=refuse",
            extra={"duplicates": [msgspec.to_builtins(one) for one in strong]},
        )


@post(
    "/customers/batch",
    opt={"permission": WRITE, "body": CustomerBatch, "flags": ("partial",)},
    tags=TAGS,
)
async def create_customers(request: Call) -> Answer[BatchResult]:
    """Create many customers: all or none, or with `?partial=true` the acceptable ones."""
    customers = request.house.customers
    return await take_batch(
        request,
        CustomerDraft,
        customers.check,
        lambda drafts: customers.create(drafts, by=request.actor),
    )


@get("/customers/{customer_id:str}", opt={"permission": READ, "versioned": True}, tags=TAGS)
async def read_customer(request: Call, customer_id: FromPath[str]) -> Answer[Customer]:
    """One customer; `ETag` names the version. The id of one who was merged into another leads to
    that one (301)."""
    request.refuse_query()
    try:
        customer = await request.house.customers.get(id_in_path(customer_id, "customer"))
    except Absorbed as merged:
        location = (b"location", f"/api/v1/customers/{merged.into}".encode())
        return Answer({"merged_into": merged.into}, status=301, headers=[location])  # type: ignore[arg-type]
    return versioned(request, customer, customer.version)


@patch("/customers/{customer_id:str}", opt={"permission": WRITE, "versioned": True}, tags=TAGS)
async def change_customer(
    request: Call, customer_id: FromPath[str], data: JSONBody[CustomerChange]
) -> Answer[Customer]:
    """Change the named fields; with `If-Match` only if nobody else changed the customer."""
    request.refuse_query()
    id = id_in_path(customer_id, "customer")
    version = expected_version(request)
    try:
        customer = await request.house.customers.change(id, data, by=request.actor, version=version)
    except InvalidInput as error:
        raise of_one(error) from error
    return versioned(request, customer, customer.version)


@get(
    "/customers/{customer_id:str}/timeline",
    opt={"permission": READ, "query": InteractionQuery, "fixed": ("customer_id", "anonymous")},
    tags=TAGS,
)
async def read_timeline(request: Call, customer_id: FromPath[str]) -> Answer[Page[Interaction]]:
    """Everything that happened between this customer and the business, newest first."""
    id = id_in_path(customer_id, "customer")
    query = request.query_as(InteractionQuery, customer_id=id, anonymous=None)
    page = await request.house.interactions.find(query)
    if not page.items:
        await request.house.customers.get(id)
    return paged(request, page)


@get("/customers/{customer_id:str}/links", opt={"permission": READ}, tags=TAGS)
async def read_links(request: Call, customer_id: FromPath[str]) -> Answer[Listed]:
    """The links that begin or end at this customer."""
    request.refuse_query()
    id = id_in_path(customer_id, "customer")
    found = await _links(request).of(id)
    if not found:
        await request.house.customers.get(id)
    return Answer(Listed(found))


@post("/customers/{customer_id:str}/links", opt={"permission": WRITE}, tags=TAGS)
async def create_link(
    request: Call, customer_id: FromPath[str], data: JSONBody[CustomerLink]
) -> Answer[Link]:
    """Link this customer with another one; 200 when the link is there already."""
    request.refuse_query()
    draft = _link_draft(id_in_path(customer_id, "customer"), data)
    links = _links(request)
    async with request.house.db.transaction():
        try:
            new = await links.create([draft], by=request.actor)
        except InvalidInput as error:
            raise of_one(error) from error
        found = await links.get_many(new) if new else await links.of(draft.source)
    link = next(link for link in found if _is(link, draft))
    return Answer(link, status=201 if new else 200)


@delete(
    "/customers/{customer_id:str}/links/{link_id:str}",
    opt={"permission": WRITE},
    tags=TAGS,
    status_code=204,
)
async def remove_link(request: Call, customer_id: FromPath[str], link_id: FromPath[str]) -> None:
    """Take a link away; the customers stay as they are."""
    request.refuse_query()
    id, link = id_in_path(customer_id, "customer"), id_in_path(link_id, "link")
    links = _links(request)
    async with request.house.db.transaction():
        found = await links.get_many([link])
        if not found or id not in (found[0].source, found[0].target):
            raise NotFound(f"expected the id of a link of this customer, got {link}; there is none")
        await links.remove([link], by=request.actor)


@get("/customer-fields", opt={"permission": READ}, tags=TAGS)
async def read_fields(request: Call) -> Answer[ListedFields]:
    """The custom fields of customers."""
    request.refuse_query()
    return Answer(ListedFields(await request.house.customers.fields()))


@post("/customer-fields", opt={"permission": "core.fields.write"}, tags=TAGS)
async def declare_field(request: Call, data: JSONBody[FieldDraft]) -> Answer[FieldDraft]:
    """Declare a custom field, so that customers may have values of it."""
    request.refuse_query()
    request.house.processing.refuse_unknown(data.purposes or [])
    try:
        await request.house.customers.declare_fields([data])
    except InvalidInput as error:
        raise of_one(error) from error
    return Answer(data, status=201)


def _links(request: Call) -> Links:
    return Links(request.house.db, request.house.events)


def _is(link: Link, draft: LinkDraft) -> bool:
    return (link.source, link.target, link.kind) == (draft.source, draft.target, draft.kind)


def _link_draft(customer: UUID, asked: CustomerLink) -> LinkDraft:
    source, target = asked.source, asked.target
    if source is None and target is not None:
        source = customer
    elif target is None and source is not None:
        target = customer
    if source is None or target is None or customer not in (source, target):
        problem = Problem(
            code="which-end",
            message="the other end of the link is missing or neither end is this customer",
            where="/target",
            expected="target (this customer is the source) or source (it is the target)",
            mend="Name the other customer.",
        )
        raise InvalidInput("The link has no other end.", problems=[problem])
    return LinkDraft(
        source=source,
        target=target,
        kind=asked.kind,
        role=asked.role,
        since=asked.since,
        until=asked.until,
    )


ROUTES = [
    find_customers,
    create_customer,
    create_customers,
    read_customer,
    change_customer,
    read_timeline,
    read_links,
    create_link,
    remove_link,
    read_fields,
    declare_field,
]
