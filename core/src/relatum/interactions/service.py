"""Interactions: the only writer of their table. Many at a time; one is a batch of one."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import AsyncIterator, Collection, Sequence
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

import msgspec

from relatum.db.guarding import as_the_house, current_guard
from relatum.db.pages import Page, PageQuery, Sort, cut, paginate, sort_from
from relatum.events.types import NewEvent
from relatum.hooks.declarations import InteractionKind, Refusal
from relatum.hooks.refusing import refuse
from relatum.interactions import events as facts
from relatum.interactions.types import (
    MOST_AHEAD,
    Amount,
    Interaction,
    InteractionDraft,
    InteractionQuery,
)
from relatum.values.ids import new_id
from relatum.values.money import is_currency
from relatum.values.problems import Conflict, NotFound, Problem
from relatum.values.text import nearest
from relatum.values.time import now

if TYPE_CHECKING:
    from relatum.db.database import Database
    from relatum.events.log import EventLog
    from relatum.hooks.dispatcher import Dispatcher
    from relatum.hooks.registry import Registry

COLUMNS = (
    "id",
    "kind",
    "kind_version",
    "customer_id",
    "channel",
    "direction",
    "occurred_at",
    "recorded_at",
    "payload",
    "amount",
    "currency",
    "handle",
    "subject",
    "actor",
    "idempotency_key",
)
SELECT = f"SELECT {', '.join(COLUMNS)} FROM core_interaction"  # noqa: S608 - names of our own
SORTS: dict[str, tuple[str, type[Any]]] = {
    "occurred_at": ("occurred_at", dt.datetime),
    "recorded_at": ("recorded_at", dt.datetime),
}
EARLIEST = dt.datetime(1900, 1, 1, tzinfo=dt.UTC)
MOST_PAYLOAD = 1_000_000
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|[\ud800-\udfff]")
_ESCAPED_UNPRINTABLE = re.compile(rb"\\u00(?:0[0-8bcef]|1[0-9a-f]|7f)")

Row = tuple[Any, ...]


class ArchivedInteractions(Protocol):
    """Interactions that have left the database; room ``archive`` has them."""

    async def where(self, ids: Sequence[UUID]) -> list[str]:
        """The months of those of these that are archived."""

    async def known(self, ids: Sequence[UUID]) -> dict[UUID, str | None]:
        """Those of these that are archived, and their idempotency keys."""

    async def customers_since(self, moment: dt.datetime) -> set[UUID]:
        """With whom something happened since that is archived, by the ids of then."""


class Interactions:
    """What happened between customers and the business."""

    def __init__(
        self, db: Database, events: EventLog, registry: Registry, dispatcher: Dispatcher
    ) -> None:
        self._db = db
        self._events = events
        self._registry = registry
        self._dispatcher = dispatcher
        self._encode = msgspec.json.Encoder().encode
        #: where interactions are that have left the database; nowhere while there is no archive
        self.archived: ArchivedInteractions | None = None

    # -- reading ---------------------------------------------------------------------------------

    async def get(self, id: UUID) -> Interaction:
        """One interaction.

        Raises:
            NotFound: there is none with this id.
        """
        row = await self._db.fetch_one(f"{SELECT} WHERE id = ?", id)
        if row is None:
            raise NotFound(f"expected the id of an interaction, got {id}; there is none")
        return _interaction(row)

    async def get_many(self, ids: Sequence[UUID]) -> list[Interaction]:
        """These interactions in the order of ids; unknown ids are left out."""
        found = await self._db.fetch_in(f"{SELECT} WHERE id IN ({{}}) ORDER BY id", ids)
        return [_interaction(row) for row in found]

    async def find(self, query: InteractionQuery) -> Page[Interaction]:
        """One page of the interactions that fit.

        Raises:
            InvalidInput: an unknown sort order or a foreign cursor.
        """
        asked = _page_query(query)
        found = await self._db.fetch(asked.sql, *asked.params)
        kept, following = cut(found, asked, value=COLUMNS.index(asked.sort.column), id=0)
        return Page([_interaction(row) for row in kept], following)

    async def sorts_of(self, customer: UUID) -> list[tuple[str, str, int]]:
        """Kind, channel and how many of them there are, of one customer."""
        return [
            (kind, channel, number)
            for kind, channel, number in await self._db.fetch(
                "SELECT kind, channel, count(*) FROM core_interaction WHERE customer_id = ? "
                "GROUP BY kind, channel ORDER BY kind, channel",
                customer,
            )
        ]

    async def latest(self, customers: Sequence[UUID]) -> dict[UUID, dt.datetime]:
        """Customer → when something last happened; those with whom nothing did are left out."""
        found = await self._db.fetch_in(
            "SELECT customer_id, max(occurred_at) FROM core_interaction "
            "WHERE customer_id IN ({}) GROUP BY customer_id",
            customers,
        )
        return {
            id: moment if isinstance(moment, dt.datetime) else dt.datetime.fromisoformat(moment)
            for id, moment in found
        }

    async def archived_since(self, moment: dt.datetime) -> set[UUID]:
        """With whom something happened since that is archived by now, by the ids of then.

        Told by months, so that it may be somewhat longer ago. Files are read: not for every look.

        Raises:
            ArchivedAway: a file of the archive cannot be read, so that nobody knows.
        """
        return await self.archived.customers_since(moment) if self.archived else set()

    async def ids_by_key(self, keys: Sequence[str]) -> dict[str, UUID]:
        """Idempotency key → interaction, for those that are recorded, archived ones too."""
        found = await self._db.fetch_in(
            "SELECT idempotency_key, id FROM core_interaction WHERE idempotency_key IN ({})", keys
        )
        # in this order: one that leaves for the archive in between is found in the second place
        archived = await self._db.fetch_in(
            "SELECT key, id FROM core_archived_key WHERE key IN ({})", keys
        )
        return dict(archived) | dict(found)

    async def all_batches(self, size: int = 1000) -> AsyncIterator[list[Interaction]]:
        """Every interaction in the order of ids, in pieces."""
        last = UUID(int=0)
        while True:
            found = await self._db.fetch(f"{SELECT} WHERE id > ? ORDER BY id LIMIT ?", last, size)
            if not found:
                return
            yield [_interaction(row) for row in found]
            last = found[-1][0]

    # -- recording -------------------------------------------------------------------------------

    async def check(self, drafts: Sequence[InteractionDraft]) -> list[Refusal]:
        """Every reason why a draft could not be recorded, without writing."""
        refusals = self._refusals(drafts, now())
        refusals += await self._nobody(drafts)
        refusals += await self._foreign_keys(drafts)
        return refusals + await self._objections(drafts)

    async def record(self, drafts: Sequence[InteractionDraft], *, by: str) -> list[UUID]:
        """Record all of them, or none.

        A draft whose ``idempotency_key`` is recorded already (or came earlier in the batch) records
        nothing and answers with the id of the first.

        Raises:
            InvalidInput: with every problem; ``where`` begins with the index of the draft.
            PluginError: a plugin that was asked failed.
        """
        async with self._db.transaction():
            moment = now()
            drafts = await self._acceptable(drafts)
            keys = [draft.idempotency_key for draft in drafts if draft.idempotency_key]
            known = await self.ids_by_key(keys) if keys else {}
            ids: list[UUID] = []
            fresh: list[tuple[UUID, InteractionDraft]] = []
            for draft in drafts:
                before = known.get(draft.idempotency_key) if draft.idempotency_key else None
                id = before or new_id()
                ids.append(id)
                if before is None:
                    fresh.append((id, draft))
                    if draft.idempotency_key:
                        known[draft.idempotency_key] = id
            await self._write(fresh, moment, by)
        return ids

    async def _acceptable(self, drafts: Sequence[InteractionDraft]) -> Sequence[InteractionDraft]:
        """The drafts, for the customers that those they name have become."""
        await self._hold_customers(drafts)
        refusals = await self.check(drafts)
        if refusals and (current := await self._under_current_ids(drafts)) is not None:
            drafts, refusals = current, await self.check(current)
        refuse(refusals, "interactions")
        return drafts

    async def _hold_customers(self, drafts: Sequence[InteractionDraft]) -> None:
        """Wait for whoever is merging one of the customers, and let nobody begin to.

        On SQLite whoever writes is alone anyway.
        """
        ids = list({draft.customer_id for draft in drafts if draft.customer_id is not None})
        if self._db.kind == "postgresql" and ids:
            with as_the_house():
                await self._db.fetch_in(
                    "SELECT id FROM core_customer WHERE id IN ({}) ORDER BY id FOR KEY SHARE", ids
                )

    async def _under_current_ids(
        self, drafts: Sequence[InteractionDraft]
    ) -> list[InteractionDraft] | None:
        """The drafts with the ids of survivors; ``None`` when no customer was merged."""
        wanted = list({draft.customer_id for draft in drafts if draft.customer_id is not None})
        found = await self._db.fetch_in(
            "SELECT absorbed_id, customer_id FROM core_merge "
            "WHERE absorbed_id IN ({}) AND undone_at IS NULL",
            wanted,
        )
        if not found:
            return None
        now_at: dict[UUID, UUID] = dict(found)
        return [
            msgspec.structs.replace(draft, customer_id=now_at[draft.customer_id])
            if draft.customer_id in now_at
            else draft
            for draft in drafts
        ]

    async def _write(
        self, fresh: Sequence[tuple[UUID, InteractionDraft]], moment: dt.datetime, by: str
    ) -> None:
        find = self._registry.interaction_kinds.get
        kinds = {kind: find(kind) for kind in {draft.kind for _, draft in fresh}}
        await self._db.insert(
            "core_interaction",
            COLUMNS,
            [self._row(id, draft, kinds[draft.kind], moment) for id, draft in fresh],
        )
        await self._events.append(
            [
                NewEvent(
                    type=facts.RECORDED,
                    payload=facts.InteractionFact(
                        id, draft.kind, draft.occurred_at or moment, draft.subject
                    ),
                    customer=draft.customer_id,
                )
                for id, draft in fresh
            ],
            by=by,
        )

    def _row(
        self, id: UUID, draft: InteractionDraft, kind: InteractionKind, moment: dt.datetime
    ) -> Row:
        money = draft.money
        return (
            id,
            draft.kind,
            kind.version,
            draft.customer_id,
            draft.channel,
            draft.direction,
            draft.occurred_at or moment,
            moment,
            self._encode(draft.payload).decode(),
            money.amount if money else None,
            money.currency if money else None,
            draft.handle,
            draft.subject,
            draft.actor,
            draft.idempotency_key,
        )

    # -- refusing --------------------------------------------------------------------------------

    def _refusals(self, drafts: Sequence[InteractionDraft], moment: dt.datetime) -> list[Refusal]:
        kinds = {
            kind: self._registry.interaction_kinds.find(kind)
            for kind in {draft.kind for draft in drafts}
        }
        latest = moment + MOST_AHEAD
        return [
            Refusal(index, problem)
            for index, draft in enumerate(drafts)
            for problem in self._problems(draft, kinds[draft.kind], latest)
        ]

    def _problems(
        self, draft: InteractionDraft, kind: InteractionKind | None, latest: dt.datetime
    ) -> list[Problem]:
        if kind is None:
            return [self._unknown_kind(draft.kind)]
        problems = []
        if draft.occurred_at is not None and (problem := _time_problem(draft.occurred_at, latest)):
            problems.append(problem)
        if draft.money is not None and not is_currency(draft.money.currency):
            problems.append(_currency_problem(draft.money))
        problems += _text_problems(draft)
        problem = self._payload_problem(draft, kind)
        return [*problems, problem] if problem else problems

    def _payload_problem(self, draft: InteractionDraft, kind: InteractionKind) -> Problem | None:
        try:
            msgspec.convert(draft.payload, kind.payload)
        except msgspec.ValidationError as error:
            return _bad_payload(kind, error)
        encoded = self._encode(draft.payload)
        if len(encoded) > MOST_PAYLOAD:
            return Problem(
                code="payload-too-long",
                message="the payload is too long",
                where="/payload",
                expected=f"at most {MOST_PAYLOAD:,} bytes",
                got=f"{len(encoded):,} bytes",
                mend="Shorten it, or keep the content elsewhere and refer to it.",
            )
        if _ESCAPED_UNPRINTABLE.search(encoded):
            return Problem(
                code="control-character",
                message="the payload has a control character",
                where="/payload",
                expected="text without NUL and other control characters",
                got="at least one of them",
                mend="Remove it.",
            )
        return None

    def _unknown_kind(self, kind: str) -> Problem:
        known = self._registry.interaction_kinds.ids()
        near = nearest(kind, known)
        return Problem(
            code="unknown-kind",
            message=f"there is no interaction kind {kind!r} that is switched on",
            where="/kind",
            expected=f"perhaps {near}" if near else f"one of {', '.join(sorted(known))}",
            got=kind,
            mend="Mend the kind, or switch the plugin on that declares it.",
        )

    async def _nobody(self, drafts: Sequence[InteractionDraft]) -> list[Refusal]:
        wanted = list({draft.customer_id for draft in drafts if draft.customer_id is not None})
        if not wanted:
            return []
        found = await self._db.fetch_in("SELECT id FROM core_customer WHERE id IN ({})", wanted)
        missing = set(wanted) - {row[0] for row in found}
        return [
            Refusal(index, _nobody_problem(draft.customer_id))
            for index, draft in enumerate(drafts)
            if draft.customer_id in missing
        ]

    async def _foreign_keys(self, drafts: Sequence[InteractionDraft]) -> list[Refusal]:
        """Keys of interactions that the viewer does not see: their ids are not told."""
        keys = [draft.idempotency_key for draft in drafts if draft.idempotency_key]
        if current_guard() is None or not keys:
            return []
        seen = await self.ids_by_key(keys)
        with as_the_house():
            hidden = (await self.ids_by_key(keys)).keys() - seen.keys()
        return [
            Refusal(index, _taken_problem(draft.idempotency_key))
            for index, draft in enumerate(drafts)
            if draft.idempotency_key in hidden
        ]

    async def _objections(self, drafts: Sequence[InteractionDraft]) -> list[Refusal]:
        answers = await self._dispatcher.take_part("relatum_validate_interactions", drafts=drafts)
        return [refusal for _, refusals in answers for refusal in refusals]

    # -- taking back (imports) -------------------------------------------------------------------

    async def remove(self, ids: Sequence[UUID], *, by: str) -> int:
        """Take interactions back, with an event for each (undoing an import).

        Raises:
            Conflict: some of them are archived.
        """
        async with self._db.transaction():
            gone = await self.get_many(ids)
            await self._refuse_archived(set(ids) - {one.id for one in gone})
            await self._db.execute_many(
                "DELETE FROM core_interaction WHERE id = ?", [(one.id,) for one in gone]
            )
            await self._events.append(
                [
                    NewEvent(
                        type=facts.RETRACTED,
                        payload=facts.InteractionFact(
                            one.id, one.kind, one.occurred_at, one.subject
                        ),
                        customer=one.customer_id,
                    )
                    for one in gone
                ],
                by=by,
            )
        return len(gone)

    async def _refuse_archived(self, missing: Collection[UUID]) -> None:
        months = await self.archived.where(list(missing)) if missing and self.archived else []
        if months:
            raise Conflict(
                f"expected interactions that are in the database, got some of {months[0]} to "
                f"{months[-1]} in the archive; bring them back first: relatum archive restore "
                f"--kind interactions --from {months[0]} --to {months[-1]}"
            )


def _interaction(row: Row) -> Interaction:
    (
        id,
        kind,
        kind_version,
        customer_id,
        channel,
        direction,
        occurred_at,
        recorded_at,
        payload,
        amount,
        currency,
        handle,
        subject,
        actor,
        key,
    ) = row
    return Interaction(
        id=id,
        kind=kind,
        kind_version=kind_version,
        customer_id=customer_id,
        channel=channel,
        direction=direction,
        occurred_at=occurred_at,
        recorded_at=recorded_at,
        payload=msgspec.Raw(payload),
        money=None if amount is None else Amount(amount, currency),
        handle=handle,
        subject=subject,
        actor=actor,
        idempotency_key=key,
    )


def _page_query(query: InteractionQuery) -> PageQuery:
    bounds = (
        ("customer_id = ?", query.customer_id),
        ("kind = ?", query.kind),
        ("channel = ?", query.channel),
        ("direction = ?", query.direction),
        ("subject = ?", query.subject),
        ("occurred_at >= ?", query.occurred_from),
        ("occurred_at < ?", query.occurred_before),
        ("recorded_at >= ?", query.recorded_from),
        ("recorded_at < ?", query.recorded_before),
    )
    conditions = [sql for sql, value in bounds if value is not None]
    params = [value for _, value in bounds if value is not None]
    if query.anonymous is not None:
        conditions.append("customer_id IS NULL" if query.anonymous else "customer_id IS NOT NULL")
    sort: Sort = sort_from(query.sort, SORTS)
    return paginate(
        SELECT,
        conditions,
        params,
        sort=sort,
        id_column="id",
        limit=query.limit,
        cursor=query.cursor,
    )


def _time_problem(moment: dt.datetime, latest: dt.datetime) -> Problem | None:
    if moment.tzinfo is None:
        got, expected = moment.isoformat(), "a time with its offset, like 2026-11-22T09:00:00+07:00"
    elif moment > latest:
        got, expected = moment.isoformat(), "a time that is not in the future"
    elif moment < EARLIEST:
        got, expected = moment.isoformat(), f"a time from {EARLIEST.year} on"
    else:
        return None
    return Problem(
        code="bad-time",
        message="the time it happened cannot be right",
        where="/occurred_at",
        expected=expected,
        got=got,
        mend="Mend the time.",
    )


def _text_problems(draft: InteractionDraft) -> list[Problem]:
    problems = []
    for name in ("handle", "subject", "actor", "idempotency_key"):
        text = getattr(draft, name)
        if text is not None and (_UNPRINTABLE.search(text) or not text.strip()):
            problems.append(
                Problem(
                    code="bad-text",
                    message=f"{name} is not one line of visible text",
                    where=f"/{name}",
                    expected="one line of visible text, or nothing at all",
                    got=repr(text[:40]),
                    mend="Mend it or leave it out.",
                )
            )
    return problems


def _currency_problem(money: Amount) -> Problem:
    return Problem(
        code="unknown-currency",
        message="there is no such currency",
        where="/money/currency",
        expected="a code of ISO 4217, like VND",
        got=money.currency,
        mend="Mend the code.",
    )


def _bad_payload(kind: InteractionKind, error: msgspec.ValidationError) -> Problem:
    reason, _, path = str(error).partition(" - at `$")
    pointer = path.rstrip("`").replace(".", "/").replace("[", "/").replace("]", "")
    return Problem(
        code="bad-payload",
        message=f"the payload is not that of {kind.id}: {reason}",
        where=f"/payload{pointer}",
        expected=", ".join(kind.payload.__struct_fields__) or "an empty payload",
        mend="See the payload of this kind at /api/v1/interaction-kinds.",
    )


def _taken_problem(key: str | None) -> Problem:
    return Problem(
        code="key-taken",
        message="the idempotency key is that of another interaction",
        where="/idempotency_key",
        expected="a key of your own",
        got=str(key),
        mend="Choose another key; put the name of your system before it.",
    )


def _nobody_problem(customer: UUID | None) -> Problem:
    return Problem(
        code="no-such-customer",
        message="there is no customer with this id",
        where="/customer_id",
        expected="the id of a customer, or none for an anonymous interaction",
        got=str(customer),
        mend="Create the customer first.",
    )
