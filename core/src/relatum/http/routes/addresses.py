"""``/api/v1/addresses``: what free-form addresses say, and where they lie today."""

from __future__ import annotations

import datetime as dt
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import get
from litestar.params import FromPath
from msgspec import Meta

from relatum.access.policies import MASK
from relatum.http.answers import Answer
from relatum.http.calls import Call, id_in_path
from relatum.values.address import AddressReading

READ = "core.customers.read"
TAGS = ["addresses"]


class AddressQuery(msgspec.Struct, frozen=True, kw_only=True):
    """An address (without one, nothing is read), and the day on which it was right (any day when it
    is left out)."""

    text: Annotated[str, Meta(max_length=500)] = ""
    as_of: dt.date | None = None


class ReadAddress(msgspec.Struct, frozen=True, kw_only=True):
    """An address as it is officially written, and all that was read.

    ``contact_point`` is the contact point of a customer that has it.
    """

    text: str
    reading: AddressReading
    contact_point: UUID | None = None


class ListedAddresses(msgspec.Struct, frozen=True):
    """Addresses of one customer, in the order of its contact points."""

    items: list[ReadAddress]


@get("/addresses", opt={"permission": READ, "query": AddressQuery}, tags=TAGS)
async def read_address(request: Call) -> Answer[ReadAddress]:
    """What an address says: its units, and where they lie today, with every possible answer."""
    asked = request.query_as(AddressQuery)
    [reading] = await request.house.addresses.read([asked.text], as_of=asked.as_of)
    return Answer(ReadAddress(text=reading.text, reading=reading))


@get("/customers/{customer_id:str}/addresses", opt={"permission": READ}, tags=TAGS)
async def read_addresses(request: Call, customer_id: FromPath[str]) -> Answer[ListedAddresses]:
    """The addresses of a customer as they are officially written, and where they lie today."""
    request.refuse_query()
    customer = await request.house.customers.get(id_in_path(customer_id, "customer"))
    points = [p for p in customer.contact_points if p.kind == "address" and MASK not in p.raw]
    readings = await request.house.addresses.read([point.raw for point in points])
    return Answer(
        ListedAddresses(
            [
                ReadAddress(text=reading.text, reading=reading, contact_point=point.id)
                for point, reading in zip(points, readings, strict=True)
            ]
        )
    )


ROUTES = [read_address, read_addresses]
