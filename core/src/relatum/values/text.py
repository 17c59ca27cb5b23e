"""Text people type: cleaning it, finding it again, sorting it, proposing what was meant."""

import re
import unicodedata
from collections.abc import Iterable

import msgspec
from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA

from relatum.values.problems import InvalidInput, Problem


class Text(msgspec.Struct, frozen=True):
    """A fixed text of the product in its two languages."""

    en: str
    vi: str

    def in_language(self, lang: str) -> str:
        """The Vietnamese text for ``vi`` and ``vi-VN``, else the English one."""
        return self.vi if self.vi and lang[:2].lower() == "vi" else self.en


def fold(text: str) -> str:
    """The search form: no case, no marks, đ as d, single spaces.

    ``fold("Nguyễn  ĐỨC") == "nguyen duc"``. Idempotent. Apply it to what is stored and to what is
    looked for.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFD", text.casefold()).translate(_FOLDING)
        text = unicodedata.normalize("NFC", text).casefold()
    else:
        text = text.lower()
    return " ".join(text.split())


def sort_key(text: str) -> str:
    """A key of digits and small letters whose plain order is the Vietnamese alphabetical order.

    Letters count first (a ă â b c d đ e ê … o ô ơ … u ư …), then tones (ngang, huyền, hỏi, ngã,
    sắc, nặng); case does not count. A blank sorts before punctuation, that before digits, those
    before letters (CLDR collation ``vi``). Only ``0-9a-z`` occur, so every database collation
    sorts keys alike.
    """
    letters: list[str] = []
    tones: list[str] = []
    for char in unicodedata.normalize("NFC", " ".join(text.split())):
        known = _SORTING.get(char)
        if known is None:
            known = _sorting(char)
            if char < _LATIN_END:
                _SORTING[char] = known
        letters.append(known[0])
        tones.append(known[1])
    weak = "".join(tones).rstrip("1")
    return "".join(letters) + ("0" + weak if weak else "")


def clean_line(text: str, *, what: str, max_length: int, where: str = "") -> str:
    """One line of text as it will be stored: NFC, without blanks around it.

    Raises:
        InvalidInput: it has a control character (also a line break or tab inside), a lone
            surrogate, or more than ``max_length`` characters.
    """
    text = text.strip()
    if text.isascii() and text.isprintable() and len(text) <= max_length:
        return text
    return _clean(text, what, max_length, where, _NOT_IN_A_LINE)


def clean_text(text: str, *, what: str, max_length: int, where: str = "") -> str:
    """Text of several lines as it will be stored: NFC, line ends ``\\n``, no blanks around it.

    Raises:
        InvalidInput: as :func:`clean_line`, but line breaks and tabs are welcome.
    """
    text = text.strip()
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _clean(text, what, max_length, where, _NOT_IN_TEXT)


def nearest(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate that was probably meant by ``word``, or None when none is near.

    First by spelling (up to about a third of the letters wrong), then, for names of several
    words, by the words they share in any order. Case and marks do not count.
    """
    choices = list(candidates)
    spelled = process.extractOne(
        word, choices, scorer=OSA.normalized_similarity, processor=fold, score_cutoff=0.65
    )
    if spelled is not None:
        return choices[spelled[2]]
    if len(fold(word)) < _SHORTEST_SHARED:
        return None
    shared = process.extractOne(
        word, choices, scorer=fuzz.token_set_ratio, processor=fold, score_cutoff=90
    )
    return None if shared is None else choices[shared[2]]


_SHORTEST_SHARED = 4

_MARKS = (
    range(0x0300, 0x0370),
    range(0x1AB0, 0x1B00),
    range(0x1DC0, 0x1E00),
    range(0x20D0, 0x2100),
    range(0xFE20, 0xFE30),
)
# Invisible characters that copying from web pages and spreadsheets leaves inside words.
_INVISIBLE = (0x00AD, 0x200B, 0x200C, 0x200D, 0x200E, 0x200F, 0x2060, 0xFEFF)
_FOLDING: dict[int, str | None] = {
    **{mark: None for block in _MARKS for mark in block},
    **dict.fromkeys(_INVISIBLE),
    **{ord(letter): base for letter, base in zip("đðøłħı", "ddolhi", strict=True)},
    ord("æ"): "ae",
    ord("œ"): "oe",
}

_NOT_IN_A_LINE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_NOT_IN_TEXT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")

_TONES = {"\u0300": "2", "\u0309": "3", "\u0303": "4", "\u0301": "5", "\u0323": "6"}
_LETTERS = {
    "a": "a1",
    "ă": "a2",
    "â": "a3",
    "d": "d1",
    "đ": "d2",
    "ð": "d2",
    "e": "e1",
    "ê": "e2",
    "o": "o1",
    "ô": "o2",
    "ơ": "o3",
    "u": "u1",
    "ư": "u2",
    "z": "z1",
}
_PUNCTUATION = "_-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$"
_SORTING: dict[str, tuple[str, str]] = {}
# Only Latin letters are remembered: hostile text must not be able to fill the memory.
_LATIN_END = "\u2100"


def _clean(text: str, what: str, max_length: int, where: str, refused: re.Pattern[str]) -> str:
    # NFC joins at most a letter and a few marks, so a far longer text is refused unread.
    if len(text) <= 4 * max_length:
        found = refused.search(text)
        if found is not None:
            raise _bad_character(found, what, where)
        text = unicodedata.normalize("NFC", text)
    if len(text) > max_length:
        raise _too_long(text, what, max_length, where)
    return text


def _bad_character(found: re.Match[str], what: str, where: str) -> InvalidInput:
    place = found.start() + 1
    got = f"U+{ord(found.group()):04X} as character {place}"
    problem = Problem(
        code="bad-character",
        message=f"The {what} has a character that cannot be stored",
        where=where,
        expected="letters, digits, punctuation and blanks",
        got=got,
        mend="Remove this character; it often comes from copying out of another program.",
    )
    return InvalidInput(
        f"The {what} has a character that cannot be stored ({got}).", problems=[problem]
    )


def _too_long(text: str, what: str, max_length: int, where: str) -> InvalidInput:
    problem = Problem(
        code="too-long",
        message=f"The {what} is too long",
        where=where,
        expected=f"at most {max_length} characters",
        got=f"{len(text)} characters",
        mend="Shorten it.",
    )
    return InvalidInput(
        f"The {what} has {len(text)} characters; at most {max_length} are allowed.",
        problems=[problem],
    )


def _sorting(char: str) -> tuple[str, str]:
    """Strong and weak part of one character's sort key; prefix-free, in collation order.

    The first key character groups: 1 blank, 2 punctuation, 3 digit, a letter for itself, ``zz``
    for other scripts. ``0`` stays free to end the strong part.
    """
    if char == " ":
        return "1", ""
    if char in _PUNCTUATION:
        return f"2{_PUNCTUATION.index(char):02}", ""
    if char.isdecimal():
        return f"3{unicodedata.decimal(char)}", ""
    strong, weak = "", ""
    for part in unicodedata.normalize("NFC", _toneless(char)).lower():
        strong += _LETTERS.get(part) or _other_letter(part)
    for mark in unicodedata.normalize("NFD", char):
        weak = _TONES.get(mark, weak)
    return strong, weak or "1"


def _toneless(char: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", char) if c not in _TONES)


def _other_letter(char: str) -> str:
    if "a" <= char <= "z":
        return char
    base = "".join(c for c in fold(char) if "a" <= c <= "z")
    if base:
        return "".join(_LETTERS.get(c, c) for c in base)
    return f"zz{ord(char):06x}"
