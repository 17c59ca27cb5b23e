"""How tables are made, read from the database itself: also those whose plugin is gone."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from relatum.db.migrate import MOVING
from relatum.moving.kinds import (
    EMBEDDED_TYPES,
    SERVER_TYPES,
    Kind,
    embedded_kind,
    length_of,
    server_kind,
)

#: Where a move notes how far it is, on the target; it is in no checksum and in no backup.
JOURNAL = MOVING


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """One column.

    Attributes:
        declared: its type as the database says it.
        length: most characters; ``None`` is no limit.
        default: as SQL.
        counts: whether the database numbers it by itself.
    """

    name: str
    kind: Kind
    declared: str
    nullable: bool
    length: int | None = None
    default: str | None = None
    counts: bool = False


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    """A foreign key."""

    columns: tuple[str, ...]
    table: str
    to: tuple[str, ...]


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """One table.

    Attributes:
        key: columns of the primary key; empty when there is none.
        uniques: columns of each unique constraint that is part of the table.
        indexes: by name, the statement that makes it; without those that constraints bring.
        has_rowid: SQLite's own numbers of rows are there.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    uniques: tuple[tuple[str, ...], ...] = ()
    references: tuple[Reference, ...] = ()
    indexes: Mapping[str, str] = {}
    has_rowid: bool = False

    def column(self, name: str) -> Column:
        """One column by name."""
        return next(each for each in self.columns if each.name == name)

    @property
    def names(self) -> tuple[str, ...]:
        """Of the columns, in order."""
        return tuple(each.name for each in self.columns)


def quoted(name: str) -> str:
    """A name as SQL."""
    return '"' + name.replace('"', '""') + '"'


def listed(names: Iterable[str]) -> str:
    """Names as a list in SQL."""
    return ", ".join(map(quoted, names))


def embedded_layouts(connection: sqlite3.Connection) -> dict[str, Layout]:
    """Every table of a SQLite database, by name."""
    tables = connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' "
        "ESCAPE '\\' AND name <> ? ORDER BY name",
        (JOURNAL,),
    ).fetchall()
    return {name: _embedded_layout(connection, name, sql) for name, sql in tables}


def _embedded_layout(connection: sqlite3.Connection, name: str, sql: str) -> Layout:
    info = connection.execute(f"PRAGMA table_info({quoted(name)})").fetchall()
    keys = {place: column for _, column, _, _, _, place in info if place}
    key = tuple(keys[place] for place in sorted(keys))
    columns = tuple(
        Column(
            name=column,
            kind=embedded_kind(declared, f"{name}.{column}"),
            declared=declared,
            nullable=not required and not place,
            length=length_of(declared),
            default=default,
            counts=key == (column,) and declared.upper() == "INTEGER" and default is None,
        )
        for _, column, declared, required, default, place in info
    )
    return Layout(
        name=name,
        columns=columns,
        key=key,
        uniques=_embedded_uniques(connection, name),
        references=_embedded_references(connection, name),
        indexes=dict(
            connection.execute(
                "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ? "
                "AND sql IS NOT NULL ORDER BY name",
                (name,),
            ).fetchall()
        ),
        has_rowid="WITHOUT ROWID" not in sql.upper(),
    )


def _embedded_uniques(connection: sqlite3.Connection, table: str) -> tuple[tuple[str, ...], ...]:
    found = []
    for _, index, _, origin, _ in connection.execute(f"PRAGMA index_list({quoted(table)})"):
        if origin == "u":
            rows = connection.execute(f"PRAGMA index_info({quoted(index)})").fetchall()
            found.append(tuple(row[2] for row in rows))
    return tuple(sorted(found))


def _embedded_references(connection: sqlite3.Connection, table: str) -> tuple[Reference, ...]:
    by_id: dict[int, tuple[str, list[str], list[str]]] = {}
    rows = connection.execute(f"PRAGMA foreign_key_list({quoted(table)})").fetchall()
    for id, _, target, column, to, *_ in sorted(rows, key=lambda row: (row[0], row[1])):
        _, columns, tos = by_id.setdefault(id, (target, [], []))
        columns.append(column)
        tos.append(to)
    return tuple(
        Reference(columns=tuple(columns), table=target, to=tuple(tos))
        for target, columns, tos in by_id.values()
    )


_COLUMNS = """
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), t.typtype = 'e',
       NOT a.attnotnull, pg_get_expr(d.adbin, d.adrelid), a.attidentity <> ''
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
  AND NOT c.relispartition AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
  AND c.relname <> $1
ORDER BY c.relname, a.attnum
"""
_CONSTRAINTS = """
SELECT c.relname, k.contype::text, f.relname,
       (SELECT array_agg(a.attname ORDER BY u.place) FROM unnest(k.conkey)
        WITH ORDINALITY u(number, place) JOIN pg_attribute a
        ON a.attrelid = k.conrelid AND a.attnum = u.number),
       (SELECT array_agg(a.attname ORDER BY u.place) FROM unnest(k.confkey)
        WITH ORDINALITY u(number, place) JOIN pg_attribute a
        ON a.attrelid = k.confrelid AND a.attnum = u.number)
FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid
LEFT JOIN pg_class f ON f.oid = k.confrelid
WHERE c.relnamespace = current_schema()::regnamespace AND NOT c.relispartition
  AND k.contype IN ('p', 'u', 'f') AND k.conparentid = 0
ORDER BY c.relname, k.conname
"""
_INDEXES = """
SELECT c.relname, i.relname, pg_get_indexdef(x.indexrelid)
FROM pg_index x
JOIN pg_class c ON c.oid = x.indrelid
JOIN pg_class i ON i.oid = x.indexrelid
WHERE c.relnamespace = current_schema()::regnamespace AND NOT c.relispartition
  AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = x.indexrelid
                  AND k.contype IN ('p', 'u', 'x'))
ORDER BY i.relname
"""


async def server_layouts(connection: Any) -> dict[str, Layout]:
    """Every table of the current schema of PostgreSQL, by name; a partitioned one as a whole."""
    columns: dict[str, list[Column]] = {}
    for row in await connection.fetch(_COLUMNS, JOURNAL):
        columns.setdefault(row[0], []).append(_server_column(row))
    keys: dict[str, tuple[str, ...]] = {}
    uniques: dict[str, list[tuple[str, ...]]] = {}
    references: dict[str, list[Reference]] = {}
    for table, kind, target, own, to in await connection.fetch(_CONSTRAINTS):
        if kind == "p":
            keys[table] = tuple(own)
        elif kind == "u":
            uniques.setdefault(table, []).append(tuple(own))
        else:
            reference = Reference(columns=tuple(own), table=target, to=tuple(to))
            references.setdefault(table, []).append(reference)
    indexes: dict[str, dict[str, str]] = {}
    for table, name, statement in await connection.fetch(_INDEXES):
        indexes.setdefault(table, {})[name] = statement
    return {
        name: Layout(
            name=name,
            columns=tuple(some),
            key=keys.get(name, ()),
            uniques=tuple(sorted(uniques.get(name, ()))),
            references=tuple(references.get(name, ())),
            indexes=indexes.get(name, {}),
        )
        for name, some in columns.items()
    }


def _server_column(row: Any) -> Column:
    table, name, declared, is_enum, nullable, default, identity = row
    return Column(
        name=name,
        kind=server_kind(declared, f"{table}.{name}", is_enum=is_enum),
        declared=declared,
        nullable=nullable,
        length=length_of(declared),
        default=default,
        counts=identity or "nextval(" in (default or ""),
    )


def parents_first(layouts: Mapping[str, Layout]) -> list[str]:
    """Names of tables, what is pointed at before what points; circles are broken somewhere."""
    order: dict[str, None] = {}
    entered: set[str] = set()

    def visit(name: str) -> None:
        if name in entered or name not in layouts:
            return
        entered.add(name)
        for parent in sorted({each.table for each in layouts[name].references}):
            visit(parent)
        order[name] = None

    for name in sorted(layouts):
        visit(name)
    return list(order)


def creation(layout: Layout, target: str) -> list[str]:
    """Statements that make a table of the other database here: no migration knows it any more.

    Args:
        target: ``sqlite`` or ``postgresql``.
    """
    parts = [_declaration(layout, column, target) for column in layout.columns]
    counted = target == "sqlite" and any(each.counts for each in layout.columns)
    if layout.key and not counted:
        parts.append(f"PRIMARY KEY ({listed(layout.key)})")
    parts += [f"UNIQUE ({listed(columns)})" for columns in layout.uniques]
    parts += [
        f"FOREIGN KEY ({listed(each.columns)}) REFERENCES {quoted(each.table)} ({listed(each.to)})"
        for each in layout.references
    ]
    return [f"CREATE TABLE {quoted(layout.name)} ({', '.join(parts)})"]


def _declaration(layout: Layout, column: Column, target: str) -> str:
    name = quoted(column.name)
    if column.counts and layout.key == (column.name,):
        return f"{name} " + ("INTEGER PRIMARY KEY" if target == "sqlite" else "BIGSERIAL")
    types = EMBEDDED_TYPES if target == "sqlite" else SERVER_TYPES
    kind = f"VARCHAR({column.length})" if column.length else types[column.kind]
    return f"{name} {kind}" + ("" if column.nullable else " NOT NULL")
