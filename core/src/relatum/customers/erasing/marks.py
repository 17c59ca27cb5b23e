"""Finding a person in any text: their names, numbers, addresses, in every spelling that is certain.

A name counts with its diacritics or wholly without, whatever its case and however its words are
spaced, and only when it has two words at least: ``An`` stands in too many sentences. A phone number
counts with any separators and any prefix of its country, also as it was before numbers changed.
"""

from __future__ import annotations

import functools
import itertools
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import quote, unquote_plus

import msgspec

from relatum.values.email import normalise_email
from relatum.values.phone import normalise_phone
from relatum.values.text import fold

#: Stands where somebody was named.
MARK = "[đã xoá]"
LEAST_DIGITS = 7
#: A phrase of fewer letters may be anything.
LEAST_LETTERS = 5

_WORD = re.compile(r"\w+")
_RUN = re.compile(r"\+?\(?\+?\d(?:[\s().\-–/_·,]{0,3}\d){6,}")
_MAIL = re.compile(r"[\w.+%'-]+@[\w-]+(?:\.[\w-]+)+")
_BETWEEN = re.compile(r"[\s.,_\-–/]{1,4}")
_QUOTED = re.compile(r"%[0-9A-Fa-f]{2}")
_APART = r"[\s().\-–/_·,]{0,3}"
_TOKEN = re.compile(r"[a-z0-9_.:*/+-]*|[A-Z]{3}|(?=[^0-9]*[0-9])[A-Z0-9_./-]+|[0-9T:.+ Z-]+")
_CODED = re.compile(r"[0-9_:.]")
#: Under these names JSON holds codes.
_CODES = frozenset(
    {"kind", "rule", "type", "state", "status", "channel", "purpose", "direction", "currency"}
)
#: Who writes of themselves, and of nobody else.
_HOUSE = frozenset({"system"})
_PHONE_LIKE = re.compile(r"(?:\+|00|0|84)\d{7,14}")


class Person(msgspec.Struct, kw_only=True):
    """What somebody is or was known by.

    Attributes:
        names: whole names.
        phones: as they were given, or in E.164.
        emails: addresses.
        phrases: what else tells who it is: postal addresses, handles, ids elsewhere.
    """

    names: set[str] = msgspec.field(default_factory=set)
    phones: set[str] = msgspec.field(default_factory=set)
    emails: set[str] = msgspec.field(default_factory=set)
    phrases: set[str] = msgspec.field(default_factory=set)

    def take(self, kind: str, text: str) -> None:
        """A contact point."""
        text = (text or "").strip()
        if not text:
            return
        {"phone": self.phones, "email": self.emails}.get(kind, self.phrases).add(text)
        # a Zalo account is a number more often than not
        if kind not in {"phone", "email"} and _RUN.fullmatch(text):
            self.phones.add(text)

    def join(self, other: Person) -> None:
        """Somebody else as well."""
        self.names |= other.names
        self.phones |= other.phones
        self.emails |= other.emails
        self.phrases |= other.phrases


class Marks:
    """Finds and replaces what some people are known by."""

    def __init__(self, people: Iterable[Person], *, country: str) -> None:
        self._country = country
        self._phrases: defaultdict[str, set[tuple[tuple[str, ...], str]]] = defaultdict(set)
        self._mails: set[str] = set()
        self._e164: set[str] = set()
        self._national: dict[str, re.Pattern[str]] = {}
        #: single words and whole values, for what belonged to the person alone
        self._own: set[str] = set()
        self._fold = functools.lru_cache(maxsize=50_000)(fold)
        self._read = functools.lru_cache(maxsize=50_000)(self._international)
        for person in people:
            self._take(person)
        self._lengths = sorted({len(each) for each in self._national})

    def _take(self, person: Person) -> None:
        for name in person.names:
            self._own |= {fold(name), *fold(name).split()}
            self._phrase(name)
        for phrase in person.phrases:
            self._own.add(fold(phrase))
            self._phrase(phrase, least_words=1)
        for mail in person.emails:
            self._mails |= {mail.strip().lower(), (normalise_email(mail).address or "").lower()}
        self._mails.discard("")
        for phone in person.phones:
            self._phone(phone)

    def _phrase(self, text: str, *, least_words: int = 2) -> None:
        words = _WORD.findall(unicodedata.normalize("NFC", text))
        letters = sum(len(word) for word in words)
        if len(words) >= least_words and letters >= LEAST_LETTERS:
            folded = tuple(self._fold(word) for word in words)
            self._phrases[folded[0]].add((folded, _spelling(" ".join(words))))

    def _phone(self, text: str) -> None:
        e164 = normalise_phone(text, self._country).e164
        digits = re.sub(r"\D", "", text)
        if e164:
            self._e164.add(e164)
            code, national = _split(e164)
            self._number(national, code)
        elif len(digits) >= LEAST_DIGITS:
            self._number(digits.lstrip("0") or digits, "84")

    def _international(self, text: str) -> str | None:
        return normalise_phone(text, self._country).e164

    def _number(self, national: str, code: str) -> None:
        if len(national) < LEAST_DIGITS:
            return
        prefix = rf"(?:\(?\+?(?:00)?{_APART.join(code)}{_APART}(?:\(?0\)?)?{_APART}|\(?0{_APART})?"
        self._national[national] = re.compile(
            rf"(?<![\d])(?:\+)?{prefix}{_APART.join(national)}(?!\d)"
        )

    # -- whole texts -----------------------------------------------------------------------------

    def replace(self, text: str) -> str:
        """The text with a mark wherever somebody is named; the very same text where nobody is."""
        plain = self._plain(text)
        if plain is not text:
            return plain
        if _QUOTED.search(text):
            opened = unquote_plus(text)
            closed = self._plain(opened)
            if closed is not opened:
                return quote(closed, safe="=&/?:")
        return text

    def names(self, text: str) -> bool:
        """Whether somebody is named."""
        return self.replace(text) is not text

    def _plain(self, text: str) -> str:
        normal = text if text.isascii() else unicodedata.normalize("NFC", text)
        spans = [*self._mails_in(normal), *self._phones_in(normal), *self._phrases_in(normal)]
        if not spans:
            return text
        return _marked(normal, spans)

    def _mails_in(self, text: str) -> Iterator[tuple[int, int]]:
        if self._mails and "@" in text:
            for found in _MAIL.finditer(text):
                if found[0].lower().strip("'") in self._mails:
                    yield found.span()

    def _phones_in(self, text: str) -> Iterator[tuple[int, int]]:
        if not self._national:
            return
        for run in _RUN.finditer(text):
            digits = re.sub(r"\D", "", run[0])
            likely = {
                digits[at : at + length]
                for length in self._lengths
                for at in range(len(digits) - length + 1)
            } & self._national.keys()
            spans = [
                found.span()
                for each in likely
                for found in self._national[each].finditer(text, run.start(), run.end() + 1)
            ]
            if spans:
                yield from spans
            elif len(digits) <= 15 and self._read(run[0]) in self._e164:
                yield run.span()

    def _phrases_in(self, text: str) -> Iterator[tuple[int, int]]:
        if not self._phrases:
            return
        words = list(_WORD.finditer(text))
        folded = [self._fold(word[0]) for word in words]
        for at, first in enumerate(folded):
            for phrase, spelling in self._phrases.get(first, ()):
                end = at + len(phrase)
                if tuple(folded[at:end]) != phrase:
                    continue
                some = words[at:end]
                if _together(text, some) and _same(some, phrase, spelling):
                    yield some[0].start(), some[-1].end()

    # -- what belonged to the person alone -------------------------------------------------------

    def blank(self, text: str) -> str:
        """A text of the person's own: kept when it is a code, an id or a time, else a mark."""
        if not text:
            return text
        if (
            _TOKEN.fullmatch(text) is None
            or fold(text) in self._own
            or _PHONE_LIKE.fullmatch(text)
            or self.names(text)
        ):
            return MARK
        return text

    def blank_free(self, text: str) -> str:
        """The same in a column for whole sentences, where a plain word is no code."""
        if _CODED.search(text) or text in _HOUSE:
            return self.blank(text)
        return MARK if text else text


def _split(e164: str) -> tuple[str, str]:
    import phonenumbers

    number = phonenumbers.parse(e164)
    return str(number.country_code), phonenumbers.national_significant_number(number)


def _spelling(text: str) -> str:
    """A text by its letters and marks: where in a word a tone is written makes no difference."""
    words = unicodedata.normalize("NFD", text.lower()).split()
    return " ".join("".join(sorted(word)) for word in words)


def _together(text: str, words: list[re.Match[str]]) -> bool:
    return all(
        _BETWEEN.fullmatch(text, one.end(), other.start())
        for one, other in itertools.pairwise(words)
    )


def _same(words: list[re.Match[str]], phrase: tuple[str, ...], spelling: str) -> bool:
    """With the same diacritics, or with none at all."""
    written = [word[0] for word in words]
    bare = all(word.lower() == folded for word, folded in zip(written, phrase, strict=True))
    return bare or _spelling(" ".join(written)) == spelling


def _marked(text: str, spans: Iterable[tuple[int, int]]) -> str:
    parts, last = [], 0
    for start, end in sorted(spans):
        if end <= last:
            continue
        parts += [text[last : max(start, last)], MARK if start >= last else ""]
        last = end
    return "".join([*parts, text[last:]])


def in_json(value: Any, change: Callable[[str], str]) -> Any:
    """A decoded JSON value with ``change`` made of every text in it, keys too."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [in_json(each, change) for each in value]
    if isinstance(value, dict):
        return {change(key): in_json(each, change) for key, each in value.items()}
    return value


def blanked_json(value: Any, marks: Marks) -> Any:
    """A decoded JSON value of the person's own: what is a code by its name or its looks stays."""
    if isinstance(value, dict):
        return {
            key: marks.blank(each)
            if key in _CODES and isinstance(each, str)
            else blanked_json(each, marks)
            for key, each in value.items()
        }
    if isinstance(value, list):
        return [blanked_json(each, marks) for each in value]
    return marks.blank_free(value) if isinstance(value, str) else value


def about(value: Any, ids: frozenset[str], marks: Marks) -> Any:
    """A decoded JSON value where what is said of an erased id is blanked, wherever it stands."""
    if isinstance(value, str):
        return marks.replace(value)
    if isinstance(value, list):
        if any(isinstance(each, str) and each in ids for each in value):
            return blanked_json(value, marks)
        return [about(each, ids, marks) for each in value]
    if isinstance(value, dict):
        if any(isinstance(each, str) and each in ids for each in value.values()):
            return blanked_json(value, marks)
        return {
            marks.replace(key): blanked_json(each, marks) if key in ids else about(each, ids, marks)
            for key, each in value.items()
        }
    return value


def changed_text(text: str, change: Callable[[str], str]) -> str:
    """A text column after ``change``; the very same text when it changes nothing.

    JSON stays JSON: what it holds is changed, not its spelling.
    """
    return _in_text(text, change, lambda decoded: in_json(decoded, change))


def blanked_text(text: str, marks: Marks) -> str:
    """A text column of the person's own for whole sentences or JSON."""
    return _in_text(text, marks.blank_free, lambda decoded: blanked_json(decoded, marks))


def scrubbed_text(text: str, ids: frozenset[str], marks: Marks) -> str:
    """A text column of somebody else without quotations; the very same text when it has none."""
    return _in_text(text, marks.replace, lambda decoded: about(decoded, ids, marks))


def _in_text(text: str, plain: Callable[[str], str], json: Callable[[Any], Any]) -> str:
    if text[:1] in {"{", "[", '"'}:
        try:
            decoded = msgspec.json.decode(text)
        except msgspec.DecodeError:
            return plain(text)
        after = json(decoded)
        return text if after == decoded else msgspec.json.encode(after).decode()
    return plain(text)
