"""The record of data breaches, with the clock of the report to the authority."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from relatum.api import (
    Conflict,
    InvalidInput,
    NewEvent,
    NotFound,
    Page,
    Plugin,
    Problem,
    cut,
    new_id,
    now,
    paginate,
    sort_from,
)
from relatum_consent import events as facts
from relatum_consent.settings import Settings
from relatum_consent.types import Breach, BreachDraft, BreachMove, BreachQuery

SELECT = (
    "SELECT id, title, kinds, people, discovered_at, notify_by, recorded_at, recorded_by, "
    "notified_at, notified_by, notice, closed_at, closed_by, outcome FROM consent_breach"
)
_SORTS = {"notify_by": ("notify_by", dt.datetime)}
_COLUMNS = Breach.__struct_fields__
_BY = "plugin:consent"


class Breaches:
    """The only writer of the record. Nothing is deleted from it."""

    def __init__(self, plugin: Plugin) -> None:
        self._db = plugin.house.db
        self._events = plugin.house.events
        settings: Settings = plugin.settings
        self._hours = dt.timedelta(hours=settings.breach_hours)

    async def find(self, query: BreachQuery) -> Page[Breach]:
        """The record, the newest clocks first."""
        page = paginate(
            SELECT,
            [],
            [],
            sort=sort_from("-notify_by", _SORTS),
            id_column="id",
            limit=query.limit,
            cursor=query.cursor,
        )
        rows = await self._db.fetch(page.sql, *page.params)
        kept, cursor = cut(rows, page, value=_COLUMNS.index("notify_by"), id=0)
        return Page(items=[breach_of(row) for row in kept], next=cursor)

    async def get(self, id: UUID) -> Breach:
        """One breach.

        Raises:
            NotFound: there is none with this id.
        """
        row = await self._db.fetch_one(f"{SELECT} WHERE id = ?", id)
        if row is None:
            raise NotFound(f"there is no breach with the id {id}")
        return breach_of(row)

    async def record(self, draft: BreachDraft, *, by: str) -> Breach:
        """Write a breach down.

        Raises:
            InvalidInput: it was discovered at a time to come, or at a time without an offset.
        """
        moment, found = now(), draft.discovered_at
        if found.utcoffset() is None or found > moment:
            raise InvalidInput("The breach cannot be recorded.", problems=[_no_time(found)])
        id, until = new_id(), found.astimezone(dt.UTC) + self._hours
        row = (
            *(id, draft.title.strip(), draft.kinds.strip(), draft.people),
            *(found.astimezone(dt.UTC), until, moment, by),
        )
        async with self._db.transaction():
            await self._db.insert("consent_breach", _COLUMNS[: len(row)], [row])
            told = NewEvent(type=facts.BREACH, payload=facts.BreachRecorded(id, until))
            await self._events.append([told], by=by)
            return await self.get(id)

    async def move(self, id: UUID, move: BreachMove, *, by: str) -> Breach:
        """Note that the authority was told, or that nothing is left to do.

        Raises:
            NotFound: there is none with this id.
            Conflict: that is noted already, or the breach is closed.
        """
        async with self._db.transaction():
            await self._db.hold(f"consent.breach.{id}")
            breach = await self.get(id)
            if breach.closed_at or (move.do == "notify" and breach.notified_at):
                raise Conflict(
                    f"expected a breach for the step {move.do}, got one where it is done; "
                    "the record is not changed afterwards"
                )
            sql = (
                "UPDATE consent_breach SET notified_at = ?, notified_by = ?, notice = ? "
                "WHERE id = ?"
                if move.do == "notify"
                else "UPDATE consent_breach SET closed_at = ?, closed_by = ?, outcome = ? "
                "WHERE id = ?"
            )
            await self._db.execute(sql, now(), by, move.words.strip(), id)
            return await self.get(id)

    async def tell_overdue(self, *, limit: int = 500) -> int:
        """Say once of each breach that it was not reported in time; returns of how many."""
        async with self._db.transaction():
            rows = await self._db.fetch(
                f"{SELECT} WHERE notified_at IS NULL AND closed_at IS NULL AND notify_by < ? "
                "AND told_overdue_at IS NULL ORDER BY notify_by, id LIMIT ?",
                *(now(), limit),
            )
            late = [breach_of(row) for row in rows]
            await self._db.execute_many(
                "UPDATE consent_breach SET told_overdue_at = ? WHERE id = ?",
                [(now(), each.id) for each in late],
            )
            told = [
                NewEvent(
                    type=facts.BREACH_OVERDUE,
                    payload=facts.BreachRecorded(each.id, each.notify_by),
                )
                for each in late
            ]
            await self._events.append(told, by=_BY)
        return len(late)


def breach_of(row: tuple[Any, ...]) -> Breach:
    """A row of :data:`SELECT` as it is read."""
    return Breach(**dict(zip(_COLUMNS, row, strict=True)))


def _no_time(got: dt.datetime) -> Problem:
    return Problem(
        code="not-a-moment-that-was",
        message="a breach was discovered at a moment that has passed",
        where="/discovered_at",
        expected="a moment with an offset, not in the future",
        got=got.isoformat(),
        mend="Say when it was discovered.",
    )
