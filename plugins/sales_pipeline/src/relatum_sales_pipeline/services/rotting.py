"""Telling the event log which deals rot: once for each time nothing happens for too long."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from relatum.api import NewEvent, Plugin, now
from relatum_sales_pipeline import events as facts
from relatum_sales_pipeline.services.book import Book
from relatum_sales_pipeline.services.deal_reading import DealReader

AT_ONCE = 1000
#: The job that tells.
ROTTING_DEALS = "sales_pipeline.rotting_deals"


class Rotting:
    """The only writer of rotting notes."""

    def __init__(self, plugin: Plugin) -> None:
        self._plugin = plugin
        self._db = plugin.house.db
        self._events = plugin.house.events

    async def tell(self) -> int:
        """Append an event for each deal that rots and has not been told of since it began to.

        Returns:
            How many were told.
        """
        book = await Book.load(self._db)
        limits = DealReader(self._plugin).rotting_limits(book)
        told = 0
        for stage, limit in limits.items():
            rows = await self._db.fetch(
                "SELECT d.id, d.customer_id, d.owner_id, d.stage_since, d.last_activity_at, "
                "n.since FROM sales_pipeline_deal d "
                "LEFT JOIN sales_pipeline_rotting_note n ON n.deal_id = d.id "
                "WHERE d.stage_id = ? AND d.stage_since < ? "
                "AND (d.last_activity_at IS NULL OR d.last_activity_at < ?)",
                stage,
                limit,
                limit,
            )
            fresh = [row for row in rows if row[5] is None or row[5] < _since(row)]
            for start in range(0, len(fresh), AT_ONCE):
                await self._note(fresh[start : start + AT_ONCE], book.stage(stage).key)
            told += len(fresh)
        return told

    async def _note(self, rows: Sequence[tuple[Any, ...]], stage: str) -> None:
        moment = now()
        async with self._db.transaction():
            await self._db.insert(
                "sales_pipeline_rotting_note",
                ("deal_id", "since", "noted_at"),
                [(row[0], _since(row), moment) for row in rows],
                on_conflict="ON CONFLICT (deal_id) DO UPDATE SET since = excluded.since, "
                "noted_at = excluded.noted_at",
            )
            await self._events.append(
                [
                    NewEvent(
                        type=facts.DEAL_ROTTING,
                        payload=facts.DealRotting(
                            deal_id=row[0],
                            owner_id=row[2],
                            stage=stage,
                            since=_since(row),
                            days=(moment - _since(row)).days,
                        ),
                        customer=row[1],
                    )
                    for row in rows
                ],
                by=f"plugin:{self._plugin.id}",
            )


def _since(row: Sequence[Any]) -> Any:
    return max(row[3], row[4] or row[3])
