"""Writes under a guard: their target is the real table, so they are limited here.

* UPDATE and DELETE touch visible rows only; a reference is set to visible rows only.
* INSERT … SELECT writes only rows that point at visible rows; INSERT … VALUES into a table that
  points at others goes through ``Database.insert``, which looks first.
* A conflicting row that is hidden is left as it is.
* Columns that are masked cannot be named where a write reads: the target would give out the truth,
  a shadow would have its mask saved.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from relatum.db.guarding import Guard, Shadow
from relatum.db.statements import NEW, SEEN, Parsed, refused
from relatum.db.tokens import Token, keywords

Piece = str | Sequence[Token]

_AFTER_SET = ("FROM", "WHERE", "RETURNING", "ORDER", "LIMIT")
_AFTER_WHERE = ("RETURNING", "ORDER", "LIMIT")
_BEGINS_A_SELECT = frozenset({"SELECT", "WITH", "VALUES", "TABLE"})
_NO_ALIAS = keywords(
    "SET INDEXED NOT WHERE USING RETURNING ORDER LIMIT VALUES SELECT DEFAULT OVERRIDING ON "
    "FROM WITH TABLE"
)


class Changes(NamedTuple):
    """What becomes of a statement besides its shadows.

    Attributes:
        mentioned: tables whose shadows it needs.
        statement: it anew, from its verb on; empty when it stays as it is.
        source: one more entry of its WITH.
    """

    mentioned: tuple[str, ...]
    statement: Sequence[Piece] = ()
    source: Sequence[Piece] = ()


class Target(NamedTuple):
    """The table that is written.

    Attributes:
        name: in lower case.
        place: of its name.
        qualifier: what its columns are called by, quoted.
        known_as: the name or alias, in lower case.
        end: the place after name and alias.
    """

    name: str
    place: int
    qualifier: str
    known_as: str
    end: int


class Insert(msgspec.Struct, frozen=True):
    """The parts of an INSERT, as places; those that are not there are the end."""

    columns: tuple[int, int] | None
    source: int
    conflict: int
    update: int
    returning: int

    @property
    def source_end(self) -> int:
        return min(self.conflict, self.returning)


def changes_of(parsed: Parsed, guard: Guard, *, checked: bool) -> Changes:
    """What has to be changed in a statement so that it stays within the guard.

    Args:
        checked: the rows to insert are known to point at visible rows only.

    Raises:
        UnguardedStatement: it cannot be limited.
    """
    if parsed.verb == "SELECT":
        return Changes(parsed.mentioned)
    target = _target(parsed)
    insert = _insert(parsed, target) if parsed.verb == "INSERT" else None
    if guard.masks:
        _refuse_masked_columns(parsed, guard, target, insert)
    named = {
        token.name
        for place, token in enumerate(parsed.tokens)
        if token.name in guard.shadows and place != target.place
    }
    shadow = guard.shadows.get(target.name)
    if shadow is None:
        return Changes(tuple(sorted(named)))
    write = _Write(parsed, guard, target, shadow, named)
    if insert is not None:
        return write.insert(insert, checked=checked)
    return write.update() if parsed.verb == "UPDATE" else write.delete()


def _target(parsed: Parsed) -> Target:
    place = _target_at(parsed)
    if place >= len(parsed.tokens) or not parsed.tokens[place].name:
        raise refused("a plain table to write to", parsed.text(place), "name the table")
    named, end = place, place + 1
    if parsed.text(end) == "*":
        end += 1
    if parsed.keyword(end) == "AS":
        named, end = end + 1, end + 2
    elif _may_be_alias(parsed, end):
        named, end = end, end + 1
    if named >= len(parsed.tokens) or parsed.tokens[named].name in {"", "excluded"}:
        raise refused("an alias of your own", parsed.text(named), "choose another name")
    name = parsed.tokens[named]
    qualifier = name.text if name.kind == "quoted" else f'"{name.name}"'
    return Target(parsed.tokens[place].name, place, qualifier, name.name, end)


def _target_at(parsed: Parsed) -> int:
    """The place of the table's name after UPDATE OR …, INSERT INTO, DELETE FROM ONLY schema."""
    place = parsed.verb_at + 1
    if parsed.keyword(place) == "OR":
        place += 2
    if parsed.keyword(place) in {"INTO", "FROM"}:
        place += 1
    if parsed.keyword(place) == "ONLY":
        place += 1
    return place + 2 if parsed.text(place + 1) == "." else place


def _may_be_alias(parsed: Parsed, place: int) -> bool:
    if place >= len(parsed.tokens) or not parsed.tokens[place].name:
        return False
    return parsed.keyword(place) not in _NO_ALIAS


def _insert(parsed: Parsed, target: Target) -> Insert:
    place = target.end
    columns = None
    if parsed.text(place) == "(" and parsed.keyword(place + 1) not in _BEGINS_A_SELECT:
        end = next(
            (n for n in range(place, len(parsed.tokens)) if parsed.text(n) == ")"),
            len(parsed.tokens),
        )
        columns = (place + 1, end)
        place = end + 1
    if parsed.keyword(place) == "OVERRIDING":
        place += 3
    conflict = place
    while conflict < len(parsed.tokens):
        conflict = parsed.find(conflict, "ON")
        if parsed.keyword(conflict + 1) == "CONFLICT":
            break
        conflict += 1
    conflict = min(conflict, len(parsed.tokens))
    returning = parsed.find(place, "RETURNING")
    return Insert(columns, place, conflict, _do_update(parsed, conflict), returning)


def _do_update(parsed: Parsed, conflict: int) -> int:
    places = [
        place
        for place in range(conflict, len(parsed.tokens))
        if parsed.keyword(place) == "DO" and parsed.keyword(place + 1) == "UPDATE"
    ]
    if len(places) > 1:
        raise refused("one DO UPDATE", "several", "write them in statements of their own")
    return places[0] if places else len(parsed.tokens)


class _Write:
    """One write into a guarded table."""

    def __init__(
        self, parsed: Parsed, guard: Guard, target: Target, shadow: Shadow, named: set[str]
    ) -> None:
        self._parsed = parsed
        self._guard = guard
        self._target = target
        self._shadow = shadow
        self._named = named
        self._refers = {
            column: parent
            for column, parent in shadow.refers.items()
            if parent in guard.shadows and guard.shadows[parent].hides_rows
        }

    def update(self) -> Changes:
        parsed = self._parsed
        self._refuse_replacing()
        start = parsed.find(self._target.end, "SET")
        conditions = [self._limit(), *self._set_references(start)]
        return self._where(start, [each for each in conditions if each])

    def delete(self) -> Changes:
        limit = self._limit()
        return self._where(self._target.end, [limit] if limit else [])

    def _where(self, start: int, conditions: list[list[Piece]]) -> Changes:
        if not conditions:
            return self._changes()
        parsed = self._parsed
        pieces = [parsed.tokens[parsed.verb_at : start]]
        return self._changes([*pieces, *self._limited(start, len(parsed.tokens), conditions)])

    def _limited(self, start: int, end: int, conditions: list[list[Piece]]) -> list[Piece]:
        """The tokens from ``start`` to ``end`` with conditions added to their WHERE."""
        parsed = self._parsed
        where = min(parsed.find(start, "WHERE"), end)
        after = min(parsed.find(start, *_AFTER_WHERE), end)
        added = _joined(conditions, " AND ")
        if where >= after:
            return [parsed.tokens[start:after], " WHERE ", *added, parsed.tokens[after:end]]
        if parsed.keyword(where + 1) == "CURRENT" and parsed.keyword(where + 2) == "OF":
            raise refused("a WHERE with conditions", "WHERE CURRENT OF", "name the rows by id")
        return [
            parsed.tokens[start:where],
            " WHERE (",
            parsed.tokens[where + 1 : after],
            ") AND ",
            *added,
            parsed.tokens[after:end],
        ]

    def _limit(self) -> list[Piece]:
        if not self._shadow.hides_rows:
            return []
        self._named.add(self._target.name)
        return [
            _seen(self._target.name, self._shadow.key),
            f'{self._target.qualifier}."{self._shadow.key}") ',
        ]

    def _set_references(self, start: int) -> Iterator[list[Piece]]:
        for column, expression in self._set_expressions(start):
            if column == self._shadow.key:
                raise refused("rows that keep their key", f"SET {column}", "write a new row")
            if column not in self._refers or _is_nothing(expression):
                continue
            parent = self._refers[column]
            key = self._guard.shadows[parent].key
            self._named.add(parent)
            if all(_needs_no_scope(token) for token in expression):
                found: list[Piece] = [_seen(parent, key), "(", expression, "))"]
            else:
                keys = f'SELECT "{key}" FROM "{parent}"'  # noqa: S608 - names come from code
                found = ["(", expression, f") IN ({keys})"]
            # In this order: PostgreSQL learns the type of a parameter where it meets it first.
            yield ["(", *found, " OR (", expression, ") IS NULL) "]

    def _set_expressions(self, start: int) -> Iterator[tuple[str, Sequence[Token]]]:
        """Columns that SET changes, with what they are set to."""
        for _, item in _set_items(self._parsed, start):
            texts = [token.text for token in item]
            if item and item[0].text == "(" and self._refers.keys() & {t.name for t in item}:
                raise refused(
                    "references set one by one", "SET (…) = …", "write SET column = value"
                )
            if "=" in texts:
                yield item[0].name, item[texts.index("=") + 1 :]

    def insert(self, insert: Insert, *, checked: bool) -> Changes:
        self._refuse_replacing()
        parsed = self._parsed
        source: list[Piece] = []
        pieces: list[Piece] = [parsed.tokens[parsed.verb_at : insert.source_end]]
        referring = self._referring(insert)
        if referring and not checked and parsed.keyword(insert.source) != "DEFAULT":
            source, pieces = self._selected(insert, referring)
        if insert.update < len(parsed.tokens):
            pieces += self._conflict(insert)
        elif source:
            pieces.append(parsed.tokens[insert.source_end :])
        else:
            return self._changes()
        return self._changes(pieces, source)

    def _referring(self, insert: Insert) -> dict[str, str]:
        if insert.columns is None:
            return self._refers
        listed = {token.name for token in self._parsed.tokens[slice(*insert.columns)]}
        return {column: parent for column, parent in self._refers.items() if column in listed}

    def _selected(
        self, insert: Insert, referring: dict[str, str]
    ) -> tuple[list[Piece], list[Piece]]:
        """INSERT … SELECT through a WITH entry, of which only permitted rows are taken."""
        parsed = self._parsed
        if parsed.keyword(insert.source) == "VALUES":
            raise refused(
                f"rows for {self._target.name} through Database.insert",
                "INSERT … VALUES",
                "Database.insert looks whether what the rows point at is visible",
            )
        if insert.columns is None:
            raise refused("the columns by name", f"INSERT INTO {self._target.name} SELECT", "do so")
        columns = parsed.tokens[slice(*insert.columns)]
        selected: list[Piece] = [parsed.tokens[insert.source : insert.source_end]]
        if parsed.kind == "postgresql":
            # Gives parameters the types of the columns they go into, as INSERT itself would.
            typed = f' FROM "{self._target.name}" WHERE false UNION ALL ('
            selected = ["SELECT ", columns, typed, *selected, ")"]
        source: list[Piece] = [f"{NEW} (", columns, ") AS (", *selected, ")"]
        self._named.update(referring.values())
        conditions: list[list[Piece]] = [
            [
                f'({NEW}."{column}" IS NULL OR ',
                _seen(parent, self._guard.shadows[parent].key),
                f'{NEW}."{column}"))',
            ]
            for column, parent in referring.items()
        ]
        head = parsed.tokens[parsed.verb_at : insert.source]
        taken: list[Piece] = [" SELECT ", columns, f" FROM {NEW} WHERE "]
        return source, [head, *taken, *_joined(conditions, " AND "), " "]

    def _conflict(self, insert: Insert) -> list[Piece]:
        parsed = self._parsed
        start = parsed.find(insert.update, "SET")
        for column, expression in self._set_expressions(start):
            texts = [token.name or token.text for token in expression]
            if column in self._refers and texts != ["excluded", ".", column]:
                raise refused(
                    f"{column} = excluded.{column}", f"another value of {column}", "write it so"
                )
        limit = self._limit()
        head = parsed.tokens[insert.source_end : start]
        if not limit:
            return [head, parsed.tokens[start:]]
        return [head, *self._limited(start, len(parsed.tokens), [limit])]

    def _refuse_replacing(self) -> None:
        parsed = self._parsed
        at = parsed.verb_at
        if parsed.keyword(at) == "REPLACE" or "REPLACE" in (
            parsed.keyword(at + 1),
            parsed.keyword(at + 2),
        ):
            raise refused("ON CONFLICT", "REPLACE, which deletes rows", "say what to update")

    def _changes(self, statement: Sequence[Piece] = (), source: Sequence[Piece] = ()) -> Changes:
        return Changes(tuple(sorted(self._named)), statement, source)


def _seen(table: str, key: str) -> str:
    """``EXISTS`` up to what the key is compared with; the caller closes the parenthesis."""
    return f'EXISTS (SELECT 1 FROM "{table}" {SEEN} WHERE {SEEN}."{key}" = '  # noqa: S608 - names come from code


def _joined(conditions: Sequence[Sequence[Piece]], between: str) -> list[Piece]:
    joined: list[Piece] = list(conditions[0])
    for condition in conditions[1:]:
        joined += [between, *condition]
    return joined


def _set_items(parsed: Parsed, start: int) -> Iterator[tuple[int, Sequence[Token]]]:
    """The assignments after the SET at ``start``, and where each begins."""
    end = start + 1
    while True:
        end = parsed.find(end, *_AFTER_SET)
        if parsed.keyword(end) != "FROM" or parsed.keyword(end - 1) != "DISTINCT":
            break
        end += 1
    begin = start + 1
    for place in range(begin, end):
        if parsed.tokens[place].text == "," and parsed.tokens[place].depth == 0:
            yield begin, parsed.tokens[begin:place]
            begin = place + 1
    yield begin, parsed.tokens[begin:end]


def _is_nothing(expression: Sequence[Token]) -> bool:
    return len(expression) == 1 and expression[0].keyword in {"NULL", "DEFAULT"}


def _needs_no_scope(token: Token) -> bool:
    """Whether it means the same inside a subquery; a name could be taken for one of its columns."""
    return token.kind in {"mark", "number", "string"} or token.keyword == "NULL"


def _refuse_masked_columns(
    parsed: Parsed, guard: Guard, target: Target, insert: Insert | None
) -> None:
    tables = {*parsed.mentioned, target.name} & guard.shadows.keys()
    masked = frozenset[str]().union(*(guard.shadows[table].masked for table in tables))
    if not masked:
        return
    end = len(parsed.tokens)
    if insert is not None and insert.update == end:
        end = insert.returning  # rows that are new hold nothing but what was just given
    written = _written(parsed, target, insert)
    for place, token in enumerate(parsed.tokens[:end]):
        if token.name in masked and token.kind != "string" and place not in written:
            raise _names_masked(token.text)
        if token.text == "*" and _is_every_column(parsed, place):
            raise _names_masked("*")
        if _is_whole_row(parsed, place, target):
            raise _names_masked(f"the whole row {token.text}")


def _names_masked(got: str) -> Exception:
    return refused(
        "a write that names no column with masked values, except to set it",
        got,
        "do this as the house, or leave the column out",
    )


def _written(parsed: Parsed, target: Target, insert: Insert | None) -> set[int]:
    """Where columns are named as what is written, not as what is read."""
    written: set[int] = set()
    start = parsed.find(target.end, "SET")
    if insert is not None:
        start = parsed.find(insert.update, "SET")
        written.update(range(*(insert.columns or (0, 0))))
        written.update(
            place
            for place in range(insert.update, len(parsed.tokens))
            if parsed.text(place - 1) == "." and parsed.text(place - 2).lower() == "excluded"
        )
    for place, item in _set_items(parsed, start):
        if len(item) > 1 and item[1].text == "=":
            written.add(place)
    return written


def _is_every_column(parsed: Parsed, place: int) -> bool:
    return parsed.keyword(place - 1) in {"SELECT", "ALL", "DISTINCT", "RETURNING"} or parsed.text(
        place - 1
    ) in {",", "."}


def _is_whole_row(parsed: Parsed, place: int, target: Target) -> bool:
    if parsed.kind == "sqlite" or target.place <= place < target.end:
        return False
    token = parsed.tokens[place]
    if token.name not in {target.name, target.known_as} or token.kind == "string":
        return False
    return (
        parsed.text(place + 1) != "."
        and parsed.text(place - 1) != "."
        and parsed.keyword(place - 1) not in {"FROM", "JOIN", "ONLY", "AS"}
    )
