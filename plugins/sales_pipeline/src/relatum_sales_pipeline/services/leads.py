"""Leads: taking them in, qualifying them, turning them into deals."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET

from relatum.api import (
    Conflict,
    NewEvent,
    NotFound,
    Page,
    Plugin,
    Problem,
    Refusal,
    new_id,
    now,
    refuse,
)
from relatum_sales_pipeline import events as facts
from relatum_sales_pipeline.qualification import Answered, Question, TestResult, judge
from relatum_sales_pipeline.score import digit, letter
from relatum_sales_pipeline.services.deals import Deals
from relatum_sales_pipeline.services.engagement import Engagement
from relatum_sales_pipeline.services.findings import Findings
from relatum_sales_pipeline.services.questions import KeptQuestion, Questions
from relatum_sales_pipeline.services.records import Conditions, Listing, fetch_page
from relatum_sales_pipeline.services.teams import Teams
from relatum_sales_pipeline.types.deals import DealDraft
from relatum_sales_pipeline.types.leads import (
    Conversion,
    Lead,
    LeadChange,
    LeadDraft,
    LeadQuery,
    Probability,
    Qualification,
)

COLUMNS = (
    "id",
    "customer_id",
    "customer_kind",
    "source",
    "status",
    "owner_id",
    "deal_id",
    "fit",
    "behaviour",
    "engagement_since",
    "version",
    "created_at",
    "updated_at",
)
SELECT = (
    f"SELECT {', '.join(f'l.{name}' for name in COLUMNS)}, m.name, "  # noqa: S608 - names of our own
    "coalesce(l.fit, -1), coalesce(l.behaviour, -1) FROM sales_pipeline_lead l "
    "LEFT JOIN sales_pipeline_member m ON m.id = l.owner_id"
)
LISTING = Listing(
    select=SELECT,
    id_column="l.id",
    sorts={
        "created_at": ("l.created_at", dt.datetime, COLUMNS.index("created_at")),
        "updated_at": ("l.updated_at", dt.datetime, COLUMNS.index("updated_at")),
        "fit": ("coalesce(l.fit, -1)", int, len(COLUMNS) + 1),
        "behaviour": ("coalesce(l.behaviour, -1)", int, len(COLUMNS) + 2),
    },
)
ANSWER_COLUMNS = (
    "id",
    "lead_id",
    "question_id",
    "choice",
    "weight",
    "matched",
    "answered_at",
    "answered_by",
)


class LeadRow(msgspec.Struct, kw_only=True, frozen=True):
    """One row of leads; the fields are the columns."""

    id: UUID
    customer_id: UUID | None
    customer_kind: str
    source: str
    status: str
    owner_id: UUID | None
    deal_id: UUID | None
    fit: int | None
    behaviour: int | None
    engagement_since: dt.datetime
    version: int
    created_at: dt.datetime
    updated_at: dt.datetime


class Leads:
    """The only writer of leads and of answers to the form."""

    def __init__(self, plugin: Plugin) -> None:
        self._plugin = plugin
        self._house = plugin.house
        self._db = plugin.house.db
        self._settings = plugin.settings

    # -- reading ---------------------------------------------------------------------------------

    async def get(self, id: UUID) -> Lead:
        """One lead.

        Raises:
            NotFound: there is no such lead.
        """
        rows = await self._db.fetch(f"{SELECT} WHERE l.id = ?", id)
        if not rows:
            raise NotFound(f"expected the id of a lead, got {id}; there is none")
        return (await self._read(rows))[0]

    async def find(self, query: LeadQuery) -> Page[Lead]:
        """One page of the leads that fit.

        Raises:
            InvalidInput: an unknown sort order or a foreign cursor.
        """
        where = Conditions()
        where.equal(
            l__status=query.status,
            l__source=query.source,
            l__owner_id=query.owner_id,
            l__customer_id=query.customer_id,
            l__customer_kind=query.customer_kind,
        )
        page = await fetch_page(
            self._db,
            LISTING,
            where,
            sort=query.sort,
            limit=query.limit,
            cursor=query.cursor,
            read=list,
        )
        return Page(await self._read(page.items), page.next)

    async def existing(self, ids: Sequence[UUID]) -> set[UUID]:
        """Those of the ids that are leads."""
        rows = await self._db.fetch_in("SELECT id FROM sales_pipeline_lead WHERE id IN ({})", ids)
        return {row[0] for row in rows}

    async def _read(self, rows: Sequence[tuple[Any, ...]]) -> list[Lead]:
        leads = [_row(values) for values in rows]
        moment = now()
        ids = [lead.id for lead in leads]
        answers = await self._answers(ids)
        questions = [each for each in await Questions(self._plugin).all() if each.active]
        engagement = await Engagement(self._plugin).scores(ids, moment)
        wanted = list({lead.customer_id for lead in leads if lead.customer_id})
        names = {c.id: c.display_name for c in await self._house.customers.get_many(wanted)}
        probability = await self._probability() if leads else None
        read = []
        for lead, values in zip(leads, rows, strict=True):
            asked = [each.question for each in questions if _is_for(each.question, lead)]
            fit, behaviour = self._judge(asked, answers[lead.id])
            read.append(
                Lead(
                    id=lead.id,
                    customer_id=lead.customer_id,
                    customer=names.get(lead.customer_id) if lead.customer_id else None,
                    customer_kind=lead.customer_kind,
                    source=lead.source,
                    status=lead.status,
                    owner_id=lead.owner_id,
                    owner=values[len(COLUMNS)],
                    deal_id=lead.deal_id,
                    fit=fit,
                    behaviour=behaviour,
                    engagement=round(engagement[lead.id], 3),
                    grade=self._grade(fit, engagement[lead.id]),
                    probability=probability or Probability(value=None, reason=""),
                    version=lead.version,
                    created_at=lead.created_at,
                    updated_at=lead.updated_at,
                )
            )
        return read

    def _judge(
        self, asked: Sequence[Question], answers: Mapping[str, Answered]
    ) -> tuple[TestResult, TestResult]:
        settings = self._settings
        return (
            judge("fit", asked, answers, threshold=settings.fit_threshold),
            judge("behaviour", asked, answers, threshold=settings.behaviour_threshold),
        )

    def _grade(self, fit: TestResult, engagement: float) -> str | None:
        if fit.score is None:
            return None
        settings = self._settings
        return letter(fit.score, settings.fit_grades) + digit(
            engagement, settings.engagement_grades
        )

    async def _probability(self) -> Probability:
        """Why there is no ``lead.p`` yet: it is served only where it can be right."""
        rows = await self._db.fetch(
            "SELECT s.outcome, count(*) FROM sales_pipeline_lead l "
            "JOIN sales_pipeline_deal d ON d.id = l.deal_id "
            "JOIN sales_pipeline_stage s ON s.id = d.stage_id GROUP BY s.outcome"
        )
        counts: dict[str, int] = dict(rows)
        lost = await self._db.fetch_one(
            "SELECT count(*) FROM sales_pipeline_lead WHERE status = 'disqualified'"
        )
        won_count = counts.get("won", 0)
        lost_count = counts.get("lost", 0) + (int(lost[0]) if lost else 0)
        least = self._settings.probability_minimum
        if won_count < least or lost_count < least:
            reason = (
                f"not enough data: {won_count} of {least} won "
                f"and {lost_count} of {least} lost leads"
            )
        else:
            reason = "not calibrated yet: no weights have been fitted to the leads of this company"
        return Probability(value=None, reason=reason)

    async def _answers(self, leads: Sequence[UUID]) -> defaultdict[UUID, dict[str, Answered]]:
        rows = await self._db.fetch_in(
            "SELECT a.lead_id, q.key, a.choice, a.weight, a.matched FROM sales_pipeline_answer a "
            "JOIN sales_pipeline_question q ON q.id = a.question_id WHERE a.lead_id IN ({})",
            leads,
        )
        answers: defaultdict[UUID, dict[str, Answered]] = defaultdict(dict)
        for lead, key, choice, weight, matched in rows:
            answers[lead][key] = Answered(question=key, choice=choice, weight=weight, match=matched)
        return answers

    # -- writing ---------------------------------------------------------------------------------

    async def create(self, drafts: Sequence[LeadDraft], *, by: str) -> list[UUID]:
        """Take in all of them, or none; a new customer is made with its lead.

        Raises:
            InvalidInput: with every problem of every draft; ``where`` begins with its index.
        """
        async with self._db.transaction():
            questions = {
                each.question.key: each
                for each in await Questions(self._plugin).all()
                if each.active
            }
            refuse(await self._refusals(drafts, questions), "leads")
            customers = await self._customers(drafts, by)
            moment = now()
            since = moment - dt.timedelta(days=self._settings.score_horizon_days)
            rows = [
                LeadRow(
                    id=new_id(),
                    customer_id=id,
                    customer_kind=kind,
                    source=draft.source.strip(),
                    status="new",
                    owner_id=draft.owner_id,
                    deal_id=None,
                    fit=None,
                    behaviour=None,
                    engagement_since=since,
                    version=1,
                    created_at=moment,
                    updated_at=moment,
                )
                for draft, (id, kind) in zip(drafts, customers, strict=True)
            ]
            await self._db.insert(
                "sales_pipeline_lead", COLUMNS, [msgspec.structs.astuple(row) for row in rows]
            )
            await self._house.events.append([_came_in(row) for row in rows], by=by)
            for row, draft in zip(rows, drafts, strict=True):
                if draft.answers:
                    await self._answer(row, dict(draft.answers), questions, by)
        return [row.id for row in rows]

    async def _refusals(
        self, drafts: Sequence[LeadDraft], questions: Mapping[str, KeptQuestion]
    ) -> list[Refusal]:
        wanted = [draft.customer_id for draft in drafts if draft.customer_id]
        known = {each.id: each.kind for each in await self._house.customers.get_many(wanted)}
        owners = await Teams(self._plugin).get_members(
            list({draft.owner_id for draft in drafts if draft.owner_id})
        )
        refusals: list[Refusal] = []
        for index, draft in enumerate(drafts):
            found = Findings()
            found.line(draft.source, what="source", most=100, where="/source", needed=True)
            if (draft.customer_id is None) == (draft.customer is None):
                found.problems.append(_whose())
            if draft.customer_id is not None and draft.customer_id not in known:
                found.unknown("customer", str(draft.customer_id), known=[], where="/customer_id")
            if draft.owner_id is not None and draft.owner_id not in owners:
                found.unknown("member", str(draft.owner_id), known=[], where="/owner_id")
            kind = draft.customer.kind if draft.customer else known.get(draft.customer_id)  # type: ignore[arg-type]
            _check_answers(found, draft.answers, questions, kind or "person")
            refusals += [Refusal(index, problem) for problem in found.problems]
        fresh = [(n, draft.customer) for n, draft in enumerate(drafts) if draft.customer]
        for refusal in await self._house.customers.check([draft for _, draft in fresh]):
            problem = refusal.problem
            moved = msgspec.structs.replace(problem, where=f"/customer{problem.where}")
            refusals.append(Refusal(fresh[refusal.index][0], moved))
        return refusals

    async def _customers(self, drafts: Sequence[LeadDraft], by: str) -> list[tuple[UUID, str]]:
        """Each lead's customer and its kind; new ones are made."""
        fresh = [draft.customer for draft in drafts if draft.customer]
        made = iter(await self._house.customers.create(fresh, by=by) if fresh else [])
        wanted = [draft.customer_id for draft in drafts if draft.customer_id]
        kinds = {each.id: each.kind for each in await self._house.customers.get_many(wanted)}
        return [
            (next(made), draft.customer.kind)
            if draft.customer
            else (draft.customer_id, kinds[draft.customer_id])  # type: ignore[index,misc]
            for draft in drafts
        ]

    async def change(
        self, id: UUID, change: LeadChange, *, by: str, version: int | None = None
    ) -> Lead:
        """Change a lead.

        Raises:
            NotFound: there is no such lead.
            Conflict: it was changed meanwhile, or it is converted already.
            InvalidInput: a value is not acceptable.
        """
        async with self._db.transaction():
            row = await self._locked(id, version, change)
            found = Findings()
            if change.source is not UNSET:
                source = found.line(
                    change.source, what="source", most=100, where="/source", needed=True
                )
                row = msgspec.structs.replace(row, source=source)
            if change.owner_id is not UNSET:
                await self._check_owner(found, change.owner_id)
                row = msgspec.structs.replace(row, owner_id=change.owner_id)
            found.refuse("The lead")
            status = row.status if change.status is UNSET else change.status
            await self._save(row, status, by)
            return await self.get(id)

    async def qualify(
        self, id: UUID, form: Qualification, *, by: str, version: int | None = None
    ) -> Lead:
        """Take answers to the form; the lead is qualified when both tests are passed.

        Raises:
            NotFound: there is no such lead.
            Conflict: it was changed meanwhile, or it is converted already.
            InvalidInput: an unknown question or choice.
        """
        async with self._db.transaction():
            row = await self._locked(id, version, form)
            questions = {
                each.question.key: each
                for each in await Questions(self._plugin).all()
                if each.active
            }
            found = Findings()
            _check_answers(found, form.answers, questions, row.customer_kind)
            found.refuse("The form")
            await self._answer(row, form.answers, questions, by)
            return await self.get(id)

    async def convert(
        self, id: UUID, conversion: Conversion, *, by: str, version: int | None = None
    ) -> Lead:
        """Turn a lead into a deal of its customer and owner.

        Raises:
            NotFound: there is no such lead.
            Conflict: it was changed meanwhile, or it is converted already.
            InvalidInput: the deal is not acceptable.
        """
        async with self._db.transaction():
            row = await self._locked(id, version, conversion)
            draft = DealDraft(
                name=conversion.name,
                customer_id=row.customer_id,
                owner_id=row.owner_id,
                pipeline=conversion.pipeline,
                stage=conversion.stage,
                value=conversion.value,
                expected_close=conversion.expected_close,
                lines=conversion.lines,
            )
            (deal,) = await Deals(self._plugin).create([draft], by=by)
            await self._save(msgspec.structs.replace(row, deal_id=deal), "converted", by)
            return await self.get(id)

    async def _answer(
        self,
        row: LeadRow,
        answers: Mapping[str, str | None],
        questions: Mapping[str, KeptQuestion],
        by: str,
    ) -> None:
        moment = now()
        await self._db.execute_many(
            "DELETE FROM sales_pipeline_answer WHERE lead_id = ? AND question_id = ?",
            [(row.id, questions[key].id) for key in answers],
        )
        rows = []
        for key, chosen in answers.items():
            kept = questions[key]
            choice = kept.question.choice(chosen) if chosen else None
            if choice is not None:
                weight = kept.question.weight
                rows.append(
                    (new_id(), row.id, kept.id, choice.key, weight, choice.match, moment, by)
                )
        await self._db.insert("sales_pipeline_answer", ANSWER_COLUMNS, rows)
        given = (await self._answers([row.id]))[row.id]
        asked = [each.question for each in questions.values() if _is_for(each.question, row)]
        fit, behaviour = self._judge(asked, given)
        row = msgspec.structs.replace(
            row, fit=_hundredths(fit.score), behaviour=_hundredths(behaviour.score)
        )
        passed = bool(fit.passed and behaviour.passed)
        await self._save(row, _status_after(row.status, passed=passed), by)

    async def _save(self, row: LeadRow, status: str, by: str) -> None:
        saved = msgspec.structs.replace(
            row, status=status, version=row.version + 1, updated_at=now()
        )
        names = [name for name in COLUMNS if name != "id"]
        columns = ", ".join(f"{name} = ?" for name in names)
        await self._db.execute(
            f"UPDATE sales_pipeline_lead SET {columns} WHERE id = ?",  # noqa: S608 - names of our own
            *(getattr(saved, name) for name in names),
            row.id,
        )
        if status != row.status:
            changed = facts.LeadStatusChanged(
                lead_id=row.id, from_status=row.status, to_status=status, deal_id=row.deal_id
            )
            event = NewEvent(
                type=facts.LEAD_STATUS_CHANGED, payload=changed, customer=row.customer_id
            )
            await self._house.events.append([event], by=by)

    async def _locked(self, id: UUID, version: int | None, yours: msgspec.Struct) -> LeadRow:
        ending = " FOR UPDATE OF l" if self._db.kind == "postgresql" else ""
        rows = await self._db.fetch(f"{SELECT} WHERE l.id = ?{ending}", id)
        if not rows:
            raise NotFound(f"expected the id of a lead, got {id}; there is none")
        row = _row(rows[0])
        if version is not None and version != row.version:
            raise Conflict(
                f"expected version {row.version} of this lead, got a change made from version "
                f"{version}; look at both and send the change again from the new one",
                extra={"current": await self.get(id), "yours": yours},
            )
        if row.status == "converted":
            raise Conflict(
                f"expected a lead that is still open, got one that became deal {row.deal_id}; "
                "change that deal instead"
            )
        return row

    async def _check_owner(self, found: Findings, owner: UUID | None) -> None:
        if owner is not None and owner not in await Teams(self._plugin).get_members([owner]):
            found.unknown("member", str(owner), known=[], where="/owner_id")


def _row(values: Sequence[Any]) -> LeadRow:
    return LeadRow(**dict(zip(COLUMNS, values, strict=False)))


def _is_for(question: Question, lead: LeadRow) -> bool:
    return question.customer_kind in ("both", lead.customer_kind)


def _hundredths(score: float | None) -> int | None:
    return None if score is None else round(score * 100)


def _status_after(status: str, *, passed: bool) -> str:
    if passed:
        return "qualified"
    return "working" if status in ("new", "qualified") else status


def _came_in(row: LeadRow) -> NewEvent:
    payload = facts.LeadCreated(
        lead_id=row.id,
        customer_id=row.customer_id,
        source=row.source,
        since=row.engagement_since,
    )
    return NewEvent(type=facts.LEAD_CREATED, payload=payload, customer=row.customer_id)


def _check_answers(
    found: Findings,
    answers: Mapping[str, str | None],
    questions: Mapping[str, KeptQuestion],
    kind: str,
) -> None:
    for key, chosen in answers.items():
        kept = questions.get(key)
        if kept is None or kept.question.customer_kind not in ("both", kind):
            known = [
                each.question.key
                for each in questions.values()
                if each.question.customer_kind in ("both", kind)
            ]
            found.unknown("question", key, known=known, where=f"/answers/{key}")
        elif chosen is not None and kept.question.choice(chosen) is None:
            known = [choice.key for choice in kept.question.choices]
            found.unknown("choice", chosen, known=known, where=f"/answers/{key}")


def _whose() -> Problem:
    return Problem(
        code="whose-lead",
        message="a lead is of one customer: one that is known, or a new one",
        where="/customer_id",
        expected="either customer_id or customer",
        mend="Give exactly one of them.",
    )
