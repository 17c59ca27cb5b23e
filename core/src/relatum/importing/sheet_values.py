"""Values of spreadsheet cells as text, and back: numbers that are days, signs XML cannot hold."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Mapping, Sequence

#: Formats that mean days or times without saying so (ECMA-376, 18.8.30).
_BUILT_IN = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
_NO_SIGNS = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]', re.IGNORECASE)
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_TO_ESCAPE = re.compile("_(?=x[0-9A-Fa-f]{4}_)|[\x00-\x08\x0b-\x1f\ufffe\uffff]")
_DAY = 86_400
#: Years that a day of a spreadsheet can have.
_LAST_DAY = 2_958_466


class Styles:
    """Which cells hold days: by their style and the format it names."""

    def __init__(self) -> None:
        self._days: set[int] = set(_BUILT_IN)
        self._formats: list[int] = []
        self._inside = False
        self.epoch_1904 = False

    def begin(self, tag: str, attributes: Mapping[str, str]) -> None:
        """An element of the part ``styles``."""
        if tag == "numFmt":
            number = _whole(attributes.get("numFmtId", ""))
            shown = _NO_SIGNS.sub("", attributes.get("formatCode", "")).lower()
            if shown != "general" and any(sign in shown for sign in "ymdhs"):
                self._days.add(number)
            else:
                self._days.discard(number)
        elif tag == "cellXfs":
            self._inside = True
        elif tag == "xf" and self._inside:
            self._formats.append(_whole(attributes.get("numFmtId", "")))

    def end(self, tag: str) -> None:
        if tag == "cellXfs":
            self._inside = False

    def book(self, tag: str, attributes: Mapping[str, str]) -> None:
        """An element of the part ``workbook``: which day is day 0."""
        if tag == "workbookPr":
            self.epoch_1904 = attributes.get("date1904", "") in {"1", "true"}

    def is_day(self, style: str) -> bool:
        """Whether a number of this style is a day or a time."""
        number = _whole(style)
        return 0 <= number < len(self._formats) and self._formats[number] in self._days


def as_text(raw: str, cell: Mapping[str, str], texts: Sequence[str], styles: Styles) -> str:
    """The content of a cell as a CSV file would have it.

    Raises:
        ValueError: it names a shared text that is not there.
    """
    kind = cell.get("t", "n")
    if kind == "s":
        place = _whole(raw)
        if not 0 <= place < len(texts):
            raise ValueError(f"cell {cell.get('r', '')} names a text that is not there")
        return texts[place]
    if kind in {"inlineStr", "str"}:
        return unescaped(raw)
    if kind == "b":
        return {"1": "true", "0": "false"}.get(raw, raw)
    if kind in {"e", "d"} or not raw:
        return raw
    return _number(raw, day=styles.is_day(cell.get("s", "")), epoch_1904=styles.epoch_1904)


def escaped(text: str) -> str:
    """Text with what XML cannot hold in the way spreadsheets write it: ``_x000D_``."""
    return _TO_ESCAPE.sub(lambda found: f"_x{ord(found[0]):04X}_", text)


def unescaped(text: str) -> str:
    """The reverse of :func:`escaped`."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


def _number(raw: str, *, day: bool, epoch_1904: bool) -> str:
    try:
        value = float(raw)
    except ValueError:
        return raw
    if not math.isfinite(value):
        return raw
    if day and 0 <= value < _LAST_DAY:
        return _moment(value, epoch_1904=epoch_1904)
    if value.is_integer() and abs(value) < 10**15:
        return str(int(value))
    return raw if raw.lstrip("-").isdecimal() else repr(value)


def _moment(value: float, *, epoch_1904: bool) -> str:
    """A number of days as a day, a time, or both."""
    seconds = round(value * _DAY)
    days, time = divmod(seconds, _DAY)
    clock = dt.time(time // 3600, time // 60 % 60, time % 60).isoformat()
    if days == 0:
        return clock
    try:
        day = (_first_day(days, epoch_1904=epoch_1904) + dt.timedelta(days=days)).isoformat()
    except OverflowError:
        return repr(value)
    return f"{day} {clock}" if time else day


def _first_day(days: int, *, epoch_1904: bool) -> dt.date:
    if epoch_1904:
        return dt.date(1904, 1, 1)
    # Spreadsheets count a 29 February 1900 that never was (day 60).
    return dt.date(1899, 12, 30) if days > 59 else dt.date(1899, 12, 31)


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else -1
