"""Customers: the only writer of their tables. Many at a time; one is a batch of one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from relatum.customers import events as facts
from relatum.customers import reading
from relatum.customers.changes import differences_of, draft_after, draft_of
from relatum.customers.links import Links
from relatum.customers.rows import Checker, Ready, sort_key_of
from relatum.customers.types import (
    Customer,
    CustomerChange,
    CustomerDraft,
    CustomerQuery,
    FieldDraft,
)
from relatum.customers.writing import CHILD_TABLES, CustomerRows
from relatum.db.columns import customer_references
from relatum.db.database import to_json
from relatum.db.pages import Page, cut
from relatum.events.types import NewEvent
from relatum.hooks.declarations import Refusal
from relatum.hooks.refusing import refuse
from relatum.values.ids import new_id
from relatum.values.problems import Conflict, InvalidInput, NotFound, Problem
from relatum.values.time import now

if TYPE_CHECKING:
    from relatum.db.database import Database
    from relatum.events.log import EventLog


class Customers:
    """People and organisations the business deals with."""

    def __init__(self, db: Database, events: EventLog, *, country: str) -> None:
        self._db = db
        self._events = events
        self._country = country
        self.links = Links(db, events)
        self._rows = CustomerRows(db, country=country)
        self._select = reading.SELECT[db.kind]

    # -- reading ---------------------------------------------------------------------------------

    async def get(self, id: UUID) -> Customer:
        """One customer.

        Raises:
            NotFound: nobody has this id.
        """
        row = await self._db.fetch_one(f"{self._select} WHERE id = ?", id)
        if row is None:
            raise NotFound(f"expected the id of a customer, got {id}; there is nobody with that id")
        return reading.customer_of(row)

    async def get_many(self, ids: Sequence[UUID]) -> list[Customer]:
        """These customers in this order; ids that nobody has are left out."""
        found = await self._db.fetch_in(f"{self._select} WHERE id IN ({{}})", ids)
        by_id = {row[0]: reading.customer_of(row) for row in found}
        return [by_id[id] for id in ids if id in by_id]

    async def find(self, query: CustomerQuery) -> Page[Customer]:
        """One page of the customers that fit.

        Raises:
            InvalidInput: an unknown sort order or custom field, or a foreign cursor.
        """
        if query.fields:
            self._refuse_unknown(query.fields, await self.fields())
        asked = reading.page_query(query, country=self._country, kind=self._db.kind)
        found = await self._db.fetch(asked.sql, *asked.params)
        kept, following = cut(found, asked, value=reading.SORT_VALUE[asked.sort.column], id=0)
        return Page([reading.customer_of(row) for row in kept], following)

    def _refuse_unknown(self, keys: Iterable[str], declared: Sequence[FieldDraft]) -> None:
        known = {field.key for field in declared}
        unknown = [key for key in keys if key not in known]
        if unknown:
            raise InvalidInput(
                "There is no such custom field.",
                problems=[
                    Problem(
                        code="unknown-field",
                        message=f"there is no custom field {key!r}",
                        where=f"field.{key}",
                        expected=", ".join(sorted(known)) or "no fields are declared yet",
                        got=key[:60],
                        mend="Mend the name, or declare the field first.",
                    )
                    for key in unknown
                ],
            )

    async def ids_by_external(self, source: str, external_ids: Iterable[str]) -> dict[str, UUID]:
        """External id → customer, for those that are known."""
        found = await self._db.fetch_in(
            "SELECT external_id, customer_id FROM core_external_id "
            "WHERE external_id IN ({}) AND source = ?",
            list(dict.fromkeys(external_ids)),
            source,
        )
        return dict(found)

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
            yield [reading.customer_of(row) for row in found]
            last = found[-1][0]

    # -- creating --------------------------------------------------------------------------------

    async def check(self, drafts: Sequence[CustomerDraft]) -> list[Refusal]:
        """Every reason why a draft could not be created, without writing."""
        _, refusals = await self._ready(drafts)
        return refusals

    async def create(self, drafts: Sequence[CustomerDraft], *, by: str) -> list[UUID]:
        """Create all of them, or none.

        Raises:
            InvalidInput: with every problem of every draft; ``where`` begins with its index.
        """
        async with self._db.transaction():
            ready, refusals = await self._ready(drafts)
            refuse(refusals, "customers")
            ids = [new_id() for _ in ready]
            await self._rows.insert(list(zip(ids, ready, strict=True)), now())
            await self._events.append(
                [
                    NewEvent(type=facts.CREATED, payload=facts.CustomerCreated(id), customer=id)
                    for id in ids
                ],
                by=by,
            )
        return ids

    async def _ready(self, drafts: Sequence[CustomerDraft]) -> tuple[list[Ready], list[Refusal]]:
        checker = await self._checker()
        ready: list[Ready] = []
        refusals: list[Refusal] = []
        for index, draft in enumerate(drafts):
            one, problems = checker.ready(draft)
            refusals += [Refusal(index, problem) for problem in problems]
            if one is not None:
                ready.append(one)
        refusals += await self._taken(
            [draft.external_ids for draft in drafts], [None] * len(drafts)
        )
        return ready, refusals

    async def _checker(self) -> Checker:
        declared = {field.key: field for field in await self.fields()}
        return Checker(declared, country=self._country)

    async def _taken(
        self, wanted: Sequence[dict[str, str]], owners: Sequence[UUID | None]
    ) -> list[Refusal]:
        """External ids that belong to somebody else already, in the database or in the batch."""
        by_source: defaultdict[str, list[str]] = defaultdict(list)
        for ids in wanted:
            for source, value in ids.items():
                by_source[source].append(value)
        taken = {
            (source, value): owner
            for source, values in by_source.items()
            for value, owner in (await self.ids_by_external(source, values)).items()
        }
        refusals = []
        first: dict[tuple[str, str], int] = {}
        for index, ids in enumerate(wanted):
            for key in ids.items():
                owner = taken.get(key)
                if owner is not None and owner != owners[index]:
                    refusals.append(Refusal(index, _taken_problem(key, f"customer {owner}")))
                elif first.setdefault(key, index) != index:
                    refusals.append(Refusal(index, _taken_problem(key, f"item {first[key]}")))
        return refusals

    # -- changing --------------------------------------------------------------------------------

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
            await self._lock([id])
            current = await self.get(id)
            if version is not None and version != current.version:
                raise Conflict(
                    f"expected version {current.version} of this customer, got a change made from "
                    f"version {version}; look at both and send the change again from the new one",
                    extra={"current": current, "yours": change},
                )
            await self._change([(current, draft_after(current, change))], by=by)
            return await self.get(id)

    async def change_many(self, changes: Sequence[tuple[UUID, CustomerChange]], *, by: str) -> None:
        """Change many, or none; customers that would stay as they are are left alone.

        Raises:
            NotFound: an id belongs to nobody.
            InvalidInput: with every problem; ``where`` begins with the index of the change.
        """
        async with self._db.transaction():
            current = await self._locked([id for id, _ in changes])
            await self._change(
                [(current[id], draft_after(current[id], change)) for id, change in changes], by=by
            )

    async def _locked(self, ids: Sequence[UUID]) -> dict[UUID, Customer]:
        await self._lock(ids)
        current = {customer.id: customer for customer in await self.get_many(ids)}
        missing = [id for id in ids if id not in current]
        if missing:
            raise NotFound(
                f"expected ids of customers, got {len(missing)} that nobody has, "
                f"the first {missing[0]}"
            )
        return current

    async def _lock(self, ids: Sequence[UUID]) -> None:
        if self._db.kind == "postgresql":
            await self._db.fetch_in(
                "SELECT id FROM core_customer WHERE id IN ({}) ORDER BY id FOR UPDATE", ids
            )

    async def _change(self, changes: Sequence[tuple[Customer, CustomerDraft]], *, by: str) -> None:
        checker = await self._checker()
        wanted: list[tuple[Customer, Ready]] = []
        refusals: list[Refusal] = []
        for index, (current, draft) in enumerate(changes):
            ready, problems = checker.ready(draft)
            refusals += [Refusal(index, problem) for problem in problems]
            if ready is not None:
                wanted.append((current, ready))
        refusals += await self._taken(
            [ready.external_ids for _, ready in wanted], [current.id for current, _ in wanted]
        )
        refuse(refusals, "changes")
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

    # -- custom fields ---------------------------------------------------------------------------

    async def fields(self) -> list[FieldDraft]:
        """The declared custom fields, by key."""
        found = await self._db.fetch(
            "SELECT key, type, title_en, title_vi, choices, applies_to "
            "FROM core_customer_field ORDER BY key"
        )
        return [
            FieldDraft(
                key=key,
                type=type_,
                title_en=en,
                title_vi=vi,
                choices=msgspec.json.decode(choices),
                applies_to=applies_to,
            )
            for key, type_, en, vi, choices, applies_to in found
        ]

    async def declare_fields(self, drafts: Sequence[FieldDraft]) -> None:
        """Declare custom fields; declaring one again in the same way changes nothing.

        Raises:
            Conflict: a field exists with another type.
            InvalidInput: a choice field without choices.
        """
        known = {field.key: field for field in await self.fields()}
        for draft in drafts:
            before = known.get(draft.key)
            if before is not None and before.type != draft.type:
                raise Conflict(
                    f"expected field {draft.key!r} with its type {before.type}, got {draft.type}; "
                    "choose another key"
                )
            if draft.type == "choice" and not draft.choices:
                raise InvalidInput(
                    f"expected choices for field {draft.key!r}, got none; list the values it takes"
                )
        await self._db.insert(
            "core_customer_field",
            ("key", "type", "title_en", "title_vi", "choices", "applies_to"),
            [
                (d.key, d.type, d.title_en, d.title_vi, to_json(d.choices), d.applies_to)
                for d in drafts
            ],
            on_conflict="ON CONFLICT (key) DO UPDATE SET title_en = excluded.title_en, "
            "title_vi = excluded.title_vi, choices = excluded.choices, "
            "applies_to = excluded.applies_to",
        )

    # -- taking back (imports) -------------------------------------------------------------------

    async def restore(self, former: Sequence[Customer], *, by: str) -> None:
        """Give customers the content they had; the version still grows."""
        async with self._db.transaction():
            current = await self._locked([customer.id for customer in former])
            await self._change([(current[c.id], draft_of(c)) for c in former], by=by)

    async def in_use(self, ids: Sequence[UUID]) -> set[UUID]:
        """Those that something outside the customer itself points at."""
        used: set[UUID] = set()
        for table, column in customer_references():
            name = table._meta.tablename
            if name not in CHILD_TABLES:
                field = column._meta.db_column_name
                found = await self._db.fetch_in(
                    f"SELECT DISTINCT {field} FROM {name} WHERE {field} IN ({{}})",  # noqa: S608 - names of our own
                    ids,
                )
                used.update(row[0] for row in found)
        return used

    async def remove(self, ids: Sequence[UUID], *, by: str) -> None:
        """Remove customers that nothing points at (undoing an import; erasing is another matter).

        Raises:
            Conflict: something points at one of them.
        """
        async with self._db.transaction():
            used = await self.in_use(ids)
            if used:
                raise Conflict(
                    f"expected customers that nothing points at, got {len(used)} in use, the first "
                    f"{next(iter(used))}; remove what points at them first"
                )
            await self._rows.delete(ids)
            await self._events.append(
                [
                    NewEvent(type=facts.REMOVED, payload=facts.CustomerRemoved(id), customer=id)
                    for id in ids
                ],
                by=by,
            )


def _taken_problem(key: tuple[str, str], owner: str) -> Problem:
    source, value = key
    return Problem(
        code="external-id-taken",
        message=f"external id {value!r} of {source!r} belongs to somebody else",
        where=f"/external_ids/{source}",
        expected="an id that no other customer has",
        got=f"the id of {owner}",
        mend="Change that customer instead, or give another id.",
    )
