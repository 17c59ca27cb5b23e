"""Leads and the qualification form."""

from __future__ import annotations

import msgspec
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from relatum.api import (
    Answer,
    Call,
    InvalidInput,
    Page,
    Plugin,
    expected_version,
    id_in_path,
    of_one,
    paged,
    versioned,
)
from relatum_sales_pipeline.permissions import LEADS_READ, LEADS_WRITE, SETUP_READ, SETUP_WRITE
from relatum_sales_pipeline.qualification import Question
from relatum_sales_pipeline.routes.verbs import get, patch, post
from relatum_sales_pipeline.services.leads import Leads
from relatum_sales_pipeline.services.questions import Questions
from relatum_sales_pipeline.types.leads import (
    Conversion,
    Lead,
    LeadChange,
    LeadDraft,
    LeadQuery,
    Qualification,
    QuestionDraft,
    QuestionEdit,
)


class ShownQuestion(msgspec.Struct, frozen=True):
    """A question, and whether it is asked."""

    question: Question
    active: bool


class ListedQuestions(msgspec.Struct, frozen=True):
    """The whole form."""

    items: list[ShownQuestion]


@get("/leads", opt={"permission": LEADS_READ, "query": LeadQuery})
async def find_leads(request: Call, plugin: NamedDependency[Plugin]) -> Answer[Page[Lead]]:
    """Leads that fit, one page at a time."""
    return paged(request, await Leads(plugin).find(request.query_as(LeadQuery)))


@post("/leads", opt={"permission": LEADS_WRITE})
async def create_lead(
    request: Call, plugin: NamedDependency[Plugin], data: JSONBody[LeadDraft]
) -> Answer[Lead]:
    """Take in a lead: of a customer that is known, or with a new one."""
    request.refuse_query()
    leads = Leads(plugin)
    try:
        (id,) = await leads.create([data], by=request.actor)
    except InvalidInput as error:
        raise of_one(error) from error
    lead = await leads.get(id)
    location = (b"location", f"/api/v1/plugins/sales_pipeline/leads/{id}".encode())
    return versioned(request, lead, lead.version, status=201, headers=[location])


@get("/leads/{lead_id:str}", opt={"permission": LEADS_READ})
async def read_lead(
    request: Call, plugin: NamedDependency[Plugin], lead_id: FromPath[str]
) -> Answer[Lead]:
    """One lead; `ETag` names the version."""
    request.refuse_query()
    lead = await Leads(plugin).get(id_in_path(lead_id, "lead"))
    return versioned(request, lead, lead.version)


@patch("/leads/{lead_id:str}", opt={"permission": LEADS_WRITE, "versioned": True})
async def change_lead(
    request: Call,
    plugin: NamedDependency[Plugin],
    lead_id: FromPath[str],
    data: JSONBody[LeadChange],
) -> Answer[Lead]:
    """Change the named fields; with `If-Match` only if nobody else changed the lead."""
    request.refuse_query()
    id, version = id_in_path(lead_id, "lead"), expected_version(request)
    lead = await Leads(plugin).change(id, data, by=request.actor, version=version)
    return versioned(request, lead, lead.version)


@post(
    "/leads/{lead_id:str}/qualify",
    opt={"permission": LEADS_WRITE, "versioned": True},
    status_code=200,
)
async def qualify_lead(
    request: Call,
    plugin: NamedDependency[Plugin],
    lead_id: FromPath[str],
    data: JSONBody[Qualification],
) -> Answer[Lead]:
    """Answer questions of the form: is the lead like the target, does it behave like it?"""
    request.refuse_query()
    id, version = id_in_path(lead_id, "lead"), expected_version(request)
    lead = await Leads(plugin).qualify(id, data, by=request.actor, version=version)
    return versioned(request, lead, lead.version)


@post(
    "/leads/{lead_id:str}/convert",
    opt={"permission": LEADS_WRITE, "versioned": True},
    status_code=200,
)
async def convert_lead(
    request: Call,
    plugin: NamedDependency[Plugin],
    lead_id: FromPath[str],
    data: JSONBody[Conversion],
) -> Answer[Lead]:
    """Turn a lead into a deal; `deal_id` of the answer is that deal's."""
    request.refuse_query()
    id, version = id_in_path(lead_id, "lead"), expected_version(request)
    try:
        lead = await Leads(plugin).convert(id, data, by=request.actor, version=version)
    except InvalidInput as error:
        raise of_one(error) from error
    return versioned(request, lead, lead.version)


@get("/questions", opt={"permission": SETUP_READ})
async def read_questions(request: Call, plugin: NamedDependency[Plugin]) -> Answer[ListedQuestions]:
    """The qualification form, in its order."""
    request.refuse_query()
    kept = await Questions(plugin).all()
    return Answer(ListedQuestions([ShownQuestion(each.question, each.active) for each in kept]))


@post("/questions", opt={"permission": SETUP_WRITE})
async def create_question(
    request: Call, plugin: NamedDependency[Plugin], data: JSONBody[QuestionDraft]
) -> Answer[Question]:
    """Put a question on the form."""
    request.refuse_query()
    return Answer(await Questions(plugin).create(data, by=request.actor), status=201)


@patch("/questions/{key:str}", opt={"permission": SETUP_WRITE})
async def change_question(
    request: Call,
    plugin: NamedDependency[Plugin],
    key: FromPath[str],
    data: JSONBody[QuestionEdit],
) -> Answer[Question]:
    """Change a question; answers given keep the weight and match of their day."""
    request.refuse_query()
    return Answer(await Questions(plugin).change(key, data, by=request.actor))


ROUTES = [
    find_leads,
    create_lead,
    read_lead,
    change_lead,
    qualify_lead,
    convert_lead,
    read_questions,
    create_question,
    change_question,
]
