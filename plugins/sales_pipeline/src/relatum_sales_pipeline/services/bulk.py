"""One change of many deals: all of them, or none; taken back from what the event log noted."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Sequence
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET

from relatum.api import Event, NotFound, Plugin, now
from relatum_sales_pipeline.events import (
    DEAL_CHANGED,
    DEAL_STAGE_CHANGED,
    DealChanged,
    DealStageChanged,
)
from relatum_sales_pipeline.services.book import Book
from relatum_sales_pipeline.services.deals import Deals
from relatum_sales_pipeline.types.deals import DealChange, DealMove

#: More are not changed at once.
MOST = 1_000
#: For so long a change can be taken back.
KEPT = dt.timedelta(days=7)
#: Of one deal.
_EVENTS = 4


class Bulk(msgspec.Struct, frozen=True):
    """How many deals are different now, and between which numbers of the log that is noted."""

    count: int
    after: int
    until: int


class BulkDeals:
    """Changes of many deals in the name of somebody."""

    def __init__(self, plugin: Plugin) -> None:
        self._db = plugin.house.db
        self._events = plugin.house.events
        self._deals = Deals(plugin)

    async def give(self, ids: Sequence[UUID], owner: UUID | None, *, by: str) -> Bulk:
        """Let somebody look after them; nobody with ``None``.

        Raises:
            NotFound, InvalidInput: as :meth:`Deals.change_many`.
        """
        change = DealChange(owner_id=owner)
        changes = [(id, change) for id in ids]
        return await self._noted(self._deals.change_many(changes, by=by))

    async def move(self, ids: Sequence[UUID], move: DealMove, *, by: str) -> Bulk:
        """Let those that are open go to another stage.

        Raises:
            NotFound, InvalidInput: as :meth:`Deals.move_many`.
        """
        moves = [(id, move) for id in await self.open_among(ids)]
        return await self._noted(self._deals.move_many(moves, by=by))

    async def lose(self, ids: Sequence[UUID], reason: str, competitor: str, *, by: str) -> Bulk:
        """Close those that are open as lost, each in the stage of its pipeline for that.

        Raises:
            NotFound, InvalidInput: as :meth:`Deals.move_many`.
        """
        stages = await self.open_among(ids)
        book = await Book.load(self._db)
        moves = []
        for id, pipeline in stages.items():
            stage = _lost_stage(book, pipeline)
            move = DealMove(stage=stage, lost_reason=reason, competitor=competitor or UNSET)
            moves.append((id, move))
        return await self._noted(self._deals.move_many(moves, by=by))

    async def open_among(self, ids: Sequence[UUID]) -> dict[UUID, str]:
        """Those of the deals that are open, with their pipelines."""
        return {
            each.id: each.pipeline
            for each in await self._deals.get_many(ids)
            if each.outcome == "open"
        }

    async def undo(self, after: int, until: int, *, by: str) -> int:
        """Take a change of one's own back, where nobody has changed the same since.

        Returns:
            how many deals are as they were.

        Raises:
            NotFound: nothing of these numbers is a change of ``by`` of the last days.
        """
        events = await self._events.read(
            after,
            until=until,
            types=(DEAL_CHANGED, DEAL_STAGE_CHANGED),
            limit=_EVENTS * MOST,
        )
        mine = [each for each in events if each.by == by and each.recorded_at > now() - KEPT]
        if not mine:
            raise NotFound(
                f"expected a change of yours that can be taken back, got {after} to {until}; "
                "there is none"
            )
        async with self._db.transaction():
            moved = await self._move_back(mine, by)
            return len(moved | await self._change_back(mine, by))

    async def _move_back(self, events: Sequence[Event], by: str) -> set[UUID]:
        facts = [each.read(DealStageChanged) for each in events if each.type == DEAL_STAGE_CHANGED]
        current = await self._deals.stored([fact.deal_id for fact in facts])
        book = await Book.load(self._db)
        moves = [
            (fact.deal_id, DealMove(stage=fact.from_stage))
            for fact in facts
            if fact.from_outcome == "open"
            and fact.deal_id in current
            and book.stage(current[fact.deal_id].row.stage_id).key == fact.to_stage
        ]
        return set(await self._deals.move_many(moves, by=by))

    async def _change_back(self, events: Sequence[Event], by: str) -> set[UUID]:
        facts = [each.read(DealChanged) for each in events if each.type == DEAL_CHANGED]
        current = await self._deals.stored([fact.deal_id for fact in facts])
        changes = []
        for fact in facts:
            found = current.get(fact.deal_id)
            change = _former(fact.changes, found.row) if found else None
            if change is not None:
                changes.append((fact.deal_id, change))
        return set(await self._deals.change_many(changes, by=by))

    async def _noted(self, work: Awaitable[list[UUID]]) -> Bulk:
        async with self._db.transaction():
            after = await self._events.last()
            changed = await work
            return Bulk(len(changed), after, await self._events.last())


def _former(changes: dict[str, tuple[Any, Any]], row: Any) -> DealChange | None:
    """What makes a deal as it was, of that which is still as the change left it."""
    values: dict[str, Any] = {}
    for name in ("owner_id", "team_id", "competitor"):
        before, after = changes.get(name, (UNSET, UNSET))
        is_ = getattr(row, name)
        if before is not UNSET and after == (str(is_) if isinstance(is_, UUID) else is_):
            values[name] = before
    return msgspec.convert(values, DealChange) if values else None


def _lost_stage(book: Book, pipeline: str) -> str:
    found = book.pipeline(pipeline)
    stages = [each.key for each in found.stages if each.outcome == "lost"] if found else []
    if not stages:
        raise NotFound(
            f"expected a stage for lost deals in the pipeline {pipeline!r}, got none; make one in "
            "the settings"
        )
    return stages[0]
