"""Making one of two customers, seeing first what comes of it, and taking it back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from relatum.customers.duplicates import Sought
from relatum.customers.merging.choosing import FIELD, PRIMARY
from relatum.customers.merging.types import Choices, FieldChoice, MovedRows
from relatum.customers.types import ContactPointDraft, Customer, CustomerQuery
from relatum.http.answers import Answer, Html
from relatum.http.calls import Call, id_in_path
from relatum.values.problems import NotFound, RelatumError
from relatum.web.flashes import declare_flashes
from relatum.web.forms import Form, Nothing, sent
from relatum.web.languages import language_of, marked, translations
from relatum.web.layout import PAGE, Redirect, page
from relatum.web.pages.customers import card
from relatum.web.pages.customers.card import KINDS, POINTS, Say, is_masked
from relatum.web.pages.customers.show import CUSTOMERS

MERGES = {"permission": "core.customers.merge", **PAGE}
KEEP = "keep."
MOST_FOUND = 8

FIELDS = {
    "display_name": marked("Name"),
    "kind": marked("Person or organisation"),
    "owner": marked("Owner"),
    "team": marked("Team"),
}
RULES = {
    "only": marked("only one has it"),
    "verified": marked("it is verified"),
    "recent": marked("it is the newer one"),
    "source": marked("it comes from a better source"),
    "survivor": marked("nothing speaks for the other"),
    "chosen": marked("you chose it"),
}
#: What the rows of core's tables are called; those of plugins are counted together.
ROWS = {
    "core_contact_point": marked("Contact points"),
    "core_customer_role": marked("Roles"),
    "core_customer_tag": marked("Tags"),
    "core_external_id": marked("Ids elsewhere"),
    "core_customer_link": marked("Links"),
    "core_interaction": marked("Interactions"),
}
OTHERS = marked("Other records")
PRIMARY_OF = marked("Primary: %(kind)s")

declare_flashes(
    {
        "customers-merged": marked("The two are one now."),
        "customers-unmerged": marked("They are two again."),
        "customer-was-merged": marked("That customer was merged into this one."),
    }
)


class Search(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Words that the other customer is looked for by."""

    q: Annotated[str, Meta(max_length=300)] = ""
    lang: str = ""


class MergeForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Why two customers are the same; whose values are kept is read beside it."""

    reason: Annotated[str, Meta(max_length=500)] = ""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One field in which two customers differ, as it is shown.

    Attributes:
        side: whose value is chosen.
        why: the rule that chose it.
    """

    name: str
    title: str
    survivor: str
    absorbed: str
    side: str
    why: str


@get("/customers/{customer_id:str}/merge", opt=MERGES, include_in_schema=False)
async def choose(request: Call, customer_id: FromPath[str]) -> Html:
    """With whom? Those who may be the same, and whoever is looked for."""
    customer = await request.house.customers.get(id_in_path(customer_id, "customer"))
    asked = request.query_as(Search)
    form = Form("search", {"q": asked.q})
    likely = await request.house.customers.duplicates.of(_sought(customer), other_than=customer.id)
    found: list[Customer] = []
    if asked.q.strip():
        query = CustomerQuery(q=asked.q, limit=MOST_FOUND + 1, sort="-updated_at")
        found = (await request.house.customers.find(query)).items
    return await page(
        request,
        "relatum/customer_merge_with.html",
        here="customers",
        forms=(form,),
        customer=customer,
        likely=likely,
        found=[each for each in found if each.id != customer.id][:MOST_FOUND],
        asked=asked.q.strip(),
        merges=await request.house.merging.of(customer.id),
    )


@get("/customers/{customer_id:str}/merge/{other_id:str}", opt=MERGES, include_in_schema=False)
async def preview(request: Call, customer_id: FromPath[str], other_id: FromPath[str]) -> Html:
    """Both beside each other, and whose values are kept."""
    request.refuse_query(("lang",))
    ids = id_in_path(customer_id, "customer"), id_in_path(other_id, "customer")
    return await _preview(request, ids, Form("merging"), {})


@post("/customers/{customer_id:str}/merge/{other_id:str}", opt=MERGES, include_in_schema=False)
async def merge(request: Call, customer_id: FromPath[str], other_id: FromPath[str]) -> Answer[Any]:
    """Make them one."""
    survivor, absorbed = id_in_path(customer_id, "customer"), id_in_path(other_id, "customer")
    form = Form("merging")
    choices: Choices = {}
    try:
        pairs = await sent(request)
        choices = _choices(pairs)
        asked = form.take([each for each in pairs if not each[0].startswith(KEEP)], MergeForm)
        made = await request.house.merging.merge(
            survivor, absorbed, by=request.actor, choices=choices, reason=asked.reason
        )
    except NotFound:
        raise
    except RelatumError as error:
        form.refuse(error)
        return await _preview(request, (survivor, absorbed), form, {})
    undo = f"/customers/{survivor}/merges/{made.id}/undo"
    return Redirect(f"/customers/{survivor}", flash="customers-merged", undo=undo)


@get("/customers/{customer_id:str}/merges", opt=CUSTOMERS, include_in_schema=False)
async def listed(request: Call, customer_id: FromPath[str]) -> Html:
    """Who was merged into this customer, and what of it was taken back."""
    request.refuse_query(("lang",))
    house = request.house
    customer = await house.customers.get(id_in_path(customer_id, "customer"))
    merges = await house.merging.of(customer.id)
    return await page(
        request,
        "relatum/customer_merges.html",
        here="customers",
        customer=customer,
        merges=merges,
        people=await _people(request, [each.by for each in merges]),
    )


@get("/customers/{customer_id:str}/merges/{merge_id:str}", opt=MERGES, include_in_schema=False)
async def preview_undo(request: Call, customer_id: FromPath[str], merge_id: FromPath[str]) -> Html:
    """What taking a merge back would do."""
    request.refuse_query(("lang",))
    house = request.house
    customer = await house.customers.get(id_in_path(customer_id, "customer"))
    say = translations(language_of(request)).gettext
    undo = await house.merging.preview_undo(id_in_path(merge_id, "merge"))
    titles = await _titles(request, [each.name for each in undo.fields], say)
    named = await _names(request, [v for each in undo.fields for v in (each.now, each.back)])
    return await page(
        request,
        "relatum/customer_merge_undo.html",
        here="customers",
        customer=customer,
        undo=undo,
        fields=[
            (titles[f.name], _text(f.now, named, say), _text(f.back, named, say), f.kept)
            for f in undo.fields
        ],
        rows=_rows(undo.rows, say),
    )


@post(
    "/customers/{customer_id:str}/merges/{merge_id:str}/undo", opt=MERGES, include_in_schema=False
)
async def undo(request: Call, customer_id: FromPath[str], merge_id: FromPath[str]) -> Answer[Any]:
    """Take a merge back."""
    id_in_path(customer_id, "customer")
    Form("action").take(await sent(request), Nothing)
    id = id_in_path(merge_id, "merge")
    made = await request.house.merging.unmerge(id, by=request.actor)
    return Redirect(f"/customers/{made.customer}", flash="customers-unmerged")


async def _preview(request: Call, ids: tuple[UUID, UUID], form: Form, choices: Choices) -> Html:
    house = request.house
    say = translations(language_of(request)).gettext
    found = await house.merging.preview(*ids, choices)
    both = {each.id: each for each in await house.customers.get_many(ids)}
    return await page(
        request,
        "relatum/customer_merge.html",
        here="customers",
        address=f"/customers/{ids[0]}/merge/{ids[1]}",
        forms=(form,),
        customer=both[ids[0]],
        other=both[ids[1]],
        lines=await _lines(request, found.fields, say),
        rows=_rows(found.rows, say),
    )


async def _lines(request: Call, fields: Sequence[FieldChoice], say: Say) -> list[Line]:
    """The fields in which both differ."""
    differing = [each for each in fields if each.rule != "equal"]
    titles = await _titles(request, [each.name for each in differing], say)
    values = [value for each in differing for value in (each.survivor, each.absorbed)]
    named = await _names(request, values)
    return [
        Line(
            name=f"{KEEP}{each.name}",
            title=titles[each.name],
            survivor=_text(each.survivor, named, say),
            absorbed=_text(each.absorbed, named, say),
            side=each.side,
            why=say(RULES[each.rule]),
        )
        for each in differing
    ]


async def _titles(request: Call, names: Sequence[str], say: Say) -> dict[str, str]:
    declared = {
        field.key: card.title_of(field, language_of(request))
        for field in await request.house.customers.fields()
    }
    titles: dict[str, str] = {}
    for name in names:
        if name.startswith(FIELD):
            key = name.removeprefix(FIELD)
            titles[name] = declared.get(key, key)
        elif name.startswith(PRIMARY):
            kind = say(POINTS.get(name.removeprefix(PRIMARY), POINTS["other"])[0])
            titles[name] = say(PRIMARY_OF) % {"kind": kind}
        else:
            titles[name] = say(FIELDS[name])
    return titles


async def _names(request: Call, values: Sequence[Any]) -> dict[UUID, str]:
    """What accounts and teams are called."""
    ids = list(dict.fromkeys(value for value in values if isinstance(value, UUID)))
    if not ids:
        return {}
    accounts = {each.id: each.name for each in await request.house.accounts.get_many(ids)}
    return accounts | dict(await request.house.roles.teams.names(ids))


async def _people(request: Call, actors: Sequence[str]) -> dict[str, str]:
    """Names of those who acted, by how the log writes them."""
    ids = {f"person:{id}": id for id in _accounts_of(actors)}
    names = await _names(request, list(ids.values()))
    return {actor: names[id] for actor, id in ids.items() if id in names}


def _accounts_of(actors: Sequence[str]) -> list[UUID]:
    found = []
    for actor in dict.fromkeys(actors):
        kind, _, id = actor.partition(":")
        if kind == "person":
            found.append(UUID(id))
    return found


def _text(value: Any, named: dict[UUID, str], say: Say) -> str:
    if value is None:
        return ""
    if isinstance(value, UUID):
        return named.get(value, str(value))
    if isinstance(value, bool):
        return say("Yes") if value else say("No")
    return say(KINDS[value]) if value in KINDS else str(value)


def _rows(rows: Sequence[MovedRows], say: Say) -> list[tuple[str, int]]:
    """What moves, by what people call it."""
    counts: dict[str, int] = {}
    for each in rows:
        title = ROWS.get(each.table, OTHERS)
        counts[title] = counts.get(title, 0) + each.moved + each.set_aside
    order = [*ROWS.values(), OTHERS]
    return [(say(title), counts[title]) for title in order if title in counts]


def _choices(pairs: Sequence[tuple[str, str]]) -> Choices:
    """Whose value is kept, of the fields of the form that say so."""
    given = {name.removeprefix(KEEP): side for name, side in pairs if name.startswith(KEEP)}
    return msgspec.convert(given, Choices)


def _sought(customer: Customer) -> Sought:
    return Sought(
        display_name=customer.display_name,
        kind=customer.kind,  # type: ignore[arg-type]
        contact_points=[
            ContactPointDraft(kind=point.kind, raw=point.raw)  # type: ignore[arg-type]
            for point in customer.contact_points
            if not is_masked(point.raw)
        ],
    )


ROUTES = [choose, preview, merge, listed, preview_undo, undo]
