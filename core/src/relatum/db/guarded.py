"""Which tables are guarded, derived from what their columns point at.

A table says with its columns whose its rows are: :class:`~relatum.db.columns.CustomerRef`,
:class:`~relatum.db.columns.CustomerTrace`, a foreign key or a :class:`~relatum.db.columns.RowRef`
to a table that says it. Two attributes of a table class say the rest:

* ``across_customers = True``: a row is a total or a copy over many customers, so it is only for
  those who see every customer;
* ``sensitive = {"column": "contact"}``: columns (by their name in the database) that are masked,
  and the class of each (``relatum.access.policies.Sensitivity``).
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import msgspec
from piccolo.columns import Column, ForeignKey
from piccolo.columns.reference import LazyTableReference
from piccolo.table import TABLE_REGISTRY, Table

from relatum.db.columns import CUSTOMER_TABLE, CustomerRef, CustomerTrace, RowRef

#: Modules of classes that Piccolo makes by itself, and of files that are only looked at.
_COPYING = frozenset({"types", "<run_path>"})
_MARKS = (CustomerRef, CustomerTrace, RowRef, ForeignKey)


class GuardedTable(msgspec.Struct, frozen=True, kw_only=True):
    """One table whose rows or columns are not for everybody. All names are the database's.

    Attributes:
        name: of the table. ``core_customer`` is described like any other; whom a customer belongs
            to is not this room's knowledge.
        key: the column of the primary key.
        columns: every column in order, with the type of its values in Python (JSON is ``str``).
        customers: columns that name a customer, as a reference or as a trace. A row is visible
            when every customer that these name is.
        parents: columns that name a row of another guarded table, and that table. A row is visible
            when every row that these name is. Without cycles: a way back and a self reference are
            left out here.
        refers: columns whose value must name a visible row when a row is written, and its table:
            references to customers, and parents with those that were left out. Not traces.
        across_customers: only for those who see every customer.
        sensitive: columns to mask, and their class.
    """

    name: str
    key: str
    columns: Mapping[str, type]
    customers: tuple[str, ...] = ()
    parents: Mapping[str, str] = {}
    refers: Mapping[str, str] = {}
    across_customers: bool = False
    sensitive: Mapping[str, str] = {}

    @property
    def hides_rows(self) -> bool:
        """Whether there are rows that not everybody sees, or only masked columns."""
        return bool(
            self.name == CUSTOMER_TABLE or self.customers or self.parents or self.across_customers
        )


class _Link(NamedTuple):
    table: str
    column: str
    parent: str


def guarded_tables(tables: Iterable[type[Table]] | None = None) -> tuple[GuardedTable, ...]:
    """Describe every guarded table, parents before the tables that name them.

    Args:
        tables: all table classes that are imported, when not given.
    """
    by_name: dict[str, type[Table]] = {}
    for each in TABLE_REGISTRY if tables is None else tables:
        known = by_name.get(each._meta.tablename)
        if known is None or _standing(each) >= _standing(known):
            by_name[each._meta.tablename] = each
    links = {name: tuple(_links(table)) for name, table in by_name.items()}
    depths = _depths(by_name, links)
    guarding = [link for of in links.values() for link in of if link.parent in depths]
    parents = _without_cycles(guarding, depths)
    described = {
        name: _describe(table, guarding, parents)
        for name, table in by_name.items()
        if name in depths or _sensitive(table)
    }
    return tuple(described[name] for name in _parents_first(described))


def _standing(table: type[Table]) -> tuple[int, int]:
    """How sure it is that this is the table as its plugin wrote it, marks and all.

    Piccolo and migrations make copies of a few columns without the marks. They stay among all table
    classes of a process that has migrated, or has only looked at a migration file. So what its own
    module holds under its name comes first, and a copy of a migration last. A copy loses marks and
    never has more, so among equals the one with most of them counts.
    """
    marks = sum(isinstance(each, _MARKS) for each in table._meta.columns) + len(_sensitive(table))
    marks += bool(getattr(table, "across_customers", False))
    module = table.__module__
    if module in _COPYING or any("migrations" in part for part in module.split(".")):
        return 0, marks
    held = vars(sys.modules[module]).get(table.__name__) if module in sys.modules else None
    return 2 if held is table else 1, marks


def _describe(table: type[Table], guarding: list[_Link], parents: list[_Link]) -> GuardedTable:
    meta = table._meta
    columns = meta.columns
    references = {_name(c): CUSTOMER_TABLE for c in columns if _is_reference(c)}
    return GuardedTable(
        name=meta.tablename,
        key=_name(meta.primary_key),
        columns={_name(c): c.value_type for c in _with_key(table)},
        customers=tuple(
            _name(c) for c in columns if _is_reference(c) or isinstance(c, CustomerTrace)
        ),
        parents={p.column: p.parent for p in parents if p.table == meta.tablename},
        refers=references | {g.column: g.parent for g in guarding if g.table == meta.tablename},
        across_customers=_is_across(table),
        sensitive=_sensitive(table),
    )


def _with_key(table: type[Table]) -> list[Column]:
    columns = table._meta.columns
    key = table._meta.primary_key
    return list(columns) if any(c is key for c in columns) else [key, *columns]


def _name(column: Column) -> str:
    return column._meta.db_column_name


def _is_reference(column: Column) -> bool:
    if isinstance(column, CustomerRef):
        return True
    return _target(column) == CUSTOMER_TABLE


def _is_across(table: type[Table]) -> bool:
    # A reference to anything but a key cannot be followed row by row: then nobody may.
    return bool(getattr(table, "across_customers", False)) or any(
        not column._foreign_key_meta.resolved_target_column._meta.primary_key
        for column in table._meta.columns
        if isinstance(column, ForeignKey)
    )


def _sensitive(table: type[Table]) -> Mapping[str, str]:
    return dict(getattr(table, "sensitive", {}))


def _target(column: Column) -> str | None:
    """The table that a foreign key or a row reference names."""
    if isinstance(column, RowRef):
        to = column.to.resolve() if isinstance(column.to, LazyTableReference) else column.to
    elif isinstance(column, ForeignKey):
        to = column._foreign_key_meta.resolved_references
    else:
        return None
    return to._meta.tablename


def _links(table: type[Table]) -> Iterator[_Link]:
    for column in table._meta.columns:
        target = _target(column)
        if target is not None and target != CUSTOMER_TABLE:
            yield _Link(table._meta.tablename, _name(column), target)


def _depths(
    tables: Mapping[str, type[Table]], links: Mapping[str, tuple[_Link, ...]]
) -> dict[str, int]:
    """How many steps each table whose rows are guarded is away from one that says so itself."""
    depths = {name: 0 for name, table in tables.items() if _says_so(table)}
    depth = 0
    while True:
        depth += 1
        found = [
            name
            for name in tables
            if name not in depths and any(link.parent in depths for link in links[name])
        ]
        if not found:
            return depths
        depths.update(dict.fromkeys(found, depth))


def _says_so(table: type[Table]) -> bool:
    return (
        table._meta.tablename == CUSTOMER_TABLE
        or _is_across(table)
        or any(_is_reference(c) or isinstance(c, CustomerTrace) for c in table._meta.columns)
    )


def _without_cycles(links: list[_Link], depths: Mapping[str, int]) -> list[_Link]:
    """Leave out links that would close a circle; those towards a customer are kept."""
    kept: list[_Link] = []
    above: dict[str, set[str]] = {name: {name} for name in depths}
    for link in sorted(links, key=lambda each: (depths[each.parent] - depths[each.table], each)):
        if link.table in above[link.parent]:
            continue
        kept.append(link)
        for ancestors in above.values():
            if link.table in ancestors:
                ancestors.update(above[link.parent])
    return kept


def _parents_first(tables: Mapping[str, GuardedTable]) -> list[str]:
    order: dict[str, None] = {}

    def visit(name: str) -> None:
        if name in order or name not in tables:
            return
        for parent in sorted(set(tables[name].parents.values())):
            visit(parent)
        order[name] = None

    if CUSTOMER_TABLE in tables:
        visit(CUSTOMER_TABLE)
    for name in sorted(tables):
        visit(name)
    return list(order)
