"""What became of messages: their state, the timeline of the customer, events, bounced addresses."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from relatum.contact.outbox import events as facts
from relatum.db.guarding import as_the_house
from relatum.events.types import NewEvent
from relatum.interactions.types import InteractionDraft
from relatum.values.problems import RelatumError

if TYPE_CHECKING:
    from relatum.contact.consents import Clock
    from relatum.contact.gate import ContactGate
    from relatum.db.database import Database
    from relatum.events.log import EventLog
    from relatum.hooks.declarations import Receipt
    from relatum.interactions.service import Interactions

log = logging.getLogger("relatum.contact.outbox")

#: Waits before a message that could not be sent for now is tried again; after the last it failed.
WAITS = (
    *(dt.timedelta(minutes=1), dt.timedelta(minutes=10), dt.timedelta(hours=1)),
    *(dt.timedelta(hours=6), dt.timedelta(hours=24)),
)
#: Which outcomes are news to a message in which state; ``later`` and ``untried`` while sending.
_NEWS = {
    "sending": {"sent", "delivered", "failed", "bounced", "later", "untried", "unknown"},
    "uncertain": {"sent", "delivered", "failed", "bounced"},
    "sent": {"delivered", "failed", "bounced"},
    "delivered": {"bounced"},
}
_STATES = {"unknown": "uncertain"}
_READ = (
    "SELECT id, customer_id, verdict_id, channel, purpose, plugin, subject, text, state, attempts, "
    "provider_reference FROM core_message WHERE id IN ({})"
)
_CHANGE = (
    "UPDATE core_message SET state = ?, due_at = ?, ended_at = ?, attempts = ?, run = NULL, "
    "provider_reference = ?, detail = ? WHERE id = ?"
)
MESSAGE = "core.message"
RECEIPT = "core.message_receipt"


class _Known(NamedTuple):
    """A message as far as its outcome concerns it."""

    id: UUID
    customer: UUID
    verdict: UUID
    channel: str
    purpose: str
    plugin: str
    subject: str
    text: str
    state: str
    attempts: int
    reference: str


class _Change(NamedTuple):
    """A message, what was said of it, and the state that follows."""

    message: _Known
    receipt: Receipt
    state: str
    attempts: int
    due: dt.datetime | None


class Outcomes:
    """Writes down what became of messages. Every call belongs into a transaction that holds
    ``contact``."""

    def __init__(
        self,
        db: Database,
        events: EventLog,
        gate: ContactGate,
        interactions: Interactions,
        *,
        clock: Clock,
    ) -> None:
        self._db = db
        self._events = events
        self._gate = gate
        self._interactions = interactions
        self.clock = clock

    async def note(self, receipts: Sequence[Receipt], *, by: str) -> list[dt.datetime]:
        """Take receipts in; those that say nothing new are left out.

        Returns:
            when messages are due that are to be tried again.
        """
        with as_the_house():
            rows = await self._db.fetch_in(_READ, list({each.message for each in receipts}))
            known = {row[0]: _Known(*row) for row in rows}
            moment = self.clock()
            last = {each.message: each for each in receipts if each.message in known}
            changes = [
                _change(known[id], receipt, moment)
                for id, receipt in last.items()
                if receipt.outcome in _NEWS.get(known[id].state, ())
            ]
            await self._write(changes, moment)
            await self._count(changes)
            await self._bounce(changes, moment)
            await self._tell(changes, by)
        return [each.due for each in changes if each.due is not None]

    async def gated(self, answers: Sequence[tuple[UUID, str]], *, by: str) -> None:
        """Tell what the gate answered when it was asked anew."""
        rows = await self._db.fetch_in(_READ, [id for id, _ in answers])
        outcomes = dict(answers)
        events = [
            NewEvent(
                type=facts.GATED,
                payload=facts.MessageFact(
                    *(each.id, each.channel, each.purpose, each.plugin, outcomes[each.id])
                ),
                customer=each.customer,
            )
            for each in (_Known(*row) for row in rows)
        ]
        if events:
            await self._events.append(events, by=by)

    async def _write(self, changes: Sequence[_Change], moment: dt.datetime) -> None:
        await self._db.execute_many(
            _CHANGE,
            [
                (
                    *(each.state, each.due, None if each.due else moment, each.attempts),
                    (each.receipt.reference or each.message.reference)[:300],
                    *(each.receipt.detail[:500], each.message.id),
                )
                for each in changes
            ],
        )

    async def _count(self, changes: Sequence[_Change]) -> None:
        """What was not sent does not count; what is tried again may be allowed once more."""
        unsent = {"planned", "failed", "bounced"}
        back = [
            each
            for each in changes
            if each.state in unsent and each.message.state in {"sending", "uncertain"}
        ]
        await self._gate.reopen([each.message.verdict for each in back])
        await self._gate.release([each.message.verdict for each in back if each.due is None])

    async def _bounce(self, changes: Sequence[_Change], moment: dt.datetime) -> None:
        bounced = {
            each.message.verdict: each.receipt.detail for each in changes if each.state == "bounced"
        }
        rows = await self._db.fetch_in(
            "SELECT id, address_hash FROM core_contact_verdict WHERE id IN ({}) "
            "AND address_hash <> ''",
            list(bounced),
        )
        await self._db.insert(
            "core_bounced_address",
            ("address_hash", "detail", "since"),
            [(hashed, bounced[verdict][:500], moment) for verdict, hashed in rows],
            on_conflict="ON CONFLICT (address_hash) DO NOTHING",
        )

    async def _tell(self, changes: Sequence[_Change], by: str) -> None:
        drafts = [draft for each in changes for draft in _drafts(each, self.clock())]
        try:
            async with self._db.savepoint():
                await self._interactions.record(drafts, by=by)
        except RelatumError as error:  # what is sent is sent, also when a plugin would not have it
            log.warning("messages could not be written into the timeline: %s", error)
        events = [
            NewEvent(
                type=facts.OF_STATE[each.state],
                payload=facts.MessageFact(
                    each.message.id,
                    each.message.channel,
                    each.message.purpose,
                    each.message.plugin,
                    each.receipt.outcome,
                ),
                customer=each.message.customer,
            )
            for each in changes
            if each.state in facts.OF_STATE
        ]
        if events:
            await self._events.append(events, by=by)


def _change(message: _Known, receipt: Receipt, moment: dt.datetime) -> _Change:
    attempts = message.attempts
    if receipt.outcome == "untried":
        return _Change(message, receipt, "planned", attempts, moment)
    if message.state == "sending":
        attempts += 1
    if receipt.outcome != "later":
        state = _STATES.get(receipt.outcome, receipt.outcome)
        return _Change(message, receipt, state, attempts, None)
    if attempts > len(WAITS):
        return _Change(message, receipt, "failed", attempts, None)
    return _Change(message, receipt, "planned", attempts, moment + WAITS[attempts - 1])


def _drafts(change: _Change, moment: dt.datetime) -> Iterable[InteractionDraft]:
    """The message itself once it is sent, and each receipt after it."""
    message, state = change.message, change.state
    shared: dict[str, Any] = {
        "customer_id": message.customer,
        "channel": message.channel,
        "occurred_at": moment,
        "subject": f"core.message:{message.id}",
    }
    if state in {"sent", "delivered"}:
        yield InteractionDraft(
            kind=MESSAGE,
            direction="out",
            payload={"subject": message.subject, "text": message.text},
            idempotency_key=f"message:{message.id}",
            **shared,
        )
    if state in {"delivered", "failed", "bounced", "uncertain"}:
        yield InteractionDraft(
            kind=RECEIPT,
            direction="observed",
            payload={"outcome": state, "detail": change.receipt.detail[:500]},
            idempotency_key=f"message:{message.id}:{state}",
            **shared,
        )
