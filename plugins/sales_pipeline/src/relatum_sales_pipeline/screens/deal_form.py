"""New deals, and changing what a deal says; when two change it at once, both versions are shown."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from relatum.api import (
    Conflict,
    CustomerQuery,
    Form,
    InvalidInput,
    Plugin,
    Problem,
    Redirect,
    RelatumError,
    Text,
    Visit,
    WebPage,
)
from relatum_sales_pipeline.permissions import DEALS_READ, DEALS_WRITE
from relatum_sales_pipeline.screens.reading import (
    ROOT,
    amount_of,
    chosen_pipeline,
    id_of,
    one_id,
    people,
    pipeline_pairs,
    stage_pairs,
    typed,
)
from relatum_sales_pipeline.services.deals import Deals
from relatum_sales_pipeline.services.pipelines import Pipelines
from relatum_sales_pipeline.types.deals import Deal, DealChange, DealDraft
from relatum_sales_pipeline.wording import SENTENCES

Short = Annotated[str, Meta(max_length=200)]
#: Fields of the form by the names that services have for them.
RENAMED = {"customer_id": "customer", "owner_id": "owner", "team_id": "team"}


class DealForm(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What people type about a deal."""

    name: Annotated[str, Meta(min_length=1, max_length=300)]
    customer: Short = ""
    value: Short = ""
    expected_close: dt.date | None = None
    owner: str = ""
    team: str = ""
    pipeline: str = ""
    stage: str = ""
    competitor: Short = ""
    version: Annotated[int, Meta(ge=1)] | None = None


class NewAsked(msgspec.Struct, kw_only=True):
    """What a new deal begins with, from the address."""

    customer: Annotated[str, Meta(max_length=200)] = ""
    pipeline: str = ""


class Both(msgspec.Struct, frozen=True):
    """A field in both versions."""

    label: str
    theirs: str
    yours: str


async def new(plugin: Plugin, visit: Visit) -> dict[str, Any]:
    _, asked = visit.query(NewAsked)
    name = await name_of_customer(visit, one_id(asked.customer))
    values = {"customer": name or asked.customer, "pipeline": asked.pipeline}
    return await _page(plugin, visit, Form("deal", values))


async def create(plugin: Plugin, visit: Visit) -> Any:
    form, sent = await visit.form("deal", DealForm)
    if sent is not None:
        try:
            draft = await _draft(plugin, visit, sent)
            (id,) = await Deals(plugin).create([draft], by=visit.call.actor)
        except RelatumError as error:
            refuse_one(form, error)
        else:
            return Redirect(f"{ROOT}/deals/{id}", flash="sales_pipeline.created")
    return await _page(plugin, visit, form)


async def edit(plugin: Plugin, visit: Visit) -> dict[str, Any]:
    deal = await Deals(plugin).get(id_of(visit, "deal"))
    return await _page(plugin, visit, Form("deal", _values(deal, visit)), deal)


async def change(plugin: Plugin, visit: Visit) -> Any:
    form, sent = await visit.form("deal", DealForm)
    deals = Deals(plugin)
    deal = await deals.get(id_of(visit, "deal"))
    both: list[Both] = []
    if sent is not None:
        try:
            wanted = await _change(plugin, visit, sent, deal)
            await deals.change(deal.id, wanted, by=visit.call.actor, version=sent.version)
        except Conflict as error:
            form.refuse(error)
            both = await _both(plugin, visit, deal, sent)
            form.hold({"version": deal.version})
        except RelatumError as error:
            refuse_one(form, error)
        else:
            return Redirect(f"{ROOT}/deals/{deal.id}", flash="sales_pipeline.saved")
    return {**await _page(plugin, visit, form, deal), "both": both}


async def _page(
    plugin: Plugin, visit: Visit, form: Form, deal: Deal | None = None
) -> dict[str, Any]:
    book = await Pipelines(plugin).book()
    owners, teams = await people(plugin)
    pipeline = chosen_pipeline(book, str(form.value("pipeline")))
    return {
        "form": form,
        "shown": deal,
        "currency": deal.currency if deal else _currency(plugin, visit),
        "owners": owners,
        "teams": teams,
        "pipelines": pipeline_pairs(book, visit),
        "stages": stage_pairs(pipeline, visit, open_only=True),
        "customers": await _suggested(visit),
        "both": [],
        "here": "sales_pipeline.board",
        "sentences": SENTENCES,
        "root": ROOT,
    }


async def _suggested(visit: Visit) -> list[str]:
    """Names of customers that were changed last, to choose from."""
    found = await visit.house.customers.find(CustomerQuery(limit=50, sort="-updated_at"))
    return sorted({each.display_name for each in found.items})


def _currency(plugin: Plugin, visit: Visit) -> str:
    return str(plugin.settings.currency or visit.currency)


def _values(deal: Deal, visit: Visit) -> dict[str, Any]:
    return {
        "name": deal.name,
        "customer": deal.customer or "",
        "value": typed(deal.value, visit),
        "expected_close": deal.expected_close.isoformat() if deal.expected_close else "",
        "owner": str(deal.owner_id or ""),
        "team": str(deal.team_id or ""),
        "competitor": deal.competitor,
        "version": deal.version,
    }


async def _draft(plugin: Plugin, visit: Visit, sent: DealForm) -> DealDraft:
    currency = _currency(plugin, visit)
    return DealDraft(
        name=sent.name,
        customer_id=await customer_of(visit, sent.customer),
        pipeline=sent.pipeline or None,
        stage=sent.stage or None,
        owner_id=one_id(sent.owner),
        team_id=one_id(sent.team),
        value=amount_of(sent.value, currency, visit, "/value"),
        expected_close=sent.expected_close,
        competitor=sent.competitor,
    )


async def _change(plugin: Plugin, visit: Visit, sent: DealForm, deal: Deal) -> DealChange:
    same = sent.customer.strip() == (deal.customer or "")
    return DealChange(
        name=sent.name,
        customer_id=deal.customer_id if same else await customer_of(visit, sent.customer),
        owner_id=one_id(sent.owner),
        team_id=one_id(sent.team),
        value=amount_of(sent.value, deal.currency, visit, "/value"),
        expected_close=sent.expected_close,
        competitor=sent.competitor,
    )


async def customer_of(visit: Visit, text: str) -> UUID | None:
    """The customer that was typed, by id or by a name that one customer has.

    Raises:
        InvalidInput: nobody has that name, or several do.
    """
    name = text.strip()
    if not name or (id := one_id(name)) is not None:
        return None if not name else id
    ids = (await visit.house.customers.ids_by_name([name])).get(name, [])
    if len(ids) == 1:
        return ids[0]
    code = "several-customers" if ids else "unknown-customer"
    message = "several customers have this name" if ids else "there is no customer with this name"
    mend = "Open the customer and begin there." if ids else "Add the customer first."
    problem = Problem(
        code=code,
        message=message,
        where="/customer",
        expected="the name of one customer",
        got=name[:80],
        mend=mend,
    )
    raise InvalidInput("The customer is not known.", problems=[problem])


async def name_of_customer(visit: Visit, id: UUID | None) -> str:
    """The name where it says who it is; the id where several have it."""
    if id is None:
        return ""
    found = await visit.house.customers.get_many([id])
    if not found:
        return ""
    name = found[0].display_name
    ids = (await visit.house.customers.ids_by_name([name])).get(name, [])
    return name if len(ids) == 1 else str(id)


def refuse_one(form: Form, error: RelatumError) -> None:
    """Note what is wrong with the one that a form makes."""
    problems = [_of_one(each) for each in error.problems]
    error.problems = tuple(problems)
    form.refuse(error, renamed=RENAMED)


def _of_one(problem: Problem) -> Problem:
    """Without the index of a batch of one."""
    first, _, rest = problem.where.strip("/").partition("/")
    where = f"/{rest}" if first.isdigit() else problem.where
    return msgspec.structs.replace(problem, where=where)


async def _both(plugin: Plugin, visit: Visit, deal: Deal, sent: DealForm) -> list[Both]:
    """The fields that differ between what is stored now and what was sent."""
    owners, teams = await people(plugin)
    theirs, yours = _values(deal, visit), msgspec.structs.asdict(sent)
    labels = {
        "name": visit.text("Name"),
        "customer": visit.text("Customer"),
        "value": visit.text("Value"),
        "expected_close": visit.text("Expected"),
        "owner": visit.text("Owner"),
        "team": visit.text("Team"),
        "competitor": visit.text("Competitor"),
    }
    names = dict(owners) | dict(teams)
    found = []
    for field, label in labels.items():
        left, right = str(theirs[field] or ""), str(yours[field] or "")
        if left != right:
            found.append(Both(label, names.get(left, left), names.get(right, right)))
    return found


EDIT = Text(en="Edit the deal", vi="Sửa cơ hội")
PAGES = [
    WebPage(
        id="sales_pipeline.new_deal",
        path="/deals/new",
        title=Text(en="New deal", vi="Cơ hội mới"),
        permission=DEALS_WRITE,
        template="sales_pipeline/deal_form.html",
        load=new,
        act=create,
        says={"sales_pipeline.created": Text(en="The deal is there.", vi="Đã tạo cơ hội.")},
    ),
    WebPage(
        id="sales_pipeline.edit_deal",
        path="/deals/{id:str}/edit",
        title=EDIT,
        permission=DEALS_READ,
        act_permission=DEALS_WRITE,
        template="sales_pipeline/deal_form.html",
        load=edit,
        act=change,
        says={"sales_pipeline.saved": Text(en="Saved.", vi="Đã lưu.")},
    ),
]
