"""Changing customers, one or many, back and forth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from relatum.customers import events as facts
from relatum.customers.acceptance import Acceptance, masks_columns
from relatum.customers.changes import (
    differences_of,
    draft_after,
    draft_of,
    mask_problems,
    unmasked,
)
from relatum.customers.finding import FoundCustomers
from relatum.customers.rows import Ready
from relatum.customers.types import Customer, CustomerChange, CustomerDraft
from relatum.customers.undoing import draft_before, fields_before, points_gone
from relatum.customers.writing import CustomerRows
from relatum.db.guarding import as_the_house, current_guard
from relatum.events.types import NewEvent
from relatum.hooks.declarations import Refusal
from relatum.hooks.refusing import refuse
from relatum.values.problems import Conflict, NotFound
from relatum.values.time import now

if TYPE_CHECKING:
    from relatum.customers.assigning import Assigning
    from relatum.customers.fields import CustomFields
    from relatum.customers.keeping import Keeping
    from relatum.db.database import Database
    from relatum.events.log import EventLog


class ChangingCustomers(FoundCustomers):
    """Customers that can be found, and changed. A change looks through the guard first (a customer
    that is not seen is not there), and then works on what is stored."""

    def __init__(
        self,
        db: Database,
        events: EventLog,
        *,
        country: str,
        fields: CustomFields,
        assigning: Assigning,
        keeping: Keeping,
    ) -> None:
        super().__init__(db, country=country, fields=fields, keeping=keeping)
        self._events = events
        self._assigning = assigning

    def read_as_of(self, country: str) -> None:
        """As :meth:`FoundCustomers.read_as_of`."""
        super().read_as_of(country)
        self._rows = CustomerRows(self._db, country=country)
        self._acceptance = Acceptance(self._db, self._fields, country=country)

    @property
    def rows(self) -> CustomerRows:
        """How the rows of customers are written; for the rooms of customers alone."""
        return self._rows

    @property
    def keeping(self) -> Keeping:
        """What happens to customers when they are stored and shown."""
        return self._keeping

    async def change(
        self, id: UUID, change: CustomerChange, *, by: str, version: int | None = None
    ) -> Customer:
        """Change one customer and return it.

        Args:
            version: the one the change was made from; a later one in the database is a conflict.

        Raises:
            NotFound: nobody has this id.
            Conflict: somebody changed the customer meanwhile; ``extra`` has both versions.
            InvalidInput: a value is not acceptable.
        """
        async with self._db.transaction():
            current, seen = await self._both([id])
            if id not in seen:
                raise await self._gone(id)
            if version is None or version == current[id].version:
                await self._change_seen([(id, change)], current, seen, by=by)
                return await self.get_written(id)
        # After the transaction: that somebody was shown the customer stays noted.
        [shown] = await self._keeping.show([seen[id]])
        raise Conflict(
            f"expected version {current[id].version} of this customer, got a change made from "
            f"version {version}; look at both and send the change again from the new one",
            extra={"current": shown, "yours": change},
        )

    async def change_many(self, changes: Sequence[tuple[UUID, CustomerChange]], *, by: str) -> None:
        """Change many, or none; customers that would stay as they are are left alone.

        Raises:
            NotFound: an id belongs to nobody.
            InvalidInput: with every problem; ``where`` begins with the index of the change.
        """
        async with self._db.transaction():
            current, seen = await self._locked([id for id, _ in changes])
            await self._change_seen(changes, current, seen, by=by)

    async def change_each(
        self,
        ids: Sequence[UUID],
        change_of: Callable[[Customer], CustomerChange | None],
        *,
        by: str,
    ) -> list[Customer]:
        """Change customers by what they are at that moment, all of them or none.

        Args:
            change_of: given a customer as the viewer sees it; ``None`` leaves it as it is.

        Returns:
            those that were changed, as they were; ids that are out of sight are left out.

        Raises:
            InvalidInput: as :meth:`change_many`.
        """
        async with self._db.transaction():
            current, seen = await self._both(list(dict.fromkeys(ids)))
            changes = [
                (id, change) for id, one in seen.items() if (change := change_of(one)) is not None
            ]
            await self._change_seen(changes, current, seen, by=by)
        return [seen[id] for id, _ in changes]

    async def _change_seen(
        self,
        changes: Sequence[tuple[UUID, CustomerChange]],
        current: dict[UUID, Customer],
        seen: dict[UUID, Customer],
        *,
        by: str,
    ) -> None:
        """Changes of customers that the viewer sees, by what is stored of them."""
        asked = [change for _, change in changes]
        if masks_columns():
            asked = [unmasked(change, seen[id], current[id]) for id, change in changes]
            problems = [
                Refusal(n, problem)
                for n, change in enumerate(asked)
                for problem in mask_problems(change)
            ]
            refuse(problems, "changes")
        asked = await self._assigning.changed(
            [(current[id], change) for (id, _), change in zip(changes, asked, strict=True)]
        )
        await self._change(
            [
                (current[id], draft_after(current[id], change))
                for (id, _), change in zip(changes, asked, strict=True)
            ],
            by=by,
        )

    async def take_back(self, id: UUID, *, version: int, by: str) -> Customer:
        """Undo the last change of a customer, by a change back.

        Args:
            version: the one that the change made.

        Raises:
            NotFound: nobody has this id.
            Conflict: it was changed again since, or the last change is somebody else's.
        """
        async with self._db.transaction():
            found, _ = await self._locked([id])
            current = found[id]
            with as_the_house():
                events = await self._events.of_customer(id, types=[facts.UPDATED], limit=1)
            if current.version != version or not events or events[0].by != by:
                raise Conflict(
                    f"expected version {version} with the last change by you, got version "
                    f"{current.version}; somebody changed it since: look at it and change it again"
                )
            change = events[0].read(facts.CustomerUpdated)
            former = msgspec.structs.replace(current, fields=fields_before(change, current))
            [opened] = await self._keeping.open([former])
            draft = draft_before(change, current, opened.fields)
            problems = mask_problems(msgspec.structs.replace(draft, fields=opened.fields))
            refuse([Refusal(0, problem) for problem in problems], "changes")
            await self._change([(current, draft)], by=by)
            with as_the_house():
                await self._rows.give_back(id, points_gone(change))
            return await self.get_written(id)

    async def restore(self, former: Sequence[Customer], *, by: str) -> None:
        """Give customers the content they had; the version still grows."""
        async with self._db.transaction():
            current, _ = await self._locked([customer.id for customer in former])
            former = await self._keeping.open(former)
            await self._change([(current[c.id], draft_of(c)) for c in former], by=by)

    async def _locked(
        self, ids: Sequence[UUID]
    ) -> tuple[dict[UUID, Customer], dict[UUID, Customer]]:
        current, seen = await self._both(ids)
        missing = [id for id in ids if id not in seen]
        if missing:
            raise NotFound(
                f"expected ids of customers, got {len(missing)} that nobody has, "
                f"the first {missing[0]}"
            )
        return current, seen

    async def _both(self, ids: Sequence[UUID]) -> tuple[dict[UUID, Customer], dict[UUID, Customer]]:
        """Customers as they are stored, locked, and as the viewer sees them."""
        with as_the_house():
            await self._rows.members.hold()
            await self._lock(ids)
            current = await self._stored(ids)
        return current, current if current_guard() is None else await self._stored(ids)

    async def _lock(self, ids: Sequence[UUID]) -> None:
        if self._db.kind == "postgresql":
            await self._db.fetch_in(
                "SELECT id FROM core_customer WHERE id IN ({}) ORDER BY id FOR UPDATE", ids
            )

    async def _change(self, changes: Sequence[tuple[Customer, CustomerDraft]], *, by: str) -> None:
        wanted, refusals = await self._acceptance.of_changed(changes)
        refuse(refusals, "changes")
        with as_the_house():
            await self._rewrite(wanted, by=by)

    async def _rewrite(self, wanted: Sequence[tuple[Customer, Ready]], *, by: str) -> None:
        await self._keeping.seal([(current.id, one, current.fields) for current, one in wanted])
        differing = [
            (current, ready, differences)
            for current, ready in wanted
            if (differences := differences_of(current, ready))
        ]
        await self._rows.rewrite(differing, now())
        await self._events.append(
            [
                NewEvent(
                    type=facts.UPDATED,
                    payload=facts.CustomerUpdated(current.id, differences),
                    customer=current.id,
                )
                for current, _, differences in differing
            ],
            by=by,
        )
