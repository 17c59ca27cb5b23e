"""Reading leads: with their two tests, their engagement and their grade."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from relatum.api import NotFound, Page, Plugin, now
from relatum_sales_pipeline.qualification import Answered, Question, TestResult, judge
from relatum_sales_pipeline.score import digit, letter
from relatum_sales_pipeline.services.engagement import Engagement
from relatum_sales_pipeline.services.questions import Questions
from relatum_sales_pipeline.services.records import Conditions, Listing, fetch_page
from relatum_sales_pipeline.types.leads import Lead, LeadQuery, Probability

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


class LeadReader:
    """Leads as people see them."""

    def __init__(self, plugin: Plugin) -> None:
        self._plugin = plugin
        self._house = plugin.house
        self._db = plugin.house.db
        self._settings = plugin.settings

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
        leads = [lead_row(values) for values in rows]
        moment = now()
        ids = [lead.id for lead in leads]
        answers = await self.answers(ids)
        questions = [each for each in await Questions(self._plugin).all() if each.active]
        engagement = await Engagement(self._plugin).scores(ids, moment)
        wanted = list({lead.customer_id for lead in leads if lead.customer_id})
        names = {c.id: c.display_name for c in await self._house.customers.get_many(wanted)}
        probability = await self._probability() if leads else None
        read = []
        for lead, values in zip(leads, rows, strict=True):
            asked = [each.question for each in questions if is_for(each.question, lead)]
            fit, behaviour = self.judge(asked, answers[lead.id])
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

    def judge(
        self, asked: Sequence[Question], answers: Mapping[str, Answered]
    ) -> tuple[TestResult, TestResult]:
        """Both tests of a lead."""
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

    async def answers(self, leads: Sequence[UUID]) -> defaultdict[UUID, dict[str, Answered]]:
        """Lead → question → what was answered."""
        rows = await self._db.fetch_in(
            "SELECT a.lead_id, q.key, a.choice, a.weight, a.matched FROM sales_pipeline_answer a "
            "JOIN sales_pipeline_question q ON q.id = a.question_id WHERE a.lead_id IN ({})",
            leads,
        )
        answers: defaultdict[UUID, dict[str, Answered]] = defaultdict(dict)
        for lead, key, choice, weight, matched in rows:
            answers[lead][key] = Answered(question=key, choice=choice, weight=weight, match=matched)
        return answers


def lead_row(values: Sequence[Any]) -> LeadRow:
    return LeadRow(**dict(zip(COLUMNS, values, strict=False)))


def is_for(question: Question, lead: LeadRow) -> bool:
    return question.customer_kind in ("both", lead.customer_kind)
