"""Which interactions count for which lead: a projection of the event log."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from uuid import UUID

from relatum.api import (
    Event,
    Interaction,
    InteractionFact,
    InteractionQuery,
    Plugin,
    new_id,
)
from relatum_sales_pipeline import events as facts
from relatum_sales_pipeline.score import Signal, lead_engagement

COLUMNS = ("id", "lead_id", "interaction_id", "kind", "occurred_at")
RECORDED = "core.interaction_recorded"
RETRACTED = "core.interaction_retracted"
FOLLOWED = (facts.LEAD_CREATED, RECORDED, RETRACTED)

Row = tuple[UUID, UUID, UUID, str, dt.datetime]


class Engagement:
    """The only writer of lead signals.

    The signals of a lead are exactly the interactions with its customer from a moment on that are
    in the history, however the events come: what was recorded before the lead came in is read
    once, what comes later follows. So a replay gives the same as following did.
    """

    def __init__(self, plugin: Plugin) -> None:
        self._settings = plugin.settings
        self._db = plugin.house.db
        self._interactions = plugin.house.interactions

    async def scores(self, leads: Sequence[UUID], at: dt.datetime) -> dict[UUID, float]:
        """``lead.engagement`` of each lead at a moment."""
        rows = await self._db.fetch_in(
            "SELECT lead_id, kind, occurred_at FROM sales_pipeline_lead_signal "
            "WHERE lead_id IN ({})",
            leads,
        )
        points = self._settings.engagement_points
        signals: defaultdict[UUID, list[Signal]] = defaultdict(list)
        for lead, kind, occurred_at in rows:
            signals[lead].append(Signal(points.get(kind, 0), occurred_at))
        half_life = self._settings.score_half_life_days
        return {
            lead: lead_engagement(signals[lead], at=at, half_life_days=half_life) for lead in leads
        }

    async def follow(self, events: Sequence[Event]) -> None:
        """Take the next events of the log."""
        gone = [
            event.read(InteractionFact).interaction_id
            for event in events
            if event.type == RETRACTED
        ]
        rows = await self._of_new_leads(events) + await self._of_known_leads(events)
        taken_back = set(gone)
        rows = [row for row in rows if row[2] not in taken_back]
        await self._db.insert(
            "sales_pipeline_lead_signal",
            COLUMNS,
            rows,
            on_conflict="ON CONFLICT (lead_id, interaction_id) DO NOTHING",
        )
        await self._db.execute_many(
            "DELETE FROM sales_pipeline_lead_signal WHERE interaction_id = ?",
            [(id,) for id in gone],
        )

    async def reset(self) -> None:
        """Forget everything; a replay brings it back."""
        await self._db.execute("DELETE FROM sales_pipeline_lead_signal")

    async def _of_new_leads(self, events: Sequence[Event]) -> list[Row]:
        """What had happened with the customers of new leads before they came in."""
        rows: list[Row] = []
        for event in events:
            if event.type != facts.LEAD_CREATED:
                continue
            lead = event.read(facts.LeadCreated)
            if lead.customer_id is None:
                continue
            rows += [
                (new_id(), lead.lead_id, each.id, each.kind, each.occurred_at)
                async for each in self._history(lead.customer_id, lead.since)
            ]
        return rows

    async def _history(self, customer: UUID, since: dt.datetime) -> AsyncIterator[Interaction]:
        cursor: str | None = None
        while True:
            page = await self._interactions.find(
                InteractionQuery(
                    customer_id=customer, occurred_from=since, limit=200, cursor=cursor
                )
            )
            for interaction in page.items:
                yield interaction
            if page.next is None:
                return
            cursor = page.next

    async def _of_known_leads(self, events: Sequence[Event]) -> list[Row]:
        recorded = [
            (event.customer, event.read(InteractionFact))
            for event in events
            if event.type == RECORDED and event.customer is not None
        ]
        leads: defaultdict[UUID, list[tuple[UUID, dt.datetime]]] = defaultdict(list)
        found = await self._db.fetch_in(
            "SELECT customer_id, id, engagement_since FROM sales_pipeline_lead "
            "WHERE customer_id IN ({})",
            list({customer for customer, _ in recorded}),
        )
        for customer, lead, since in found:
            leads[customer].append((lead, since))
        return [
            (new_id(), lead, fact.interaction_id, fact.kind, fact.occurred_at)
            for customer, fact in recorded
            for lead, since in leads.get(customer, ())
            if fact.occurred_at >= since
        ]
