"""Rewriting statements so that a guard's shadows stand in for its tables.

``SELECT … FROM core_customer`` becomes ``WITH core_customer AS NOT MATERIALIZED (SELECT … FROM
main.core_customer WHERE …) SELECT … FROM core_customer``. The database itself resolves the name, so
that nothing here has to understand joins and subqueries: every plain use of the name reads the
shadow. Only the target of a write is the real table; :mod:`relatum.db.writes` limits that.

What cannot be limited with certainty is refused, never let through.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence, Set
from typing import Any, TypeVar

import msgspec

from relatum.db.guarding import MASK, Guard, Shadow
from relatum.db.statements import Parsed, refused
from relatum.db.tokens import Kind, Token, keywords, relations, tokens_of
from relatum.db.writes import Changes, changes_of
from relatum.values.problems import ConfigurationError, InvalidInput, Problem

K = TypeVar("K")
V = TypeVar("V")

KEPT_STATEMENTS = 2_048
#: Longer ones (lists of thousands of keys) are seldom the same.
LONGEST_KEPT = 20_000
_ESCAPED_MASK = "\\u2022\\u2022\\u2022"


class Rewritten(msgspec.Struct, frozen=True):
    """A statement under a guard.

    Attributes:
        sql: with shadows.
        tables: whose shadows' parameters come first, in this order.
        order: which of all parameters go where, when that is not simply one after the other.
        writes: whether its parameters may be saved.
        watched: whether it reads a column that the guard watches.
    """

    sql: str
    tables: tuple[str, ...]
    order: tuple[int, ...] | None
    writes: bool
    watched: bool = False


class Rewriter:
    """Rewrites the statements of one database.

    Args:
        kind: of the database.
        schema: where its tables are.
    """

    def __init__(self, kind: Kind, schema: str) -> None:
        self._kind: Kind = kind
        self._schema = schema
        self._kept: OrderedDict[tuple[str, bool, str], Rewritten] = OrderedDict()
        self._bodies: OrderedDict[tuple[str, str], tuple[Token, ...]] = OrderedDict()

    def one(self, guard: Guard, sql: str, params: Sequence[Any]) -> tuple[str, Sequence[Any]]:
        """The statement and its parameters as the guard lets them through.

        Raises:
            UnguardedStatement: it cannot be limited.
            InvalidInput: it would save the mask of a value.
        """
        rewritten = self.rewritten(guard, sql)
        if guard.masks and rewritten.writes:
            refuse_masks(params)
        return rewritten.sql, _arranged(rewritten, guard, params)

    def many(
        self, guard: Guard, sql: str, rows: Iterable[Sequence[Any]], *, checked: bool
    ) -> tuple[str, list[Sequence[Any]]]:
        """As :meth:`one` for many rows of parameters.

        Args:
            checked: the rows to insert point at visible rows only; somebody has looked.
        """
        rewritten = self.rewritten(guard, sql, checked=checked)
        kept = list(rows)
        if guard.masks and rewritten.writes:
            for row in kept:
                refuse_masks(row)
        return rewritten.sql, [_arranged(rewritten, guard, row) for row in kept]

    def rewritten(self, guard: Guard, sql: str, *, checked: bool = False) -> Rewritten:
        """The statement alone, from memory when it was met before."""
        key = (guard.shape, checked, sql)
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        else:
            composition = _Composition(guard, self._kind, self._schema, self._bodies)
            found = composition.of(sql, checked=checked)
            if len(sql) <= LONGEST_KEPT:
                _keep(self._kept, key, found)
        if found.watched and guard.noticed is not None:
            guard.noticed()
        return found


def _keep(kept: OrderedDict[K, V], key: K, value: V) -> None:
    kept[key] = value
    if len(kept) > KEPT_STATEMENTS:
        kept.popitem(last=False)


def _arranged(rewritten: Rewritten, guard: Guard, params: Sequence[Any]) -> Sequence[Any]:
    if not rewritten.tables and rewritten.order is None:
        return params
    every: list[Any] = []
    for table in rewritten.tables:
        every += guard.shadows[table].params
    every += params
    return every if rewritten.order is None else [every[n] for n in rewritten.order]


def refuse_masks(values: Iterable[Any]) -> None:
    """Refuse what stands in for something hidden.

    Raises:
        InvalidInput: one of the values contains the mask, also inside JSON or a list.
    """
    for value in values:
        if isinstance(value, bytes | bytearray | memoryview):
            text = bytes(value).decode("utf-8", "replace")
        elif isinstance(value, list | tuple):
            refuse_masks(value)
            continue
        elif isinstance(value, str):
            text = value
        else:
            continue
        if MASK in text or _ESCAPED_MASK in text:
            raise _masked()


def _masked() -> InvalidInput:
    return InvalidInput(
        "A masked value cannot be saved.",
        problems=[
            Problem(
                code="masked-value",
                message=f"the value contains {MASK}, which stands in for what you may not see",
                expected="a value of your own, or nothing",
                got=MASK,
                mend="leave the field out; it then stays as it is",
            )
        ],
    )


class _Composition:
    """Puts one statement together."""

    def __init__(
        self,
        guard: Guard,
        kind: Kind,
        schema: str,
        bodies: OrderedDict[tuple[str, str], tuple[Token, ...]],
    ) -> None:
        self._guard = guard
        self._bodies = bodies
        self._kind: Kind = kind
        self._schema = '"' + schema.replace('"', '""') + '"'

    def of(self, sql: str, *, checked: bool) -> Rewritten:
        parsed = Parsed.of(sql, self._kind, self._guard)
        changes = changes_of(parsed, self._guard, checked=checked)
        if not changes.mentioned and not changes.statement:
            return Rewritten(sql, (), None, parsed.verb != "SELECT")
        shadows = self._in_order(changes.mentioned)
        locked = self._locked(parsed) if self._kind == "postgresql" else {}
        writer = _Writer(self._kind, sum(len(shadows[table].params) for table in shadows))
        self._with(writer, parsed, changes, shadows)
        self._rest(writer, parsed, changes, locked, tuple(shadows))
        sequence = tuple(writer.order)
        plain = self._kind == "postgresql" or sequence == tuple(range(len(sequence)))
        return Rewritten(
            writer.text(),
            tuple(shadows),
            None if plain else sequence,
            parsed.verb != "SELECT",
            _reads(parsed.tokens, {name for each in shadows.values() for name in each.watched}),
        )

    def _in_order(self, mentioned: Iterable[str]) -> dict[str, Shadow]:
        """These shadows and all they need, each after what it needs."""
        ordered: dict[str, Shadow] = {}
        waiting: set[str] = set()

        def add(table: str) -> None:
            if table in ordered:
                return
            if table in waiting or table not in self._guard.shadows:
                raise _faulty(table, "shadows that need each other, or one that is not there")
            waiting.add(table)
            shadow = self._guard.shadows[table]
            for needed in shadow.needs:
                add(needed)
            ordered[table] = shadow

        for table in mentioned:
            add(table)
        return ordered

    def _with(
        self, writer: _Writer, parsed: Parsed, changes: Changes, shadows: dict[str, Shadow]
    ) -> None:
        """The shadows, then the statement's own WITH, then what a change adds."""
        own = parsed.tokens[parsed.own_with : parsed.verb_at]
        if not shadows and not own and not changes.source:
            return
        writer.write("WITH RECURSIVE" if parsed.recursive else "WITH")
        between = " "
        first = 0
        for table, shadow in shadows.items():
            writer.write(f'{between}"{table}" AS NOT MATERIALIZED (')
            writer.tokens(self._body(table, shadow), shift=first)
            writer.write(")")
            first += len(shadow.params)
            between = ", "
        if own:
            writer.write(between)
            writer.tokens(own, shift=first)
            between = ", "
        if changes.source:
            writer.write(between)
            writer.pieces(changes.source, shift=first)
        writer.write(" ")

    def _rest(
        self,
        writer: _Writer,
        parsed: Parsed,
        changes: Changes,
        locked: dict[int, str],
        shadows: tuple[str, ...],
    ) -> None:
        shift = writer.first
        pieces = changes.statement or [parsed.tokens[parsed.verb_at :]]
        if not locked:
            writer.pieces(pieces, shift=shift)
            return
        starts = self._starts(shadows)
        for place in range(parsed.verb_at, len(parsed.tokens)):
            if place not in locked:
                writer.tokens(parsed.tokens[place : place + 1], shift=shift)
                continue
            table = locked[place]
            writer.write(" (")
            writer.tokens(self._body(table, self._guard.shadows[table]), shift=starts[table])
            writer.write(")" if _has_alias(parsed.tokens, place) else f') AS "{table}"')

    def _starts(self, shadows: Sequence[str]) -> dict[str, int]:
        starts, first = {}, 0
        for table in shadows:
            starts[table] = first
            first += len(self._guard.shadows[table].params)
        return starts

    def _locked(self, parsed: Parsed) -> dict[int, str]:
        """Where a locking statement names a guarded table: PostgreSQL locks no rows of a CTE."""
        tokens = parsed.tokens
        locks = [place for place in range(len(tokens)) if _locks(tokens, place)]
        if not locks:
            return {}
        if parsed.verb != "SELECT" or locks[0] < parsed.verb_at:
            raise refused("locks of a SELECT", "locks inside another statement", "lock first")
        return {
            place: tokens[place].name
            for place in relations(tokens)
            if place >= parsed.verb_at and tokens[place].name in self._guard.shadows
        }

    def _body(self, table: str, shadow: Shadow) -> tuple[Token, ...]:
        found = self._bodies.get((self._guard.shape, table))
        if found is None:
            found = self._read_body(table, shadow)
            _keep(self._bodies, (self._guard.shape, table), found)
        return found

    def _read_body(self, table: str, shadow: Shadow) -> tuple[Token, ...]:
        sql = shadow.select.replace("{table}", f'{self._schema}."{table}"')
        tokens = tokens_of(sql.replace("{real}", self._schema), self._kind, question_marks=True)
        if sum(len(token.params) for token in tokens) != len(shadow.params):
            raise _faulty(table, "as many parameters as its SELECT has marks")
        for place in relations(tokens):
            after = tokens[place + 1].text if place + 1 < len(tokens) else ""
            if after not in {".", "("} and tokens[place].name not in shadow.needs:
                raise _faulty(table, f"{tokens[place].text} among its needs, or {{real}} before it")
        return tokens


def _reads(tokens: Sequence[Token], columns: Set[str]) -> bool:
    """Whether a statement may read one of these columns, by name or with all others."""
    return bool(columns) and any(
        token.name in columns or (token.text == "*" and tokens[place - 1].text != "(")
        for place, token in enumerate(tokens)
    )


def _faulty(table: str, expected: str) -> ConfigurationError:
    return ConfigurationError(
        f"expected {expected}, got a shadow of {table} that cannot be trusted; this is a mistake "
        "in the access rules of the program"
    )


_LOCKS = {"UPDATE", "SHARE", "NO", "KEY"}


def _locks(tokens: Sequence[Token], place: int) -> bool:
    return (
        tokens[place].keyword == "FOR"
        and place + 1 < len(tokens)
        and tokens[place + 1].keyword in _LOCKS
    )


_NO_ALIAS = keywords(
    "WHERE JOIN INNER LEFT RIGHT FULL CROSS NATURAL ON USING ORDER GROUP HAVING LIMIT OFFSET "
    "FETCH FOR UNION INTERSECT EXCEPT WINDOW"
)


def _has_alias(tokens: Sequence[Token], place: int) -> bool:
    if place + 1 >= len(tokens):
        return False
    follower = tokens[place + 1]
    return bool(follower.name) and follower.keyword not in _NO_ALIAS


class _Writer:
    """Text with parameters; notes which parameter went where.

    Args:
        kind: PostgreSQL writes numbers, SQLite question marks.
        first: how many parameters belong to shadows; the statement's own come after them.
    """

    def __init__(self, kind: Kind, first: int) -> None:
        self._numbers = kind == "postgresql"
        self._parts: list[str] = []
        self.first = first
        self.order: list[int] = []

    def write(self, text: str) -> None:
        self._parts.append(text)

    def tokens(self, tokens: Sequence[Token], *, shift: int) -> None:
        for token in tokens:
            self._parts.append(token.gap)
            if token.kind == "mark":
                self._marks([n + shift for n in token.params])
            else:
                self._parts.append(token.text)

    def pieces(self, pieces: Sequence[str | Sequence[Token]], *, shift: int) -> None:
        for piece in pieces:
            if isinstance(piece, str):
                self.write(piece)
            else:
                self.tokens(piece, shift=shift)

    def _marks(self, params: Sequence[int]) -> None:
        self.order += params
        marks = [f"${n + 1}" for n in params] if self._numbers else "?" * len(params)
        self._parts.append(",".join(marks))

    def text(self) -> str:
        return "".join(self._parts)
