"""``/api/v1/plugins/data_quality/…``: thin; every route calls a service."""

from __future__ import annotations

import functools
from uuid import UUID

import litestar
import msgspec
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from relatum.api import Answer as Said
from relatum.api import Call, Page, Plugin, id_in_path, paged
from relatum_data_quality.jobs import NIGHTLY
from relatum_data_quality.permissions import ENRICH, INDEX, MEND, READ
from relatum_data_quality.services.enriching import Enriching
from relatum_data_quality.services.findings import Findings
from relatum_data_quality.services.index import Indexes
from relatum_data_quality.types import (
    Acceptance,
    Added,
    Answer,
    Finding,
    FindingQuery,
    Index,
    IndexQuery,
    Many,
    Mended,
    OutsideBatch,
    Proposal,
    Task,
)

get = functools.partial(litestar.get, request_class=Call)
post = functools.partial(litestar.post, request_class=Call)


class AskedFor(msgspec.Struct, frozen=True):
    """The run of the job that will do it."""

    run: UUID


class Proposals(msgspec.Struct, frozen=True):
    """Those that wait for a person."""

    items: list[Proposal]


@get("/findings", opt={"permission": READ, "query": FindingQuery})
async def find_quality_findings(
    request: Call, plugin: NamedDependency[Plugin]
) -> Said[Page[Finding]]:
    """Findings of one state, the newest first, one page at a time."""
    return paged(request, await Findings(plugin).find(request.query_as(FindingQuery)))


@get("/findings/{finding_id:str}", opt={"permission": READ})
async def read_quality_task(
    request: Call, plugin: NamedDependency[Plugin], finding_id: FromPath[str]
) -> Said[Task]:
    """One finding with exactly what mending would change."""
    request.refuse_query()
    findings = Findings(plugin)
    [task] = await findings.tasks([await findings.get(id_in_path(finding_id, "finding"))])
    return Said(task)


@post("/findings/{finding_id:str}/mend", opt={"permission": MEND}, status_code=200)
async def mend_quality_finding(
    request: Call, plugin: NamedDependency[Plugin], finding_id: FromPath[str]
) -> Said[Finding]:
    """Change the customer as the task says."""
    request.refuse_query()
    id = id_in_path(finding_id, "finding")
    return Said(await Findings(plugin).mend(id, by=request.actor))


@post("/findings/{finding_id:str}/undo", opt={"permission": MEND}, status_code=200)
async def undo_quality_mend(
    request: Call, plugin: NamedDependency[Plugin], finding_id: FromPath[str]
) -> Said[Finding]:
    """Take a mend back, while it is the customer's last change."""
    request.refuse_query()
    id = id_in_path(finding_id, "finding")
    return Said(await Findings(plugin).take_back(id, by=request.actor))


@post("/findings/{finding_id:str}/accept", opt={"permission": MEND}, status_code=200)
async def accept_quality_finding(
    request: Call,
    plugin: NamedDependency[Plugin],
    finding_id: FromPath[str],
    data: JSONBody[Acceptance],
) -> Said[Finding]:
    """Say that it is right as it is, and why."""
    request.refuse_query()
    id = id_in_path(finding_id, "finding")
    return Said(await Findings(plugin).accept(id, data, by=request.actor))


@post("/findings/{finding_id:str}/verify", opt={"permission": MEND}, status_code=200)
async def verify_quality_finding(
    request: Call, plugin: NamedDependency[Plugin], finding_id: FromPath[str]
) -> Said[Finding]:
    """Say that somebody asked, and the old value is still right."""
    request.refuse_query()
    id = id_in_path(finding_id, "finding")
    return Said(await Findings(plugin).verify(id, by=request.actor))


@post("/mends", opt={"permission": MEND}, status_code=200)
async def mend_many_findings(
    request: Call, plugin: NamedDependency[Plugin], data: JSONBody[Many]
) -> Said[Mended]:
    """Mend all of these for which the rule knows what is right."""
    request.refuse_query()
    return Said(await Findings(plugin).mend_many(data.findings, by=request.actor))


@get("/index", opt={"permission": INDEX, "query": IndexQuery})
async def read_quality_index(request: Call, plugin: NamedDependency[Plugin]) -> Said[Index]:
    """The index of the customers that one sees, in parts, and its trend over the days."""
    return Said(await Indexes(plugin).read(request.query_as(IndexQuery)))


@post("/evaluations", opt={"permission": MEND}, status_code=202)
async def ask_for_evaluation(request: Call, plugin: NamedDependency[Plugin]) -> Said[AskedFor]:
    """Apply the rules now instead of tonight."""
    request.refuse_query()
    return Said(AskedFor(await plugin.house.jobs.enqueue(NIGHTLY, unique=NIGHTLY)), status=202)


@post("/enrichments", opt={"permission": ENRICH}, status_code=200)
async def add_outside_data(
    request: Call, plugin: NamedDependency[Plugin], data: JSONBody[OutsideBatch]
) -> Said[Added]:
    """Add data from outside; refused with the list while something of it is not handled."""
    request.refuse_query()
    return Said(await Enriching(plugin).add(data, by=request.actor))


@get("/proposals", opt={"permission": ENRICH})
async def find_outside_proposals(request: Call, plugin: NamedDependency[Plugin]) -> Said[Proposals]:
    """Values from outside that wait for a person."""
    request.refuse_query()
    return Said(Proposals(await Enriching(plugin).open()))


@post("/proposals/{proposal_id:str}", opt={"permission": ENRICH}, status_code=200)
async def decide_outside_proposal(
    request: Call,
    plugin: NamedDependency[Plugin],
    proposal_id: FromPath[str],
    data: JSONBody[Answer],
) -> Said[Proposal]:
    """Take a value from outside, or leave it."""
    request.refuse_query()
    id = id_in_path(proposal_id, "proposal")
    return Said(await Enriching(plugin).decide(id, take=data.take, by=request.actor))


ROUTES = [
    find_quality_findings,
    read_quality_task,
    mend_quality_finding,
    undo_quality_mend,
    accept_quality_finding,
    verify_quality_finding,
    mend_many_findings,
    read_quality_index,
    ask_for_evaluation,
    add_outside_data,
    find_outside_proposals,
    decide_outside_proposal,
]
