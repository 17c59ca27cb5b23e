"""What a statement is: its verb, its own WITH, the tables it names; and what is refused at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, Self

from relatum.db.guarding import Guard
from relatum.db.tokens import Kind, Token, UnguardedStatement, tokens_of

Verb = Literal["SELECT", "INSERT", "UPDATE", "DELETE"]

#: Names that rewriting uses for itself.
SEEN = "relatum_seen"
NEW = "relatum_new"

_WRITES = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE"})
_VERBS: dict[str, Verb] = {
    "SELECT": "SELECT",
    "VALUES": "SELECT",
    "INSERT": "INSERT",
    "REPLACE": "INSERT",
    "UPDATE": "UPDATE",
    "DELETE": "DELETE",
}
#: Where a database keeps samples of everybody's values, and functions that run a text as SQL, read
#: pages or files, or change how statements are read.
_PAST_THE_GUARD = re.compile(
    r"sqlite_stat\d|sqlite_dbpage|dbstat|load_extension|readfile|writefile|fts3_tokenizer"
    r"|pg_stats.*|pg_statistic.*|pg_stat_.*|pg_read_.*|pg_ls_.*|pg_logical_.*|lo_.*|dblink.*"
    r"|(query|cursor|table|schema|database)_to_xml.*|ts_stat|ts_rewrite|crosstab.*|connectby"
    r"|set_config|pg_temp.*"
)


class Parsed(NamedTuple):
    """A statement under a guard.

    Attributes:
        tokens: without a closing semicolon.
        kind: of the database.
        recursive: its own WITH says so.
        own_with: where the list of its own WITH begins; ``verb_at`` when it has none.
        verb_at: where the statement proper begins.
        verb: VALUES and a parenthesis count as SELECT, REPLACE as INSERT.
        mentioned: guarded tables that it names, anywhere.
    """

    tokens: tuple[Token, ...]
    kind: Kind
    recursive: bool
    own_with: int
    verb_at: int
    verb: Verb
    mentioned: tuple[str, ...]

    @classmethod
    def of(cls, sql: str, kind: Kind, guard: Guard) -> Self:
        """Read a statement.

        Raises:
            UnguardedStatement: it is one that no shadow can limit.
        """
        tokens = _single(tokens_of(sql, kind))
        recursive = (
            tokens[0].keyword == "WITH" and tokens[1:2] != () and _is(tokens, 1, "RECURSIVE")
        )
        own_with = 0 if tokens[0].keyword != "WITH" else 2 if recursive else 1
        verb_at = _verb_at(tokens, own_with)
        verb = _VERBS.get(tokens[verb_at].keyword)
        if verb is None and tokens[verb_at].text == "(":
            verb = "SELECT"
        if verb is None:
            raise refused(
                "SELECT, INSERT, UPDATE or DELETE",
                tokens[verb_at].text,
                "run other statements as the house, outside of anybody's request",
            )
        names = {token.name for token in tokens}
        parsed = cls(
            tokens,
            kind,
            recursive,
            own_with if own_with else verb_at,
            verb_at,
            verb,
            tuple(sorted(names & guard.shadows.keys())),
        )
        _refuse(parsed)
        return parsed

    def keyword(self, place: int) -> str:
        """The word at a place in upper case; empty beyond the ends."""
        return self.tokens[place].keyword if 0 <= place < len(self.tokens) else ""

    def text(self, place: int) -> str:
        """The text at a place; empty beyond the ends."""
        return self.tokens[place].text if 0 <= place < len(self.tokens) else ""

    def find(self, start: int, *words: str) -> int:
        """The first of these words outside of parentheses, or the end of the statement."""
        for place in range(start, len(self.tokens)):
            if self.tokens[place].depth == 0 and self.tokens[place].keyword in words:
                return place
        return len(self.tokens)


def refused(expected: str, got: str, mend: str) -> UnguardedStatement:
    """The error for a statement that cannot be limited to what the viewer may see."""
    return UnguardedStatement(
        f"expected {expected} while somebody's view of the customers is limited, got {got}; {mend}"
    )


def _single(tokens: Sequence[Token]) -> tuple[Token, ...]:
    end = len(tokens)
    while end and tokens[end - 1].text == ";":
        end -= 1
    if not end:
        raise refused("a statement", "none", "say what to read or write")
    if any(token.text == ";" for token in tokens[:end]):
        raise refused("one statement", "several", "run them one by one")
    return tuple(tokens[:end])


def _is(tokens: Sequence[Token], place: int, word: str) -> bool:
    return tokens[place].keyword == word


def _verb_at(tokens: Sequence[Token], own_with: int) -> int:
    if not own_with:
        return 0
    for place in range(own_with, len(tokens)):
        if tokens[place].depth == 0 and tokens[place].keyword in _VERBS:
            return place
    raise refused("SELECT, INSERT, UPDATE or DELETE after WITH", "none", "write it so")


def _refuse(parsed: Parsed) -> None:
    for place, token in enumerate(parsed.tokens):
        if token.kind == "word" and place != parsed.verb_at:
            _refuse_word(parsed, place)
        if token.kind in {"word", "quoted"} and _PAST_THE_GUARD.fullmatch(token.name):
            raise refused("tables of the house", token.text, "leave it out")
        if token.name in {SEEN, NEW}:
            raise refused("names of your own", token.text, "choose another name")
        if token.name in parsed.mentioned and parsed.text(place - 1) == ".":
            raise refused(
                f"the plain name {token.text}",
                f"{parsed.text(place - 2)}.{token.text}",
                "leave the schema out",
            )


def _refuse_word(parsed: Parsed, place: int) -> None:
    word, before = parsed.keyword(place), parsed.keyword(place - 1)
    if word == "INTO" and parsed.verb == "SELECT":
        raise refused("a SELECT that only reads", "SELECT INTO", "use INSERT … SELECT")
    if word not in _WRITES or parsed.text(place - 1) == ".":
        return
    if _ALLOWED_INSIDE[word](before, parsed.text(place + 1)):
        return
    raise refused(
        "one write in a statement", f"another {word} inside it", "write in statements of their own"
    )


_ALLOWED_INSIDE: dict[str, Callable[[str, str], bool]] = {
    "UPDATE": lambda before, _: before in {"FOR", "KEY", "DO"},
    "REPLACE": lambda before, after: before == "OR" or after == "(",
    "INSERT": lambda *_: False,
    "DELETE": lambda *_: False,
    "MERGE": lambda *_: False,
}
