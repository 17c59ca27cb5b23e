"""What the house holds about a customer: every row of every table that points at them, or hangs on
a row that does.

The database is asked which foreign keys there are, so that tables of plugins that are switched off,
or that core has never seen, count like any other. What points without a foreign key is known from
the marks of table classes; every other column of UUIDs is compared by its values (a UUID names one
thing only).

Call it as the house.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

import msgspec

from relatum.customers.merging.catalogue import Catalogue, TableShape, catalogue_of
from relatum.customers.merging.records import Records
from relatum.db.columns import CUSTOMER_TABLE
from relatum.db.guarded import guarded_tables

if TYPE_CHECKING:
    from relatum.db.database import Database

Row = dict[str, Any]
#: Of a row: the values of its primary key, in the order of the table's key.
Key = tuple[Any, ...]
#: ``reference``: a foreign key. ``mark``: ``CustomerTrace`` or ``RowRef``. ``value``: by value.
How = Literal["reference", "mark", "value"]


class Holding(msgspec.Struct, frozen=True, order=True):
    """A column whose values name rows of another table."""

    table: str
    column: str
    parent: str
    parent_column: str
    how: How


class Pointing(msgspec.Struct, frozen=True):
    """All tables, and what points at each.

    Attributes:
        by_parent: holdings by the table they point at.
        unmarked: columns of UUIDs that say of no table that they point at it; they may name any
            row.
    """

    catalogue: Catalogue
    by_parent: Mapping[str, tuple[Holding, ...]]
    unmarked: tuple[Holding, ...]

    def to(self, table: str) -> tuple[Holding, ...]:
        """What points (or may point) at rows of a table."""
        known = self.by_parent.get(table, ())
        if table == CUSTOMER_TABLE:
            return known
        shape = self.catalogue.tables[table]
        if len(shape.key) != 1 or not _is_uuid(shape.columns[shape.key[0]]):
            return known
        named = {(each.table, each.column) for each in known}
        free = [each for each in self.unmarked if (each.table, each.column) not in named]
        parent = {"parent": table, "parent_column": shape.key[0]}
        return (*known, *(msgspec.structs.replace(each, **parent) for each in free))


class Found(msgspec.Struct, frozen=True):
    """Rows of one table.

    Attributes:
        rows: whole, by key, as Python has them (JSON is text).
        direct: keys of those that point at the customer themselves; the others hang on a row that
            was found.
    """

    table: str
    shape: TableShape
    rows: Mapping[Key, Row]
    direct: frozenset[Key]


async def ids_of(db: Database, customer: UUID) -> list[UUID]:
    """The customer, and everybody who was merged into them."""
    return [customer, *await Records(db).absorbed_by(customer)]


async def pointing_of(db: Database) -> Pointing:
    """Read what points at what, as it is at this moment."""
    catalogue = await catalogue_of(db)
    holdings = [
        Holding(each.table, each.column, each.parent, each.parent_column, "reference")
        for some in catalogue.references.values()
        for each in some
    ]
    holdings += _marked(catalogue, holdings)
    free = list(_unmarked(catalogue, holdings))
    holdings += free
    by_parent: defaultdict[str, list[Holding]] = defaultdict(list)
    for each in sorted(holdings):
        by_parent[each.parent].append(each)
    return Pointing(
        catalogue,
        {parent: tuple(some) for parent, some in by_parent.items()},
        tuple(free),
    )


def _marked(catalogue: Catalogue, known: Iterable[Holding]) -> list[Holding]:
    """Traces and references to rows that the database does not know of."""
    keyed = {(each.table, each.column) for each in known}
    found = []
    for table in guarded_tables():
        if table.name not in catalogue.tables:
            continue
        pairs = [*((column, CUSTOMER_TABLE) for column in table.customers)]
        pairs += {**table.parents, **table.refers}.items()
        for column, parent in dict(pairs).items():
            shape = catalogue.tables.get(parent)
            if (table.name, column) not in keyed and shape is not None and len(shape.key) == 1:
                found.append(Holding(table.name, column, parent, shape.key[0], "mark"))
    return found


def _unmarked(catalogue: Catalogue, known: Sequence[Holding]) -> Iterable[Holding]:
    named = {(each.table, each.column) for each in known}
    for shape in catalogue.tables.values():
        for column, type_ in shape.columns.items():
            own = shape.key == (column,)
            of_customers = shape.name == CUSTOMER_TABLE
            free = not own and not of_customers and (shape.name, column) not in named
            if _is_uuid(type_) and free:
                yield Holding(shape.name, column, CUSTOMER_TABLE, "id", "value")


def _is_uuid(type_: str) -> bool:
    return type_.upper() == "UUID"


async def find_rows(
    db: Database, ids: Sequence[UUID], pointing: Pointing | None = None
) -> list[Found]:
    """Every row about these ids, by table; one query for each column that points, and each step
    that rows hang from one another (and for each slice of many keys).

    Args:
        ids: of one customer, as :func:`ids_of` gives them.
        pointing: when it was read already.
    """
    finding = _Finding(db, pointing or await pointing_of(db))
    await finding.begin(ids)
    while finding.fresh:
        await finding.step()
    return finding.found()


class _Finding:
    def __init__(self, db: Database, pointing: Pointing) -> None:
        self._db = db
        self._pointing = pointing
        self._rows: defaultdict[str, dict[Key, Row]] = defaultdict(dict)
        self._direct: defaultdict[str, set[Key]] = defaultdict(set)
        #: rows found in the last step
        self.fresh: dict[str, list[Row]] = {}

    async def begin(self, ids: Sequence[UUID]) -> None:
        """The customer's own row, and all that point at these ids."""
        await self._take(CUSTOMER_TABLE, "id", ids, direct=True)
        self.fresh = {}
        for each in self._pointing.to(CUSTOMER_TABLE):
            await self._take(each.table, each.column, ids, direct=True)

    async def step(self) -> None:
        """All rows that hang on those of the step before."""
        before, self.fresh = self.fresh, {}
        for table, rows in before.items():
            if table == CUSTOMER_TABLE:
                continue
            for each in self._pointing.to(table):
                values = {row[each.parent_column] for row in rows} - {None}
                await self._take(each.table, each.column, list(values), direct=False)

    async def _take(self, table: str, column: str, values: Sequence[Any], *, direct: bool) -> None:
        shape = self._pointing.catalogue.tables[table]
        names = list(shape.columns)
        selected = ", ".join(f'"{name}"' for name in names)
        rows = await self._db.fetch_in(
            f'SELECT {selected} FROM "{table}" WHERE "{column}" IN ({{}})',  # noqa: S608 - names of the catalogue
            values,
        )
        known = self._rows[table]
        for values_ in rows:
            row = dict(zip(names, values_, strict=True))
            key = tuple(row[name] for name in shape.key or names)
            if direct:
                self._direct[table].add(key)
            if key not in known:
                known[key] = row
                self.fresh.setdefault(table, []).append(row)

    def found(self) -> list[Found]:
        tables = self._pointing.catalogue.tables
        return [
            Found(name, tables[name], _in_order(self._rows[name]), frozenset(self._direct[name]))
            for name in sorted(self._rows, key=lambda each: (each != CUSTOMER_TABLE, each))
            if self._rows[name]
        ]


def _in_order(rows: Mapping[Key, Row]) -> dict[Key, Row]:
    """By key: UUIDs of version 7, and numbers, grow with time."""
    return dict(sorted(rows.items(), key=lambda each: [(str(type(v)), v) for v in each[0]]))
