"""Whether two names may be those of one person: order, marks, missing words, initials, typing.

Nothing here decides that two records are one person; it says in which way two names agree.
Comparing many: take :func:`name_words` of each name once and compare those.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Literal, NamedTuple

import msgspec
from rapidfuzz.distance import OSA

from relatum.values.text import fold

NameAgreement = Literal["same", "initials", "shortened", "typo", "part", "different", "unknown"]


class NameMatch(msgspec.Struct, frozen=True, kw_only=True):
    """In which way two names agree.

    ``kind`` is the first of these that holds:

    ``unknown``
        one of them has no words.
    ``same``
        the same words, in any order and with any marks, or the same letters without blanks.
    ``initials``
        letters stand for words (``N. V. Hùng``); words may be missing too.
    ``shortened``
        middle words are missing, family and given name agree (``Nguyễn Hùng``), or a word by which
        people are spoken to (``Anh Nguyễn Văn Hùng``).
    ``part``
        one has all words of the other, of which the family or the given name is missing
        (``Hùng``, ``Văn Hùng``).
    ``typo``
        all words agree but for a few letters; middle words may be missing too. Short words that
        differ in one letter are often two names: look at ``given``.
    ``different``
        anything else.

    Attributes:
        edits: letters to change, add, remove or exchange with their neighbour in words that agree.
        missing: words of one name that the other has nothing for.
        given: whether the given names are the same word.
        similarity: 0 to 1; twice the agreement of the words over the number of words of both.
    """

    kind: NameAgreement
    edits: int = 0
    missing: int = 0
    given: bool = False
    similarity: float = 0.0


def name_words(name: str) -> tuple[str, ...]:
    """The words of a name to compare: without marks, case, punctuation and titles before it.

    ``i`` stands for a final ``y`` where both spellings are in use (``Mỹ`` and ``Mĩ``, ``Quý`` and
    ``Quí``), not where they are two names (``Mai`` and ``May``, ``Thúy`` and ``Thúi``).
    """
    words = [_FINAL_Y.sub("i", word) for word in _WORD.findall(fold(name))]
    while len(words) > 1 and words[0] in _TITLES:
        del words[0]
    return tuple(words)


def name_key(name: str | Sequence[str]) -> str:
    """The same text for names of the same words in any order: ``hung nguyen van``."""
    return " ".join(sorted(name_words(name) if isinstance(name, str) else name))


def compare_names(a: str | Sequence[str], b: str | Sequence[str]) -> NameMatch:
    """In which way two names, or the :func:`name_words` of two names, agree. Symmetric."""
    one = tuple(name_words(a) if isinstance(a, str) else a)
    two = tuple(name_words(b) if isinstance(b, str) else b)
    if not one or not two:
        return NameMatch(kind="unknown", missing=len(one) + len(two))
    if sorted(one) == sorted(two) or "".join(one) == "".join(two):
        return NameMatch(kind="same", given=True, similarity=1.0)
    if (len(one), one) < (len(two), two):
        one, two = two, one
    return _compared(one, two)


class _Ends(NamedTuple):
    family: str
    given: str


class _Aligned(NamedTuple):
    """How the words of two names were paired, and what was left of each."""

    equal: int
    initials: int
    typos: list[tuple[str, str, int]]
    only_longer: list[str]
    only_shorter: list[str]


def _compared(longer: Sequence[str], shorter: Sequence[str]) -> NameMatch:
    found = _align(longer, shorter)
    ends, others = _ends_of(longer), _ends_of(shorter)
    likeness = found.equal + 0.8 * found.initials
    likeness += sum(1 - edits / max(len(a), len(b)) for a, b, edits in found.typos)
    return NameMatch(
        kind="shortened" if _only_addressed(longer, found) else _kind(found, ends),
        edits=sum(edits for _, _, edits in found.typos),
        missing=len(found.only_longer) + len(found.only_shorter),
        given=ends.given == others.given,
        similarity=round(2 * likeness / (len(longer) + len(shorter)), 4),
    )


def _only_addressed(longer: Sequence[str], found: _Aligned) -> bool:
    return (
        len(longer) > 3
        and found.equal == len(longer) - 1
        and found.only_longer == [longer[0]]
        and longer[0] in _ADDRESSES
        and longer[1] in _FAMILIES
    )


def _kind(found: _Aligned, ends: _Ends) -> NameAgreement:
    if found.only_shorter or not found.equal + len(found.typos):
        return "different"
    ends_missing = ends.family in found.only_longer or ends.given in found.only_longer
    if found.typos:
        edits = sum(edits for _, _, edits in found.typos)
        return "different" if ends_missing or edits > _MOST_EDITS else "typo"
    if found.initials:
        return "initials"
    return "part" if ends_missing else "shortened"


def _align(longer: Sequence[str], shorter: Sequence[str]) -> _Aligned:
    rest, others = list(longer), list(shorter)
    equal = _take(rest, others, lambda a, b: a == b)
    initials = _take(rest, others, _is_initial)
    typos = []
    for edits, a, b in sorted(_near_words(rest, others)):
        if a in rest and b in others:
            rest.remove(a)
            others.remove(b)
            typos.append((a, b, edits))
    return _Aligned(len(equal), len(initials), typos, rest, others)


def _take(
    rest: list[str], others: list[str], agree: Callable[[str, str], bool]
) -> list[tuple[str, str]]:
    """Takes words that agree out of both lists."""
    taken = []
    for word in tuple(others):
        found = next((each for each in rest if agree(each, word)), None)
        if found is not None:
            rest.remove(found)
            others.remove(word)
            taken.append((found, word))
    return taken


def _is_initial(a: str, b: str) -> bool:
    return min(len(a), len(b)) == 1 and a[0] == b[0]


def _near_words(rest: Sequence[str], others: Sequence[str]) -> Iterator[tuple[int, str, str]]:
    for a in rest:
        for b in others:
            allowed = _allowed_edits(a, b)
            if allowed and (edits := OSA.distance(a, b, score_cutoff=allowed)) <= allowed:
                yield edits, a, b


def _allowed_edits(a: str, b: str) -> int:
    """Words of two letters that are one letter apart are two words."""
    if min(len(a), len(b)) < 3:
        return 0
    return 1 if max(len(a), len(b)) < 7 else 2


def _ends_of(words: Sequence[str]) -> _Ends:
    """Family and given name; a known Vietnamese family name that is not in front shows that the
    name is written the Western way. Western names have their ends the other way round, which is
    the same for who asks whether either is missing.
    """
    if words[0] not in _FAMILIES:
        family = next((word for word in words[1:] if word in _COMMON_FAMILIES), None)
        if family is not None:
            return _Ends(family, words[0])
    return _Ends(words[0], words[-1])


_MOST_EDITS = 2
_WORD = re.compile(r"[^\W_]+")
_FINAL_Y = re.compile(r"(?<=[^aeiou])y\Z|(?<=qu)y\Z")
_TITLES = frozenset({"mr", "mrs", "ms", "miss", "dr", "prof", "ths", "ts", "bs", "gs", "pgs", "ks"})
# Words by which people are spoken to (``Anh Lê Văn Nam``), which are names as well (``Lê Anh``).
_ADDRESSES = frozenset({"anh", "chi", "em", "ong", "ba", "co", "chu", "bac", "cau", "di"})
# Few of these are middle or given names as well, many of the others are.
_COMMON = "nguyen tran le pham vu bui do dang phan vo ngo huynh dinh doan truong ho luong trinh"
_OTHERS = (
    "hoang dao duong ha vuong mai cao ly phung to luu ta lam thai nong chu trieu quach dam lo lai "
    "kieu lu nghiem dong hua chau tong thach mac la giang dau tu tang ma bach au ton khong diep "
    "ninh khuong khuat vi van than banh bien bo chuong cu cung dieu duu han hau kha khuu lieu luc "
    "mau nguy nhan nham on phi phu quan su tat thieu tieu uong vien vinh"
)
_COMMON_FAMILIES = frozenset(_COMMON.split())
_FAMILIES = _COMMON_FAMILIES | frozenset(_OTHERS.split())
