"""The previous and the next customer of the list that one came from."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode
from uuid import UUID

import msgspec

from relatum.access.viewer import current_viewer
from relatum.http.queries import pairs_of
from relatum.values.problems import InvalidInput, MalformedRequest
from relatum.web.pages.customers.asking import asked_of
from relatum.web.reading import zone_here

if TYPE_CHECKING:
    from relatum.customers.types import Customer
    from relatum.http.calls import Call


class Neighbours(msgspec.Struct, frozen=True, kw_only=True):
    """Ids of the customers before and after, where there are such; the list's own address."""

    previous: UUID | None = None
    next: UUID | None = None
    listed: str = ""


async def neighbours_of(request: Call, customer: Customer, listed: str) -> Neighbours:
    """Who stands beside a customer in a list; nobody when the list cannot be read.

    Args:
        listed: the query of the list's address; empty when one did not come from a list.
    """
    if not listed:
        return Neighbours()
    house = request.house
    try:
        asked = asked_of(pairs_of(listed.encode("ascii", "replace")))
        query = asked.query(current_viewer(), zone_here(house))
        previous, following = await house.customers.beside(customer, query)
    except (InvalidInput, MalformedRequest):
        return Neighbours()
    return Neighbours(previous=previous, next=following, listed=urlencode(asked.pairs()))
