"""Strings, comments and names are told apart as each database tells them."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relatum.db.tokens import Kind, UnguardedStatement, numbered, relations, tokens_of


def kinds(sql: str, kind: Kind) -> list[tuple[str, str]]:
    return [(token.kind, token.text) for token in tokens_of(sql, kind)]


def test_sqlite_names_and_strings() -> None:
    sql = "SELECT \"a \"\"b\", [c d], `e``f`, 'it''s' FROM t -- 'no\n WHERE x>=.5e3 /* ' */ AND y"
    assert kinds(sql, "sqlite") == [
        ("word", "SELECT"),
        ("quoted", '"a ""b"'),
        ("symbol", ","),
        ("quoted", "[c d]"),
        ("symbol", ","),
        ("quoted", "`e``f`"),
        ("symbol", ","),
        ("string", "'it''s'"),
        ("word", "FROM"),
        ("word", "t"),
        ("word", "WHERE"),
        ("word", "x"),
        ("symbol", ">"),
        ("symbol", "="),
        ("number", ".5e3"),
        ("word", "AND"),
        ("word", "y"),
    ]
    names = [token.name for token in tokens_of(sql, "sqlite") if token.kind == "quoted"]
    assert names == ['a "b', "c d", "e`f"]


def test_postgresql_strings() -> None:
    sql = r"SELECT E'a\'b', $$x ' $1$$, $t$ $$ ? $t$, 'back\', a ? 'b', x::text[] FROM t"
    strings = [text for kind, text in kinds(sql, "postgresql") if kind == "string"]
    assert strings == [r"E'a\'b'", "$$x ' $1$$", "$t$ $$ ? $t$", "'back\\'", "'b'"]
    assert not any(token.params for token in tokens_of(sql, "postgresql"))


def test_parameters_are_counted() -> None:
    asked = tokens_of("a = ? AND b IN (?, ?,?) AND c = '?'", "sqlite")
    assert [token.params for token in asked if token.params] == [(0,), (1, 2, 3)]
    given_ = tokens_of("a = $2 AND b IN ($1,$3) AND c ? 'x'", "postgresql")
    assert [token.params for token in given_ if token.params] == [(1,), (0, 2)]


@pytest.mark.parametrize(
    ("kind", "sql"),
    [
        ("sqlite", "SELECT 'open"),
        ("sqlite", 'SELECT "open'),
        ("sqlite", "SELECT [open"),
        ("sqlite", "SELECT /* open"),
        ("sqlite", "SELECT /* one /* two */ three */ 1"),
        ("sqlite", "SELECT ?1"),
        ("sqlite", "SELECT :name"),
        ("sqlite", "SELECT @name"),
        ("sqlite", "SELECT $name"),
        ("sqlite", "SELECT 1a"),
        ("sqlite", "SELECT \0"),
        ("sqlite", "SELECT\v1"),
        ("postgresql", "SELECT $$open"),
        ("postgresql", "SELECT $a$open$b$"),
        ("postgresql", "SELECT E'open\\'"),
        ("postgresql", 'SELECT * FROM U&"core\\005fcustomer"'),
        ("postgresql", "SELECT $1a"),
        ("postgresql", "SELECT /* one /* two */ three */ 1"),
    ],
)
def test_what_can_be_read_in_two_ways_is_refused(kind: Kind, sql: str) -> None:
    with pytest.raises(UnguardedStatement):
        tokens_of(sql, kind)


def test_letters_beyond_ascii_belong_to_names() -> None:
    """A no-break space is a letter to both databases, so this is not the name of the table."""
    (token,) = tokens_of("core_customer\u00a0", "sqlite")
    assert token.name != "core_customer"


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT a FROM t", ["t"]),
        ("SELECT a, b FROM t x, u AS y JOIN v USING (a, b) WHERE c IN (a, b)", ["t", "u", "v"]),
        ("SELECT a FROM (t JOIN u ON 1 = 1), (SELECT b FROM v) w", ["t", "u", "v"]),
        ("SELECT extract(year FROM a), substr(b FROM 2) FROM t", ["t"]),
        ("SELECT a IS DISTINCT FROM b, c FROM t", ["t"]),
        ("SELECT a FROM json_each(b) j, t", ["json_each", "t"]),
        ("SELECT a FROM t WHERE EXISTS (SELECT 1 FROM u, v) ORDER BY a, b", ["t", "u", "v"]),
        ("SELECT a FROM t UNION SELECT b FROM u", ["t", "u"]),
        ("DELETE FROM t WHERE a IN (SELECT b FROM u)", ["t", "u"]),
    ],
)
def test_relations(sql: str, expected: list[str]) -> None:
    tokens = tokens_of(sql, "sqlite")
    assert [tokens[place].text for place in relations(tokens)] == expected


def test_question_marks_in_literals_are_no_placeholders() -> None:
    sql = "SELECT '?', \"?\" FROM t -- why?\nWHERE a = ? /* ? */ AND b = ?"
    assert numbered(sql) == "SELECT '?', \"?\" FROM t -- why?\nWHERE a = $1 /* ? */ AND b = $2"


PIECES = st.sampled_from(
    ["'", '"', "`", "[", "]", "--", "/*", "*/", "\n", " ", "x", "?", ",", "''", '""', "(", ")"]
)


@given(st.lists(PIECES, max_size=14).map("".join))
def test_sqlite_reads_what_is_let_through_alike(noise: str) -> None:
    """As many parameters as SQLite finds, whenever SQLite can read it at all."""
    sql = f"SELECT 1 AS y {noise}"
    expected: list[Any] = []
    try:
        tokens = tokens_of(sql, "sqlite")
    except UnguardedStatement:
        return
    expected = [0] * sum(len(token.params) for token in tokens)
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        try:
            connection.execute(sql, expected)
        except sqlite3.ProgrammingError as error:  # a wrong number of parameters
            pytest.fail(f"{error}: {sql!r}")
        except sqlite3.Error:
            return
