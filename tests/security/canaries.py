"""Words that occur nowhere else: where one shows up, the row or the field that holds it leaked."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache

import msgspec

#: A canary word: plain small letters, so that no encoding, folding or sorting hides it.
WORD = re.compile(r"zq[a-p]{12}")
MOST_TOLD = 8
_LETTERS = str.maketrans("0123456789abcdef", "abcdefghijklmnop")


@dataclass(frozen=True)
class Canary:
    """Where a canary was put.

    Attributes:
        customers: labels of all customers the row belongs to; hidden with any of them.
        place: what holds it, for the report: ``deal name``.
        sensitivity: the class of the field, when it has one.
    """

    customers: frozenset[str]
    place: str
    sensitivity: str | None = None


@dataclass
class Canaries:
    """Every canary of a world: words by themselves, ids, numbers and phone digits as they are."""

    words: dict[str, Canary] = field(default_factory=dict)
    texts: dict[str, Canary] = field(default_factory=dict)

    def word(self, customers: Iterable[str], place: str, sensitivity: str | None = None) -> str:
        """A new word that is known from now on."""
        canary = Canary(frozenset(customers), place, sensitivity)
        digest = hashlib.sha256(repr((sorted(canary.customers), place)).encode()).hexdigest()
        word = "zq" + digest[:12].translate(_LETTERS)
        self._put(self.words, word, canary)
        return word

    def text(
        self, text: str, customers: Iterable[str], place: str, sensitivity: str | None = None
    ) -> str:
        """Know a text that is no word: digits, an amount, an id."""
        if len(text) < 6:
            raise ValueError(
                f"expected at least 6 characters, got {text!r}: it may occur by chance"
            )
        self._put(self.texts, text, Canary(frozenset(customers), place, sensitivity))
        return text

    @staticmethod
    def _put(shelf: dict[str, Canary], key: str, canary: Canary) -> None:
        known = shelf.setdefault(key, canary)
        if (known.customers, known.sensitivity) != (canary.customers, canary.sensitivity):
            raise ValueError(
                f"expected {known.place} alone to have {key!r}, got {canary.place} too"
            )

    def found(self, text: str) -> dict[str, Canary]:
        """The canaries in a text; they are letters, digits and dashes, which nothing escapes."""
        low = CHANCE.sub("", text.lower())
        words = {word: self.words[word] for word in WORD.findall(low) if word in self.words}
        # a key can only be in a run of its own characters, and a page has few of those
        places = {
            _DIGITS: "\n".join(_DIGITS.findall(_BETWEEN.sub("", low))),
            _IDS: "\n".join(_IDS.findall(low)),
            None: low,
        }
        return words | {
            key: each for key, each in self.texts.items() if key in places[_runs_of(key)]
        }


#: Digits that stand for nothing: the proof of a form's origin, sizes and times among the figures.
CHANCE = re.compile(
    r'name="csrf" (?:content|value)="[0-9a-f]+"|^[a-z_]+(?:\{.*\})? [0-9.e+-]+$', re.MULTILINE
)
#: Where six digits of a telephone occur by chance: ids, digests, parts of a second.
_BETWEEN = re.compile(
    r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b|\b(?=[0-9]*[a-f])[0-9a-f]{16,}\b"
    r"|(?<=:\d\d)\.\d{1,6}"
)
#: Long enough for the shortest text there is.
_DIGITS, _IDS = re.compile(r"[0-9]{6,}"), re.compile(r"[0-9a-f-]{6,}")


@cache
def _runs_of(key: str) -> re.Pattern[str] | None:
    """The runs of characters in which a text is looked for."""
    return next((each for each in (_DIGITS, _IDS) if each.fullmatch(key)), None)


@dataclass(frozen=True)
class Eyes:
    """What somebody may see: labels of customers, classes of fields."""

    customers: frozenset[str]
    unmasked: frozenset[str]

    def may_see(self, canary: Canary) -> bool:
        """Whether this canary may be in an answer."""
        plain = canary.sensitivity is None or canary.sensitivity in self.unmasked
        return plain and canary.customers <= self.customers


def leaks(canaries: Canaries, eyes: Eyes, answer: str, *, asked: str = "") -> Mapping[str, Canary]:
    """Canaries in an answer that were not for these eyes, except those that the request named."""
    echoed = canaries.found(asked) if asked else {}
    return {
        key: canary
        for key, canary in canaries.found(answer).items()
        if key not in echoed and not eyes.may_see(canary)
    }


def told(found: Mapping[str, Canary]) -> str:
    """Leaks as lines of a report, not all of them."""
    lines = [
        f"  {key}: {each.place} of {', '.join(sorted(each.customers)) or 'nobody'}"
        + (f" ({each.sensitivity})" if each.sensitivity else "")
        for key, each in found.items()
    ]
    more = len(lines) - MOST_TOLD
    return "\n".join([*lines[:MOST_TOLD], f"  … and {more} more"] if more > 0 else lines)


def plain(value: object) -> str:
    """Anything as JSON text, to be searched."""
    return msgspec.json.encode(value, enc_hook=str).decode()
