"""A won deal becomes a purchase in the customer's history; a lost win becomes a cancellation."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from uuid import UUID

from relatum.api import Amount, Event, InteractionDraft, Plugin, day_bounds, now
from relatum_sales_pipeline import events as facts
from relatum_sales_pipeline.services.deal_facts import unwin_key, win_key
from relatum_sales_pipeline.services.subjects import deal_subject

FOLLOWED = (facts.DEAL_WON, facts.DEAL_REOPENED)
Win = facts.DealWon | facts.DealReopened


class Purchases:
    """Records what wins mean. Nothing of its own is stored: the keys say what is recorded."""

    def __init__(self, plugin: Plugin) -> None:
        self._plugin = plugin
        self._house = plugin.house

    async def follow(self, events: Sequence[Event]) -> None:
        """Take the next events of the log; recording the same win twice records it once."""
        wins = await self._true_ones([_read(event) for event in events])
        recorded = await self._house.interactions.ids_by_key([_key(win) for win in wins])
        wins = [win for win in wins if _key(win) not in recorded]
        known = await self._known_customers(wins)
        await self._house.interactions.record(
            [self._draft(win, known) for win in wins], by=f"plugin:{self._plugin.id}"
        )

    async def _true_ones(self, wins: Sequence[Win]) -> list[Win]:
        """Without wins of deals that were taken back or put back to before the win."""
        rows = await self._house.db.fetch_in(
            "SELECT id, version FROM sales_pipeline_deal WHERE id IN ({})",
            list({win.deal_id for win in wins}),
        )
        versions: dict[UUID, int] = dict(rows)
        return [win for win in wins if win.version <= versions.get(win.deal_id, 0)]

    async def _known_customers(self, wins: Sequence[Win]) -> set[UUID]:
        wanted = list({win.customer_id for win in wins if win.customer_id})
        return {each.id for each in await self._house.customers.get_many(wanted)}

    def _draft(self, win: Win, known: set[UUID]) -> InteractionDraft:
        zone = self._house.settings.company.time_zone
        return InteractionDraft(
            kind="core.purchase" if isinstance(win, facts.DealWon) else "core.cancellation",
            customer_id=win.customer_id if win.customer_id in known else None,
            channel="sales",
            occurred_at=min(_noon(win.closed_on, zone), now()),
            payload={"description": win.name[:300]},
            money=None if win.amount is None else Amount(win.amount, win.currency),
            subject=deal_subject(win.deal_id),
            idempotency_key=_key(win),
        )


def _read(event: Event) -> Win:
    if event.type == facts.DEAL_WON:
        return event.read(facts.DealWon)
    return event.read(facts.DealReopened)


def _key(win: Win) -> str:
    if isinstance(win, facts.DealWon):
        return win_key(win.deal_id, win.version)
    return unwin_key(win.deal_id, win.version)


def _noon(day: dt.date, zone: str) -> dt.datetime:
    start, end = day_bounds(day, zone)
    return start + (end - start) / 2
