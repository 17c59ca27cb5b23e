"""Customers: the only writer of their tables. Many at a time; one is a batch of one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from relatum.customers import events as facts
from relatum.customers import ranges, reading
from relatum.customers.assigning import Assigning, Belonging, NoTeams
from relatum.customers.changes import (
    differences_of,
    draft_after,
    draft_of,
    mask_problems,
    unmasked,
)
from relatum.customers.fields import CustomFields
from relatum.customers.keeping import Keeping, KeepingNothing
from relatum.customers.links import Links
from relatum.customers.rows import Checker, Ready, sort_key_of
from relatum.customers.types import (
    Customer,
    CustomerChange,
    CustomerDraft,
    CustomerQuery,
    FieldDraft,
)
from relatum.customers.writing import OWN_TABLES, CustomerRows
from relatum.db.columns import customer_references
from relatum.db.guarding import as_the_house, current_guard
from relatum.db.pages import Page, cut
from relatum.events.types import NewEvent
from relatum.hooks.declarations import Refusal
from relatum.hooks.refusing import refuse
from relatum.values.ids import new_id
from relatum.values.problems import Conflict, InvalidInput, NotFound, Problem
from relatum.values.time import now

if TYPE_CHECKING:
    from relatum.access.sight.service import Sights
    from relatum.db.database import Database
    from relatum.events.log import EventLog


class Customers:
    """People and organisations the business deals with.

    Reading goes through the guard of the moment. Writing looks through it first (a customer that
    is not seen is not there), and then works on what is stored.

    Args:
        sights: told when custom fields change.
        belonging: who is in which team.
        keeping: what happens to customers when they are stored and shown.
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
    ) -> None:
        self._db = db
        self._events = events
        self._country = country
        self.links = Links(db, events)
        self._rows = CustomerRows(db, country=country)
        self._select = reading.SELECT[db.kind]
        self._thin = ranges.Thin()
        self._fields = CustomFields(db, sights.fields_changed if sights else _nothing)
        self._assigning = Assigning(db, belonging or NoTeams())
        self._keeping: Keeping = keeping or KeepingNothing()

    # -- reading ---------------------------------------------------------------------------------

    async def get(self, id: UUID) -> Customer:
        """One customer.

        Raises:
            NotFound: nobody has this id.
        """
        row = await self._db.fetch_one(f"{self._select} WHERE id = ?", id)
        if row is None:
            raise _nobody(id)
        [customer] = await self._keeping.show([reading.customer_of(row)])
        return customer

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
        if query.fields:
            declared = await self.fields()
            self._refuse_unknown(query.fields, declared)
            _refuse_secret(query.fields, declared)
        found, asked = await ranges.page_of(self._db, query, country=self._country, thin=self._thin)
        kept, following = cut(found, asked, value=reading.SORT_VALUE[asked.sort.column], id=0)
        shown = await self._keeping.show([reading.customer_of(row) for row in kept])
        return Page(shown, following)

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
            yield await self._keeping.show([reading.customer_of(row) for row in found])
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
            await self._rows.members.hold()
            ready, refusals = await self._ready(await self._assigning.new(drafts))
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

    async def _ready(self, drafts: Sequence[CustomerDraft]) -> tuple[list[Ready], list[Refusal]]:
        checker = await self._checker()
        ready: list[Ready] = []
        refusals: list[Refusal] = []
        masks = _masks_columns()
        for index, draft in enumerate(drafts):
            one, problems = checker.ready(draft)
            problems += mask_problems(draft) if masks else []
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
        with as_the_house():
            taken = {
                (source, value): owner
                for source, values in by_source.items()
                for value, owner in (await self.ids_by_external(source, values)).items()
            }
        seen = await self._seen(taken.values())
        refusals = []
        first: dict[tuple[str, str], int] = {}
        for index, ids in enumerate(wanted):
            for key in ids.items():
                owner = taken.get(key)
                if owner is not None and owner != owners[index]:
                    whose = f"customer {owner}" if owner in seen else "another customer"
                    refusals.append(Refusal(index, _taken_problem(key, whose)))
                elif first.setdefault(key, index) != index:
                    refusals.append(Refusal(index, _taken_problem(key, f"item {first[key]}")))
        return refusals

    async def _seen(self, ids: Iterable[UUID]) -> set[UUID]:
        """Those that the viewer may know of."""
        wanted = list(dict.fromkeys(ids))
        if current_guard() is None or not wanted:
            return set(wanted)
        found = await self._db.fetch_in("SELECT id FROM core_customer WHERE id IN ({})", wanted)
        return {row[0] for row in found}

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
            current, seen = await self._both([id])
            if id not in seen:
                raise _nobody(id)
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
        if _masks_columns():
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
        checker = await self._checker()
        wanted: list[tuple[Customer, Ready]] = []
        refusals: list[Refusal] = []
        for index, (current, draft) in enumerate(changes):
            ready, problems = checker.ready(draft, current.fields)
            refusals += [Refusal(index, problem) for problem in problems]
            if ready is not None:
                wanted.append((current, ready))
        refusals += await self._taken(
            [ready.external_ids for _, ready in wanted], [current.id for current, _ in wanted]
        )
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

    # -- custom fields ---------------------------------------------------------------------------

    async def fields(self) -> list[FieldDraft]:
        """The declared custom fields, by key."""
        return await self._fields.all()

    async def declare_fields(self, drafts: Sequence[FieldDraft]) -> None:
        """Declare custom fields; declaring one again in the same way changes nothing.

        Raises:
            Conflict: a field exists with another type, or becomes a secret (or none any more).
            InvalidInput: a choice field without choices.
        """
        await self._fields.declare(drafts)

    # -- taking back (imports) -------------------------------------------------------------------

    async def restore(self, former: Sequence[Customer], *, by: str) -> None:
        """Give customers the content they had; the version still grows."""
        async with self._db.transaction():
            current, _ = await self._locked([customer.id for customer in former])
            former = await self._keeping.open(former)
            await self._change([(current[c.id], draft_of(c)) for c in former], by=by)

    async def in_use(self, ids: Sequence[UUID]) -> set[UUID]:
        """Those that something outside the customer itself points at."""
        used: set[UUID] = set()
        for table, column in customer_references():
            name = table._meta.tablename
            if name not in OWN_TABLES:
                field = column._meta.db_column_name
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
                await self._rows.delete(ids)
                await self._events.append(
                    [
                        NewEvent(type=facts.REMOVED, payload=facts.CustomerRemoved(id), customer=id)
                        for id in ids
                    ],
                    by=by,
                )


def _nothing() -> None:
    return None


def _nobody(id: UUID) -> NotFound:
    return NotFound(f"expected the id of a customer, got {id}; there is nobody with that id")


def _refuse_secret(keys: Iterable[str], declared: Sequence[FieldDraft]) -> None:
    secret = {field.key for field in declared if field.sensitivity == "secret"}
    for key in keys:
        if key in secret:
            raise InvalidInput(
                f"expected a field that can be looked for, got the secret field {key!r}; its "
                "values are encrypted: leave it out"
            )


def _masks_columns() -> bool:
    guard = current_guard()
    return guard is not None and guard.masks


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
