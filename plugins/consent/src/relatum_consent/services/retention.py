"""The list of those who are due to be erased: read, and decided by people."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from relatum.api import (
    Conflict,
    InvalidInput,
    NewEvent,
    Page,
    Plugin,
    Problem,
    Refused,
    cut,
    local_day,
    now,
    paginate,
    sort_from,
)
from relatum_consent import events as facts
from relatum_consent.services.carrying_out import ERASE
from relatum_consent.types import Due, DueQuery

if TYPE_CHECKING:
    from relatum_consent.services.carrying_out import Actor

#: Nobody else changes the list meanwhile.
TURN = "consent.retention"
COLUMNS = (
    *("id", "customer_id", "rule", "state", "last_at", "listed_at", "erase_on", "kept_until"),
    *("reason", "decided_by", "decided_at", "stays", "ended_at", "receipt"),
)
SELECT = (
    "SELECT id, customer_id, rule, state, last_at, listed_at, erase_on, kept_until, reason, "
    "decided_by, decided_at, stays, ended_at, receipt FROM consent_retention"
)
_SORTS = {"erase_on": ("erase_on", dt.date)}
LONGEST_KEEP = dt.timedelta(days=3_660)


class Retention:
    """What people read and decide; :mod:`retention_run` lists, withdraws and erases."""

    def __init__(self, plugin: Plugin) -> None:
        self._db = plugin.house.db
        self._events = plugin.house.events
        self._zone = plugin.house.settings.company.time_zone

    async def find(self, query: DueQuery) -> Page[Due]:
        """The list in one state, the first to be erased at the top."""
        page = paginate(
            SELECT,
            ["state = ?"],
            [query.state],
            sort=sort_from("erase_on", _SORTS),
            id_column="id",
            limit=query.limit,
            cursor=query.cursor,
        )
        rows = await self._db.fetch(page.sql, *page.params)
        kept, cursor = cut(rows, page, value=COLUMNS.index("erase_on"), id=0)
        return Page(items=[due_of(row) for row in kept], next=cursor)

    async def approve(self, ids: Sequence[UUID], actor: Actor) -> int:
        """They may be erased once their notice is over; returns how many.

        Raises:
            Refused: who approves has to be allowed to erase.
            Conflict: one of them is not due any more.
        """
        if not actor.viewer.may(ERASE):
            raise Refused(
                f"expected the permission {ERASE}, which none of your roles gives; ask whoever "
                "has it",
                extra={"permission": ERASE},
            )
        return await self._decide(ids, actor, "approved", None, "")

    async def keep(
        self, ids: Sequence[UUID], actor: Actor, *, until: dt.date | None, reason: str
    ) -> int:
        """They are not looked at again until that day is over; returns how many.

        Raises:
            InvalidInput: no day to come within ten years, or no reason.
            Conflict: one of them is not due any more.
        """
        today = local_day(now(), self._zone)
        if until is None or not today < until <= today + LONGEST_KEEP:
            raise InvalidInput("The list is not changed.", problems=[_no_day(until, today)])
        if not reason.strip():
            raise InvalidInput("The list is not changed.", problems=[_no_reason()])
        return await self._decide(ids, actor, "kept", until, reason.strip())

    async def _decide(
        self, ids: Sequence[UUID], actor: Actor, state: str, until: dt.date | None, reason: str
    ) -> int:
        async with self._db.transaction():
            await self._db.hold(TURN)
            rows = await self._db.fetch_in(f"{SELECT} WHERE id IN ({{}})", list(set(ids)))
            chosen = [due_of(row) for row in rows]
            over = [each for each in chosen if each.state not in ("due", "approved")]
            if not chosen or over or len(chosen) < len(set(ids)):
                raise Conflict(
                    f"expected customers who are due, got {len(chosen) - len(over)} of "
                    f"{len(set(ids))}; load the list again and choose from it"
                )
            await self._db.execute_many(
                "UPDATE consent_retention SET state = ?, kept_until = ?, reason = ?, "
                "decided_by = ?, decided_at = ?, stays = '' WHERE id = ?",
                [(state, until, reason, actor.name, now(), each.id) for each in chosen],
            )
            await self._events.append(
                [moved(each.id, each.rule, state, each.customer) for each in chosen],
                by=actor.name,
            )
        return len(chosen)


def due_of(row: tuple[Any, ...]) -> Due:
    """A row of :data:`SELECT` as it is read."""
    return Due(**dict(zip(Due.__struct_fields__, row, strict=True)))


def moved(id: UUID, rule: str, state: str, customer: UUID | None) -> NewEvent:
    """What the log says of a step."""
    payload = facts.RetentionMoved(id, rule, state)
    return NewEvent(type=facts.RETENTION, payload=payload, customer=customer)


def _no_day(got: dt.date | None, today: dt.date) -> Problem:
    return Problem(
        code="not-a-day-to-come",
        message="somebody is kept until a day to come",
        where="/until",
        expected=f"a day after {today.isoformat()}, within ten years",
        got=got.isoformat() if got else "none",
        mend="Say until when.",
    )


def _no_reason() -> Problem:
    return Problem(
        code="no-reason",
        message="somebody is kept for a reason",
        where="/reason",
        expected="a reason in words",
        got="nothing",
        mend="Say why.",
    )
