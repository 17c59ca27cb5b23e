"""SQL in tokens: just enough to know which words are names, and what belongs to which clause.

Nothing here understands a statement; it only keeps strings, comments, names and parameters apart,
as SQLite and as PostgreSQL do. What neither of them is sure to read in the same way is refused.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

from relatum.values.problems import RelatumError

Kind = Literal["sqlite", "postgresql"]


class UnguardedStatement(RelatumError):
    """A statement that cannot be limited to what somebody may see, and was therefore not run."""

    code = "unguarded-statement"
    title = "A statement cannot be limited to what you may see"


class Token(NamedTuple):
    """One token.

    Attributes:
        kind: ``word`` (a bare name or keyword), ``quoted`` (a name in quotes), ``string``,
            ``number``, ``mark`` (parameters, with commas between them) or ``symbol``.
        text: as it was written.
        name: of words and quoted names, what they name in lower case; also of strings, because
            SQLite takes a string for a name where only a name can stand. Else empty.
        gap: what separates it from the token before: nothing, a space or a line break.
        depth: how many parentheses are open around it; those that open and close count as outside.
        params: of marks, which parameters, from 0.
    """

    kind: Literal["word", "quoted", "string", "number", "mark", "symbol"]
    text: str
    name: str = ""
    gap: str = ""
    depth: int = 0
    params: tuple[int, ...] = ()

    @property
    def keyword(self) -> str:
        """In upper case when it is a bare word, which may be a keyword; else empty."""
        return self.name.upper() if self.kind == "word" else ""


# What both take for letters: everything beyond ASCII, and no more white space than this.
_WORD = r"[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_$\x80-\U0010ffff]*"
_NUMBER = r"(?:0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?![A-Za-z_\x80-\U0010ffff])"
_COMMENT = r"/\*(?:(?!/\*|\*/).)*\*/"  # PostgreSQL nests them, SQLite does not: nobody may
_QUOTED = r'"(?:[^"]|"")*"'
_STRING = r"'(?:[^']|'')*'"
_SYMBOLS = r"[+*=<>!~|&^%,.();]|-(?!-)|/(?!\*)"

_SQLITE = rf"""
    (?P<gap>(?:[ \t\n\r\f]|--[^\n]*|{_COMMENT})+)
  | (?P<mark>\?(?:[ \n]*,[ \n]*\?)*(?!\d))
  | (?P<string>{_STRING})
  | (?P<quoted>{_QUOTED}|`(?:[^`]|``)*`|\[[^\]]*\])
  | (?P<number>{_NUMBER})
  | (?P<word>{_WORD})
  | (?P<symbol>{_SYMBOLS})
"""
_POSTGRESQL = rf"""
    (?P<gap>(?:[ \t\n\r\f]|--[^\n\r]*|{_COMMENT})+)
  | (?P<mark>{{mark}})
  | (?P<string>[eE]'(?:[^'\\]|\\.|'')*'|{_STRING}
        |(?P<dollar>\$(?:[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_\x80-\U0010ffff]*)?\$).*?(?P=dollar))
  | (?P<unknown>[uU]&["']|[eE]')
  | (?P<quoted>{_QUOTED})
  | (?P<number>{_NUMBER})
  | (?P<word>{_WORD})
  | (?P<symbol>{_SYMBOLS}|[\[\]:@\#{{others}}])
"""
_FLAGS = re.VERBOSE | re.DOTALL | re.ASCII
_MARK_QUESTION = r"\?(?:[ \n]*,[ \n]*\?)*"
_MARK_NUMBERED = r"\$\d+(?:,[ \n]*\$\d+)*(?![\w$\x80-\U0010ffff])"


@functools.cache
def _pattern(kind: Kind, question_marks: bool) -> re.Pattern[str]:
    """Compiled when a guard first needs it: that takes tens of milliseconds."""
    if kind == "sqlite":
        return re.compile(_SQLITE, _FLAGS)
    mark, others = (_MARK_QUESTION, "`") if question_marks else (_MARK_NUMBERED, "?`")
    text = _POSTGRESQL.replace("{mark}", mark).replace("{others}", others)
    return re.compile(text, _FLAGS)


_PARAMETER = re.compile(r"\$\d+|\?")


def tokens_of(sql: str, kind: Kind, *, question_marks: bool = False) -> tuple[Token, ...]:
    """The tokens of a statement, without comments.

    Args:
        kind: whose statement it is; parameters are ``?`` on SQLite and ``$1`` on PostgreSQL.
        question_marks: parameters are ``?`` on both.

    Raises:
        UnguardedStatement: something that is not read in one way only.
    """
    pattern = _pattern(kind, question_marks)
    tokens: list[Token] = []
    gap, depth, params, at = "", 0, 0, 0
    while at < len(sql):
        match = pattern.match(sql, at)
        if match is None or match.lastgroup == "unknown" or match.lastgroup is None:
            raise _unreadable(sql, at)
        at = match.end()
        text = match.group()
        if match.lastgroup == "gap":
            gap = "\n" if "\n" in text or "\r" in text else " "
            continue
        if text == ")":
            depth -= 1
        token = _token(_kind_of(match), text, gap, depth, params)
        tokens.append(token)
        params += len(token.params)
        gap = ""
        if text == "(":
            depth += 1
    return tuple(tokens)


def _kind_of(match: re.Match[str]) -> str:
    return "string" if match.lastgroup == "dollar" else str(match.lastgroup)


def _token(kind: str, text: str, gap: str, depth: int, first: int) -> Token:
    if kind == "word":
        return Token("word", text, text.lower(), gap, depth)
    if kind == "quoted":
        end = text[-1]
        return Token("quoted", text, text[1:-1].replace(end * 2, end).lower(), gap, depth)
    if kind == "string":
        return Token("string", text, text[1:-1].lower(), gap, depth)
    if kind == "mark":
        found = _PARAMETER.findall(text)
        numbers = (
            range(first, first + len(found))
            if found[0] == "?"
            else [int(each[1:]) - 1 for each in found]
        )
        return Token("mark", text, "", gap, depth, tuple(numbers))
    return Token("number" if kind == "number" else "symbol", text, "", gap, depth)


def _unreadable(sql: str, at: int) -> UnguardedStatement:
    return UnguardedStatement(
        f"expected SQL that can be read in one way only, got {sql[at : at + 20]!r} at position "
        f"{at}; use bare or quoted names, ? for values, '…' for text, and no comments in comments"
    )


def keywords(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


_NAMES_OF_STATEMENT = {"SELECT", "WITH", "VALUES"}
_END_OF_FROM = keywords(
    "WHERE GROUP HAVING ORDER LIMIT OFFSET FETCH WINDOW UNION INTERSECT EXCEPT SET RETURNING "
    "FOR SELECT VALUES"
)
_BEFORE_A_RELATION = {"ONLY", "LATERAL"}


class _Frame:
    """What is known inside one pair of parentheses."""

    def __init__(self, *, statement: bool, expecting: bool) -> None:
        self.statement = statement
        self.in_from = expecting
        self.expecting = expecting

    def read(self, word: str, before: str) -> None:
        if word == "SELECT":
            self.statement = True
        if word == "FROM" and self.statement and before != "DISTINCT":
            self.in_from = self.expecting = True
        elif word == "JOIN":
            self.expecting = True
        elif word in _END_OF_FROM:
            self.in_from = self.expecting = False


def relations(tokens: Sequence[Token]) -> list[int]:
    """Where a FROM clause names a relation (or the schema of one, or a function): the places."""
    found: list[int] = []
    frames = [_Frame(statement=True, expecting=False)]
    before = ""
    for place, token in enumerate(tokens):
        frame = frames[-1]
        if token.text == "(":
            follower = tokens[place + 1].keyword if place + 1 < len(tokens) else ""
            inside = frame.expecting and follower not in _NAMES_OF_STATEMENT
            frame.expecting = False
            frames.append(_Frame(statement=False, expecting=inside))
        elif token.text == ")" and len(frames) > 1:
            frames.pop()
        elif token.text == ",":
            frame.expecting = frame.in_from
        elif frame.expecting and token.name and token.keyword not in _BEFORE_A_RELATION:
            found.append(place)
            frame.expecting = False
        elif token.kind == "word":
            frame.read(token.keyword, before)
        before = token.keyword
    return found


_PLACEHOLDER = re.compile(
    rf"""{_STRING}|{_QUOTED}|--[^\n\r]*|{_COMMENT}|(?P<mark>\?)""",
    re.DOTALL,
)
_QUOTES = re.compile(r"['\"]|--|/\*")


@functools.lru_cache(maxsize=2048)
def numbered(sql: str) -> str:
    """``a = ? AND b = ?`` as PostgreSQL writes it: ``a = $1 AND b = $2``.

    A question mark in a string, a quoted name or a comment stays one.
    """
    if not _QUOTES.search(sql):
        parts = sql.split("?")
        return parts[0] + "".join(f"${n}{part}" for n, part in enumerate(parts[1:], start=1))
    count = itertools.count(1)
    return _PLACEHOLDER.sub(lambda m: f"${next(count)}" if m["mark"] else m.group(), sql)
