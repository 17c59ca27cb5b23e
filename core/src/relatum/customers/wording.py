"""What somebody typed into a search: its words, its telephone numbers, its exact spelling."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

import phonenumbers

from relatum.values.phone import normalise_phone, renumbered_start
from relatum.values.text import fold

#: So many digits, with what people write between them, are a telephone number or its beginning.
LEAST_DIGITS = 6
MOST_DIGITS = 15
# The end is a digit, so that a full stop behind a number is none of its marks.
_NUMBER = re.compile(r"(?<![^\s,;:])\+?\(?[0-9](?:[\s().-]*[0-9]){5,}(?![^\s,;:.)])")
_TRUNK = re.compile(r"\(\s*0\s*\)")


class Term(NamedTuple):
    """Something that has to occur: one of these lists of parts, all parts of it."""

    choices: tuple[tuple[str, ...], ...]


def terms_of(text: str, country: str) -> list[Term]:
    """What has to occur in a customer's search text.

    A word has to occur as it is folded. A number occurs in its E.164 form, as the digits that were
    typed, as the same digits after the renumbering of 2018, or as the words it was typed in.
    """
    terms: list[Term] = []
    behind = 0
    for found in _NUMBER.finditer(text):
        digits = "".join(filter(str.isdigit, found.group()))
        if len(digits) > MOST_DIGITS:
            continue
        terms += _words_as_terms(text[behind : found.start()])
        terms.append(Term(tuple(dict.fromkeys(_spellings(found.group(), country)))))
        behind = found.end()
    terms += _words_as_terms(text[behind:])
    return list(dict.fromkeys(terms))


def _words_as_terms(text: str) -> Iterator[Term]:
    for word in fold(text).split():
        yield Term(((word,),))


def _spellings(typed: str, country: str) -> Iterator[tuple[str, ...]]:
    """Each costs a look at everybody: none that only finds what another one finds."""
    digits = "".join(filter(str.isdigit, _TRUNK.sub("", typed)))
    yield (digits,)
    whole = normalise_phone(typed, country).e164
    # The search text has the number both with the country's code and as at home.
    at_home = f"+{phonenumbers.country_code_for_region(country)}{digits[1:]}"
    if whole is not None and digits not in whole and whole != at_home:
        yield (whole,)
    if country == "VN":
        yield (renumbered_start(digits),)
    if digits.startswith("00") and len(digits) > LEAST_DIGITS + 2:
        yield (digits[2:],)
    yield tuple(fold(typed).split())


def spellings_of(text: str) -> list[str]:
    """The words of a search that may stand in a name exactly so, as they were typed.

    Empty when there are none: then nobody stands before the others.
    """
    words = unicodedata.normalize("NFC", text).split()
    return list(dict.fromkeys(word for word in words if any(map(str.isalpha, word))))


def forms_of(word: str) -> list[str]:
    """A word as it was typed, in small letters, with one capital, and in capitals: no database
    knows in every locale which letters are the same.
    """
    small = word.casefold()
    return list(dict.fromkeys((word, small, small.capitalize(), small.upper())))


def patterns_of(word: str, kind: str) -> list[str]:
    """Patterns for names of which a word begins so: for GLOB on SQLite, whose LIKE would read
    capitals of the Latin alphabet alone as small letters, and for LIKE on PostgreSQL.
    """
    if kind == "sqlite":
        forms = [_GLOB_SIGN.sub(r"[\g<0>]", form) for form in forms_of(word)]
        return [f"{before}{form}*" for form in forms for before in ("", "* ")]
    return [f"{before}{escaped(form)}%" for form in forms_of(word) for before in ("", "% ")]


_GLOB_SIGN = re.compile(r"[*?\[]")


def escaped(word: str) -> str:
    """A word as a part of a LIKE pattern with the escape character ``\\``."""
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
