"""What hangs on customers: which rows go with them, and which only lose their name.

The database's own foreign keys say what points where, also for plugins whose code is not loaded or
not even installed. Whether rows of a table go or stay is said by :class:`CustomerRef`; of a table
that no class is known of, a row that must name its customer goes, and one that need not stays.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
from piccolo.columns.reference import LazyTableReference
from piccolo.table import TABLE_REGISTRY

from relatum.customers.merging.catalogue import Catalogue, Reference, catalogue_of
from relatum.db.columns import CUSTOMER_TABLE, OnErase, RowRef, customer_references

if TYPE_CHECKING:
    from relatum.db.database import Database

_LIMIT = re.compile(r"CHAR\w*\s*\((\d+)\)", re.I)
_LOOSE = {
    "sqlite": "SELECT m.name, c.name FROM sqlite_master m, pragma_table_xinfo(m.name) c "
    "WHERE m.type = 'table' AND c.\"notnull\" = 0 AND c.pk = 0",
    "postgresql": "SELECT table_name::text, column_name::text FROM information_schema.columns "
    "WHERE table_schema = current_schema() AND is_nullable = 'YES'",
}
_CASCADING = {
    "sqlite": 'SELECT m.name, f."from" FROM sqlite_master m, pragma_foreign_key_list(m.name) f '
    "WHERE m.type = 'table' AND f.on_delete = 'CASCADE'",
    "postgresql": "SELECT c.relname::text, a.attname::text FROM pg_constraint k "
    "JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
    "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.conkey[1] "
    "WHERE k.contype = 'f' AND k.confdeltype = 'c' AND n.nspname = current_schema()",
}


class Reach(msgspec.Struct, kw_only=True):
    """Rows by their keys.

    Attributes:
        doomed: by table the rows that go.
        nameless: by table the rows that stay, and by column those to be emptied.
        hanging: by table rows that belong to rows without a name and stay with them.
        loosened: by table and column references to rows that go, to be emptied; the rows belong to
            somebody else.
    """

    doomed: dict[str, set[Any]] = msgspec.field(default_factory=dict)
    nameless: dict[str, dict[str, set[Any]]] = msgspec.field(default_factory=dict)
    hanging: dict[str, set[Any]] = msgspec.field(default_factory=dict)
    loosened: dict[tuple[str, str], set[Any]] = msgspec.field(default_factory=dict)


class Reaching:
    """Finds what hangs on customers. Call it as the house."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def catalogue(self) -> Catalogue:
        """What points at what, with what classes say beyond foreign keys."""
        found = await catalogue_of(self._db)
        references = {parent: list(some) for parent, some in found.references.items()}
        for reference in _row_references(found):
            some = references.setdefault(reference.parent, [])
            if reference not in some:
                some.append(reference)
        return Catalogue(found.tables, {name: tuple(some) for name, some in references.items()})

    async def of(self, ids: Sequence[UUID], catalogue: Catalogue) -> Reach:
        """Everything that hangs on these customers, and they themselves."""
        loose, cascading = await self._db.fetch_together(
            (_LOOSE[self._db.kind], ()), (_CASCADING[self._db.kind], ())
        )
        rules = _Rules({tuple(each) for each in loose}, {tuple(each) for each in cascading})
        reach = Reach(doomed={CUSTOMER_TABLE: set(ids)})
        await self._merges(ids, reach)
        open_: list[tuple[str, set[Any]]] = [
            (name, set(keys)) for name, keys in reach.doomed.items()
        ]
        while open_:
            table, keys = open_.pop()
            for reference in catalogue.to(table):
                found = await self._pointing(reference, keys, catalogue)
                act = rules.of(reference)
                if act == "delete":
                    new = found - reach.doomed.get(reference.table, set())
                    if new:
                        reach.doomed.setdefault(reference.table, set()).update(new)
                        open_.append((reference.table, new))
                elif found and act == "anonymise":
                    columns = reach.nameless.setdefault(reference.table, {})
                    columns.setdefault(reference.column, set()).update(found)
                elif found:
                    place = reference.table, reference.column
                    reach.loosened.setdefault(place, set()).update(found)
        reach = _without_doomed(reach)
        await self._hang(reach, catalogue, rules)
        return reach

    async def _hang(self, reach: Reach, catalogue: Catalogue, rules: _Rules) -> None:
        """What tells more of rows that lost their name."""
        open_ = [(table, set().union(*some.values())) for table, some in reach.nameless.items()]
        while open_:
            table, keys = open_.pop()
            for reference in catalogue.to(table):
                if rules.of(reference) != "delete":
                    continue
                name = reference.table
                new = await self._pointing(reference, keys, catalogue)
                new -= reach.doomed.get(name, set()) | reach.hanging.get(name, set())
                if new:
                    reach.hanging.setdefault(name, set()).update(new)
                    open_.append((name, new))

    async def _merges(self, ids: Sequence[UUID], reach: Reach) -> None:
        """Records of merges that were taken back name two who are two again."""
        rows = await self._db.fetch_in(
            "SELECT id FROM core_merge WHERE survivor_id IN ({})", list(ids)
        ) + await self._db.fetch_in(
            "SELECT id FROM core_merge WHERE absorbed_id IN ({})", list(ids)
        )
        if rows:
            reach.doomed["core_merge"] = {id for (id,) in rows}

    async def _pointing(
        self, reference: Reference, keys: set[Any], catalogue: Catalogue
    ) -> set[Any]:
        """Keys of rows that point at others by their keys."""
        named: Iterable[Any] = keys
        parent = catalogue.tables[reference.parent]
        if len(parent.key) == 1 and reference.parent_column != parent.key[0]:
            rows = await self._db.fetch_in(
                f'SELECT "{reference.parent_column}" FROM "{parent.name}" '  # noqa: S608 - names of the catalogue
                f'WHERE "{parent.key[0]}" IN ({{}})',
                list(keys),
            )
            named = [value for (value,) in rows]
        rows = await self._db.fetch_in(
            f'SELECT {key_named(self._db, catalogue, reference.table)} FROM "{reference.table}" '  # noqa: S608 - names of the catalogue
            f'WHERE "{reference.column}" IN ({{}})',
            list(named),
        )
        return {key for (key,) in rows}


class _Rules:
    def __init__(self, loose: set[tuple[Any, ...]], cascading: set[tuple[Any, ...]]) -> None:
        self._loose = loose
        self._cascading = cascading
        self._said: defaultdict[tuple[str, str], set[OnErase]] = defaultdict(set)
        for table, column in customer_references():
            place = table._meta.tablename, column._meta.db_column_name
            self._said[place].add(column.on_erase)

    def of(self, reference: Reference) -> str:
        """``delete``, ``anonymise`` or ``loosen``."""
        place = reference.table, reference.column
        loose = place in self._loose
        if reference.parent != CUSTOMER_TABLE:
            return "delete" if place in self._cascading or not loose else "loosen"
        said = self._said.get(place)
        if said is None:
            return "anonymise" if loose else "delete"
        # copies that migrations leave behind know less, never more
        return "anonymise" if OnErase.anonymise in said and loose else "delete"


def _row_references(catalogue: Catalogue) -> Iterable[Reference]:
    """References without a foreign key, as far as classes tell of them."""
    for table in TABLE_REGISTRY:
        name = table._meta.tablename
        for column in table._meta.columns:
            if not isinstance(column, RowRef) or name not in catalogue.tables:
                continue
            to = column.to.resolve() if isinstance(column.to, LazyTableReference) else column.to
            parent = catalogue.tables.get(to._meta.tablename)
            if parent is not None and len(parent.key) == 1:
                yield Reference(name, column._meta.db_column_name, parent.name, parent.key[0])


def _without_doomed(reach: Reach) -> Reach:
    """Rows that go need not lose anything first."""
    nameless = {
        table: {column: keys - reach.doomed.get(table, set()) for column, keys in some.items()}
        for table, some in reach.nameless.items()
    }
    loosened = {
        place: keys - reach.doomed.get(place[0], set()) for place, keys in reach.loosened.items()
    }
    return Reach(
        doomed=reach.doomed,
        nameless={
            table: {column: keys for column, keys in some.items() if keys}
            for table, some in nameless.items()
            if any(some.values())
        },
        loosened={place: keys for place, keys in loosened.items() if keys},
    )


def key_named(db: Database, catalogue: Catalogue, table: str) -> str:
    """What names a row of a table in SQL: its key, or its place where it has none of one column."""
    key = catalogue.tables[table].key
    if len(key) == 1:
        return f'"{key[0]}"'
    return "rowid" if db.kind == "sqlite" else "ctid::text"


async def lengths_of(db: Database, catalogue: Catalogue) -> dict[tuple[str, str], int]:
    """How many characters each column of text holds, where it is limited."""
    if db.kind == "postgresql":
        rows = await db.fetch(
            "SELECT table_name::text, column_name::text, character_maximum_length::int "
            "FROM information_schema.columns WHERE table_schema = current_schema() "
            "AND character_maximum_length IS NOT NULL"
        )
        return {(table, column): length for table, column, length in rows}
    found = {}
    for table, shape in catalogue.tables.items():
        for column, type_ in shape.columns.items():
            limit = _LIMIT.search(type_)
            if limit is not None:
                found[table, column] = int(limit[1])
    return found


def doomed_in_order(reach: Reach, catalogue: Catalogue) -> list[str]:
    """Tables whose rows go, those that point before those that are pointed at."""
    left = set(reach.doomed)
    order: list[str] = []
    while left:
        free = sorted(
            table
            for table in left
            if not any(r.table in left and r.table != table for r in catalogue.to(table))
        )
        order += free or [min(left)]
        left -= set(order)
    return order
