"""The ledger of consents: who agreed to what, when, by what act, to which words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from relatum.contact import events as facts
from relatum.contact.types import ANY_CHANNEL, ConsentDraft, ConsentEntry, WithdrawalDraft
from relatum.events.types import NewEvent
from relatum.values.ids import new_id
from relatum.values.problems import InvalidInput, NotFound, Problem
from relatum.values.time import now, utc

if TYPE_CHECKING:
    from relatum.contact.profile import Profile
    from relatum.db.database import Database
    from relatum.events.log import EventLog

COLUMNS = (
    *("id", "customer_id", "purpose", "channel", "state", "given_at", "recorded_at"),
    *("recorded_by", "method", "wording", "place", "expires_at"),
)
SELECT = (
    "SELECT id, customer_id, purpose, channel, state, given_at, recorded_at, recorded_by, method, "
    "wording, place, expires_at FROM core_consent"
)
Clock = Callable[[], dt.datetime]
#: A clock that goes ahead by so much is still believed.
LEEWAY = dt.timedelta(minutes=5)


class Consents:
    """The only writer of the ledger. Without an act of the customer nothing is written."""

    def __init__(
        self, db: Database, events: EventLog, profile: Profile, clock: Clock = now
    ) -> None:
        self._clock = clock
        self._db = db
        self._events = events
        self._profile = profile

    async def of(self, customer: UUID) -> list[ConsentEntry]:
        """Every line of one customer, the newest first."""
        rows = await self._db.fetch(
            f"{SELECT} WHERE customer_id = ? ORDER BY given_at DESC, recorded_at DESC, id DESC",
            customer,
        )
        return [entry_of(row) for row in rows]

    async def grant(self, drafts: Sequence[ConsentDraft], *, by: str) -> list[UUID]:
        """Write down consents with their proofs.

        Raises:
            InvalidInput: an unknown purpose, a time to come, or an end before the beginning.
            NotFound: there is no such customer.
        """
        problems = [each for n, draft in enumerate(drafts) for each in self._problems(draft, n)]
        if problems:
            raise InvalidInput("Some consents cannot be recorded.", problems=problems)
        lines = [
            (
                *(draft.customer, draft.purpose, draft.channel, "granted", draft.given_at),
                *(draft.proof.method, draft.proof.wording, draft.proof.where, draft.expires_at),
            )
            for draft in drafts
        ]
        return await self._write(lines, by=by)

    async def withdraw(self, drafts: Sequence[WithdrawalDraft], *, by: str) -> list[UUID]:
        """Write down that consents were taken back; what is planned by them stops at once.

        Raises:
            InvalidInput: an unknown purpose, or a time to come.
            NotFound: there is no such customer.
        """
        problems = [each for n, draft in enumerate(drafts) for each in self._problems(draft, n)]
        if problems:
            raise InvalidInput("Some withdrawals cannot be recorded.", problems=problems)
        lines = [
            (
                *(draft.customer, draft.purpose, draft.channel, "withdrawn", draft.given_at),
                *(draft.method, draft.note, "", None),
            )
            for draft in drafts
        ]
        return await self._write(lines, by=by)

    def _problems(self, draft: ConsentDraft | WithdrawalDraft, place: int) -> Iterable[Problem]:
        if draft.purpose not in self._profile.purpose:
            yield Problem(
                code="unknown-purpose",
                message="there is no such purpose",
                where=f"/{place}/purpose",
                expected=", ".join(sorted(self._profile.purpose)),
                got=draft.purpose,
                mend="Take one of these.",
            )
        if draft.given_at is not None and utc(draft.given_at) > self._clock() + LEEWAY:
            yield Problem(
                code="to-come",
                message="nobody has consented yet at a time to come",
                where=f"/{place}/given_at",
                expected=f"a time not after {self._clock().isoformat()}",
                got=draft.given_at.isoformat(),
                mend="Say when it was given.",
            )
        ends = draft.expires_at if isinstance(draft, ConsentDraft) else None
        if ends is not None and utc(ends) <= utc(draft.given_at or self._clock()):
            yield Problem(
                code="ends-before-it-begins",
                message="the consent ends before it begins",
                where=f"/{place}/expires_at",
                expected="a time after it was given",
                got=ends.isoformat(),
                mend="Mend one of the times.",
            )

    async def _write(self, lines: Sequence[tuple[Any, ...]], *, by: str) -> list[UUID]:
        recorded = self._clock()
        rows = [
            (
                *(new_id(), customer, purpose, channel, state, utc(given) if given else recorded),
                *(recorded, by, method, wording, place, utc(ends) if ends else None),
            )
            for customer, purpose, channel, state, given, method, wording, place, ends in lines
        ]
        async with self._db.transaction():
            await refuse_unknown(self._db, {row[1] for row in rows})
            await self._db.insert("core_consent", COLUMNS, rows)
            await self._events.append(
                [
                    NewEvent(
                        type=facts.GRANTED if row[4] == "granted" else facts.WITHDRAWN,
                        payload=facts.ConsentRecorded(row[0], row[2], row[3]),
                        customer=row[1],
                    )
                    for row in rows
                ],
                by=by,
            )
        return [row[0] for row in rows]


async def refuse_unknown(db: Database, customers: set[UUID]) -> None:
    """Raise NotFound for the first of these that the viewer does not see."""
    found = await db.fetch_in("SELECT id FROM core_customer WHERE id IN ({})", list(customers))
    missing = customers - {row[0] for row in found}
    if missing:
        raise NotFound(
            f"expected the id of a customer, got {next(iter(missing))}, which nobody has"
        )


def last_word(lines: Iterable[ConsentEntry], purpose: str, channel: str) -> ConsentEntry | None:
    """What counts for a purpose and a channel: the latest line about it or about all channels.

    Args:
        lines: of one customer, the oldest first.
    """
    found = None
    for line in lines:
        if line.purpose == purpose and line.channel in {channel, ANY_CHANNEL}:
            found = line
    return found


def entry_of(row: tuple[Any, ...]) -> ConsentEntry:
    """The line of a row of :data:`SELECT`."""
    names = [{"customer_id": "customer", "place": "where"}.get(name, name) for name in COLUMNS]
    return ConsentEntry(**dict(zip(names, row, strict=True)))
