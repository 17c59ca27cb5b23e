"""Customers: the only writer of their tables. Many at a time; one is a batch of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from relatum.customers import events as facts
from relatum.customers.assigning import Assigning, Belonging, NoTeams
from relatum.customers.changing import ChangingCustomers
from relatum.customers.duplicates import Duplicates
from relatum.customers.fields import CustomFields
from relatum.customers.keeping import Keeping, KeepingNothing
from relatum.customers.links import Links
from relatum.customers.opinions import Opinions
from relatum.customers.types import CustomerDraft, FieldDraft
from relatum.customers.writing import OWN_TABLES
from relatum.db.columns import customer_references, derived_references
from relatum.db.guarding import as_the_house
from relatum.events.types import NewEvent
from relatum.hooks.declarations import Refusal
from relatum.hooks.refusing import refuse
from relatum.values.ids import new_id
from relatum.values.problems import Conflict
from relatum.values.time import now

if TYPE_CHECKING:
    from relatum.access.sight.service import Sights
    from relatum.db.database import Database
    from relatum.events.log import EventLog
    from relatum.hooks.dispatcher import Dispatcher


class Customers(ChangingCustomers):
    """People and organisations the business deals with: found, changed, created and removed.

    Args:
        sights: told when custom fields change.
        belonging: who is in which team.
        keeping: what happens to customers when they are stored and shown.
        dispatcher: by which plugins are asked who is likely the same.
    """

    def __init__(
        self,
        db: Database,
        events: EventLog,
        *,
        country: str,
        sights: Sights | None = None,
        belonging: Belonging | None = None,
        keeping: Keeping | None = None,
        dispatcher: Dispatcher | None = None,
    ) -> None:
        self._opinions = Opinions(db, dispatcher)
        super().__init__(
            db,
            events,
            country=country,
            fields=CustomFields(db, events, sights.fields_changed if sights else _nothing),
            assigning=Assigning(db, belonging or NoTeams()),
            keeping=keeping or KeepingNothing(),
        )
        self.links = Links(db, events)

    def read_as_of(self, country: str) -> None:
        """As :meth:`FoundCustomers.read_as_of`."""
        super().read_as_of(country)
        self.duplicates = Duplicates(
            self._db, country=country, thin=self._thin, opinions=self._opinions
        )

    async def check(self, drafts: Sequence[CustomerDraft]) -> list[Refusal]:
        """Every reason why a draft could not be created, without writing."""
        _, refusals = await self._acceptance.of_new(drafts)
        return refusals

    async def create(self, drafts: Sequence[CustomerDraft], *, by: str) -> list[UUID]:
        """Create all of them, or none.

        Raises:
            InvalidInput: with every problem of every draft; ``where`` begins with its index.
        """
        async with self._db.transaction():
            await self._rows.members.hold()
            ready, refusals = await self._acceptance.of_new(await self._assigning.new(drafts))
            refuse(refusals, "customers")
            ids = [new_id() for _ in ready]
            new = list(zip(ids, ready, strict=True))
            with as_the_house():
                await self._keeping.seal([(id, one, {}) for id, one in new])
                await self._rows.insert(new, now())
                await self._events.append(
                    [
                        NewEvent(type=facts.CREATED, payload=facts.CustomerCreated(id), customer=id)
                        for id in ids
                    ],
                    by=by,
                )
        return ids

    async def declare_fields(self, drafts: Sequence[FieldDraft]) -> None:
        """Declare custom fields; declaring one again in the same way changes nothing.

        Raises:
            Conflict: a field exists with another type, or becomes a secret (or none any more).
            InvalidInput: a choice field without choices.
        """
        await self._fields.declare(drafts)

    async def in_use(self, ids: Sequence[UUID]) -> set[UUID]:
        """Those that something outside the customer itself points at."""
        used: set[UUID] = set()
        derived = derived_references()
        for table, column in customer_references():
            name = table._meta.tablename
            field = column._meta.db_column_name
            if name not in OWN_TABLES and (name, field) not in derived:
                with as_the_house():
                    found = await self._db.fetch_in(
                        f"SELECT DISTINCT {field} FROM {name} WHERE {field} IN ({{}})",  # noqa: S608 - names of our own
                        ids,
                    )
                used.update(row[0] for row in found)
        return used

    async def remove(self, ids: Sequence[UUID], *, by: str) -> None:
        """Remove customers that nothing points at (undoing an import; erasing is another matter).

        Raises:
            NotFound: an id belongs to nobody.
            Conflict: something points at one of them.
        """
        async with self._db.transaction():
            await self._locked(ids)
            used = await self.in_use(ids)
            if used:
                raise Conflict(
                    f"expected customers that nothing points at, got {len(used)} in use, the first "
                    f"{next(iter(used))}; remove what points at them first"
                )
            with as_the_house():
                await self._remove_derived(ids)
                await self._rows.delete(ids)
                await self._events.append(
                    [
                        NewEvent(type=facts.REMOVED, payload=facts.CustomerRemoved(id), customer=id)
                        for id in ids
                    ],
                    by=by,
                )

    async def _remove_derived(self, ids: Sequence[UUID]) -> None:
        for name, field in sorted(derived_references()):
            await self._db.execute_many(
                f"DELETE FROM {name} WHERE {field} = ?",  # noqa: S608 - names of our own
                [(id,) for id in ids],
            )


def _nothing() -> None:
    return None
