"""Leads: taking them in, qualifying them, turning them into deals."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec
from msgspec import UNSET

from relatum.api import (
    Conflict,
    NewEvent,
    NotFound,
    Problem,
    Refusal,
    new_id,
    now,
    refuse,
)
from relatum_sales_pipeline import events as facts
from relatum_sales_pipeline.services.deals import Deals
from relatum_sales_pipeline.services.findings import Findings
from relatum_sales_pipeline.services.lead_reading import (
    COLUMNS,
    SELECT,
    LeadReader,
    LeadRow,
    is_for,
    lead_row,
)
from relatum_sales_pipeline.services.questions import KeptQuestion, Questions
from relatum_sales_pipeline.services.teams import Teams
from relatum_sales_pipeline.types.deals import DealDraft
from relatum_sales_pipeline.types.leads import (
    Conversion,
    Lead,
    LeadChange,
    LeadDraft,
    Qualification,
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


class Leads(LeadReader):
    """Reads (see :class:`LeadReader`) and writes leads and answers to the form."""

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
        given = (await self.answers([row.id]))[row.id]
        asked = [each.question for each in questions.values() if is_for(each.question, row)]
        fit, behaviour = self.judge(asked, given)
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
        row = lead_row(rows[0])
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
