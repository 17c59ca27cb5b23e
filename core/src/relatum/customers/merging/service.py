"""Merging customers and taking it back, in one transaction each.

The absorbed customer goes out of its table with everything that pointed at it re-pointed, so no
list, count, search or report has to know of merges, and the foreign keys themselves hold that
nothing is left behind. Its id leads to the survivor as long as the merge counts.

Taking back is exact because it only ever turns round the *last* of the merges that hang together:
to undo an earlier one, those that stand on it are undone first, and made again afterwards with the
choices they were made with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from relatum.customers import events as facts
from relatum.customers.changes import differences_of
from relatum.customers.merging.absorbing import Absorber
from relatum.customers.merging.catalogue import Catalogue, catalogue_of
from relatum.customers.merging.choosing import Known, chosen, names_of
from relatum.customers.merging.journal import Journal
from relatum.customers.merging.origins import origins_of
from relatum.customers.merging.points import TABLE as POINTS
from relatum.customers.merging.points import Points
from relatum.customers.merging.previewing import Previewing
from relatum.customers.merging.profile import Profile, ready_of
from relatum.customers.merging.records import Records
from relatum.customers.merging.references import with_what_core_knows
from relatum.customers.merging.restoring import Restorer
from relatum.customers.merging.types import Choices, Merge, MergePreview, Side, UndoPreview
from relatum.customers.types import MOST_CONTACT_POINTS, MOST_TAGS, Customer
from relatum.db.columns import CUSTOMER_TABLE
from relatum.db.guarding import as_the_house
from relatum.events.types import NewEvent
from relatum.values.ids import new_id
from relatum.values.problems import Conflict, InvalidInput, NotFound
from relatum.values.time import now

if TYPE_CHECKING:
    from relatum.customers.service import Customers
    from relatum.db.database import Database
    from relatum.events.log import EventLog

#: Merges are made one after the other: each stands on those before it.
TURN = "relatum merges"


class Merging:
    """The only one who merges customers. Both have to be seen by whoever asks."""

    def __init__(self, db: Database, events: EventLog, customers: Customers) -> None:
        self._db = db
        self._events = events
        self._customers = customers
        self._records = Records(db)
        self._previewing = Previewing(db, customers, self._records)

    # -- reading ---------------------------------------------------------------------------------

    async def get(self, id: UUID) -> Merge:
        """One merge.

        Raises:
            NotFound: there is none with this id, or its customer is not seen.
        """
        return await self._records.get(id)

    async def of(self, customer: UUID) -> list[Merge]:
        """Merges into this customer, undone ones too, the newest first."""
        return await self._records.of(customer)

    async def current_of(self, ids: Sequence[UUID]) -> dict[UUID, UUID]:
        """Absorbed id → the customer it lives in now; ids that were not absorbed are left out."""
        return await self._records.current_of(ids)

    async def preview(
        self, survivor: UUID, absorbed: UUID, choices: Choices | None = None
    ) -> MergePreview:
        """What a merge would do; nothing is written.

        Raises:
            NotFound: one of them is not there, or not seen.
            InvalidInput: both are the same, or a choice names no field.
        """
        seen = await self._seen(survivor, absorbed)
        with as_the_house():
            ours, theirs = [await self._known(id) for id in (survivor, absorbed)]
            decided = chosen(ours, theirs, choices or {})
            catalogue = with_what_core_knows(await catalogue_of(self._db))
        return await self._previewing.merge(seen, decided, catalogue)

    async def preview_undo(self, id: UUID) -> UndoPreview:
        """What undoing a merge would do; nothing is written.

        Raises:
            NotFound: there is no such merge, or its customer is not seen.
            Conflict: it is undone already.
        """
        merge = await self._records.get(id)
        _refuse_undone(merge)
        with as_the_house():
            later = await self._records.later(merge, await catalogue_of(self._db))
        return await self._previewing.undo(merge, later)

    # -- merging ---------------------------------------------------------------------------------

    async def merge(
        self,
        survivor: UUID,
        absorbed: UUID,
        *,
        by: str,
        choices: Choices | None = None,
        reason: str = "",
        evidence: Mapping[str, Any] | None = None,
    ) -> Merge:
        """Make two customers one.

        Args:
            choices: fields whose value is kept from a given side, against the rules.
            evidence: what the decision rests on, to be shown later; no contact data.

        Raises:
            NotFound: one of them is not there, or not seen.
            InvalidInput: both are the same, or a choice names no field.
            Conflict: a table cannot be journalled, or one customer would have too much.
        """
        async with self._db.transaction():
            await self._hold([survivor, absorbed])
            both = await self._seen(survivor, absorbed)
            merge = Merge(
                id=new_id(),
                customer=survivor,
                survivor=survivor,
                absorbed=absorbed,
                name=both[1].display_name,
                choices={},
                reason=reason,
                evidence=dict(evidence or {}),
                by=by,
                merged_at=now(),
            )
            with as_the_house():
                [before] = await self._customers.get_stored([survivor])
                merge = await self._make(merge, choices or {}, catalogue=await self._catalogue())
                await self._tell(facts.MERGED, facts.CustomersMerged, merge, before, by)
        return merge

    async def merge_many(
        self, pairs: Sequence[tuple[UUID, UUID]], *, by: str, reason: str = ""
    ) -> list[Merge]:
        """Merge pairs of (survivor, absorbed) one after the other, all or none."""
        async with self._db.transaction():
            return [
                await self.merge(survivor, absorbed, by=by, reason=reason)
                for survivor, absorbed in pairs
            ]

    async def _make(
        self, merge: Merge, choices: Choices, *, catalogue: Catalogue, again: bool = False
    ) -> Merge:
        """Everything a merge does, except telling of it."""
        ours, theirs = [await self._known(id) for id in (merge.survivor, merge.absorbed)]
        if again:
            there = set(names_of(ours.customer, theirs.customer))
            choices = {name: side for name, side in choices.items() if name in there}
        decided = chosen(ours, theirs, choices)
        sides: dict[str, Side] = {
            name: side for name, (side, rule) in decided.items() if rule != "equal"
        }
        merge = msgspec.structs.replace(merge, choices=sides)
        await (self._records.again(merge, sides) if again else self._records.add(merge))
        journal = Journal(self._db, merge.id)
        points = Points(self._db, catalogue.tables[POINTS], journal)
        await points.join(merge.survivor, merge.absorbed, sides)
        absorber = Absorber(self._db, catalogue, journal)
        await absorber.absorb(CUSTOMER_TABLE, [(merge.absorbed, merge.survivor)])
        survivor = await self._stored(merge.survivor)
        _refuse_too_much(survivor)
        await self._profile().take_over(survivor, theirs.customer, sides, journal)
        return merge

    # -- taking back -----------------------------------------------------------------------------

    async def unmerge(self, id: UUID, *, by: str, reason: str = "") -> Merge:
        """Take a merge back: both are as they would be if it had never been.

        What happened to the survivor since stays with it, and so does what somebody moved or
        removed. A field of the survivor that was changed since stays as it was changed.

        Raises:
            NotFound: there is no such merge, or its customer is not seen.
            Conflict: it is undone already, or a row cannot be put back.
        """
        async with self._db.transaction():
            await self._hold([])
            merge = await self._records.get(id)
            _refuse_undone(merge)
            with as_the_house():
                catalogue = await self._catalogue()
                later = await self._records.later(merge, catalogue)
                await self._lock([merge.customer, *(other.customer for other in later)])
                [before] = await self._customers.get_stored([merge.customer])
                await self._undo_with(merge, later, catalogue)
                await self._records.end(id, by=by, reason=reason)
                merge = await self._records.get(id)
                await self._tell(facts.UNMERGED, facts.CustomersUnmerged, merge, before, by)
        return merge

    async def _undo_with(self, merge: Merge, later: Sequence[Merge], catalogue: Catalogue) -> None:
        """Undo a merge, and those that stand on it for a moment."""
        choices = {}
        for other in reversed(later):
            choices[other.id] = await self._undo(other, catalogue)
        await self._undo(merge, catalogue)
        for other in later:
            await self._make(other, choices[other.id], catalogue=catalogue, again=True)

    async def _undo(self, merge: Merge, catalogue: Catalogue) -> Choices:
        """Turn round the last of the merges that hang together.

        Returns:
            the choices with which it is made again: what was changed since stays.
        """
        # the journal may re-point its own record, and a row that does not count may be there twice
        await self._records.end(merge.id, by=None, reason="")
        journal = Journal(self._db, merge.id)
        entries = await journal.entries(None, "field", "order")
        await Restorer(self._db, catalogue, journal).restore()
        points = Points(self._db, catalogue.tables[POINTS], journal)
        await points.mend(merge.survivor)
        await points.mend(merge.absorbed)
        profile = self._profile()
        kept = await profile.give_back(await self._stored(merge.survivor), entries)
        absorbed = await self._stored(merge.absorbed)
        await self._customers.rows.return_to_lists([(absorbed, ready_of(absorbed))])
        return {**merge.choices, **dict.fromkeys(kept, "survivor")}

    # -- both ------------------------------------------------------------------------------------

    async def _hold(self, ids: Sequence[UUID]) -> None:
        with as_the_house():
            await self._db.hold(TURN)
            await self._customers.rows.members.hold()
            await self._lock(ids)

    async def _lock(self, ids: Sequence[UUID]) -> None:
        if self._db.kind == "postgresql":
            await self._db.fetch_in(
                "SELECT id FROM core_customer WHERE id IN ({}) ORDER BY id FOR UPDATE",
                list(dict.fromkeys(ids)),
            )

    async def _catalogue(self) -> Catalogue:
        return with_what_core_knows(await catalogue_of(self._db))

    def _profile(self) -> Profile:
        return Profile(self._customers.rows, self._customers.keeping)

    async def _seen(self, survivor: UUID, absorbed: UUID) -> tuple[Customer, Customer]:
        """Both as the viewer sees them."""
        seen = {each.id: each for each in await self._customers.get_many([survivor, absorbed])}
        for id in (survivor, absorbed):
            if id not in seen:
                raise NotFound(
                    f"expected the id of a customer, got {id}; there is nobody with that id"
                )
        if survivor == absorbed:
            raise InvalidInput(
                f"expected two customers, got {survivor} twice; choose another one to merge with"
            )
        return seen[survivor], seen[absorbed]

    async def _known(self, id: UUID) -> Known:
        return Known(await self._stored(id), await origins_of(self._events, id))

    async def _stored(self, id: UUID) -> Customer:
        [customer] = await self._customers.get_stored([id])
        return customer

    async def _tell(self, type_: str, fact: Any, merge: Merge, before: Customer, by: str) -> None:
        """What happened, and what changed in the customer that both have been."""
        after = await self._stored(merge.customer)
        told = [
            NewEvent(
                type=type_,
                payload=fact(merge.id, merge.survivor, merge.absorbed),
                customer=merge.customer,
            )
        ]
        differences = differences_of(before, ready_of(after))
        if differences:
            told.append(
                NewEvent(
                    type=facts.UPDATED,
                    payload=facts.CustomerUpdated(merge.customer, differences),
                    customer=merge.customer,
                )
            )
        await self._events.append(told, by=by)


def _refuse_undone(merge: Merge) -> None:
    if merge.undone_at is not None:
        raise Conflict(
            f"expected a merge that counts, got one that was undone at "
            f"{merge.undone_at:%Y-%m-%d %H:%M} UTC; merge them again if they are the same"
        )


def _refuse_too_much(customer: Customer) -> None:
    for what, number, most in (
        ("contact points", len(customer.contact_points), MOST_CONTACT_POINTS),
        ("tags", len(customer.tags), MOST_TAGS),
    ):
        if number > most:
            raise Conflict(
                f"expected at most {most} {what} of both together, got {number}; remove some of "
                "either, then merge"
            )
