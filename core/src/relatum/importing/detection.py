"""How a file is written: its encoding and its delimiter, found from the beginning of it."""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter
from collections.abc import Iterable

import msgspec

from relatum.values.problems import Problem

#: What is looked at, in bytes.
HEAD = 256 * 1024
DELIMITERS = ",;\t|"
_ROWS = 200


class Encoding(msgspec.Struct, frozen=True):
    """The encoding a file has, or the ``problem`` that it cannot be told."""

    name: str
    problem: Problem | None = None


def detect_encoding(head: bytes, *, whole: bool) -> Encoding:
    """The encoding of a file that begins with ``head`` (``whole``: and ends there).

    UTF-8 and UTF-16 are recognised for certain. Of the 8-bit encodings only Windows-1258 and
    Windows-1252 are, and only on good evidence; a few stray bytes leave a file UTF-8 and the rows
    they stand in are reported. Fonts of the time before Unicode (TCVN3, VNI) cannot be told apart
    from text for certain, so they are a problem and not a guess.
    """
    for mark, name in _MARKS:
        if head.startswith(mark):
            return Encoding(name)
    wide = _utf16_without_mark(head)
    if wide:
        return Encoding(wide)
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head, final=whole)
    except UnicodeDecodeError:
        return _eight_bit(head)
    return Encoding("utf-8")


def detect_delimiter(lines: Iterable[str]) -> str:
    """The mark that cuts the lines most evenly; a comma when nothing does."""
    text = list(lines)
    best, found = (0.0, 0), ","
    for delimiter in DELIMITERS:
        widths = _widths(text, delimiter)
        if not widths or widths[0] < 2:
            continue
        usual, count = Counter(widths).most_common(1)[0]
        if usual < 2:
            continue
        score = (round(count / len(widths), 1), usual)
        if score > best:
            best, found = score, delimiter
    return found


def named_delimiter(line: str) -> str | None:
    """The delimiter that spreadsheets name in a first line ``sep=;``."""
    named = _NAMED.fullmatch(line.strip("\r\n\ufeff"))
    return named[1] if named else None


_NAMED = re.compile(r"sep=(.)", re.IGNORECASE)
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def _utf16_without_mark(head: bytes) -> str:
    """Text of mostly Latin letters has a zero in every second byte."""
    pairs = len(head) // 2
    if pairs < 2:
        return ""
    even, odd = head[0 : pairs * 2 : 2].count(0), head[1 : pairs * 2 : 2].count(0)
    if odd * 2 > pairs and even * 20 < pairs:
        return "utf-16-le"
    if even * 2 > pairs and odd * 20 < pairs:
        return "utf-16-be"
    return ""


_LEAST_EVIDENCE = 5
_UTF8_GROUP = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
)
_HIGH = re.compile(rb"[\x80-\xff]")
# Windows-1258 writes hook, tilde and dot below as a mark behind the vowel, which no other does.
_TONE_BEHIND_VOWEL = re.compile(
    rb"[aeiouyAEIOUY\xe2\xea\xf4\xe3\xf5\xfd\xc2\xca\xd4\xc3\xd5\xdd][\xcc\xd2\xde\xec\xf2]"
)
# TCVN3 has letters where Windows-1252 has signs, so signs stand inside words.
_SIGN_IN_WORD = re.compile(rb"(?<=[A-Za-z])[\xa8-\xae\xb5-\xb9]|[\xa8-\xae\xb5-\xb9](?=[A-Za-z])")
# VNI writes the tone as a Western letter behind a plain vowel: Nguyeãn, Hoà, Ñöùc.
_LETTER_BEHIND_VOWEL = re.compile(
    rb"[aeouyAEOUY\xf6\xf4][\xf9\xf8\xfb\xf5\xef\xe2\xea\xe1\xe0\xe5\xe3\xe4\xe9\xe8\xfa\xfc\xeb]"
)
_WESTERN = re.compile(
    rb"[\xc0-\xd6\xd8-\xf6\xf8-\xff\x8a\x8c\x8e\x9a\x9c\x9e\x9f\x91-\x97\x80\xa0]"
)


def _eight_bit(head: bytes) -> Encoding:
    high = len(_HIGH.findall(head))
    in_utf8 = sum(len(group) for group in _UTF8_GROUP.findall(head))
    if in_utf8 * 5 >= high * 4 or high < _LEAST_EVIDENCE:
        return Encoding("utf-8")
    if len(_SIGN_IN_WORD.findall(head)) * 4 >= high:
        return _cannot_tell("TCVN3 (.VnTime fonts)")
    if len(_TONE_BEHIND_VOWEL.findall(head)) * 6 >= high:
        return Encoding("windows-1258")
    if len(_LETTER_BEHIND_VOWEL.findall(head)) * 2 >= high:
        return _cannot_tell("VNI")
    if len(_WESTERN.findall(head)) * 10 >= high * 9:
        return Encoding("windows-1252")
    return _cannot_tell("an encoding of the time before Unicode")


def _cannot_tell(suspicion: str) -> Encoding:
    return Encoding(
        "",
        Problem(
            code="unknown-encoding",
            message=f"The encoding of this file cannot be told; it looks like {suspicion}",
            expected="UTF-8, UTF-16, Windows-1258 or Windows-1252",
            mend=(
                "Convert it to Unicode (UniKey Toolkit does) and save it as UTF-8, or say "
                'encoding = "…" in [files.format].'
            ),
        ),
    )


def _widths(lines: list[str], delimiter: str) -> list[int]:
    widths: list[int] = []
    try:
        for row in csv.reader(lines, delimiter=delimiter):
            if row:
                widths.append(len(row))
            if len(widths) == _ROWS:
                break
    except csv.Error:
        return widths
    return widths
