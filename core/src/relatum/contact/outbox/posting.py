"""What the job does: take what is due with fresh permits, hand it to the channel, note the answer.

A message is marked as being sent, on disk, before it is handed over. Should the process end in
between, nobody knows whether it was sent: where the provider knows a repetition by its key it is
handed over again under the same key, elsewhere it is shown to a person and never sent twice.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

import msgspec

from relatum.contact.outbox.rows import first_words
from relatum.contact.outbox.types import Content, Parcel
from relatum.contact.outbox.unsubscribing import Way
from relatum.contact.types import ContactRequest
from relatum.db.guarding import as_the_house
from relatum.hooks.declarations import Channel, Receipt
from relatum.hooks.gate import owner
from relatum.values.problems import PluginError

if TYPE_CHECKING:
    from relatum.contact.gate import ContactGate, Permit
    from relatum.contact.outbox.outcomes import Outcomes
    from relatum.contact.outbox.unsubscribing import Unsubscribing
    from relatum.db.database import Database
    from relatum.hooks.dispatcher import Dispatcher
    from relatum.hooks.registry import Registry

JOB = "core.send_messages"
BY = "job:core.send_messages"
#: Longer than any run may go on: what is still marked as being sent then was left behind.
LEFT_BEHIND = dt.timedelta(minutes=30)
#: Nothing new is taken by a run after so many seconds: none is cut off in the middle of a message.
MOST_SECONDS = 300.0
_LOST = "the process ended before the provider's answer was noted"
_READ = (
    "SELECT id, customer_id, verdict_id, channel, purpose, address, sender, subject, text, html, "
    "state, plugin, asked FROM core_message"
)
_DUE = (
    f"{_READ} WHERE channel = ? AND due_at <= ? AND state IN ('planned', 'deferred') "
    "ORDER BY due_at, id LIMIT ?"
)
_LEFT = f"{_READ} WHERE state = 'sending' AND (run = ? OR started_at < ?) ORDER BY id LIMIT ?"
_GOING = (
    "UPDATE core_message SET state = 'sending', due_at = NULL, run = ?, started_at = ? WHERE id = ?"
)


class SendWork(msgspec.Struct, frozen=True, kw_only=True):
    """What is due: of one channel, or of every one."""

    channel: str = ""


class Posted(msgspec.Struct, frozen=True, kw_only=True):
    """How many messages a run handed over."""

    handed: int = 0


class _Due(NamedTuple):
    id: UUID
    customer: UUID
    verdict: UUID
    channel: str
    purpose: str
    address: str
    sender: str
    subject: str
    text: str
    html: str
    state: str
    plugin: str
    asked: int

    @property
    def content(self) -> Content:
        return Content(subject=self.subject, text=self.text, html=self.html)


class Posting:
    """Sends what is due."""

    def __init__(
        self,
        db: Database,
        gate: ContactGate,
        outcomes: Outcomes,
        registry: Registry,
        dispatcher: Dispatcher,
        unsubscribing: Unsubscribing,
    ) -> None:
        self._db = db
        self._gate = gate
        self._outcomes = outcomes
        self._registry = registry
        self._dispatcher = dispatcher
        self._unsubscribing = unsubscribing

    def channels(self) -> dict[str, Channel]:
        """Channel → the declaration that counts, of plugins that are on and send."""
        senders = self._dispatcher.participants("relatum_send")
        declared = sorted(
            (each for each in self._registry.channels if owner(each.id) in senders),
            key=lambda each: (senders.index(owner(each.id)), each.id),
        )
        found: dict[str, Channel] = {}
        for each in declared:
            found.setdefault(each.channel, each)
        return found

    async def run(self, run: UUID, channel: str = "") -> Posted:
        """Send what is due; each message at most once.

        Args:
            run: of the job; what an earlier attempt of it left behind is seen to first.
            channel: of which; empty for all that anybody sends through.
        """
        with as_the_house():
            channels = self.channels()
            await self._see_to_lost(run, channels)
            wanted = [channels[channel]] if channel in channels else []
            if not channel:
                wanted = list(channels.values())
            return Posted(handed=sum([await self._empty(each, run) for each in wanted]))

    async def _empty(self, channel: Channel, run: UUID) -> int:
        handed, began = 0, time.monotonic()
        while time.monotonic() - began < MOST_SECONDS:
            found, parcels = await self._take(channel, run)
            if parcels:
                await self._hand_over(channel, parcels)
            handed += len(parcels)
            if not found:
                break
        return handed

    async def _take(self, channel: Channel, run: UUID) -> tuple[int, list[Parcel]]:
        """Mark what is due as being sent, with permits; ask anew about what gets none."""
        moment = self._outcomes.clock()
        async with self._db.transaction():
            await self._db.hold("contact")
            rows = await self._db.fetch(_DUE, channel.channel, moment, channel.batch)
            due = [_Due(*row) for row in rows]
            planned = [each.verdict for each in due if each.state == "planned"]
            permits = {permit.verdict: permit for permit in await self._gate.use(planned)}
            await self._ask_again([each for each in due if each.verdict not in permits], moment)
            going = [each for each in due if each.verdict in permits]
            await self._db.execute_many(_GOING, [(run, moment, each.id) for each in going])
        return len(due), [self._parcel(each, permits[each.verdict]) for each in going]

    async def _ask_again(self, due: Sequence[_Due], moment: dt.datetime) -> None:
        """A verdict of now for each: what is allowed now is taken with the next batch."""
        verdicts = await self._gate.decide([_request(each) for each in due])
        rows = []
        for each, verdict in zip(due, verdicts, strict=True):
            state, at, ended = {
                "allow": ("planned", moment, None),
                "defer": ("deferred", verdict.until, None),
                "deny": ("denied", None, moment),
            }[verdict.outcome]
            rows.append((verdict.id, state, at, ended, each.asked + 1, each.id))
        await self._db.execute_many(
            "UPDATE core_message SET verdict_id = ?, state = ?, due_at = ?, ended_at = ?, "
            "asked = ? WHERE id = ?",
            rows,
        )
        await self._outcomes.gated(
            [(each.id, verdict.outcome) for each, verdict in zip(due, verdicts, strict=True)], by=BY
        )

    async def _hand_over(self, channel: Channel, parcels: Sequence[Parcel]) -> None:
        receipts = await self._answers(channel, parcels)
        async with self._db.transaction():
            await self._db.hold("contact")
            await self._outcomes.note(receipts, by=BY)

    async def _answers(self, channel: Channel, parcels: Sequence[Parcel]) -> list[Receipt]:
        """What the plugin says of each; what it says nothing of may have been sent."""
        try:
            answer: list[Receipt] = await self._dispatcher.ask(
                owner(channel.id), "relatum_send", parcels=parcels
            )
            detail = "the plugin said nothing about it"
        except PluginError as error:
            answer, detail = [], str(error)[:500]
        except LookupError:  # switched off a moment ago: nothing was handed over
            return [Receipt(message=each.message, outcome="untried") for each in parcels]
        given = {each.message: each for each in answer}
        return [
            given.get(each.message)
            or Receipt(message=each.message, outcome="unknown", detail=detail)
            for each in parcels
        ]

    async def _see_to_lost(self, run: UUID, channels: dict[str, Channel]) -> None:
        """Messages that were handed over, or were about to be, when a process ended."""
        while True:
            moment = self._outcomes.clock()
            async with self._db.transaction():
                await self._db.hold("contact")
                rows = await self._db.fetch(_LEFT, run, moment - LEFT_BEHIND, 1)
                lost = [_Due(*row) for row in rows]
                again = [
                    each
                    for each in lost
                    if each.channel in channels and channels[each.channel].idempotent
                ]
                await self._gate.reopen([each.verdict for each in again])
                permits = {p.verdict: p for p in await self._gate.use([e.verdict for e in again])}
                going = [each for each in again if each.verdict in permits]
                await self._db.execute_many(_GOING, [(run, moment, each.id) for each in going])
                stranded = {each.id for each in lost} - {each.id for each in going}
                await self._outcomes.note(
                    [Receipt(message=id, outcome="unknown", detail=_LOST) for id in stranded], by=BY
                )
            if not lost:
                return
            for each in going:
                parcel = self._parcel(each, permits[each.verdict])
                await self._hand_over(channels[each.channel], [parcel])

    def _parcel(self, due: _Due, permit: Permit) -> Parcel:
        purpose = self._gate.book.profile.purpose[due.purpose]
        way = Way(due.customer, due.purpose, due.channel)
        return Parcel(
            permit=permit,
            message=due.id,
            key=str(due.id),
            purpose=due.purpose,
            content=due.content,
            sender=due.sender,
            advertising=purpose.advertising,
            unsubscribe=self._unsubscribing.address(way) if purpose.consent else "",
        )


def _request(due: _Due) -> ContactRequest:
    return ContactRequest(
        customer=due.customer,
        channel=due.channel,
        purpose=due.purpose,
        address=due.address,
        body=first_words(due.content),
        sender=due.sender,
        plugin=due.plugin,
        reference=f"{due.id}/{due.asked + 1}",
    )
