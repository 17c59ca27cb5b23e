"""What points at what, asked of the database itself.

Tables of plugins that are switched off are not imported, but their rows point at customers all the
same; so the foreign keys of the database count, not classes.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from relatum.db.database import Database


class Reference(msgspec.Struct, frozen=True, order=True):
    """A column whose values are keys of another table."""

    table: str
    column: str
    parent: str
    parent_column: str


class Unique(msgspec.Struct, frozen=True):
    """What may be there once.

    Attributes:
        parts: names of columns, or expressions over them.
        predicate: only rows for which it holds; all when it is empty.
    """

    parts: tuple[str, ...]
    predicate: str = ""


class TableShape(msgspec.Struct, frozen=True, kw_only=True):
    """One table.

    Attributes:
        key: the columns of its primary key.
        columns: what can be written, with the database's name of its type.
        uniques: every index that refuses a second row.
        apart: pairs of columns that must differ.
    """

    name: str
    key: tuple[str, ...]
    columns: Mapping[str, str]
    uniques: tuple[Unique, ...] = ()
    apart: tuple[tuple[str, str], ...] = ()


class Catalogue(msgspec.Struct, frozen=True):
    """All tables, and what points at each."""

    tables: Mapping[str, TableShape]
    references: Mapping[str, tuple[Reference, ...]]

    def to(self, table: str) -> tuple[Reference, ...]:
        """What points at rows of a table, by table and column."""
        return self.references.get(table, ())

    def of(self, table: str) -> Iterator[Reference]:
        """What the rows of a table point at."""
        for references in self.references.values():
            yield from (each for each in references if each.table == table)


async def catalogue_of(db: Database) -> Catalogue:
    """Read it as it is at this moment."""
    return await (_of_sqlite(db) if db.kind == "sqlite" else _of_postgresql(db))


def _catalogue(tables: Mapping[str, TableShape], found: Sequence[Reference]) -> Catalogue:
    references: defaultdict[str, list[Reference]] = defaultdict(list)
    for each in sorted(set(found)):
        references[each.parent].append(each)
    return Catalogue(tables, {name: tuple(some) for name, some in references.items()})


# -- SQLite --------------------------------------------------------------------------------------

_TABLES = "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
_COLUMNS = (
    "SELECT m.name, c.name, c.type, c.pk FROM sqlite_master m, pragma_table_xinfo(m.name) c "
    "WHERE m.type = 'table' AND c.hidden = 0 ORDER BY m.name, c.cid"
)
_FOREIGN = (
    'SELECT m.name, f.id, f."from", f."table", f."to" '
    "FROM sqlite_master m, pragma_foreign_key_list(m.name) f WHERE m.type = 'table'"
)
_UNIQUES = (
    "SELECT m.name, i.name, i.partial, c.name, s.sql "
    "FROM sqlite_master m, pragma_index_list(m.name) i, pragma_index_info(i.name) c "
    "LEFT JOIN sqlite_master s ON s.type = 'index' AND s.name = i.name "
    "WHERE m.type = 'table' AND i.\"unique\" ORDER BY m.name, i.name, c.seqno"
)
_APART = re.compile(r"CHECK\s*\(+\s*[\"`]?(\w+)[\"`]?\s*(?:<>|!=)\s*[\"`]?(\w+)[\"`]?\s*\)+", re.I)
_LISTED = re.compile(r"\bON\b[^(]*\(", re.I)


async def _of_sqlite(db: Database) -> Catalogue:
    made, columns, foreign, uniques = await db.fetch_together(
        *((sql, ()) for sql in (_TABLES, _COLUMNS, _FOREIGN, _UNIQUES))
    )
    types: defaultdict[str, dict[str, str]] = defaultdict(dict)
    keys: defaultdict[str, dict[int, str]] = defaultdict(dict)
    for table, column, type_, place in columns:
        types[table][column] = type_
        if place:
            keys[table][place] = column
    once = _sqlite_uniques(uniques)
    tables = {
        name: TableShape(
            name=name,
            key=tuple(keys[name][place] for place in sorted(keys[name])),
            columns=types[name],
            uniques=(*once.get(name, ()), *_key_of(keys[name])),
            apart=tuple(_APART.findall(sql or "")),
        )
        for name, sql in made
    }
    return _catalogue(tables, _sqlite_references(foreign, tables))


def _key_of(key: Mapping[int, str]) -> tuple[Unique, ...]:
    return (Unique(tuple(key[place] for place in sorted(key))),) if key else ()


def _sqlite_references(
    foreign: Sequence[tuple[Any, ...]], tables: Mapping[str, TableShape]
) -> list[Reference]:
    several: defaultdict[tuple[str, int], list[Reference]] = defaultdict(list)
    for table, number, column, parent, to in foreign:
        if parent in tables:
            aim = to or next(iter(tables[parent].key), "")
            several[table, number].append(Reference(table, column, parent, aim))
    return [some[0] for some in several.values() if len(some) == 1]


def _sqlite_uniques(rows: Sequence[tuple[Any, ...]]) -> dict[str, list[Unique]]:
    parts: defaultdict[tuple[str, str], list[str | None]] = defaultdict(list)
    texts: dict[tuple[str, str], str] = {}
    for table, index, partial, column, sql in rows:
        parts[table, index].append(column)
        if sql and (partial or column is None):
            texts[table, index] = sql
    found: defaultdict[str, list[Unique]] = defaultdict(list)
    for (table, index), names in parts.items():
        text = texts.get((table, index), "")
        listed, predicate = _read_index(text) if text else ([], "")
        plain = [name for name in names if name is not None]
        found[table].append(Unique(tuple(listed or plain), predicate))
    return dict(found)


def _read_index(sql: str) -> tuple[list[str], str]:
    """The parts and the predicate of a CREATE INDEX."""
    begin = _LISTED.search(sql)
    if begin is None:
        return [], ""
    parts: list[str] = []
    depth, part = 1, ""
    for place in range(begin.end(), len(sql)):
        letter = sql[place]
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if depth == 0:
            rest = re.match(r"\s*WHERE\s+(.*)$", sql[place + 1 :], re.I | re.S)
            return [*parts, part.strip().strip('"`')], rest[1] if rest else ""
        if letter == "," and depth == 1:
            parts.append(part.strip().strip('"`'))
            part = ""
        else:
            part += letter
    return [], ""


# -- PostgreSQL ----------------------------------------------------------------------------------

_HERE = "n.nspname = current_schema() AND c.relkind IN ('r', 'p')"
_PG_COLUMNS = f"""
SELECT c.relname::text, a.attname::text, format_type(a.atttypid, NULL),
  coalesce(array_position(k.conkey, a.attnum), 0)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  AND a.attgenerated = ''
LEFT JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype = 'p'
WHERE {_HERE} ORDER BY c.relname, a.attnum"""  # noqa: S608 - our own
_PG_FOREIGN = f"""
SELECT c.relname::text, a.attname::text, p.relname::text, b.attname::text
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_class p ON p.oid = k.confrelid
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.conkey[1]
JOIN pg_attribute b ON b.attrelid = p.oid AND b.attnum = k.confkey[1]
WHERE k.contype = 'f' AND cardinality(k.conkey) = 1 AND {_HERE}"""  # noqa: S608 - our own
_PG_UNIQUES = f"""
SELECT c.relname::text, i.indexrelid::bigint,
  trim(both '"' from pg_get_indexdef(i.indexrelid, s.place::int, true)),
  coalesce(pg_get_expr(i.indpred, i.indrelid), '')
FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL generate_series(1, i.indnkeyatts) s(place)
WHERE i.indisunique AND {_HERE} ORDER BY 1, 2, s.place"""  # noqa: S608 - our own
_PG_CHECKS = f"""
SELECT c.relname::text, pg_get_constraintdef(k.oid) FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE k.contype = 'c' AND {_HERE}"""  # noqa: S608 - our own


async def _of_postgresql(db: Database) -> Catalogue:
    columns, foreign, uniques, checks = await db.fetch_together(
        *((sql, ()) for sql in (_PG_COLUMNS, _PG_FOREIGN, _PG_UNIQUES, _PG_CHECKS))
    )
    types: defaultdict[str, dict[str, str]] = defaultdict(dict)
    keys: defaultdict[str, dict[int, str]] = defaultdict(dict)
    for table, column, type_, place in columns:
        types[table][column] = type_
        if place:
            keys[table][place] = column
    parts: defaultdict[tuple[str, int, str], list[str]] = defaultdict(list)
    for table, index, part, predicate in uniques:
        parts[table, index, predicate].append(part)
    once: defaultdict[str, list[Unique]] = defaultdict(list)
    for (table, _, predicate), some in parts.items():
        once[table].append(Unique(tuple(some), predicate))
    apart: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for table, text in checks:
        apart[table] += _APART.findall(text)
    tables = {
        name: TableShape(
            name=name,
            key=tuple(keys[name][place] for place in sorted(keys[name])),
            columns=some,
            uniques=tuple(once[name]),
            apart=tuple(apart[name]),
        )
        for name, some in types.items()
    }
    return _catalogue(tables, [Reference(*row) for row in foreign])
