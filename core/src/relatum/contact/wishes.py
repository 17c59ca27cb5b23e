"""Besides the law: holds, what customers wish, and the list of addresses that refuse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from relatum.contact import events as facts
from relatum.contact.consents import refuse_unknown
from relatum.contact.types import Hold, HoldDraft, Preference, RefusalDraft
from relatum.db.guarding import as_the_house
from relatum.events.types import NewEvent
from relatum.values.ids import new_id
from relatum.values.problems import InvalidInput, NotFound, Problem
from relatum.values.time import now

if TYPE_CHECKING:
    from relatum.contact.addresses import AddressBook
    from relatum.db.database import Database
    from relatum.events.log import EventLog

HOLD = "SELECT id, customer_id, kind, reason, placed_by, since, lifted_at FROM core_contact_hold"
PREFERENCE = "SELECT customer_id, restricted, quiet_from, quiet_until FROM core_contact_preference"


class Wishes:
    """The only writer of holds, preferences and refusals."""

    def __init__(self, db: Database, events: EventLog, addresses: AddressBook) -> None:
        self._db = db
        self._events = events
        self._addresses = addresses

    async def holds_of(self, customer: UUID) -> list[Hold]:
        """The holds of a customer that stand, the oldest first."""
        rows = await self._db.fetch(
            f"{HOLD} WHERE customer_id = ? AND lifted_at IS NULL ORDER BY since, id", customer
        )
        return [hold_of(row) for row in rows]

    async def hold(self, draft: HoldDraft, *, by: str) -> UUID:
        """Keep a customer from being contacted but for what they ordered; returns the hold's id.

        Raises:
            NotFound: there is no such customer.
        """
        id = new_id()
        async with self._db.transaction():
            await refuse_unknown(self._db, {draft.customer})
            await self._db.execute(
                "INSERT INTO core_contact_hold (id, customer_id, kind, reason, placed_by, since, "
                "lifted_by) VALUES (?, ?, ?, ?, ?, ?, '')",
                *(id, draft.customer, draft.kind, draft.reason, by, now()),
            )
            await self._tell(facts.HELD, facts.ContactHeld(id, draft.kind), draft.customer, by)
        return id

    async def lift(self, hold: UUID, *, by: str) -> None:
        """End a hold; one that has ended stays as it is.

        Raises:
            NotFound: there is none with this id.
        """
        async with self._db.transaction():
            row = await self._db.fetch_one(f"{HOLD} WHERE id = ?", hold)
            if row is None:
                raise NotFound(f"expected the id of a hold, got {hold}, which there is not")
            if row[6] is not None:
                return
            await self._db.execute(
                "UPDATE core_contact_hold SET lifted_at = ?, lifted_by = ? WHERE id = ?",
                *(now(), by, hold),
            )
            await self._tell(facts.LIFTED, facts.ContactHeld(hold, row[2]), row[1], by)

    async def preference_of(self, customer: UUID) -> Preference:
        """How a customer wants to be contacted, as was said last."""
        rows = await self._db.fetch(
            f"{PREFERENCE} WHERE customer_id = ? ORDER BY set_at DESC, id DESC LIMIT 1", customer
        )
        return preference_of(rows[0]) if rows else Preference()

    async def prefer(self, customer: UUID, wish: Preference, *, by: str) -> None:
        """Write down how a customer wants to be contacted.

        Raises:
            InvalidInput: one end of the quiet hours is missing, or both are the same.
            NotFound: there is no such customer.
        """
        if (wish.quiet_from is None) != (wish.quiet_until is None) or (
            wish.quiet_from is not None and wish.quiet_from == wish.quiet_until
        ):
            raise InvalidInput("The quiet hours cannot be kept.", problems=[_half(wish)])
        async with self._db.transaction():
            await refuse_unknown(self._db, {customer})
            await self._db.insert(
                "core_contact_preference",
                (
                    "id",
                    "customer_id",
                    "restricted",
                    "quiet_from",
                    "quiet_until",
                    "set_at",
                    "set_by",
                ),
                [
                    (
                        *(new_id(), customer, wish.restricted, wish.quiet_from, wish.quiet_until),
                        *(now(), by),
                    )
                ],
            )
            wished = facts.ContactPreferenceSet(wish.restricted, wish.quiet_from, wish.quiet_until)
            await self._tell(facts.PREFERENCE_SET, wished, customer, by)

    async def refuse(self, drafts: Sequence[RefusalDraft]) -> int:
        """Put addresses on the list (a person's word, the national register); how many there are.

        ``everything`` stays when ``advertising`` comes after it.

        Raises:
            InvalidInput: an address is none of its kind.
        """
        rows: dict[str, tuple[Any, ...]] = {}
        problems = []
        for place, draft in enumerate(drafts):
            spelling = self._addresses.spelled(draft.kind, draft.address)
            if not spelling:
                problems.append(_no_address(draft, place))
                continue
            hashed = self._addresses.hashed(draft.kind, spelling)
            if hashed not in rows or draft.scope == "everything":
                rows[hashed] = (hashed, draft.scope, draft.source, now())
        if problems:
            raise InvalidInput("Some addresses cannot be put on the list.", problems=problems)
        with as_the_house():
            await self._db.insert(
                "core_do_not_contact",
                ("address_hash", "scope", "source", "since"),
                list(rows.values()),
                on_conflict="ON CONFLICT (address_hash) DO UPDATE SET scope = CASE "
                "WHEN core_do_not_contact.scope = 'everything' THEN 'everything' "
                "ELSE excluded.scope END",
            )
        return len(rows)

    async def allow_again(self, kind: str, address: str) -> bool:
        """Take an address off the list, and off those that came back; whether it was on either."""
        hashed = self._addresses.hashed(kind, self._addresses.spelled(kind, address))
        with as_the_house():
            gone = await self._db.execute(
                "DELETE FROM core_do_not_contact WHERE address_hash = ?", hashed
            )
            gone += await self._db.execute(
                "DELETE FROM core_bounced_address WHERE address_hash = ?", hashed
            )
        return gone > 0

    async def _tell(
        self,
        told: str,
        payload: facts.ContactHeld | facts.ContactPreferenceSet,
        customer: UUID,
        by: str,
    ) -> None:
        await self._events.append([NewEvent(type=told, payload=payload, customer=customer)], by=by)


def hold_of(row: tuple[Any, ...]) -> Hold:
    """The hold of a row of :data:`HOLD`."""
    return Hold(**dict(zip(Hold.__struct_fields__, row, strict=True)))


def preference_of(row: tuple[Any, ...]) -> Preference:
    """The wish of a row of :data:`PREFERENCE`."""
    _, restricted, start, end = row
    return Preference(restricted=bool(restricted), quiet_from=start, quiet_until=end)


def _half(wish: Preference) -> Problem:
    return Problem(
        code="half-quiet-hours",
        message="the quiet hours have one end, or end when they begin",
        where="/quiet_until",
        expected="two different times of day, or none",
        got=f"{wish.quiet_from} to {wish.quiet_until}",
        mend="Give both ends, or leave both empty.",
    )


def _no_address(draft: RefusalDraft, place: int) -> Problem:
    return Problem(
        code="no-address",
        message=f"this is no {draft.kind}",
        where=f"/{place}/address",
        expected="a phone number" if draft.kind == "phone" else "an e-mail address",
        got=draft.address,
        mend="Mend it, or leave it out.",
    )
