"""The words of an address line: where they stand, what parts them, which say what follows."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from relatum.values.address import Level
from relatum.values.text import fold

LONGEST = 500
MOST_WORDS = 80


class Word(NamedTuple):
    """A word of the text.

    Attributes:
        first: something parts it from the word before: a comma, a dash, a line end.
    """

    raw: str
    plain: str
    start: int
    end: int
    first: bool


#: What stands before a unit, without marks: its levels and types.
TYPES: dict[tuple[str, ...], tuple[frozenset[Level], str]] = {
    ("tinh",): (frozenset({"province"}), "tinh"),
    ("t",): (frozenset({"province"}), ""),
    ("thanh", "pho"): (frozenset({"province", "district"}), "thanh pho"),
    ("tp",): (frozenset({"province", "district"}), "thanh pho"),
    ("t", "p"): (frozenset({"province", "district"}), "thanh pho"),
    ("t", "pho"): (frozenset({"province", "district"}), "thanh pho"),
    ("quan",): (frozenset({"district"}), "quan"),
    ("q",): (frozenset({"district"}), "quan"),
    ("huyen",): (frozenset({"district"}), "huyen"),
    ("h",): (frozenset({"district"}), "huyen"),
    ("thi", "xa"): (frozenset({"district"}), "thi xa"),
    ("tx",): (frozenset({"district"}), "thi xa"),
    ("phuong",): (frozenset({"ward"}), "phuong"),
    ("p",): (frozenset({"ward"}), "phuong"),
    ("ph",): (frozenset({"ward"}), "phuong"),
    ("f",): (frozenset({"ward"}), "phuong"),
    ("xa",): (frozenset({"ward"}), "xa"),
    ("x",): (frozenset({"ward"}), "xa"),
    ("thi", "tran"): (frozenset({"ward"}), "thi tran"),
    ("tt",): (frozenset({"ward"}), "thi tran"),
    ("dac", "khu"): (frozenset({"ward"}), "dac khu"),
}
# After these comes a street, a hamlet or a number, not a unit.
SMALLER = frozenset(
    {"duong", "pho", "ngo", "ngach", "hem", "kiet", "thon", "ap", "to", "kp", "khom", "xom", "ban"}
    | {"khu", "so", "cum", "doi", "buon", "lang", "toa", "chung", "cho", "kdc", "kdt", "dtm"}
)
_WORD = re.compile(r"[^\W_]+")
_PARTING = re.compile(r"[,;\n\t–—()|]|-|\.\s|\s/\s")
_TYPE_AND_NUMBER = re.compile(r"(?<![^\W_])([PQFpqf])(?=\d{1,2}(?![^\W_]))")


def words_of(text: str) -> list[Word]:
    """The words of an address, at most so many; positions are those in :func:`spaced` text."""
    found: list[Word] = []
    behind = 0
    for each in _WORD.finditer(text):
        parted = not found or _PARTING.search(text, behind, each.start()) is not None
        if found and parted and text[behind : each.start()].strip() == "." and _is_type(found[-1]):
            parted = False
        plain = fold(each.group())
        if plain:
            found.append(Word(each.group(), plain, each.start(), each.end(), parted))
        behind = each.end()
        if len(found) >= MOST_WORDS:
            break
    return found


def spaced(text: str) -> str:
    """The text with blanks after types and between words that were written together."""
    text = unicodedata.normalize("NFC", text[:LONGEST])
    text = _TYPE_AND_NUMBER.sub(r"\1 ", text)
    pieces = list(_glued_pieces(text))
    return "".join(pieces)


def _glued_pieces(text: str) -> Iterator[str]:
    """``HuyệnViệt``: a blank before a capital that follows a small letter, or a short type."""
    for n, char in enumerate(text):
        if n and char.isupper():
            before = text[n - 1]
            after = text[n + 1 : n + 2]
            if before.islower() or (before.isupper() and after.islower() and _begins_word(text, n)):
                yield " "
        yield char


def _begins_word(text: str, place: int) -> bool:
    """Whether the capitals right before this place are a type alone (``TPHà``, ``XThạnh``)."""
    start = place
    while start and text[start - 1].isalnum():
        start -= 1
    return text[start:place].lower() in {"tp", "tx", "tt", "x", "h", "p", "q", "f", "t"}


def _is_type(word: Word) -> bool:
    return (word.plain,) in TYPES


def type_before(words: Sequence[Word], place: int) -> tuple[int, frozenset[Level], str]:
    """How many words before a place say which unit begins there, the levels, and the type."""
    if words[place].first:
        return 0, frozenset(), ""
    for length in (2, 1):
        if place >= length:
            taken = words[place - length : place]
            kind = TYPES.get(tuple(word.plain for word in taken))
            if kind is not None and not (length == 2 and taken[1].first):
                return length, *kind
    return 0, frozenset(), ""
