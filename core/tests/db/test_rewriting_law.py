"""The law: whoever sees in part reads and writes as if the rest did not exist.

Random statements run under a guard on the whole database, and without one on a second database from
which everything hidden was deleted beforehand.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from relatum.db.database import Database
from relatum.db.guarding import guarded_by

pytestmark = pytest.mark.long
law = settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)
Draw = Callable[[Any], Any]

TABLES = {
    "core_customer": ("id", "name", "owner"),
    "crm_contact": ("id", "customer_id", "raw", "label"),
    "crm_deal": ("id", "customer_id", "name", "amount"),
    "crm_line": ("id", "deal_id", "n"),
    "crm_total": ("id", "n"),
    "crm_plain": ("id", "n", "text"),
}
TEXTS = {"name", "raw", "label", "text"}
PARENTS = {"crm_contact": "customer_id", "crm_deal": "customer_id", "crm_line": "deal_id"}


class Relation(NamedTuple):
    """Something in a FROM clause, by its alias."""

    sql: str
    alias: str
    columns: tuple[str, ...]

    def numbers(self) -> list[str]:
        return [f"{self.alias}.{name}" for name in self.columns if name not in TEXTS]


class Statement:
    """A random statement in the making."""

    def __init__(self, draw: Draw, kind: str) -> None:
        self.draw = draw
        self.kind = kind
        self.params: list[Any] = []
        self._aliases = 0
        self._ctes: list[Relation] = []

    def one_of(self, *choices: Any) -> Any:
        return self.draw(st.sampled_from(choices))

    def maybe(self, chance: int = 2) -> bool:
        return bool(self.draw(st.integers(1, chance)) == 1)

    def value(self, number: int) -> str:
        self.params.append(number)
        return "CAST(? AS INTEGER)" if self.kind == "postgresql" else "?"

    def spelled(self, table: str) -> str:
        """One of the ways in which SQL lets a name be written."""
        ways = [table, table.upper(), f'"{table}"', f"/* {table}? */ {table}", f"{table} -- ?'\n"]
        if self.kind == "sqlite":
            ways += [f"[{table}]", f"`{table.title()}`", f"'{table}'"]
        return str(self.one_of(*ways))

    def alias(self) -> str:
        self._aliases += 1
        return str(self.one_of(f"a{self._aliases}", f"relatum{self._aliases}"))

    # -- relations -------------------------------------------------------------------------------

    def relation(self, depth: int) -> Relation:
        if depth and self.maybe(4):
            return self.subquery(depth - 1)
        if self._ctes and self.maybe(2):
            cte = self.one_of(*self._ctes)
            alias = self.alias()
            return Relation(f"{cte.alias} {alias}", alias, cte.columns)
        table = self.one_of(*TABLES)
        alias = self.alias()
        between = self.one_of(" ", " AS ", "\n")
        return Relation(f"{self.spelled(table)}{between}{alias}", alias, TABLES[table])

    def subquery(self, depth: int) -> Relation:
        sql, columns = self.select(depth)
        alias = self.alias()
        return Relation(f"({sql}) AS {alias}", alias, columns)

    def joined(self, depth: int) -> tuple[str, list[Relation]]:
        relations = [self.relation(depth)]
        sql = relations[0].sql
        for _ in range(self.draw(st.integers(0, 2))):
            other = self.relation(depth)
            mine, theirs = self.one_of(*relations).numbers(), other.numbers()
            on = f"{self.one_of(*mine)} = {self.one_of(*theirs)}"
            join = self.one_of("JOIN", "LEFT JOIN", "INNER JOIN")
            relations.append(other)
            sql += f" {join} {other.sql} ON {on}"
        return sql, relations

    # -- conditions ------------------------------------------------------------------------------

    def condition(self, relations: list[Relation], depth: int) -> str:
        number = self.one_of(*[name for each in relations for name in each.numbers()])
        simple = [
            lambda: f"{number} {self.one_of('<', '>=', '=', '<>')} {self.value(self.small())}",
            lambda: f"{number} IN ({self.value(1)}, {self.value(self.small())})",
            lambda: f"{number} IS {self.one_of('', 'NOT ')}NULL",
            lambda: f"'it''s core_customer ?' <> '{number}'",
            lambda: f"({number} = 1 OR {number} > {self.value(self.small())})",
        ]
        nested = [
            lambda: f"{number} {self.one_of('', 'NOT ')}IN ({self.numbers(depth - 1)})",
            lambda: f"{self.one_of('', 'NOT ')}EXISTS ({self.exists(number, depth - 1)})",
            lambda: f"{number} <= ({self.largest(depth - 1)})",
        ]
        return str(self.one_of(*simple, *(nested if depth else ()))())

    def small(self) -> int:
        return int(self.draw(st.integers(0, 14)))

    def where(self, relations: list[Relation], depth: int) -> str:
        if self.maybe(4):
            return ""
        some = [self.condition(relations, depth) for _ in range(self.draw(st.integers(1, 2)))]
        return " WHERE " + self.one_of(" AND ", " OR ").join(some)

    def numbers(self, depth: int) -> str:
        """A SELECT of one column of numbers."""
        sql, relations = self.joined(max(depth, 0))
        column = self.one_of(*relations[0].numbers())
        where = self.where(relations, max(depth, 0))
        return f"SELECT {column} FROM {sql}{where or ' WHERE 1 = 1'} AND {column} IS NOT NULL"

    def exists(self, number: str, depth: int) -> str:
        relation = self.relation(max(depth, 0))
        return f"SELECT 1 FROM {relation.sql} WHERE {self.one_of(*relation.numbers())} = {number}"

    def largest(self, depth: int) -> str:
        relation = self.relation(max(depth, 0))
        return f"SELECT max({self.one_of(*relation.numbers())}) FROM {relation.sql}"

    # -- whole statements ------------------------------------------------------------------------

    def select(self, depth: int) -> tuple[str, tuple[str, ...]]:
        sql, relations = self.joined(depth)
        first = relations[0]
        if self.maybe(4):
            column = self.one_of(*first.numbers())
            counted = f"SELECT count(*) AS n, sum({column}) AS id FROM {sql}"
            return counted + self.where(relations, depth), ("n", "id")
        names = tuple(dict.fromkeys(["id" if "id" in first.columns else "n", *first.columns]))
        columns = ", ".join(f"{first.alias}.{name}" for name in names)
        distinct = self.one_of("", "DISTINCT ")
        return f"SELECT {distinct}{columns} FROM {sql}{self.where(relations, depth)}", names

    def reading(self) -> str:
        ctes = []
        for _ in range(self.draw(st.integers(0, 2))):
            sql, columns = self.select(1)
            name = f"cte{len(ctes)}"
            self._ctes.append(Relation(name, name, columns))
            ctes.append(f"{name} AS ({sql})")
        if self.maybe(3):
            body = f"{self.numbers(1)} {self.one_of('UNION', 'UNION ALL', 'EXCEPT')} "
            body += self.numbers(1)
        else:
            body, _ = self.select(2)
        word = self.one_of("WITH", "with recursive", "WITH\n")
        return (f"{word} {', '.join(ctes)} " if ctes else "") + body

    def target(self) -> tuple[str, str, str]:
        """A table, how it is written as a target, and what its columns are called by."""
        table = self.one_of("core_customer", "crm_deal", "crm_line", "crm_total", "crm_plain")
        if self.maybe(2):
            return table, self.spelled(table).split("--")[0].split("*/")[-1].strip(), table
        return table, f"{table} AS aim", "aim"

    def update(self) -> tuple[str, str]:
        table, target, alias = self.target()
        relation = Relation(target, alias, TABLES[table])
        value = {"core_customer": "owner", "crm_deal": "amount"}.get(table, "n")
        sets = [f"{value} = ({self.largest(0)})" if self.maybe(3) else f"{value} = {value} + 1"]
        if table == "core_customer":  # the owner decides who sees it, and stays as it is
            sets = ["name = 'changed'"]
        parent = PARENTS.get(table)
        if parent and self.maybe(2):
            new = self.value(self.small())
            shapes = (new, f"coalesce({new}, {parent})", f"{alias}.id", "NULL")
            chosen = self.one_of(*shapes)
            if new not in chosen:
                self.params.pop()
            sets.append(f"{self.one_of(parent, parent.upper())} = {chosen}")
        where = self.where([relation], 1)
        return table, f"UPDATE {target} SET {', '.join(sets)}{where}"

    def delete(self) -> tuple[str, str]:
        table, target, alias = self.target()
        where = self.where([Relation(target, alias, TABLES[table])], 1)
        return table, f"DELETE FROM {target}{where}"

    def insert(self) -> tuple[str, str]:
        table = self.one_of("crm_contact", "crm_deal", "crm_line")
        relation = self.relation(1)
        parent = PARENTS[table]
        chosen = self.one_of(*relation.numbers(), "fixed")
        condition = self.where([relation], 1)
        shown = chosen
        if chosen == "fixed":
            before, self.params = self.params, []
            shown = self.value(self.small())
            self.params += before
        # Parameters stand in the order of the text: the fixed one comes before the condition's.
        keyed = f"(SELECT max(id) FROM {table}) + 1000 + {relation.numbers()[0]}"
        return table, (
            f"INSERT INTO {table} (id, {parent}) SELECT DISTINCT {keyed}, {shown} "
            f"FROM {relation.sql}{condition}"
        )


async def run(database: Database, sql: str, params: list[Any]) -> Counter[str]:
    rows = await database.fetch(sql, *params)
    return Counter(repr(row) for row in rows)


async def reads_alike(world: Any, data: st.DataObject, *, masks: bool) -> None:
    statement = Statement(data.draw, world.full.kind)
    sql = statement.reading()
    expected = await run(world.truth, sql, statement.params)
    with guarded_by(world.guard(masks=masks)):
        found = await run(world.full, sql, statement.params)
    assert found == expected, sql


@law
@given(data=st.data())
async def test_reading(world: Any, data: st.DataObject) -> None:
    await reads_alike(world, data, masks=False)


@law
@given(data=st.data())
async def test_reading_behind_masks(masked_world: Any, data: st.DataObject) -> None:
    await reads_alike(masked_world, data, masks=True)


def without_broken_references(before: Any, after: Any, table: str) -> Any:
    """What may be left of a write: rows that point at something hidden stay as they were."""
    seen = {row[0] for row in before["core_customer"]} | {None}
    if table == "crm_line":
        seen = {row[0] for row in before["crm_deal"]} | {None}
    if table not in PARENTS:
        return after
    former = {row[0]: row for row in before[table]}
    kept = [row if row[1] in seen else former.get(row[0]) for row in after[table]]
    return after | {table: sorted(row for row in kept if row is not None)}


@law
@given(data=st.data(), verb=st.sampled_from(["update", "delete", "insert"]))
async def test_writing(world: Any, data: st.DataObject, verb: str) -> None:
    await world.reset(masks=False)
    statement = Statement(data.draw, world.full.kind)
    table, sql = getattr(statement, verb)()
    before = await world.contents(world.truth)
    whole = await world.contents(world.full)
    count = await world.truth.execute(sql, *statement.params)
    expected = without_broken_references(before, await world.contents(world.truth), table)
    with guarded_by(world.guard(masks=False)):
        touched = await world.full.execute(sql, *statement.params)
    found = await world.contents(world.full)
    for name, rows in found.items():
        hidden = set(whole[name]) - set(before[name])
        assert set(rows) == hidden | set(expected[name]), (name, sql)
    if expected == await world.contents(world.truth):
        assert touched == count, sql


@law
@given(data=st.data(), verb=st.sampled_from(["update", "delete"]))
async def test_what_a_write_gives_back(world: Any, data: st.DataObject, verb: str) -> None:
    await world.reset(masks=False)
    statement = Statement(data.draw, world.full.kind)
    table, sql = getattr(statement, verb)()
    assume(" = NULL" not in sql and "coalesce" not in sql)
    before = await world.contents(world.truth)
    returning = f"{sql} RETURNING *, (SELECT count(*) FROM core_customer WHERE owner <> 1)"
    expected = await world.truth.execute_returning(returning, *statement.params)
    left = without_broken_references(before, await world.contents(world.truth), table)
    assume(left == await world.contents(world.truth))
    with guarded_by(world.guard(masks=False)):
        found = await world.full.execute_returning(returning, *statement.params)
    assert Counter(map(repr, found)) == Counter(map(repr, expected)), sql
