"""What a plugin does with personal data and why, as its manifest declares it: ``[[processing]]``.

The register of processing (:mod:`relatum.plugins.register`) is made of these entries.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Protocol, get_args

import msgspec

from relatum.values.sensitivity import SENSITIVITIES, Sensitivity
from relatum.values.text import Text, nearest

Basis = Literal[
    "consent",
    "contract",
    "legal-obligation",
    "legitimate-interest",
    "vital-interest",
    "public-task",
]
Subjects = Literal["customers", "prospects", "contacts", "staff", "visitors"]

LONGEST_TEXT = 300
_WORD = re.compile(r"[a-z][a-z0-9_]{0,39}")
_WORD_EXPECTED = "a small letter, then small letters, digits and _, at most 40"
_TEXT_EXPECTED = f'{{ en = "…", vi = "…" }}, each of 1 to {LONGEST_TEXT} characters'


class Processing(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is done with personal data.

    Attributes:
        purpose: id of a purpose, of the regulation profile or of core.
        basis: what makes it lawful.
        data: the classes of sensitive data that it touches; may be none.
        subjects: whose data it is.
        recipients: who gets it besides the house.
        abroad: whether it leaves the country.
        retention: how long it is kept; ``None`` when nothing is said.
    """

    id: str
    title: Text
    purpose: str
    basis: Basis
    data: tuple[Sensitivity, ...]
    subjects: tuple[Subjects, ...]
    recipients: tuple[Text, ...] = ()
    abroad: bool = False
    retention: Text | None = None


class Report(Protocol):
    """Takes down what is wrong: place, code, what was expected, what came, how to mend it."""

    def __call__(self, name: str, code: str, expected: str, got: object, mend: str) -> None: ...


def read_processing(name: str, value: Any, report: Report) -> tuple[Processing, ...]:
    """The entries of a manifest.

    Args:
        name: of the field; places are ``processing[0].basis``, the first entry being 0.
        value: whatever the file holds.
        report: is called for each thing that is wrong; what is returned is then of no use.
    """
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        report(name, "bad-list", "tables of their own", repr(value), f"write [[{name}]] above each")
        return ()
    entries = [
        _Entry(f"{name}[{number}]", table, report).read() for number, table in enumerate(value)
    ]
    seen: set[str] = set()
    for number, each in enumerate(entries):
        if each.get("id") in seen:
            place = f"{name}[{number}].id"
            report(place, "double", "an id that no other entry has", each["id"], "choose another")
        seen.add(each.get("id", ""))
    whole = [each for each in entries if each.keys() >= _REQUIRED]
    return tuple(Processing(**each) for each in whole)


class _Entry:
    """One entry being read."""

    def __init__(self, place: str, table: Mapping[str, Any], report: Report) -> None:
        self.place = place
        self.table = table
        self.report = report

    def read(self) -> dict[str, Any]:
        """The values that are sound, by field."""
        for key in self.table:
            if key not in _FIELDS:
                near = nearest(key, _FIELDS)
                mend = f"did you mean {near}?" if near else f"known are {', '.join(_FIELDS)}"
                self.refuse(key, "unknown-key", "the name of a field of processing", key, mend)
        found: dict[str, Any] = {}
        for key, read in _FIELDS.items():
            if key in self.table:
                value = read(self, key, self.table[key])
                if value is not _UNUSABLE:
                    found[key] = value
            elif key in _REQUIRED:
                self.refuse(key, "missing-key", f"{key} = …", "nothing", f"add {key}")
        return found

    def refuse(self, key: str, code: str, expected: str, got: object, mend: str) -> Any:
        self.report(f"{self.place}.{key}", code, expected, got, mend)
        return _UNUSABLE


_UNUSABLE = object()


def _word(entry: _Entry, key: str, value: Any) -> Any:
    if isinstance(value, str) and _WORD.fullmatch(value):
        return value
    return entry.refuse(key, "bad-id", _WORD_EXPECTED, repr(value), "write it in this form")


def _text(entry: _Entry, key: str, value: Any) -> Any:
    whole = isinstance(value, dict) and value.keys() == {"en", "vi"}
    if whole and all(isinstance(said, str) for said in value.values()):
        en, vi = value["en"].strip(), value["vi"].strip()
        if 0 < len(en) <= LONGEST_TEXT and 0 < len(vi) <= LONGEST_TEXT:
            return Text(en=en, vi=vi)
    mend = "say it in both languages, and in no other"
    return entry.refuse(key, "bad-text", _TEXT_EXPECTED, repr(value), mend)


def _retention(entry: _Entry, key: str, value: Any) -> Any:
    return None if value == "" else _text(entry, key, value)


def _texts(entry: _Entry, key: str, value: Any) -> Any:
    if not isinstance(value, list):
        mend = "write [] when there are none"
        return entry.refuse(key, "bad-list", f"a list of {_TEXT_EXPECTED}", repr(value), mend)
    read = [_text(entry, f"{key}[{number}]", each) for number, each in enumerate(value)]
    return _UNUSABLE if _UNUSABLE in read else tuple(read)


def _basis(entry: _Entry, key: str, value: Any) -> Any:
    return value if _among(entry, key, value, get_args(Basis), "bad-basis") else _UNUSABLE


def _some_of(known: Sequence[str], *, empty: bool) -> Callable[[_Entry, str, Any], Any]:
    def read(entry: _Entry, key: str, value: Any) -> Any:
        if not isinstance(value, list) or not (value or empty):
            expected = f"a list out of {', '.join(known)}"
            return entry.refuse(key, "bad-list", expected, repr(value), "list what it is")
        sound = [_among(entry, key, each, known, "unknown-word") for each in value]
        if not all(sound):
            return _UNUSABLE
        if len(set(value)) < len(value):
            return entry.refuse(key, "double", "each once", repr(value), "leave one out")
        return tuple(value)

    return read


def _among(entry: _Entry, key: str, value: Any, known: Sequence[str], code: str) -> bool:
    if isinstance(value, str) and value in known:
        return True
    near = nearest(value, known) if isinstance(value, str) else None
    mend = f"did you mean {near}?" if near else f"write one of {', '.join(known)}"
    entry.refuse(key, code, f"one of {', '.join(known)}", repr(value), mend)
    return False


def _truth(entry: _Entry, key: str, value: Any) -> Any:
    if isinstance(value, bool):
        return value
    return entry.refuse(key, "bad-truth", "true or false", repr(value), "write one of them, bare")


_FIELDS: dict[str, Callable[[_Entry, str, Any], Any]] = {
    "id": _word,
    "title": _text,
    "purpose": _word,
    "basis": _basis,
    "data": _some_of(SENSITIVITIES, empty=True),
    "subjects": _some_of(get_args(Subjects), empty=False),
    "recipients": _texts,
    "abroad": _truth,
    "retention": _retention,
}
_REQUIRED = frozenset({"id", "title", "purpose", "basis", "data", "subjects"})
