"""Leads: the list, taking one in, and the page of one with both tests and why they came out so."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from relatum.api import (
    CustomerDraft,
    Entry,
    Form,
    InvalidInput,
    Page,
    Plugin,
    Redirect,
    RelatumError,
    Text,
    Visit,
    WebPage,
    next_page,
)
from relatum_sales_pipeline.permissions import DEALS_WRITE, LEADS_READ, LEADS_WRITE
from relatum_sales_pipeline.qualification import Question, TestResult
from relatum_sales_pipeline.screens.deal_form import customer_of, name_of_customer, refuse_one
from relatum_sales_pipeline.screens.reading import (
    ROOT,
    amount_of,
    id_of,
    one_id,
    people,
    pipeline_pairs,
    titled,
)
from relatum_sales_pipeline.services.leads import Leads
from relatum_sales_pipeline.services.pipelines import Pipelines
from relatum_sales_pipeline.services.questions import Questions
from relatum_sales_pipeline.types.leads import (
    Conversion,
    Lead,
    LeadChange,
    LeadDraft,
    LeadQuery,
    Qualification,
)

STATES = ("new", "working", "qualified", "disqualified", "converted")
SORTS = ("-created_at", "-fit", "-behaviour", "-updated_at")
Short = Annotated[str, Meta(max_length=200)]


class LeadFilter(msgspec.Struct, kw_only=True):
    """What stands in the address of the list."""

    status: str = ""
    source: Short = ""
    owner: str = ""
    kind: str = ""
    sort: Annotated[str, Meta(max_length=40)] = "-created_at"
    cursor: Annotated[str, Meta(max_length=2000)] | None = None


class LeadForm(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A new lead: of a customer that is known by name, or with a new one."""

    customer: Annotated[str, Meta(min_length=1, max_length=200)]
    kind: Annotated[str, Meta(max_length=20)] = "person"
    source: Annotated[str, Meta(max_length=100)] = ""
    owner: str = ""
    fresh: bool = False


class NewAsked(msgspec.Struct, kw_only=True):
    """What a new lead begins with, from the address."""

    customer: Short = ""


class StateForm(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What changes of a lead besides its answers."""

    version: Annotated[int, Meta(ge=1)] | None = None
    status: Annotated[str, Meta(max_length=20)] = ""
    owner: str = ""
    source: Annotated[str, Meta(max_length=100)] = ""


class ConvertForm(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The deal that a lead becomes."""

    name: Annotated[str, Meta(min_length=1, max_length=300)]
    version: Annotated[int, Meta(ge=1)] | None = None
    pipeline: str = ""
    value: Short = ""


async def load(plugin: Plugin, visit: Visit) -> dict[str, Any]:
    form, asked = visit.query(LeadFilter)
    owners, _ = await people(plugin)
    kind: Any = asked.kind if asked.kind in ("person", "organisation") else None
    query = LeadQuery(
        status=asked.status if asked.status in STATES else None,  # type: ignore[arg-type]
        source=asked.source or None,
        owner_id=one_id(asked.owner),
        customer_kind=kind,
        sort=asked.sort if asked.sort in SORTS else "-created_at",
        cursor=asked.cursor,
    )
    try:
        page = await Leads(plugin).find(query)
    except InvalidInput as error:
        form.refuse(error)
        page = Page([], None)
    return {
        "filter": form,
        "leads": page.items,
        "next": next_page(visit.call, page.next),
        "owners": owners,
        "narrowed": any((asked.status, asked.source, asked.owner, asked.kind)),
        "may_write": visit.may(LEADS_WRITE),
        "root": ROOT,
    }


async def new(plugin: Plugin, visit: Visit) -> dict[str, Any]:
    _, asked = visit.query(NewAsked)
    name = await name_of_customer(visit, one_id(asked.customer))
    return await _new_page(plugin, Form("lead", {"customer": name, "kind": "person"}))


async def _new_page(plugin: Plugin, form: Form) -> dict[str, Any]:
    owners, _ = await people(plugin)
    return {"form": form, "owners": owners, "here": "sales_pipeline.leads", "root": ROOT}


async def create(plugin: Plugin, visit: Visit) -> Any:
    form, sent = await visit.form("lead", LeadForm)
    if sent is not None:
        try:
            draft = await _draft(visit, sent)
            (id,) = await Leads(plugin).create([draft], by=visit.call.actor)
        except RelatumError as error:
            refuse_one(form, error)
        else:
            return Redirect(f"{ROOT}/leads/{id}", flash="sales_pipeline.lead_created")
    return await _new_page(plugin, form)


async def _draft(visit: Visit, sent: LeadForm) -> LeadDraft:
    kind: Any = "organisation" if sent.kind == "organisation" else "person"
    fresh = CustomerDraft(display_name=sent.customer, kind=kind) if sent.fresh else None
    return LeadDraft(
        customer_id=None if fresh else await customer_of(visit, sent.customer),
        customer=fresh,
        source=sent.source.strip() or "unknown",
        owner_id=one_id(sent.owner),
    )


async def show(plugin: Plugin, visit: Visit) -> dict[str, Any]:
    lead = await Leads(plugin).get(id_of(visit, "lead"))
    questions = await _questions(plugin, lead)
    given = {
        f"q_{reason.question}": reason.choice or ""
        for test in (lead.fit, lead.behaviour)
        for reason in test.reasons
    }
    state = {"owner": str(lead.owner_id or ""), "source": lead.source, "version": lead.version}
    named = {"name": lead.customer or "", "version": lead.version}
    owners, _ = await people(plugin)
    book = await Pipelines(plugin).book()
    return {
        "lead": lead,
        "title": lead.customer or visit.text("Lead"),
        "answers": Form("answers", {**given, "version": lead.version}),
        "state": Form("state", state),
        "convert": Form("convert", named),
        "asked": [
            (
                test,
                [
                    (
                        f"q_{each.key}",
                        titled(each, visit),
                        [(choice.key, titled(choice, visit)) for choice in each.choices],
                    )
                    for each in questions
                    if each.test == test.test
                ],
                _why(test, questions, visit),
            )
            for test in (lead.fit, lead.behaviour)
        ],
        "owners": owners,
        "pipelines": pipeline_pairs(book, visit),
        "currency": plugin.settings.currency or visit.currency,
        "may_write": visit.may(LEADS_WRITE) and lead.status != "converted",
        "may_convert": visit.may(DEALS_WRITE) and visit.may(LEADS_WRITE),
        "here": "sales_pipeline.leads",
        "root": ROOT,
    }


def _why(
    test: TestResult, questions: Sequence[Question], visit: Visit
) -> list[tuple[str, str, float, float]]:
    """Question, answer in the language of the page, points, possible points; most points first."""
    by_key = {each.key: each for each in questions}
    rows = []
    for reason in test.reasons:
        question = by_key.get(reason.question)
        choice = question.choice(reason.choice) if question and reason.choice else None
        answer = titled(choice, visit) if choice else ""
        rows.append((titled(reason, visit), answer, reason.points, reason.possible))
    return sorted(rows, key=lambda row: (-row[2], -row[3]))


async def _questions(plugin: Plugin, lead: Lead) -> list[Question]:
    """The form for this kind of customer."""
    return [
        each.question
        for each in await Questions(plugin).all()
        if each.active and each.question.customer_kind in ("both", lead.customer_kind)
    ]


@functools.lru_cache(maxsize=64)
def _answers_form(keys: tuple[str, ...]) -> type[msgspec.Struct]:
    """The qualification form as it stands now."""
    fields: list[Any] = [("version", Annotated[int, Meta(ge=1)] | None, None)]
    fields += [(f"q_{key}", Annotated[str, Meta(max_length=60)], "") for key in keys]
    return msgspec.defstruct("Answers", fields, kw_only=True, forbid_unknown_fields=True)


async def qualify(plugin: Plugin, visit: Visit) -> Any:
    leads = Leads(plugin)
    lead = await leads.get(id_of(visit, "lead"))
    keys = tuple(each.key for each in await _questions(plugin, lead))
    form, sent = await visit.form("answers", _answers_form(keys))
    if sent is not None:
        values: dict[str, Any] = msgspec.structs.asdict(sent)
        given = Qualification(answers={key: values[f"q_{key}"] or None for key in keys})
        try:
            await leads.qualify(lead.id, given, by=visit.call.actor, version=values["version"])
        except RelatumError as error:
            form.refuse(error)
        else:
            return Redirect(f"{ROOT}/leads/{lead.id}", flash="sales_pipeline.judged")
    return {**await show(plugin, visit), "answers": form}


async def change(plugin: Plugin, visit: Visit) -> Any:
    form, sent = await visit.form("state", StateForm)
    leads = Leads(plugin)
    id = id_of(visit, "lead")
    if sent is not None:
        try:
            change = LeadChange(owner_id=one_id(sent.owner), source=sent.source or "unknown")
            if sent.status:
                status: Any = sent.status
                change = msgspec.convert({"status": status}, LeadChange)
            await leads.change(id, change, by=visit.call.actor, version=sent.version)
        except msgspec.ValidationError:
            return Redirect(f"{ROOT}/leads/{id}")
        except RelatumError as error:
            form.refuse(error)
        else:
            return Redirect(f"{ROOT}/leads/{id}", flash="sales_pipeline.saved")
    return {**await show(plugin, visit), "state": form}


async def make_deal(plugin: Plugin, visit: Visit) -> Any:
    form, sent = await visit.form("convert", ConvertForm)
    leads = Leads(plugin)
    id = id_of(visit, "lead")
    if sent is not None:
        currency = plugin.settings.currency or visit.currency
        try:
            conversion = Conversion(
                name=sent.name,
                pipeline=sent.pipeline or None,
                value=amount_of(sent.value, currency, visit, "/value"),
            )
            lead = await leads.convert(id, conversion, by=visit.call.actor, version=sent.version)
        except RelatumError as error:
            refuse_one(form, error)
        else:
            return Redirect(f"{ROOT}/deals/{lead.deal_id}", flash="sales_pipeline.created")
    return {**await show(plugin, visit), "convert": form}


LEAD = Text(en="Lead", vi="Khách hàng tiềm năng")
PAGES = [
    WebPage(
        id="sales_pipeline.leads",
        path="/leads",
        title=Text(en="Leads", vi="Khách tiềm năng"),
        permission=LEADS_READ,
        template="sales_pipeline/leads.html",
        load=load,
        entry=Entry(icon="target", order=28, key="l"),
        fragments={"results": "sales_pipeline/leads_results.html"},
    ),
    WebPage(
        id="sales_pipeline.new_lead",
        path="/leads/new",
        title=Text(en="New lead", vi="Thêm khách hàng tiềm năng"),
        permission=LEADS_WRITE,
        template="sales_pipeline/lead_form.html",
        load=new,
        act=create,
        says={
            "sales_pipeline.lead_created": Text(
                en="The lead is taken in.", vi="Đã nhận khách hàng tiềm năng."
            )
        },
    ),
    WebPage(
        id="sales_pipeline.lead",
        path="/leads/{id:str}",
        title=LEAD,
        permission=LEADS_READ,
        act_permission=LEADS_WRITE,
        template="sales_pipeline/lead.html",
        load=show,
        act=change,
    ),
    WebPage(
        id="sales_pipeline.qualify",
        path="/leads/{id:str}/qualify",
        title=LEAD,
        permission=LEADS_WRITE,
        template="sales_pipeline/lead.html",
        act=qualify,
        says={"sales_pipeline.judged": Text(en="Both tests are done anew.", vi="Đã chấm lại.")},
    ),
    WebPage(
        id="sales_pipeline.convert",
        path="/leads/{id:str}/convert",
        title=LEAD,
        permission=LEADS_WRITE,
        template="sales_pipeline/lead.html",
        act=make_deal,
    ),
]
