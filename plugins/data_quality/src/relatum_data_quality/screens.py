"""The index, the queue of what is to be mended, one task, customers behind a figure, a panel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from relatum.api import (
    Chart,
    Conflict,
    Customer,
    Entry,
    Form,
    Panel,
    Plugin,
    Redirect,
    Series,
    Text,
    Visit,
    WebPage,
    id_in_path,
    next_page,
    parse_id,
)
from relatum_data_quality.jobs import NIGHTLY
from relatum_data_quality.permissions import ENRICH, INDEX, MEND, READ, RULES
from relatum_data_quality.rules.catalogue import BY_ID
from relatum_data_quality.rules.own import WHY as OWN_WHY
from relatum_data_quality.services.enriching import Enriching
from relatum_data_quality.services.findings import Findings
from relatum_data_quality.services.index import Indexes
from relatum_data_quality.services.own_rules import OwnRules
from relatum_data_quality.types import (
    Acceptance,
    Cut,
    FindingQuery,
    IndexQuery,
    Quality,
    State,
)

HERE = "/p/data_quality"
STATES: tuple[State, ...] = ("open", "mended", "accepted", "gone")
DIMENSIONS = ("completeness", "validity", "uniqueness", "freshness", "consistency")
PER_PAGE = 50
MOST_BEHIND = 200
MOST_IN_PANEL = 5


class Overview(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """By what the index is cut."""

    by: Cut = "owner"


class Queue(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Which tasks are shown."""

    state: State = "open"
    rule: Annotated[str, Meta(max_length=120)] = ""
    dimension: Literal["", "completeness", "validity", "uniqueness", "freshness", "consistency"] = (
        ""
    )
    cursor: Annotated[str, Meta(max_length=300)] = ""


class Behind(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Which customers are shown: all of a part, or those that are stale or incomplete."""

    show: Literal["part", "stale", "incomplete"] = "part"
    by: Cut = "all"
    part: Annotated[str, Meta(max_length=80)] = ""


class Chosen(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Findings to be mended together."""

    findings: Annotated[list[UUID], Meta(min_length=1, max_length=200)]


class Judgement(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What a person says of one finding."""

    do: Literal["mend", "accept", "verify", "undo"]
    reason: Annotated[str, Meta(max_length=500)] = ""


class Said(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What a person says of a value from outside."""

    proposal: UUID
    do: Literal["take", "leave"]


class Nothing(msgspec.Struct, forbid_unknown_fields=True):
    """No more than a button."""


def title_of(plugin: Plugin, visit: Visit, rule: str, own: Mapping[str, Text]) -> str:
    """What a rule is called; its id when its plugin is off.

    Args:
        own: what the company's own rules are called.
    """
    if rule in own:
        return visit.say(own[rule])
    found = BY_ID.get(rule) or plugin.house.registry.quality_rules.find(rule)
    return visit.say(found.title) if found else rule


def why_of(plugin: Plugin, visit: Visit, rule: str, own: Mapping[str, Text]) -> str:
    """Why it matters, and what to do."""
    if rule in own:
        return visit.say(OWN_WHY)
    found = BY_ID.get(rule) or plugin.house.registry.quality_rules.find(rule)
    return visit.say(found.why) if found else ""


async def show_overview(plugin: Plugin, visit: Visit) -> dict[str, Any]:
    """The index with its trend and parts, and the rules with what they found."""
    form, asked = visit.query(Overview)
    counts = await Findings(plugin).counts()
    own = await OwnRules(plugin).titles()
    values: dict[str, Any] = {
        "rules": [
            (rule, title_of(plugin, visit, rule, own), dimension, severity, count, sure)
            for rule, dimension, severity, count, sure in counts
        ],
        "may_mend": visit.may(MEND),
        "may_enrich": visit.may(ENRICH),
        "may_rule": visit.may(RULES),
        "root": HERE,
        "filter": form,
        "by": asked.by,
        "now": None,
    }
    if visit.may(INDEX):
        index = await Indexes(plugin).read(IndexQuery(by=asked.by))
        names = await _part_names(visit, asked.by, [each.part for each in index.parts])
        values |= {
            "now": index.now,
            "parts": [(each, names[each.part]) for each in index.parts],
            "chart": _chart(visit, index.trend) if index.trend else None,
        }
    return values


async def evaluate_now(plugin: Plugin, visit: Visit) -> Redirect:
    """Apply the rules now instead of tonight."""
    await visit.form("evaluate", Nothing)
    await plugin.house.jobs.enqueue(NIGHTLY, unique=NIGHTLY)
    return Redirect(HERE, flash="data_quality.checking")


async def show_queue(plugin: Plugin, visit: Visit) -> dict[str, Any]:
    """Tasks of one state, each with what it would change."""
    _, asked = visit.query(Queue)
    query = FindingQuery(
        state=asked.state,
        rule=asked.rule,
        dimension=asked.dimension,
        limit=PER_PAGE,
        cursor=asked.cursor or None,
    )
    findings = Findings(plugin)
    found = await findings.find(query)
    tasks = await findings.tasks(found.items)
    own = await OwnRules(plugin).titles()
    return {
        "tasks": [(task, title_of(plugin, visit, task.finding.rule, own)) for task in tasks],
        "certain": [str(t.finding.id) for t in tasks if t.changes and t.finding.state == "open"],
        "asked": asked,
        "rule_title": title_of(plugin, visit, asked.rule, own) if asked.rule else "",
        "states": STATES,
        "next": next_page(visit.call, found.next),
        "may_mend": visit.may(MEND),
        "root": HERE,
    }


async def mend_chosen(plugin: Plugin, visit: Visit) -> Any:
    """Mend those of the page for which the rule knows what is right."""
    form, chosen = await visit.form("chosen", Chosen)
    if chosen is None:
        return {**await show_queue(plugin, visit), "chosen": form}
    done = await Findings(plugin).mend_many(chosen.findings, by=visit.call.actor)
    return Redirect(
        f"{HERE}/queue?state=mended",
        flash="data_quality.mended_many",
        values={"count": str(len(done.mended))},
    )


async def show_task(plugin: Plugin, visit: Visit) -> dict[str, Any]:
    """One finding: what is wrong, why it matters, and what mending would change."""
    findings = Findings(plugin)
    finding = await findings.get(id_in_path(visit.path["finding"], "finding"))
    [task] = await findings.tasks([finding])
    own = await OwnRules(plugin).titles()
    return {
        "task": task,
        "title": title_of(plugin, visit, finding.rule, own),
        "why": why_of(plugin, visit, finding.rule, own),
        "may_mend": visit.may(MEND),
        "root": HERE,
        "judgement": Form("judgement", {}),
    }


async def judge(plugin: Plugin, visit: Visit) -> Any:
    """Mend it, accept it, say that it is still right, or take a mend back."""
    id = id_in_path(visit.path["finding"], "finding")
    form, said = await visit.form("judgement", Judgement)
    if said is not None:
        findings, by = Findings(plugin), visit.call.actor
        try:
            if said.do == "accept":
                reason = said.reason or visit.text("looked at")
                await findings.accept(id, Acceptance(reason=reason), by=by)
            elif said.do == "verify":
                await findings.verify(id, by=by)
            elif said.do == "undo":
                await findings.take_back(id, by=by)
            else:
                await findings.mend(id, by=by)
        except Conflict as error:
            form.refuse(error)
        else:
            return Redirect(f"{HERE}/findings/{id}", flash=f"data_quality.done_{said.do}")
    return {**await show_task(plugin, visit), "judgement": form}


async def show_customers(plugin: Plugin, visit: Visit) -> dict[str, Any]:
    """The customers behind a figure, the worst first."""
    _, asked = visit.query(Behind)
    indexes = Indexes(plugin)
    part = asked.part
    if asked.by in {"owner", "team"} and part and parse_id(part) is None:
        part = ""
    if asked.show == "part":
        rows = await indexes.customers(asked.by, part, limit=MOST_BEHIND)
        people = [(id, name, index, "") for id, name, index, _, _ in rows]
    else:
        queue = await indexes.queue(asked.show, limit=MOST_BEHIND)
        names = await _part_names(visit, "owner", [str(row[3] or "") for row in queue])
        people = [(row[0], row[1], float(row[2]), names[str(row[3] or "")]) for row in queue]
    return {
        "people": people,
        "asked": asked,
        "part_name": (await _part_names(visit, asked.by, [part]))[part]
        if asked.by != "all"
        else "",
        "most": MOST_BEHIND,
        "root": HERE,
    }


async def show_proposals(plugin: Plugin, visit: Visit) -> dict[str, Any]:
    """Values from outside beside what is known."""
    proposals = await Enriching(plugin).open()
    found = await visit.house.customers.get_many(list({each.customer for each in proposals}))
    people = {each.id: each for each in found}
    return {
        "proposals": [
            (each, people[each.customer], _present(people[each.customer], each.field))
            for each in proposals
            if each.customer in people
        ],
        "root": HERE,
    }


async def decide_proposal(plugin: Plugin, visit: Visit) -> Any:
    """Take a value from outside, or leave it."""
    form, said = await visit.form("said", Said)
    if said is not None:
        try:
            await Enriching(plugin).decide(
                said.proposal, take=said.do == "take", by=visit.call.actor
            )
        except Conflict as error:
            form.refuse(error)
        else:
            return Redirect(f"{HERE}/proposals", flash="data_quality.decided")
    return {**await show_proposals(plugin, visit), "said": form}


async def findings_of(plugin: Plugin, visit: Visit) -> dict[str, Any] | None:
    """What is wrong with one customer; no panel when nothing is."""
    customer: Customer = visit.subject
    query = FindingQuery(customer=customer.id, limit=MOST_IN_PANEL)
    found = (await Findings(plugin).find(query)).items
    if not found:
        return None
    own = await OwnRules(plugin).titles()
    return {
        "findings": [(each, title_of(plugin, visit, each.rule, own)) for each in found],
        "root": HERE,
    }


def _present(customer: Customer, field: str) -> list[str]:
    kind, _, key = field.partition(":")
    if kind == "point":
        return [p.raw for p in customer.contact_points if p.kind == key]
    value = customer.fields.get(key)
    return [] if value in (None, "") else [str(value)]


async def _part_names(visit: Visit, by: Cut, parts: Sequence[str]) -> dict[str, str]:
    """What parts are called; ids of accounts and teams by their names."""
    names = {part: part or visit.text("None") for part in parts}
    if by in {"owner", "team"}:
        table = "core_account" if by == "owner" else "core_team"
        rows = await visit.house.db.fetch_in(
            f"SELECT id, name FROM {table} WHERE id IN ({{}})",  # noqa: S608 - our own
            [UUID(part) for part in dict.fromkeys(parts) if part],
        )
        names |= {str(id): name for id, name in rows}
    return names


def _chart(visit: Visit, trend: list[Quality]) -> Chart:
    days = [each for each in trend if each.day is not None]
    hrefs = ("",) * (len(days) - 1) + (f"{HERE}/customers",)
    index = Series(name=visit.text("Index"), values=tuple(each.index for each in days), hrefs=hrefs)
    return Chart(
        title=visit.text("Index of the last days"),
        kind="line",
        labels=tuple(visit.day(each.day) for each in days if each.day),
        series=(index,),
        unit="number",
        heading=visit.text("Day"),
    )


TITLE = Text(en="Data quality", vi="Chất lượng dữ liệu")
_SAYS = {
    "data_quality.checking": Text(
        en="Checking all records; the figures come in a moment.",
        vi="Đang kiểm tra mọi hồ sơ; số liệu sẽ có sau giây lát.",
    ),
    "data_quality.mended_many": Text(
        en="Mended: %(count)s. Each can be taken back here.",
        vi="Đã sửa: %(count)s. Có thể hoàn tác từng mục tại đây.",
    ),
    "data_quality.done_mend": Text(
        en="Mended. It can be taken back below.", vi="Đã sửa. Có thể hoàn tác bên dưới."
    ),
    "data_quality.done_accept": Text(en="Accepted as it is.", vi="Đã chấp nhận giữ nguyên."),
    "data_quality.done_verify": Text(
        en="Noted: it is still right today.", vi="Đã ghi nhận: hôm nay vẫn đúng."
    ),
    "data_quality.done_undo": Text(en="Taken back.", vi="Đã hoàn tác."),
    "data_quality.decided": Text(en="Remembered.", vi="Đã ghi nhận."),
}
PAGES = [
    WebPage(
        id="data_quality.overview",
        path="/",
        title=TITLE,
        permission=READ,
        template="data_quality/overview.html",
        load=show_overview,
        act=evaluate_now,
        act_permission=MEND,
        entry=Entry(icon="checkbox", group="insight", order=65),
        says=_SAYS,
    ),
    WebPage(
        id="data_quality.queue",
        path="/queue",
        title=Text(en="To be mended", vi="Cần sửa"),
        permission=READ,
        template="data_quality/queue.html",
        load=show_queue,
        act=mend_chosen,
        act_permission=MEND,
    ),
    WebPage(
        id="data_quality.task",
        path="/findings/{finding:str}",
        title=Text(en="What is wrong", vi="Chi tiết lỗi"),
        permission=READ,
        template="data_quality/task.html",
        load=show_task,
        act=judge,
        act_permission=MEND,
    ),
    WebPage(
        id="data_quality.customers",
        path="/customers",
        title=Text(en="Records behind the figure", vi="Hồ sơ đằng sau con số"),
        permission=READ,
        template="data_quality/customers.html",
        load=show_customers,
    ),
    WebPage(
        id="data_quality.proposals",
        path="/proposals",
        title=Text(en="Values from outside", vi="Dữ liệu từ bên ngoài"),
        permission=ENRICH,
        template="data_quality/proposals.html",
        load=show_proposals,
        act=decide_proposal,
        act_permission=ENRICH,
    ),
]
PANELS = [
    Panel(
        id="data_quality.findings_of",
        slot="customer.side",
        title=TITLE,
        permission=READ,
        template="data_quality/panel.html",
        load=findings_of,
        icon="checkbox",
        order=60,
    )
]
