"""Customers as they are read: by id, by what is asked for, one page or all of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from relatum.customers import ranges, reading
from relatum.customers.beside import beside
from relatum.customers.bounds import refuse_fields
from relatum.customers.rows import sort_key_of
from relatum.customers.searching import FEW, Fitting, count_of, fitting, planned
from relatum.customers.turning import turned
from relatum.customers.types import Customer, CustomerQuery, FieldDraft, Turn
from relatum.db.guarding import as_the_house
from relatum.db.pages import Page
from relatum.values.problems import NotFound

if TYPE_CHECKING:
    from relatum.customers.fields import CustomFields
    from relatum.customers.keeping import Keeping
    from relatum.db.database import Database


class Absorbed(NotFound):
    """Somebody had this id, and is one with another customer now.

    Attributes:
        into: the customer that both are.
    """

    code = "merged"

    def __init__(self, id: UUID, into: UUID) -> None:
        super().__init__(
            f"expected the id of a customer, got {id}, who was merged into {into}; use that id",
            extra={"merged_into": str(into)},
        )
        self.into = into


class FoundCustomers:
    """What is asked of customers; nothing is written. All of it goes through the guard of the
    moment.

    Args:
        keeping: what happens to customers when they are shown.
    """

    def __init__(
        self, db: Database, *, country: str, fields: CustomFields, keeping: Keeping
    ) -> None:
        self._db = db
        self._fields = fields
        self._keeping = keeping
        self._select = reading.SELECT[db.kind]
        self._thin = ranges.Thin()
        self.read_as_of(country)

    def read_as_of(self, country: str) -> None:
        """From now on phone numbers and names are read as those of this country; what is stored
        stays as it was read."""
        self._country = country

    async def fields(self) -> list[FieldDraft]:
        """The declared custom fields, by key."""
        return await self._fields.all()

    async def get(self, id: UUID) -> Customer:
        """One customer.

        Raises:
            NotFound: nobody has this id (:class:`Absorbed`: not any more).
        """
        row = await self._db.fetch_one(f"{self._select} WHERE id = ?", id)
        if row is None:
            raise await self._gone(id)
        [customer] = await self._keeping.show([reading.customer_of(row)])
        return customer

    async def _gone(self, id: UUID) -> NotFound:
        """Why there is nobody with an id, as far as the viewer may know."""
        row = await self._db.fetch_one(
            "SELECT customer_id FROM core_merge WHERE absorbed_id = ? AND undone_at IS NULL", id
        )
        return nobody(id) if row is None else Absorbed(id, row[0])

    async def get_many(self, ids: Sequence[UUID]) -> list[Customer]:
        """These customers in this order; ids that nobody has are left out."""
        by_id = await self._stored(ids)
        return await self._keeping.show([by_id[id] for id in ids if id in by_id])

    async def get_stored(self, ids: Sequence[UUID]) -> list[Customer]:
        """These customers as they are stored, for a journal: nothing masked, secrets encrypted."""
        with as_the_house():
            by_id = await self._stored(ids)
        return [by_id[id] for id in ids if id in by_id]

    async def get_written(self, id: UUID) -> Customer:
        """A customer that the viewer has just written, who may be out of sight by that.

        Raises:
            NotFound: nobody has this id.
        """
        with ranges.details_only():
            return await self.get(id)

    async def _stored(self, ids: Sequence[UUID]) -> dict[UUID, Customer]:
        found = await self._db.fetch_in(f"{self._select} WHERE id IN ({{}})", ids)
        return {row[0]: reading.customer_of(row) for row in found}

    async def find(self, query: CustomerQuery) -> Page[Customer]:
        """One page of the customers that fit.

        Raises:
            InvalidInput: an unknown sort order or custom field, or a foreign cursor.
        """
        turn = await self.turn(query)
        return Page(turn.items, turn.next)

    async def turn(self, query: CustomerQuery) -> Turn:
        """As :meth:`find`, with a cursor that leads back. Names that have the marks of the search
        come first.
        """
        turn, _ = await self._turn(await planned(self._db, query), most=FEW)
        return turn

    async def survey(self, query: CustomerQuery, *, most: int = 10_000) -> tuple[Turn, int]:
        """A page, and how many fit; ``most + 1`` when there are more than ``most``."""
        query = await planned(self._db, query)
        turn, fit = await self._turn(query, most=most)
        if fit is not None:
            return turn, fit.number
        return turn, await count_of(self._db, query, country=self._country, most=most)

    async def _turn(self, query: CustomerQuery, *, most: int) -> tuple[Turn, Fitting | None]:
        """A page, and who fits when that had to be found out."""
        await self._refuse_fields(query)
        fit = None
        if query.q.strip():
            fit = await fitting(self._db, query, country=self._country, most=most)
        turn = await turned(self._db, query, country=self._country, thin=self._thin, fit=fit)
        shown = await self._keeping.show([reading.customer_of(row) for row in turn.rows])
        return Turn(items=shown, next=turn.next, previous=turn.previous), fit

    async def count(self, query: CustomerQuery, *, most: int = 10_000) -> int:
        """How many customers fit; ``most + 1`` when there are more than ``most``."""
        await self._refuse_fields(query)
        query = await planned(self._db, query)
        return await count_of(self._db, query, country=self._country, most=most)

    async def ids(self, query: CustomerQuery, *, most: int) -> list[UUID]:
        """The customers that fit, at most so many, in the order in which they were created.

        Raises:
            InvalidInput: there is no such custom field.
        """
        await self._refuse_fields(query)
        where = reading.conditions_of(query, country=self._country, kind=self._db.kind)
        clause = f" WHERE {' AND '.join(where.sql)}" if where.sql else ""
        rows = await self._db.fetch(
            f"SELECT id FROM core_customer c{clause} ORDER BY created_at, id LIMIT ?",  # noqa: S608 - our own
            *where.params,
            most,
        )
        return [id for (id,) in rows]

    async def beside(
        self, customer: Customer, query: CustomerQuery
    ) -> tuple[UUID | None, UUID | None]:
        """Who stands right before and right after a customer in a list, as far as one sees them.

        Raises:
            InvalidInput: an unknown sort order or custom field.
        """
        await self._refuse_fields(query)
        return await beside(self._db, query, customer, country=self._country, thin=self._thin)

    async def _refuse_fields(self, query: CustomerQuery) -> None:
        if query.fields or query.field_from or query.field_until:
            refuse_fields(query, await self.fields())

    async def ids_by_external(self, source: str, external_ids: Iterable[str]) -> dict[str, UUID]:
        """External id → customer, for those that are known."""
        return await owners_of(self._db, source, external_ids)

    async def ids_by_name(self, names: Iterable[str]) -> dict[str, list[UUID]]:
        """Name → the customers called so (case does not count, marks do); unknown names are left
        out. One query for all of them, by the key that lists are sorted by.
        """
        wanted: defaultdict[str, set[str]] = defaultdict(set)
        for name in names:
            for kind in ("person", "organisation"):
                wanted[sort_key_of(name, kind, self._country)].add(name)
        rows = await self._db.fetch_in(
            "SELECT id, display_name, sort_key FROM core_customer WHERE sort_key IN ({}) "
            "ORDER BY id",
            sorted(wanted),
        )
        found: defaultdict[str, list[UUID]] = defaultdict(list)
        for id, display_name, key in rows:
            for name in wanted[key]:
                if name.casefold() == display_name.casefold():
                    found[name].append(id)
        return dict(found)

    async def all_batches(self, size: int = 1000) -> AsyncIterator[list[Customer]]:
        """Every customer in the order of ids, in pieces."""
        last = UUID(int=0)
        while True:
            found = await self._db.fetch(
                f"{self._select} WHERE id > ? ORDER BY id LIMIT ?", last, size
            )
            if not found:
                return
            yield await self._keeping.show([reading.customer_of(row) for row in found])
            last = found[-1][0]


async def owners_of(db: Database, source: str, external_ids: Iterable[str]) -> dict[str, UUID]:
    """External id → customer, for those that are known."""
    found = await db.fetch_in(
        "SELECT external_id, customer_id FROM core_external_id "
        "WHERE external_id IN ({}) AND source = ?",
        list(dict.fromkeys(external_ids)),
        source,
    )
    return dict(found)


def nobody(id: UUID) -> NotFound:
    """There is no customer of this id, or none that the viewer may know of."""
    return NotFound(f"expected the id of a customer, got {id}; there is nobody with that id")
