"""The timeline of a customer: which part of it is asked for, and reading it."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from msgspec import Meta

from relatum.access.viewer import current_viewer
from relatum.archive.kinds import INTERACTIONS
from relatum.db.pages import Page, Sort, cursor_at
from relatum.interactions.types import Direction, InteractionQuery
from relatum.values.text import fold
from relatum.values.time import day_bounds
from relatum.web.filters import filtered
from relatum.web.languages import Language, language_of, marked
from relatum.web.layout import shell_for
from relatum.web.pages.customers.entries import Day, by_day, entries_of, kinds_known, title_of
from relatum.web.reading import zone_here

if TYPE_CHECKING:
    from relatum.app.house import House
    from relatum.customers.types import Customer
    from relatum.http.calls import Call
    from relatum.interactions.types import Interaction
    from relatum.web.forms import Form

READ = "core.interactions.read"
A_PAGE = 30
#: Interactions that one request looks through for words.
LOOKED_THROUGH = 1_000
_PIECE = 200
NEWEST_FIRST = Sort("occurred_at", dt.datetime, descending=True)

CHANNELS = {
    "other": marked("other"),
    "phone": marked("phone"),
    "email": marked("e-mail"),
    "sms": marked("text message"),
    "zalo": marked("Zalo"),
    "facebook": marked("Facebook"),
    "web": marked("web"),
    "website": marked("web"),
    "shop": marked("shop"),
    "store": marked("shop"),
    "office": marked("office"),
    "online": marked("online"),
    "in_person": marked("in person"),
    "sales": marked("sales"),
}
DIRECTIONS = {"in": marked("from them"), "out": marked("from us"), "observed": marked("noted")}


class TimelineFilter(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which part of a timeline to show.

    Attributes:
        day: the day at the end of the part before: its heading is there already.
        listed: the list that one came from, as its address has it; named ``in``.
    """

    q: Annotated[str, Meta(max_length=200)] = ""
    kind: Annotated[str, Meta(max_length=120)] = ""
    channel: Annotated[str, Meta(max_length=60)] = ""
    direction: Direction | None = None
    first: dt.date | None = None
    last: dt.date | None = None
    cursor: str | None = None
    day: dt.date | None = None
    listed: Annotated[str, Meta(max_length=2_000)] = msgspec.field(default="", name="in")

    @property
    def narrows(self) -> bool:
        """Whether anything is filtered."""
        return bool(
            self.q or self.kind or self.channel or self.direction or self.first or self.last
        )


class Timeline(msgspec.Struct, frozen=True, kw_only=True):
    """One part of a timeline.

    Attributes:
        next: the address of what is older.
        looking: words were looked for and older interactions have not been looked through.
        archived: the newest month of interactions that left the database, if some did.
    """

    days: list[Day]
    next: str | None
    looking: bool
    kinds: list[tuple[str, str]]
    channels: list[tuple[str, str]]
    count: int
    archived: str
    continues: dt.date | None


async def timeline_of(
    request: Call, customer: Customer, text: Any, *, whole: bool = True
) -> tuple[Form, TimelineFilter, Timeline]:
    """The part of the timeline that the address asks for.

    Args:
        text: translates.
        whole: with what can be chosen to filter by.
    """
    form, asked = filtered(request, TimelineFilter)
    house, language = request.house, language_of(request)
    zone = zone_here(house)
    (found, looking), there, archived = await asyncio.gather(
        _found(house, customer.id, asked, zone),
        house.interactions.sorts_of(customer.id) if whole else _none(),
        archived_until(house),
    )
    names = await names_of(house, [each.actor for each in found.items if each.actor])
    shell = shell_for(house, request.scope["state"], current_viewer(), language)
    entries = await asyncio.to_thread(
        entries_of, house, found.items, language=language, names=names, shell=shell
    )
    days = by_day(entries, zone)
    return (
        form,
        asked,
        Timeline(
            days=days,
            next=_further(customer.id, asked, found.next, days),
            looking=looking,
            kinds=_kinds(house, there, language),
            channels=_channels(there, text),
            count=sum(number for _, _, number in there),
            archived=archived,
            continues=asked.day,
        ),
    )


async def _none() -> list[tuple[str, str, int]]:
    return []


async def _found(
    house: House, customer: UUID, asked: TimelineFilter, zone: str
) -> tuple[Page[Interaction], bool]:
    query = InteractionQuery(
        customer_id=customer,
        kind=asked.kind or None,
        channel=asked.channel or None,
        direction=asked.direction,
        occurred_from=day_bounds(asked.first, zone)[0] if asked.first else None,
        occurred_before=day_bounds(asked.last, zone)[1] if asked.last else None,
        limit=A_PAGE,
        cursor=asked.cursor,
    )
    words = fold(asked.q).split()
    if not words:
        return await house.interactions.find(query), False
    return await _with_words(house, query, words)


async def _with_words(
    house: House, query: InteractionQuery, words: Sequence[str]
) -> tuple[Page[Interaction], bool]:
    """Those of the next interactions that have all the words, and whether it goes on after them."""
    kept: list[Interaction] = []
    looked = 0
    page = await house.interactions.find(msgspec.structs.replace(query, limit=_PIECE))
    while True:
        looked += len(page.items)
        kept += [one for one in page.items if _says(one, words)]
        if len(kept) > A_PAGE:
            last = kept[A_PAGE - 1]
            return Page(kept[:A_PAGE], cursor_at(NEWEST_FIRST, last.occurred_at, last.id)), True
        if page.next is None or looked >= LOOKED_THROUGH:
            return Page(kept, page.next), page.next is not None
        page = await house.interactions.find(
            msgspec.structs.replace(query, limit=_PIECE, cursor=page.next)
        )


def _says(one: Interaction, words: Sequence[str]) -> bool:
    said = fold(f"{bytes(one.payload).decode()} {one.kind} {one.subject or ''}")
    return all(word in said for word in words)


async def names_of(house: House, actors: Iterable[str]) -> dict[str, str]:
    """What the people and services behind actors are called."""
    ids: dict[UUID, str] = {}
    for actor in dict.fromkeys(actors):
        kind, _, id = actor.partition(":")
        if kind in ("person", "service"):
            try:
                ids[UUID(id)] = actor
            except ValueError:
                continue
    accounts = await house.accounts.get_many(list(ids)) if ids else []
    return {ids[account.id]: account.name for account in accounts}


async def archived_until(house: House) -> str:
    """The newest month of which interactions have left the database, ``2025-12``; or nothing."""
    months = [
        entry.month
        for entry in await house.archive.files()
        if entry.kind == INTERACTIONS and entry.gone
    ]
    return max(months, default="")


def _further(
    customer: UUID, asked: TimelineFilter, cursor: str | None, days: Sequence[Day]
) -> str | None:
    if cursor is None:
        return None
    last = days[-1].day if days else asked.day
    pairs: Mapping[str, object] = {
        "q": asked.q,
        "kind": asked.kind,
        "channel": asked.channel,
        "direction": asked.direction or "",
        "first": asked.first or "",
        "last": asked.last or "",
        "cursor": cursor,
        "day": last or "",
        "in": asked.listed,
    }
    return f"/customers/{customer}?{urlencode({k: v for k, v in pairs.items() if v})}"


def _kinds(
    house: House, there: Sequence[tuple[str, str, int]], language: Language
) -> list[tuple[str, str]]:
    known = kinds_known(house)
    kinds = dict.fromkeys(kind for kind, _, _ in there)
    return sorted(
        ((kind, title_of(kind, known, language)) for kind in kinds), key=lambda pair: pair[1]
    )


def _channels(there: Sequence[tuple[str, str, int]], text: Any) -> list[tuple[str, str]]:
    channels = dict.fromkeys(channel for _, channel, _ in there)
    return sorted(((each, channel_name(each, text)) for each in channels), key=lambda p: p[1])


def channel_name(channel: str, text: Any) -> str:
    """What people call a channel; one that a plugin brought, as it calls itself."""
    return text(CHANNELS[channel]) if channel in CHANNELS else channel.replace("_", " ")
