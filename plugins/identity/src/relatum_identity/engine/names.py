"""Names of people: their words, which of them is the family name, and which the given name.

Family name first is the Vietnamese order; forms and foreign systems also write the given name
first. Which word is which is told by how often it stands first and last in the other names, with
the published shares of the most frequent family names as what is known before (Lê Trung Hoa,
*Họ và tên người Việt Nam*, 2005).
"""

from __future__ import annotations

import functools
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from relatum.api import fold

#: Per cent of the people of Viet Nam.
FAMILY_SHARES = {
    "nguyen": 38.4,
    "tran": 11.0,
    "le": 9.5,
    "pham": 7.1,
    "huynh": 2.6,
    "hoang": 2.5,
    "phan": 4.5,
    "vu": 2.0,
    "vo": 1.9,
    "dang": 2.1,
    "bui": 2.0,
    "do": 1.4,
    "ho": 1.3,
    "ngo": 1.3,
    "duong": 1.0,
    "ly": 0.5,
}
#: How many names the published shares weigh against those that are there.
_KNOWN_BEFORE = 200.0
#: How many times likelier another order must be than the usual one.
_SURE = math.log(30.0)
_WORD = re.compile(r"[^\W_]+")
_TITLES = frozenset({"mr", "mrs", "ms", "dr", "ông", "bà"})


class Name(msgspec.Struct, frozen=True):
    """A name in the order family, middle, given; without marks except for ``marked``.

    Attributes:
        marked: all words with their marks, sorted; empty when there is no mark in the name.
        whole: all words, sorted.
        plain: all words as they were written.
    """

    family: str
    middle: tuple[str, ...]
    given: str
    whole: str
    marked: str
    plain: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        return " ".join(part for part in (self.family, *self.middle, self.given) if part)


class Places(msgspec.Struct):
    """How often each word stands first and last in a name."""

    first: Mapping[str, int]
    last: Mapping[str, int]
    names: int

    def family(self, word: str) -> float:
        """The logarithm of the share of names that begin with the word."""
        known = FAMILY_SHARES.get(word, 0.0) / 100 * _KNOWN_BEFORE
        return math.log((self.first.get(word, 0) + known + 0.5) / (self.names + _KNOWN_BEFORE))

    def given(self, word: str) -> float:
        """The logarithm of the share of names that end with the word."""
        return math.log((self.last.get(word, 0) + 0.5) / (self.names + _KNOWN_BEFORE))


def words_of(name: str) -> list[str]:
    """The words of a name in small letters, with marks and without titles."""
    words = _WORD.findall(unicodedata.normalize("NFC", name).casefold())
    return words[1:] if len(words) > 2 and words[0] in _TITLES else words


@functools.lru_cache(maxsize=50_000)
def plain_word(word: str) -> str:
    """A word without marks; names have few different words."""
    return fold(word)


def places_of(names: Iterable[Sequence[str]]) -> Places:
    """Counts the first and last words of names that are already without marks."""
    first: Counter[str] = Counter()
    last: Counter[str] = Counter()
    count = 0
    for words in names:
        if len(words) > 1:
            first[words[0]] += 1
            last[words[-1]] += 1
            count += 1
    return Places(first, last, count)


def read_name(name: str, places: Places) -> Name:
    """The parts of a name, whichever order it was written in."""
    marked = words_of(name)
    plain = [plain_word(word) for word in marked]
    ordered = in_order(plain, places)
    return Name(
        family=ordered[0] if len(ordered) > 1 else "",
        middle=tuple(ordered[1:-1]),
        given=ordered[-1] if ordered else "",
        whole=" ".join(sorted(plain)),
        marked=" ".join(sorted(map(_marks_last, marked))) if marked != plain else "",
        plain=tuple(plain),
    )


def in_order(words: Sequence[str], places: Places) -> list[str]:
    """Family name first, given name last; as it is unless another order is far likelier."""
    if len(words) < 2:
        return list(words)
    usual = places.family(words[0]) + places.given(words[-1])
    orders = [
        (places.family(words[1]) + places.given(words[0]), [*words[1:], words[0]]),
        (
            places.family(words[-1]) + places.given(words[0]),
            [words[-1], *words[1:-1], words[0]],
        ),
    ]
    score, order = max(orders, key=lambda each: each[0])
    return order if score > usual + _SURE else list(words)


@functools.lru_cache(maxsize=50_000)
def _marks_last(word: str) -> str:
    """``hoà`` and ``hòa`` are one spelling: letters first, then the marks in a fixed order."""
    letters = unicodedata.normalize("NFD", word)
    plain = "".join(each for each in letters if not unicodedata.combining(each))
    return plain + "".join(sorted(each for each in letters if unicodedata.combining(each)))
