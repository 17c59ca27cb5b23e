"""The contact gate: every contact of every plugin is decided here, stored, and may be used once."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from relatum.contact.consents import Clock
from relatum.contact.deciding import Decision, Rulebook, decide, note
from relatum.contact.facts import Facts, read_facts
from relatum.contact.types import ContactRequest, Objection, Verdict
from relatum.db.database import to_json
from relatum.db.guarding import as_the_house
from relatum.values.ids import new_id
from relatum.values.problems import InvalidInput, NotFound, Problem
from relatum.values.time import now, utc

if TYPE_CHECKING:
    from relatum.contact.addresses import AddressBook
    from relatum.db.database import Database

COLUMNS = (
    *("id", "customer_id", "address_hash", "channel", "purpose", "advertising", "transactional"),
    *("outcome", "state", "at", "decided_at", "until", "reasons", "policy", "plugin", "reference"),
)
SELECT = (
    "SELECT id, customer_id, channel, purpose, outcome, at, decided_at, until, reasons, policy, "
    "plugin, reference FROM core_contact_verdict"
)
_NAMES = (
    *("id", "customer", "channel", "purpose", "outcome", "at", "decided_at", "until", "reasons"),
    *("policy", "plugin", "reference"),
)
#: Requests that are decided in one transaction.
BATCH = 500
#: What lies further back is not decided about any more.
OLDEST = dt.timedelta(minutes=5)


class Permit:
    """The right to make one contact, once: what senders take instead of an address.

    Nobody but the gate makes one.
    """

    __slots__ = ("_given", "address", "channel", "customer", "verdict")

    def __init__(self, key: object, verdict: UUID, customer: UUID, channel: str, address: str):
        if key is not _KEY:
            raise TypeError("expected a permit of the contact gate, got one made elsewhere")
        self.verdict, self.customer = verdict, customer
        self.channel, self.address = channel, address
        self._given = time.monotonic()

    @property
    def is_fresh(self) -> bool:
        """Whether it was given a moment ago; an old one must not be used: ask for another."""
        return time.monotonic() - self._given < FRESH_SECONDS


#: A consent that is taken back stops what is queued within five seconds; this leaves one to send.
FRESH_SECONDS = 4.0
_KEY = object()


class ContactGate:
    """Decides about contacts, one after the other: what one allows counts for the next."""

    def __init__(
        self,
        db: Database,
        addresses: AddressBook,
        book: Rulebook,
        clock: Clock = now,
    ) -> None:
        self._clock = clock
        self._db = db
        self._addresses = addresses
        self.book = book

    async def decide(self, requests: Sequence[ContactRequest]) -> list[Verdict]:
        """The verdicts on these requests, in their order, stored.

        Raises:
            InvalidInput: an unknown purpose, or a time that has passed.
        """
        moment = self._clock()
        self._refuse_bad(requests, moment)
        verdicts: list[Verdict] = []
        for start in range(0, len(requests), BATCH):
            verdicts += await self._decide_some(requests[start : start + BATCH], moment)
        return verdicts

    async def look(
        self, requests: Sequence[ContactRequest], *, text_known: bool = True
    ) -> list[Decision]:
        """What the gate would answer each of these by itself; nothing is stored, nothing counts.

        Args:
            text_known: False asks about contacts whose text is not written yet.

        Raises:
            InvalidInput: an unknown purpose, or a time that has passed.
        """
        moment = self._clock()
        self._refuse_bad(requests, moment)
        facts = await self._facts(requests, moment)
        return [
            decide(
                request,
                utc(request.at or moment),
                facts.known(request),
                self.book,
                text_known=text_known,
            )
            for request in requests
        ]

    async def use(self, verdicts: Sequence[UUID]) -> list[Permit]:
        """Permits for allowed contacts, to be sent at once: everything is looked at again.

        A contact that may no longer be made (a consent was taken back, the hour is over) gets
        none, and no longer counts; ask anew. A permit is given once.
        """
        moment = self._clock()
        async with self._db.transaction():
            await self._db.hold("contact")
            rows = await self._open(verdicts)
            requests = {row[0]: _request_of(row) for row in rows}
            with as_the_house():
                facts = await self._facts(list(requests.values()), moment, without=list(requests))
            permits = []
            for id, request in requests.items():
                known = facts.known(request)
                decision = decide(request, moment, known, self.book, text_known=False)
                if decision.outcome == "allow":
                    note(known, self.book.profile.purpose[request.purpose], moment)
                    permits.append(
                        Permit(_KEY, id, request.customer, request.channel, known.address)
                    )
            await self._close(requests, {permit.verdict for permit in permits}, moment)
        return permits

    async def release(self, verdicts: Sequence[UUID]) -> None:
        """Give allowed contacts back that will not be made: they no longer count."""
        async with self._db.transaction():
            with as_the_house():
                await self._db.execute_many(
                    "UPDATE core_contact_verdict SET state = 'released' "
                    "WHERE id = ? AND state = 'open'",
                    [(id,) for id in verdicts],
                )

    async def reopen(self, verdicts: Sequence[UUID]) -> None:
        """For the outbox: contacts that were permitted and not made after all may be used again."""
        async with self._db.transaction():
            with as_the_house():
                await self._db.execute_many(
                    "UPDATE core_contact_verdict SET state = 'open' "
                    "WHERE id = ? AND state = 'used'",
                    [(id,) for id in verdicts],
                )

    async def get(self, id: UUID) -> Verdict:
        """One verdict.

        Raises:
            NotFound: there is none with this id, or its customer is not seen.
        """
        row = await self._db.fetch_one(f"{SELECT} WHERE id = ?", id)
        if row is None:
            raise NotFound(f"expected the id of a verdict, got {id}, which there is not")
        return verdict_of(row)

    async def of(self, customer: UUID, *, limit: int = 50) -> list[Verdict]:
        """The latest verdicts about one customer, the newest first."""
        rows = await self._db.fetch(
            f"{SELECT} WHERE customer_id = ? ORDER BY at DESC, id DESC LIMIT ?", customer, limit
        )
        return [verdict_of(row) for row in rows]

    def _refuse_bad(self, requests: Sequence[ContactRequest], moment: dt.datetime) -> None:
        problems = [
            each
            for place, request in enumerate(requests)
            for each in self._problems(request, place, moment)
        ]
        if problems:
            raise InvalidInput("Some requests cannot be decided.", problems=problems)

    def _problems(self, request: ContactRequest, place: int, moment: dt.datetime) -> list[Problem]:
        problems = []
        if request.purpose not in self.book.profile.purpose:
            problems.append(
                Problem(
                    code="unknown-purpose",
                    message="there is no such purpose",
                    where=f"/{place}/purpose",
                    expected=", ".join(sorted(self.book.profile.purpose)),
                    got=request.purpose,
                    mend="Take one of these.",
                )
            )
        if request.at is not None and utc(request.at) < moment - OLDEST:
            problems.append(
                Problem(
                    code="has-passed",
                    message="this time has passed",
                    where=f"/{place}/at",
                    expected=f"a time from {moment.isoformat()} on",
                    got=request.at.isoformat(),
                    mend="Leave it out to ask about now.",
                )
            )
        return problems

    async def _decide_some(
        self, requests: Sequence[ContactRequest], moment: dt.datetime
    ) -> list[Verdict]:
        async with self._db.transaction():
            await self._db.hold("contact")
            answered = await self._answered(requests)
            facts = await self._facts(requests, moment)
            rows: list[tuple[Any, ...]] = []
            verdicts: list[Verdict] = []
            for request in requests:
                name = (request.plugin, request.reference)
                if name in answered:
                    verdicts.append(answered[name])
                    continue
                verdict, row = self._judge(request, facts, moment)
                if request.reference:
                    answered[name] = verdict
                verdicts.append(verdict)
                rows.append(row)
            with as_the_house():
                await self._db.insert("core_contact_verdict", COLUMNS, rows)
        return verdicts

    def _judge(
        self, request: ContactRequest, facts: Facts, moment: dt.datetime
    ) -> tuple[Verdict, tuple[Any, ...]]:
        """The verdict on one request, and its row; an allowed one counts from here on."""
        at = utc(request.at or moment)
        known = facts.known(request)
        decision = decide(request, at, known, self.book)
        purpose = self.book.profile.purpose[request.purpose]
        if decision.outcome == "allow":
            note(known, purpose, at)
        verdict = Verdict(
            id=new_id(),
            customer=request.customer if known.there else None,
            channel=request.channel,
            purpose=request.purpose,
            outcome=decision.outcome,
            at=at,
            decided_at=moment,
            until=decision.until,
            reasons=decision.reasons,
            policy=self.book.profile.name,
            plugin=request.plugin,
            reference=request.reference,
        )
        row = (
            *(verdict.id, verdict.customer, facts.target(request)[1], request.channel),
            *(request.purpose, purpose.advertising, purpose.transactional, verdict.outcome, "open"),
            *(at, moment, verdict.until, to_json(verdict.reasons), verdict.policy),
            *(request.plugin, request.reference or None),
        )
        return verdict, row

    async def _facts(
        self,
        requests: Sequence[ContactRequest],
        moment: dt.datetime,
        without: Sequence[UUID] = (),
    ) -> Facts:
        first = min((utc(request.at) for request in requests if request.at), default=moment)
        since = min(first, moment) - self.book.furthest_span
        return await read_facts(self._db, self._addresses, requests, since=since, without=without)

    async def _answered(self, requests: Sequence[ContactRequest]) -> dict[tuple[str, str], Verdict]:
        """Verdicts that were given under the same references before."""
        names = list({request.reference for request in requests if request.reference})
        if not names:
            return {}
        with as_the_house():
            rows = await self._db.fetch_in(f"{SELECT} WHERE reference IN ({{}})", names)
        found = [verdict_of(row) for row in rows]
        return {(verdict.plugin, verdict.reference): verdict for verdict in found}

    async def _open(self, verdicts: Sequence[UUID]) -> list[tuple[Any, ...]]:
        with as_the_house():
            return await self._db.fetch_in(
                "SELECT id, customer_id, channel, purpose, address_hash FROM core_contact_verdict "
                "WHERE id IN ({}) AND outcome = 'allow' AND state = 'open' "
                "AND customer_id IS NOT NULL",
                list(dict.fromkeys(verdicts)),
            )

    async def _close(
        self, requests: Iterable[UUID], permitted: set[UUID], moment: dt.datetime
    ) -> None:
        with as_the_house():
            await self._db.execute_many(
                "UPDATE core_contact_verdict SET state = ?, at = ? WHERE id = ?",
                [("used" if id in permitted else "released", moment, id) for id in requests],
            )


def verdict_of(row: tuple[Any, ...]) -> Verdict:
    """The verdict of a row of :data:`SELECT`."""
    values = dict(zip(_NAMES, row, strict=True))
    values["reasons"] = objections_of(values["reasons"])
    values["reference"] = values["reference"] or ""
    return Verdict(**values)


def objections_of(stored: Any) -> list[Objection]:
    """The reasons of a verdict as they are stored."""
    if isinstance(stored, str):
        return msgspec.json.decode(stored, type=list[Objection])
    return msgspec.convert(stored, list[Objection])


def _request_of(row: tuple[Any, ...]) -> ContactRequest:
    """A request as far as a stored verdict tells it: the address by its hash."""
    _, customer, channel, purpose, hashed = row
    return ContactRequest(customer=customer, channel=channel, purpose=purpose, address=hashed)
