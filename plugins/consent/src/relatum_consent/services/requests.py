"""Requests of data subjects: received, checked, worked on, answered in time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from relatum.api import (
    Conflict,
    InvalidInput,
    NewEvent,
    NotFound,
    Page,
    Plugin,
    Problem,
    cut,
    day_bounds,
    local_day,
    marks,
    new_id,
    now,
    paginate,
    sort_from,
)
from relatum_consent import events as facts
from relatum_consent.clocks import due
from relatum_consent.services.carrying_out import carry_out
from relatum_consent.services.links import refuse_unknown
from relatum_consent.settings import Settings
from relatum_consent.types import (
    CARRIED_OUT,
    OPEN,
    Move,
    Request,
    RequestDraft,
    RequestQuery,
    Step,
)

if TYPE_CHECKING:
    from relatum_consent.services.carrying_out import Actor

COLUMNS = (
    *("id", "customer_id", "kind", "state", "source", "processors", "received_at", "recorded_by"),
    *("answer_on", "stop_on", "due_on", "extended_days", "identity_method", "identity_by"),
    *("identity_at", "carried_out_at", "result", "closed_at", "closed_by"),
)
SELECT = (
    "SELECT id, customer_id, kind, state, source, processors, received_at, recorded_by, "
    "answer_on, stop_on, due_on, extended_days, identity_method, identity_by, identity_at, "
    "carried_out_at, result, closed_at, closed_by FROM consent_request"
)
_SORTS = {"due_on": ("due_on", dt.date)}
#: The states in which each step may be taken.
FROM = {
    "check_identity": ("received",),
    "start": ("identity_checked",),
    "carry_out": ("in_work", "extended"),
    "extend": ("in_work",),
    "answer": ("in_work", "extended"),
    "refuse": OPEN,
}
#: Steps that say why or what in words.
WORDY = ("check_identity", "extend", "answer", "refuse")


class Requests:
    """The only writer of requests and their steps."""

    def __init__(self, plugin: Plugin) -> None:
        self._plugin = plugin
        self._house = plugin.house
        self._db = plugin.house.db
        self._settings: Settings = plugin.settings
        self._zone = plugin.house.settings.company.time_zone

    async def find(self, query: RequestQuery) -> Page[Request]:
        """Requests, the first due first."""
        states = OPEN if query.state == "open" else (query.state,)
        conditions = [f"state IN ({marks(len(states))})"]
        params: list[Any] = [*states]
        if query.customer is not None:
            conditions.append("customer_id = ?")
            params.append(query.customer)
        page = paginate(
            SELECT,
            conditions,
            params,
            sort=sort_from("due_on", _SORTS),
            id_column="id",
            limit=query.limit,
            cursor=query.cursor,
        )
        rows = await self._db.fetch(page.sql, *page.params)
        kept, cursor = cut(rows, page, value=COLUMNS.index("due_on"), id=0)
        return Page(items=[request_of(row) for row in kept], next=cursor)

    async def open_of(self, customer: UUID) -> list[Request]:
        """What a customer waits for, the first due first; at most 200."""
        return (await self.find(RequestQuery(customer=customer, limit=200))).items

    async def get(self, id: UUID) -> Request:
        """One request.

        Raises:
            NotFound: there is none with this id, or its customer is not seen.
        """
        row = await self._db.fetch_one(f"{SELECT} WHERE id = ?", id)
        if row is None:
            raise NotFound(f"there is no request with the id {id}")
        return request_of(row)

    async def steps_of(self, id: UUID) -> list[Step]:
        """The steps of a request, the oldest first."""
        rows = await self._db.fetch(
            "SELECT id, step, words, at, by FROM consent_step WHERE request_id = ? ORDER BY at, id",
            id,
        )
        return [Step(**dict(zip(Step.__struct_fields__, row, strict=True))) for row in rows]

    async def receive(self, draft: RequestDraft, *, by: str) -> Request:
        """Write down a request; its clocks begin with the day it came.

        Raises:
            NotFound: there is no such customer.
            InvalidInput: it came on a day to come.
        """
        moment = now()
        today = local_day(moment, self._zone)
        received = draft.received_on or today
        if received > today:
            raise InvalidInput(
                "The request cannot be recorded.", problems=[_to_come(received, today)]
            )
        came = moment if received == today else day_bounds(received, self._zone)[0]
        ends = due(self._settings, draft.kind, received, processors=draft.processors)
        first = ends.first(carried_out=False)
        id = new_id()
        row = (
            *(id, draft.customer, draft.kind, "received", draft.source, draft.processors, came, by),
            *(ends.answer_on, ends.stop_on, first),
        )
        async with self._db.transaction():
            await refuse_unknown(self._db, draft.customer)
            await self._db.insert("consent_request", COLUMNS[: len(row)], [row])
            await self._note(id, draft.customer, "receive", draft.words, by)
            payload = facts.RequestReceived(id, draft.kind, first)
            await self._tell(facts.RECEIVED, payload, draft.customer, by)
            return await self.get(id)

    async def receive_once(self, draft: RequestDraft, *, by: str) -> Request:
        """As :meth:`receive`; an open request of the same kind stands for a second one."""
        async with self._db.transaction():
            await self._db.hold(f"consent.request.{draft.customer}")
            row = await self._db.fetch_one(
                f"{SELECT} WHERE customer_id = ? AND kind = ? AND state IN ({marks(len(OPEN))}) "
                "ORDER BY due_on, id LIMIT 1",
                *(draft.customer, draft.kind, *OPEN),
            )
            return request_of(row) if row else await self.receive(draft, by=by)

    async def move(self, id: UUID, move: Move, actor: Actor) -> Request:
        """Take the next step of a request.

        Raises:
            NotFound: there is no such request.
            Conflict: it is in a state without this step, or something must be done first.
            InvalidInput: what the step needs is missing.
        """
        request = await self.get(id)
        self._check(request, move)
        if move.do == "carry_out" and request.kind == "erase":
            # Erasing opens its own transactions and tidies up files after them. It may be asked
            # again: who is erased already is answered with the same receipt.
            result = await carry_out(self._house, request, actor)
            async with self._db.transaction():
                return await self._close_erased(id, result, actor.name)
        async with self._db.transaction():
            await self._db.hold(f"consent.request.{id}")
            request = await self.get(id)
            self._check(request, move)
            changes = self._changes(request, move, actor.name)
            if move.do == "carry_out":
                changes["result"] = await carry_out(self._house, request, actor)
            await self._write(request, changes, move.do, move.words, actor.name)
            return await self.get(id)

    async def tell_overdue(self, *, limit: int = 500) -> int:
        """Say once of each open request that its day has passed; returns of how many."""
        today = local_day(now(), self._zone)
        async with self._db.transaction():
            rows = await self._db.fetch(
                f"{SELECT} WHERE state IN ({marks(len(OPEN))}) AND due_on < ? "
                "AND told_overdue_at IS NULL ORDER BY due_on, id LIMIT ?",
                *(*OPEN, today, limit),
            )
            late = [request_of(row) for row in rows]
            await self._db.execute_many(
                "UPDATE consent_request SET told_overdue_at = ? WHERE id = ?",
                [(now(), each.id) for each in late],
            )
            told = [
                NewEvent(
                    type=facts.OVERDUE,
                    payload=facts.RequestOverdue(each.id, each.kind, each.due_on),
                    customer=each.customer,
                )
                for each in late
            ]
            await self._house.events.append(told, by="plugin:consent")
        return len(late)

    def _check(self, request: Request, move: Move) -> None:
        if request.state not in FROM[move.do]:
            raise Conflict(
                f"expected a request that is {' or '.join(FROM[move.do])} for the step {move.do}, "
                f"got one that is {request.state}; take the steps in their order"
            )
        problems = []
        if move.do in WORDY and len(move.words.strip()) < 3:
            problems.append(_missing("words", "what was done or why, in words"))
        if move.do == "check_identity" and move.method is None:
            problems.append(_missing("method", "how the identity was checked"))
        if move.do == "extend" and not 1 <= move.days <= self._settings.longest_extension:
            problems.append(_missing("days", f"1 to {self._settings.longest_extension} days"))
        if problems:
            raise InvalidInput("The step cannot be taken yet.", problems=problems)
        undone = request.kind in CARRIED_OUT and request.carried_out_at is None
        if move.do == "answer" and undone and request.customer is not None:
            raise Conflict(
                "expected a request that was carried out, got one that was not; carry it out, or "
                "refuse it with a reason"
            )
        if move.do == "carry_out" and (request.kind not in CARRIED_OUT or request.carried_out_at):
            raise Conflict(
                f"expected a request that can be carried out here once, got {request.kind}, "
                "which is done or is done by hand; answer it"
            )

    def _changes(self, request: Request, move: Move, by: str) -> dict[str, Any]:
        """The columns that a step changes."""
        moment = now()
        if move.do == "check_identity":
            checked = {"identity_method": move.method, "identity_by": by, "identity_at": moment}
            return {"state": "identity_checked", **checked}
        if move.do == "start":
            return {"state": "in_work"}
        if move.do == "carry_out":
            return {"carried_out_at": moment, "due_on": request.answer_on}
        if move.do == "extend":
            return self._extended(request, move.days)
        return {
            "state": "answered" if move.do == "answer" else "refused",
            "closed_at": moment,
            "closed_by": by,
        }

    def _extended(self, request: Request, days: int) -> dict[str, Any]:
        ends = due(
            self._settings,
            request.kind,
            local_day(request.received_at, self._zone),
            processors=request.processors,
            extended=days,
        )
        return {
            "state": "extended",
            "extended_days": days,
            "answer_on": ends.answer_on,
            "stop_on": ends.stop_on,
            "due_on": ends.first(carried_out=request.carried_out_at is not None),
            "told_overdue_at": None,
        }

    async def _write(
        self, request: Request, changes: Mapping[str, Any], step: str, words: str, by: str
    ) -> None:
        sets = ", ".join(f"{name} = ?" for name in changes)
        await self._db.execute(
            f"UPDATE consent_request SET {sets} WHERE id = ?",  # noqa: S608 - columns are ours
            *(*changes.values(), request.id),
        )
        if request.customer is not None:
            await self._note(request.id, request.customer, step, words, by)
        moved = facts.RequestMoved(request.id, request.kind, changes.get("state", request.state))
        await self._tell(facts.MOVED, moved, request.customer, by)

    async def _close_erased(self, id: UUID, result: str, by: str) -> Request:
        """An erasure that is carried out is answered: nobody is left to write to."""
        await self._db.hold(f"consent.request.{id}")
        request = await self.get(id)
        if request.state in OPEN:
            done = {"carried_out_at": now(), "closed_at": now(), "closed_by": by}
            changes = {"state": "answered", "result": result, **done}
            await self._write(request, changes, "carry_out", "", by)
        return await self.get(id)

    async def _note(self, id: UUID, customer: UUID, step: str, words: str, by: str) -> None:
        await self._db.insert(
            "consent_step",
            ("id", "request_id", "customer_id", "step", "words", "at", "by"),
            [(new_id(), id, customer, step, words.strip(), now(), by)],
        )

    async def _tell(
        self, told: str, payload: msgspec.Struct, customer: UUID | None, by: str
    ) -> None:
        event = NewEvent(type=told, payload=payload, customer=customer)
        await self._house.events.append([event], by=by)


def request_of(row: tuple[Any, ...]) -> Request:
    """A row of :data:`SELECT` as it is read."""
    names = [{"customer_id": "customer"}.get(name, name) for name in COLUMNS]
    values = dict(zip(names, row, strict=True))
    return Request(**{**values, "processors": bool(values["processors"])})


def _missing(field: str, expected: str) -> Problem:
    return Problem(
        code="missing",
        message=f"this step needs {expected}",
        where=f"/{field}",
        expected=expected,
        mend="Fill it in.",
    )


def _to_come(day: dt.date, today: dt.date) -> Problem:
    return Problem(
        code="to-come",
        message="nobody has asked yet on a day to come",
        where="/received_on",
        expected=f"a day not after {today.isoformat()}",
        got=day.isoformat(),
        mend="Say when it came.",
    )
