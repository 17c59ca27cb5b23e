"""The queue of likely doubles, the two of a pair side by side, and a panel of each customer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from relatum.api import (
    Conflict,
    Customer,
    Entry,
    Form,
    Panel,
    Plugin,
    Redirect,
    Text,
    Visit,
    WebPage,
    id_in_path,
    next_page,
)
from relatum_identity.jobs import WHOLE
from relatum_identity.permissions import PAIRS_DECIDE, PAIRS_READ
from relatum_identity.services.pairs import Pairs
from relatum_identity.settings import Settings
from relatum_identity.types import Decision, Pair, PairQuery, State

HERE = "/p/identity"
STATES: tuple[State, ...] = ("candidate", "merged", "auto_merged", "distinct", "unmerged")
#: So many of a customer's pairs stand in its panel.
MOST_IN_PANEL = 3
PER_PAGE = 50
#: What is shown of both, in this order, when either has it or it was compared.
KNOWN = ("name", "birth", "tax", "phone", "email", "domain", "address", "zalo", "facebook", "tags")


class Queue(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Which pairs are shown."""

    state: State = "candidate"
    cursor: Annotated[str, Meta(max_length=300)] = ""


class Judgement(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What a person says of the two."""

    do: Literal["merge", "distinct"]
    survivor: UUID | None = None
    reason: Annotated[str, Meta(max_length=500)] = ""


class Nothing(msgspec.Struct, forbid_unknown_fields=True):
    """No more than a button."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is known of both, and what it says about them."""

    field: str
    first: list[str]
    second: list[str]
    level: str = ""
    bits: float | None = None


async def show_queue(plugin: Plugin, visit: Visit) -> dict[str, Any]:
    """Pairs of one state, the likeliest first."""
    _, asked = visit.query(Queue)
    query = PairQuery(state=asked.state, limit=PER_PAGE, cursor=asked.cursor or None)
    found = await Pairs(plugin).find(query)
    return {
        "pairs": found.items,
        "people": await _people(visit, found.items),
        "state": asked.state,
        "states": STATES,
        "next": next_page(visit.call, found.next),
        "may_decide": visit.may(PAIRS_DECIDE),
        "root": HERE,
    }


async def sweep(plugin: Plugin, visit: Visit) -> Redirect:
    """Look for doubles now instead of tonight."""
    await visit.form("sweep", Nothing)
    await plugin.house.jobs.enqueue(WHOLE, unique=WHOLE)
    return Redirect(HERE, flash="identity.sweeping")


async def show_pair(plugin: Plugin, visit: Visit) -> dict[str, Any]:
    """Both, side by side."""
    pair = await Pairs(plugin).get(id_in_path(visit.path["pair"], "pair"))
    people = await _people(visit, [pair])
    return {
        "pair": pair,
        "people": people,
        "lines": _lines(plugin, visit, pair, people),
        "may_decide": visit.may(PAIRS_DECIDE) and pair.state == "candidate",
        "root": HERE,
        "judgement": Form("judgement", {"survivor": str(pair.first)}),
    }


async def decide(plugin: Plugin, visit: Visit) -> Any:
    """Merge them, or remember that they are two."""
    id = id_in_path(visit.path["pair"], "pair")
    form, said = await visit.form("judgement", Judgement)
    if said is not None:
        decision = Decision(decision=said.do, survivor=said.survivor, reason=said.reason)
        try:
            decided = await Pairs(plugin).decide(id, decision, by=visit.call.actor)
        except Conflict as error:
            form.refuse(error)
        else:
            if decided.state == "merged":
                return Redirect(f"/customers/{decided.first}", flash="identity.merged")
            return Redirect(HERE, flash="identity.distinct")
    return {**await show_pair(plugin, visit), "judgement": form}


async def doubles_of(plugin: Plugin, visit: Visit) -> dict[str, Any] | None:
    """The candidates that a customer is in; no panel without any."""
    customer: Customer = visit.subject
    pairs = await Pairs(plugin).of(customer.id, limit=MOST_IN_PANEL)
    if not pairs:
        return None
    people = await _people(visit, pairs)
    others = [each.second if each.first == customer.id else each.first for each in pairs]
    return {
        "doubles": [
            (pair, people[other])
            for pair, other in zip(pairs, others, strict=True)
            if other in people
        ],
        "root": HERE,
    }


async def _people(visit: Visit, pairs: Sequence[Pair]) -> dict[UUID, Customer]:
    ids = list({id for pair in pairs for id in (pair.first, pair.second)})
    found = await visit.house.customers.get_many(ids)
    return {each.id: each for each in found}


def _lines(plugin: Plugin, visit: Visit, pair: Pair, people: dict[UUID, Customer]) -> list[Line]:
    """What is known of both, with the evidence beside what it was taken from."""
    settings: Settings = plugin.settings
    both = [people.get(id) for id in (pair.first, pair.second)]
    evidence = {each.field: each for each in pair.evidence}
    lines = []
    for field in KNOWN:
        first, second = [_values(each, field, settings) for each in both]
        found = evidence.get(field)
        if first or second or found:
            lines.append(
                Line(
                    field=field,
                    first=first,
                    second=second,
                    level=found.level if found else "",
                    bits=found.bits if found else None,
                )
            )
    made = [[visit.day(each.created_at)] if each else [] for each in both]
    return [*lines, Line(field="created", first=made[0], second=made[1])]


def _values(customer: Customer | None, field: str, settings: Settings) -> list[str]:
    """What is known of one, as the viewer sees it: what is masked stays masked."""
    if customer is None:
        return []
    if field == "name":
        return [customer.display_name]
    if field in ("birth", "tax"):
        key = settings.birth_field if field == "birth" else settings.tax_field
        known = customer.fields.get(key)
        return [] if known in (None, "") else [str(known)]
    if field == "tags":
        return list(customer.tags)
    kind = "website" if field == "domain" else field
    return [point.raw for point in customer.contact_points if point.kind == kind]


TITLE = Text(en="Likely doubles", vi="Hồ sơ có thể trùng")
PAGES = [
    WebPage(
        id="identity.queue",
        path="/",
        title=TITLE,
        permission=PAIRS_READ,
        template="identity/queue.html",
        load=show_queue,
        act=sweep,
        act_permission=PAIRS_DECIDE,
        entry=Entry(icon="users", group="insight", order=60),
        says={
            "identity.sweeping": Text(
                en="Looking for doubles; the list fills in a moment.",
                vi="Đang tìm hồ sơ trùng; danh sách sẽ có sau giây lát.",
            ),
            "identity.merged": Text(
                en="Both are one now. Taking it back is on this page.",
                vi="Hai hồ sơ đã là một. Có thể hoàn tác ở trang này.",
            ),
            "identity.distinct": Text(
                en="Remembered: they are two.", vi="Đã ghi nhớ: đây là hai khách hàng."
            ),
        },
    ),
    WebPage(
        id="identity.pair",
        path="/pairs/{pair:str}",
        title=TITLE,
        permission=PAIRS_READ,
        template="identity/pair.html",
        load=show_pair,
        act=decide,
        act_permission=PAIRS_DECIDE,
    ),
]
PANELS = [
    Panel(
        id="identity.doubles_of",
        slot="customer.side",
        title=TITLE,
        permission=PAIRS_READ,
        template="identity/panel.html",
        load=doubles_of,
        icon="users",
        order=20,
    )
]
