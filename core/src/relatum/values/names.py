"""Names of people, Vietnamese (family name first) and Western."""

import re

import msgspec

from relatum.values.text import fold, sort_key

_FAMILY_FIRST = frozenset({"VN", "CN", "TW", "HK", "KR", "KP", "HU"})
_TWO_WORD_FAMILIES = frozenset({"ton that", "ton nu", "cong tang", "cong ton", "au duong"})
_PARTICLES = frozenset(
    {"van", "von", "der", "den", "de", "da", "di", "do", "dos", "du", "del", "della", "la", "le"}
    | {"ten", "ter", "bin", "ibn", "al", "zu", "af", "av"}
)
_WORD = re.compile(r"\w+")


class PersonName(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A person's name in its parts; any of them may be empty."""

    family: str = ""
    middle: str = ""
    given: str = ""


def split_name(full: str, country: str = "VN") -> PersonName:
    """Split a full name by the custom of ``country``; ``Family, Given Middle`` works everywhere.

    In Viet Nam the last word is the given name and the first the family name
    (``Tôn Thất`` and a few others have two words). A single word is a given name.
    """
    family, comma, rest = full.partition(",")
    if comma and family.strip() and rest.strip():
        given, *middle = rest.split()
        if country in _FAMILY_FIRST:
            *middle, given = rest.split()
        return PersonName(family=_join(family.split()), middle=_join(middle), given=given)
    words = full.replace(",", " ").split()
    if len(words) < 2:
        return PersonName(given=_join(words))
    if country in _FAMILY_FIRST:
        return _family_first(words)
    return _family_last(words)


def join_name(name: PersonName, country: str = "VN") -> str:
    """The full name in the order people of ``country`` write it."""
    if country in _FAMILY_FIRST:
        return _join([name.family, name.middle, name.given])
    return _join([name.given, name.middle, name.family])


def greeting_name(name: PersonName | str, country: str = "VN") -> str:
    """What a person is called by: the given name; what there is when there is none."""
    if isinstance(name, str):
        name = split_name(name, country)
    return name.given or name.family or name.middle


def name_sort_key(name: PersonName | str, country: str = "VN") -> str:
    """Key for the order of a list of people: given name first in Viet Nam, else the family name.

    Then the other of the two, then the middle names, each by :func:`relatum.values.text.sort_key`.
    """
    if isinstance(name, str):
        name = split_name(name, country)
    first, second = name.family, name.given
    if country == "VN":
        first, second = second, first
    # "00" is below everything a sort key can go on with, so parts compare one after the other.
    return "00".join((sort_key(first), sort_key(second), sort_key(name.middle)))


def same_name(a: str, b: str) -> bool:
    """Whether two names have the same words, whatever their order, marks, case and punctuation."""
    words = sorted(_WORD.findall(fold(a)))
    return bool(words) and words == sorted(_WORD.findall(fold(b)))


def _family_first(words: list[str]) -> PersonName:
    length = 2 if len(words) > 2 and fold(_join(words[:2])) in _TWO_WORD_FAMILIES else 1
    return PersonName(family=_join(words[:length]), middle=_join(words[length:-1]), given=words[-1])


def _family_last(words: list[str]) -> PersonName:
    start = len(words) - 1
    for place in range(1, len(words) - 1):
        if fold(words[place]) in _PARTICLES:
            start = place
            break
    return PersonName(given=words[0], middle=_join(words[1:start]), family=_join(words[start:]))


def _join(words: list[str]) -> str:
    return " ".join(filter(None, words))
