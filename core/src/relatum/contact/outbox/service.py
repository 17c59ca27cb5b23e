"""The outbox: nothing is kept in it without a verdict, and nothing leaves it without a permit."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

import msgspec

from relatum.contact.consents import Clock, refuse_unknown
from relatum.contact.outbox import events as facts
from relatum.contact.outbox.outcomes import Outcomes
from relatum.contact.outbox.posting import JOB, Posting, SendWork
from relatum.contact.outbox.rows import (
    COLUMNS,
    CREATED,
    REASONS,
    SELECT,
    first_words,
    labelled,
    message_of,
)
from relatum.contact.outbox.types import Message, MessageDraft, MessageQuery
from relatum.contact.types import ContactRequest, Verdict
from relatum.db.guarding import as_the_house
from relatum.db.pages import Page, Sort, cut, paginate
from relatum.events.types import NewEvent
from relatum.hooks.declarations import Channel, Receipt
from relatum.jobs.types import JobRequest
from relatum.values.ids import new_ids
from relatum.values.problems import Conflict, NotFound
from relatum.values.time import now, utc

if TYPE_CHECKING:
    from relatum.contact.deciding import Decision
    from relatum.contact.gate import ContactGate
    from relatum.contact.outbox.unsubscribing import Unsubscribing
    from relatum.db.database import Database
    from relatum.events.log import EventLog
    from relatum.hooks.dispatcher import Dispatcher
    from relatum.hooks.registry import Registry
    from relatum.interactions.service import Interactions
    from relatum.jobs.service import Jobs

_STATE_OF = {"allow": "planned", "defer": "deferred", "deny": "denied"}
_NEWEST = Sort("created_at", dt.datetime, descending=True)


class Outbox:
    """The only way to a customer: ask the gate, keep the message, let the job send it.

    Attributes:
        unsubscribing: signed addresses that take a consent back.
        posting: what the job does.
    """

    def __init__(
        self,
        db: Database,
        events: EventLog,
        gate: ContactGate,
        unsubscribing: Unsubscribing,
        *,
        clock: Clock = now,
    ) -> None:
        self._db = db
        self._events = events
        self._gate = gate
        self._clock = clock
        self.unsubscribing = unsubscribing

    def open(
        self, jobs: Jobs, registry: Registry, dispatcher: Dispatcher, interactions: Interactions
    ) -> None:
        """Take the rooms that are built later: who works, who sends, where it is written down."""
        self._jobs = jobs
        self._registry = registry
        self._outcomes = Outcomes(
            self._db, self._events, self._gate, interactions, clock=self._clock
        )
        self.posting = Posting(
            self._db, self._gate, self._outcomes, registry, dispatcher, self.unsubscribing
        )

    def channels(self) -> dict[str, Channel]:
        """Who sends through which channel: the first declared one of the plugins that are on."""
        return self.posting.channels()

    async def look(self, drafts: Sequence[MessageDraft], *, plugin: str = "core") -> list[Decision]:
        """What the gate would say to each of these by itself; nothing is kept.

        Raises:
            InvalidInput: an unknown purpose, or a time that has passed.
        """
        return await self._gate.look([self._request(draft, plugin, "") for draft in drafts])

    async def send(
        self, drafts: Sequence[MessageDraft], *, by: str, plugin: str = "core"
    ) -> list[Message]:
        """Ask the gate about messages, keep each with its verdict, and have the allowed ones sent.

        Everything happens in one transaction, the caller's if there is one. What the gate defers is
        asked about again at its time; what it denies is kept with the reasons and not sent.

        Args:
            plugin: who asks; ``core`` for a person.

        Raises:
            InvalidInput: an unknown purpose, or a time that has passed.
            NotFound: there is no such customer.
        """
        if not drafts:
            return []
        async with self._db.transaction():
            await refuse_unknown(self._db, {draft.customer for draft in drafts})
            await self._db.hold("contact")
            known = await self._sent_before(drafts, plugin)
            fresh: dict[UUID, MessageDraft] = {}
            ids: list[UUID] = []
            for id, draft in zip(new_ids(len(drafts)), drafts, strict=True):
                ids.append(known.setdefault(draft.reference, id) if draft.reference else id)
                if ids[-1] == id:
                    fresh[id] = self._labelled(draft)
            await self._keep(fresh, by, plugin)
            return await self._read(ids)

    async def get(self, id: UUID) -> Message:
        """One message.

        Raises:
            NotFound: there is none with this id, or its customer is not seen.
        """
        found = await self._read([id])
        if not found:
            raise NotFound(f"expected the id of a message, got {id}; there is none")
        return found[0]

    async def find(self, query: MessageQuery) -> Page[Message]:
        """One page of messages, the newest first.

        Raises:
            InvalidInput: a foreign cursor.
        """
        wanted = {
            "customer_id = ?": query.customer,
            "state = ?": query.state,
            "channel = ?": query.channel,
        }
        asked = paginate(
            SELECT,
            [sql for sql, value in wanted.items() if value is not None],
            [value for value in wanted.values() if value is not None],
            sort=_NEWEST,
            id_column="id",
            limit=query.limit,
            cursor=query.cursor,
        )
        kept, following = cut(
            await self._db.fetch(asked.sql, *asked.params), asked, value=CREATED, id=0
        )
        return Page(await self._with_reasons(kept), following)

    async def cancel(self, id: UUID, *, by: str) -> Message:
        """Take a message back that is not sent yet; its verdict no longer counts.

        Raises:
            NotFound: there is none with this id.
            Conflict: it is no longer planned or deferred.
        """
        async with self._db.transaction():
            await self._db.hold("contact")
            message = await self.get(id)
            if message.state not in {"planned", "deferred"}:
                raise Conflict(
                    f"expected a message that is planned or deferred, got one that is "
                    f"{message.state}; only what is not sent yet can be cancelled"
                )
            await self._gate.release([message.verdict])
            with as_the_house():
                await self._db.execute(
                    "UPDATE core_message SET state = 'cancelled', due_at = NULL, ended_at = ? "
                    "WHERE id = ?",
                    *(self._clock(), id),
                )
            await self._tell([message], facts.CANCELLED, by)
        return await self.get(id)

    async def settle(self, id: UUID, was: Literal["sent", "not_sent"], *, by: str) -> Message:
        """Say what became of a message that nobody knew about.

        Raises:
            NotFound: there is none with this id.
            Conflict: it is known already.
        """
        async with self._db.transaction():
            await self._db.hold("contact")
            message = await self.get(id)
            if message.state != "uncertain":
                raise Conflict(
                    f"expected a message that is uncertain, got one that is {message.state}"
                )
            outcome: Literal["sent", "failed"] = "sent" if was == "sent" else "failed"
            await self._outcomes.note([Receipt(message=id, outcome=outcome)], by=by)
        return await self.get(id)

    async def note(self, receipts: Sequence[Receipt], *, by: str) -> None:
        """Take in what a provider told later: delivered, failed, bounced.

        Receipts of messages that are not there (any more), or that say nothing new, change nothing.
        """
        async with self._db.transaction():
            await self._db.hold("contact")
            await self._outcomes.note(receipts, by=by)

    # -- keeping ---------------------------------------------------------------------------------

    async def _keep(self, drafts: dict[UUID, MessageDraft], by: str, plugin: str) -> None:
        requests = [self._request(draft, plugin, f"{id}/1") for id, draft in drafts.items()]
        verdicts = await self._gate.decide(requests)
        moment = self._clock()
        rows = [
            _row(id, draft, verdict, moment, by, plugin)
            for (id, draft), verdict in zip(drafts.items(), verdicts, strict=True)
        ]
        with as_the_house():
            await self._db.insert("core_message", COLUMNS, rows)
        messages = await self._read(list(drafts))
        waiting = [message for message in messages if message.due_at is not None]
        await self._tell(waiting, facts.PLANNED, by)
        outcomes = {id: verdict.outcome for id, verdict in zip(drafts, verdicts, strict=True)}
        await self._tell(messages, facts.GATED, by, outcomes)
        await self._enqueue(waiting)

    async def _enqueue(self, messages: Sequence[Message]) -> None:
        """A run for each channel and each time that something is due."""
        due = {(each.channel, each.due_at) for each in messages}
        if due:
            requests = [
                JobRequest(args=SendWork(channel=channel), at=at, key=channel)
                for channel, at in sorted(due, key=str)
            ]
            await self._jobs.enqueue_many(JOB, requests)

    async def _tell(
        self,
        messages: Sequence[Message],
        what: str,
        by: str,
        outcomes: dict[UUID, Any] | None = None,
    ) -> None:
        events = [
            NewEvent(
                type=what,
                payload=facts.MessageFact(
                    each.id,
                    each.channel,
                    each.purpose,
                    each.plugin,
                    (outcomes or {}).get(each.id, ""),
                ),
                customer=each.customer,
            )
            for each in messages
        ]
        if events:
            await self._events.append(events, by=by)

    def _request(self, draft: MessageDraft, plugin: str, reference: str) -> ContactRequest:
        content = self._labelled(draft).content
        return ContactRequest(
            customer=draft.customer,
            channel=draft.channel,
            purpose=draft.purpose,
            address=draft.address,
            at=draft.at,
            body=first_words(content),
            sender=draft.sender,
            plugin=plugin,
            reference=reference,
        )

    def _labelled(self, draft: MessageDraft) -> MessageDraft:
        profile = self._gate.book.profile
        purpose = profile.purpose.get(draft.purpose)
        rule = profile.rule.get(draft.channel) if purpose and purpose.advertising else None
        return msgspec.structs.replace(draft, content=labelled(draft.content, rule))

    async def _sent_before(self, drafts: Sequence[MessageDraft], plugin: str) -> dict[str, UUID]:
        names = list({draft.reference for draft in drafts if draft.reference})
        with as_the_house():
            found = await self._db.fetch_in(
                "SELECT reference, id FROM core_message WHERE reference IN ({}) AND plugin = ?",
                *(names, plugin),
            )
        return dict(found)

    async def _read(self, ids: Sequence[UUID]) -> list[Message]:
        rows = {row[0]: row for row in await self._db.fetch_in(f"{SELECT} WHERE id IN ({{}})", ids)}
        return await self._with_reasons([rows[id] for id in ids if id in rows])

    async def _with_reasons(self, rows: Sequence[tuple[Any, ...]]) -> list[Message]:
        verdicts = list({row[2] for row in rows})
        with as_the_house():  # of messages that are seen
            reasons: dict[UUID, Any] = dict(await self._db.fetch_in(REASONS, verdicts))
        return [message_of(row, reasons.get(row[2])) for row in rows]


def _row(
    id: UUID, draft: MessageDraft, verdict: Verdict, moment: dt.datetime, by: str, plugin: str
) -> tuple[Any, ...]:
    due = {"allow": utc(draft.at or moment), "defer": verdict.until, "deny": None}
    content = draft.content
    return (
        *(id, draft.customer, verdict.id, draft.channel, draft.purpose, draft.address),
        *(draft.sender, content.subject, content.text, content.html),
        *(_STATE_OF[verdict.outcome], due[verdict.outcome], moment, by, plugin),
        *(draft.reference or None, 0, 1),
    )
