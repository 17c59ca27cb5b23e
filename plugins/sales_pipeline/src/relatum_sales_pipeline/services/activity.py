"""When something last happened in a deal: a projection of the event log."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from uuid import UUID

import msgspec

from relatum.api import Database, Event, InteractionFact, Plugin, new_id
from relatum_sales_pipeline import events as facts
from relatum_sales_pipeline.services.subjects import deal_of

RECORDED = "core.interaction_recorded"
RETRACTED = "core.interaction_retracted"
FOLLOWED = (
    facts.DEAL_CREATED,
    facts.DEAL_CHANGED,
    facts.DEAL_STAGE_CHANGED,
    facts.DEAL_REMOVED,
    RECORDED,
    RETRACTED,
)
_ABOUT_DEALS: dict[str, type[msgspec.Struct]] = {
    facts.DEAL_CREATED: facts.DealCreated,
    facts.DEAL_CHANGED: facts.DealChanged,
    facts.DEAL_STAGE_CHANGED: facts.DealStageChanged,
    facts.DEAL_REMOVED: facts.DealRemoved,
}


class Watched(msgspec.Struct):
    """What the log has said so far about a deal."""

    customer: UUID | None
    open: bool


class Activities:
    """The only writer of watched deals, their activities and ``last_activity_at``.

    An interaction counts for the deal it is about; one that is about no deal counts for every deal
    of its customer that was open when it was recorded. What was open when is taken from the log
    alone, so that a replay counts the same interactions as following did.
    """

    def __init__(self, plugin: Plugin) -> None:
        self._db = plugin.house.db

    async def follow(self, events: Sequence[Event]) -> None:
        """Take the next events of the log."""
        batch = _Batch([(event, _read(event)) for event in events])
        await batch.load(self._db)
        for event, payload in batch.events:
            batch.take(event, payload)
        await batch.write(self._db)

    async def reset(self) -> None:
        """Forget everything; a replay brings it back."""
        await self._db.execute("DELETE FROM sales_pipeline_deal_activity")
        await self._db.execute("DELETE FROM sales_pipeline_watched_deal")
        await self._db.execute(
            "UPDATE sales_pipeline_deal SET last_activity_at = NULL "
            "WHERE last_activity_at IS NOT NULL"
        )


class _Batch:
    """Some events with what is known before them, taken one after the other in memory."""

    def __init__(self, events: Sequence[tuple[Event, msgspec.Struct]]) -> None:
        self.events = events
        self._existing: set[UUID] = set()
        self._watched: dict[UUID, Watched] = {}
        self._by_customer: defaultdict[UUID, set[UUID]] = defaultdict(set)
        self._changed: set[UUID] = set()
        self._touched: set[UUID] = set()
        self._added: dict[tuple[UUID, UUID], dt.datetime] = {}
        self._retracted: set[UUID] = set()
        self._removed: set[UUID] = set()

    async def load(self, db: Database) -> None:
        """Look up every deal that these events may concern."""
        deals = list(self._mentioned())
        customers = list({e.customer for e, _ in self.events if e.customer is not None})
        select = "SELECT deal_id, customer_id, open FROM sales_pipeline_watched_deal"
        rows = await db.fetch_in(f"{select} WHERE deal_id IN ({{}})", deals)
        rows += await db.fetch_in(f"{select} WHERE customer_id IN ({{}})", customers)
        for deal, customer, is_open in rows:
            self._watch(deal, Watched(customer, is_open))
        wanted = list({*deals, *self._watched})
        found = await db.fetch_in("SELECT id FROM sales_pipeline_deal WHERE id IN ({})", wanted)
        self._existing = {row[0] for row in found}
        gone = [
            payload.interaction_id
            for event, payload in self.events
            if event.type == RETRACTED and isinstance(payload, InteractionFact)
        ]
        counted = await db.fetch_in(
            "SELECT deal_id FROM sales_pipeline_deal_activity WHERE interaction_id IN ({})", gone
        )
        self._touched = {row[0] for row in counted}

    def take(self, event: Event, payload: msgspec.Struct) -> None:
        """One event."""
        if isinstance(payload, InteractionFact):
            if event.type == RECORDED:
                self._record(event.customer, payload)
            else:
                self._retract(payload.interaction_id)
        elif isinstance(payload, facts.DealCreated):
            if payload.deal_id in self._existing:
                self._watch(
                    payload.deal_id, Watched(payload.customer_id, payload.outcome == "open")
                )
                self._changed.add(payload.deal_id)
        elif isinstance(payload, facts.DealRemoved):
            self._forget(payload.deal_id)
        else:
            self._follow_change(payload)

    async def write(self, db: Database) -> None:
        """What came of the batch."""
        await db.insert(
            "sales_pipeline_watched_deal",
            ("deal_id", "customer_id", "open"),
            [
                (deal, self._watched[deal].customer, self._watched[deal].open)
                for deal in sorted(self._changed & set(self._watched))
            ],
            on_conflict="ON CONFLICT (deal_id) DO UPDATE SET "
            "customer_id = excluded.customer_id, open = excluded.open",
        )
        await db.insert(
            "sales_pipeline_deal_activity",
            ("id", "deal_id", "interaction_id", "occurred_at"),
            [(new_id(), deal, id, at) for (deal, id), at in self._added.items()],
            on_conflict="ON CONFLICT (deal_id, interaction_id) DO NOTHING",
        )
        await db.execute_many(
            "DELETE FROM sales_pipeline_deal_activity WHERE interaction_id = ?",
            [(id,) for id in self._retracted],
        )
        for table in ("sales_pipeline_deal_activity", "sales_pipeline_watched_deal"):
            await db.execute_many(
                f"DELETE FROM {table} WHERE deal_id = ?",  # noqa: S608 - names of our own
                [(id,) for id in self._removed],
            )
        touched = self._touched | {deal for deal, _ in self._added}
        await db.execute_many(
            "UPDATE sales_pipeline_deal SET last_activity_at = (SELECT max(a.occurred_at) "
            "FROM sales_pipeline_deal_activity a WHERE a.deal_id = sales_pipeline_deal.id) "
            "WHERE id = ?",
            [(deal,) for deal in sorted(touched & self._existing)],
        )

    def _mentioned(self) -> Iterable[UUID]:
        for _, payload in self.events:
            if isinstance(payload, InteractionFact):
                deal = deal_of(payload.subject)
                if deal is not None:
                    yield deal
            else:
                yield payload.deal_id  # type: ignore[attr-defined]

    def _watch(self, deal: UUID, watched: Watched) -> None:
        before = self._watched.get(deal)
        if before is not None and before.customer is not None:
            self._by_customer[before.customer].discard(deal)
        self._watched[deal] = watched
        if watched.customer is not None:
            self._by_customer[watched.customer].add(deal)

    def _forget(self, deal: UUID) -> None:
        self._removed.add(deal)
        if deal in self._watched:
            self._watch(deal, Watched(None, open=False))
            del self._watched[deal]

    def _follow_change(self, payload: msgspec.Struct) -> None:
        if not isinstance(payload, facts.DealChanged | facts.DealStageChanged):
            return
        watched = self._watched.get(payload.deal_id)
        if watched is None:
            return
        if isinstance(payload, facts.DealStageChanged):
            after = Watched(watched.customer, payload.to_outcome == "open")
        elif "customer_id" in payload.changes:
            customer = payload.changes["customer_id"][1]
            after = Watched(UUID(customer) if customer else None, watched.open)
        else:
            return
        self._watch(payload.deal_id, after)
        self._changed.add(payload.deal_id)

    def _record(self, customer: UUID | None, fact: InteractionFact) -> None:
        about = deal_of(fact.subject)
        deals = {about} if about is not None else self._open_deals_of(customer)
        for deal in deals & self._existing:
            self._added[deal, fact.interaction_id] = fact.occurred_at

    def _open_deals_of(self, customer: UUID | None) -> set[UUID]:
        if customer is None:
            return set()
        return {deal for deal in self._by_customer[customer] if self._watched[deal].open}

    def _retract(self, interaction: UUID) -> None:
        self._retracted.add(interaction)
        for key in [key for key in self._added if key[1] == interaction]:
            del self._added[key]
            self._touched.add(key[0])


def _read(event: Event) -> msgspec.Struct:
    return event.read(_ABOUT_DEALS.get(event.type, InteractionFact))
