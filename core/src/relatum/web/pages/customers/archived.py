"""Interactions of a customer that have left the database, read from the files of the archive.

Files are as the house sees them: who sees a part of the customers, or masked values, is not shown
them.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
from litestar import get
from litestar.params import FromPath

from relatum.access.viewer import current_viewer
from relatum.archive.files import ForeignFile
from relatum.archive.kinds import INTERACTIONS, KINDS, Row
from relatum.http.answers import Html
from relatum.http.calls import Call, id_in_path
from relatum.interactions.types import Amount, Interaction
from relatum.values.problems import ConfigurationError
from relatum.web.languages import language_of, translations
from relatum.web.layout import PAGE, page, shell_for
from relatum.web.pages.customers.entries import by_day, entries_of
from relatum.web.pages.customers.timeline import (
    DIRECTIONS,
    READ,
    Timeline,
    TimelineFilter,
    channel_name,
    names_of,
)
from relatum.web.reading import zone_here

if TYPE_CHECKING:
    from relatum.app.house import House

READS = {"permission": READ, **PAGE}
MOST = 1_000


@get("/customers/{customer_id:str}/archived", opt=READS, include_in_schema=False)
async def show_archived(request: Call, customer_id: FromPath[str]) -> Html:
    """The archived interactions of a customer, newest first."""
    request.refuse_query(("lang",))
    house = request.house
    customer = await house.customers.get(id_in_path(customer_id, "customer"))
    sight = current_viewer().sight
    seen = sight.everything and not sight.masked
    found, broken = await _archived(house, customer.id) if seen else ([], False)
    say = translations(language_of(request)).gettext
    return await page(
        request,
        "relatum/customer_archived.html",
        here="customers",
        customer=customer,
        seen=seen,
        broken=broken,
        timeline=await _timeline(request, found),
        asked=TimelineFilter(),
        directions={name: say(title) for name, title in DIRECTIONS.items()},
        channel_name=lambda channel: channel_name(channel, say),
    )


async def _timeline(request: Call, found: list[Interaction]) -> Timeline:
    house, language = request.house, language_of(request)
    names = await names_of(house, [each.actor for each in found if each.actor])
    shell = shell_for(house, request.scope["state"], current_viewer(), language)
    entries = await asyncio.to_thread(
        entries_of, house, found, language=language, names=names, shell=shell
    )
    return Timeline(
        days=by_day(entries, zone_here(house)),
        next=None,
        looking=False,
        kinds=[],
        channels=[],
        count=len(found),
        archived="",
        continues=None,
    )


async def _archived(house: House, customer: UUID) -> tuple[list[Interaction], bool]:
    """What is in files and not in the database; and whether a file could not be read."""
    found: list[Interaction] = []
    try:
        async for entry, rows in house.archive.of_customer(customer):
            if entry.kind == INTERACTIONS and entry.gone:
                found += [_interaction(row) for row in rows]
    except (ForeignFile, ConfigurationError):
        return [], True
    there = {one.id for one in await house.interactions.get_many([each.id for each in found])}
    kept = [each for each in found if each.id not in there]
    kept.sort(key=lambda each: (each.occurred_at, each.id), reverse=True)
    return kept[:MOST], False


def _interaction(row: Row) -> Interaction:
    """A row of a file: every value is text."""
    held: dict[str, Any] = dict(zip(KINDS[INTERACTIONS].columns, row, strict=True))
    amount, currency = held["amount"], held["currency"]
    return Interaction(
        id=UUID(held["id"]),
        kind=held["kind"],
        kind_version=int(held["kind_version"]),
        customer_id=UUID(held["customer_id"]) if held["customer_id"] else None,
        channel=held["channel"],
        direction=held["direction"],
        occurred_at=dt.datetime.fromisoformat(held["occurred_at"]),
        recorded_at=dt.datetime.fromisoformat(held["recorded_at"]),
        payload=msgspec.Raw(held["payload"].encode()),
        money=None if amount is None else Amount(int(amount), currency),
        handle=held["handle"],
        subject=held["subject"],
        actor=held["actor"],
        idempotency_key=held["idempotency_key"],
    )


ROUTES = [show_archived]
