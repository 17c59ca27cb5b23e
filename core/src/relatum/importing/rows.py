"""The rows of a file, one after the other; a damaged row comes out as one with a problem.

The rows after a damaged one are read as if it had not been there, and its text is kept so that it
can be mended.
"""

from __future__ import annotations

import csv
import functools
import itertools
import re
import unicodedata
import zlib
from collections import deque
from collections.abc import Callable, Generator, Iterator
from typing import IO, TYPE_CHECKING, Any

import msgspec

from relatum.importing import damage, sheets, watermark
from relatum.importing.formulas import unguard
from relatum.importing.mend import LINE, NUMBER, PROBLEM
from relatum.values.problems import Problem

if TYPE_CHECKING:
    from relatum.importing.reading import Table

#: Longest line, in characters.
MOST_CHARACTERS = 4 * 1024 * 1024
#: A quoted cell that runs over more lines than this was never closed.
MOST_LINES = 2_000

_UNREADABLE = (EOFError, OSError, zlib.error, UnicodeError)


class Row(msgspec.Struct):
    """One record of a file.

    ``cells`` is a list in the order of the headings (CSV) or a mapping (JSON lines); ``raw`` the
    text of a row that could not be taken apart. ``number`` counts rows alike (``number_by``), and
    ``origin`` is the line a mended row stood in before it was rejected. ``tray`` is what mappings
    read (see ``getters``). ``marked`` says that an export wrote it.
    """

    line: int
    cells: Any
    number: int = 0
    origin: int = 0
    problem: Problem | None = None
    raw: str | None = None
    tray: Any = None
    marked: bool = False


class TooLongError(Exception):
    """A line, or a row over several lines, is longer than any honest one."""


class Lines:
    """Lines for the CSV reader; it remembers those of the row that is being read."""

    def __init__(self, stream: IO[str]) -> None:
        self._readline = stream.readline
        self._again: deque[str] = deque()
        self.pending: list[str] = []
        self.count = 0
        self.damage: str | None = None

    def __iter__(self) -> Lines:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else self._read()
        if not line:
            raise StopIteration
        self.count += 1
        self.pending.append(line)
        if len(self.pending) > MOST_LINES or len(line) >= MOST_CHARACTERS:
            raise TooLongError("the row is too long")
        return line

    def _read(self) -> str:
        try:
            return self._readline(MOST_CHARACTERS)
        except _UNREADABLE as error:
            self.damage = str(error)
            return ""

    def take(self) -> tuple[int, list[str]]:
        """The number of the first line of the row that was read, and its lines."""
        lines, self.pending = self.pending, []
        return self.count - len(lines) + 1, lines

    def give_back(self, lines: list[str]) -> None:
        """Lines that shall be read once more."""
        self._again.extendleft(reversed(lines))
        self.count -= len(lines)


def csv_rows(table: Table) -> Iterator[Row]:
    """The rows of a CSV file below its headings; rows without any content are left out.

    A sound file is read without a call of Python for each line. At the first row that is not sound
    the file is opened again, and read from that row on with all the care that it needs.
    """
    sound: int | None = 0
    if len(table.headings) * csv.field_size_limit() < MOST_CHARACTERS:
        sound = yield from _sound_rows(table)
    if sound is not None:
        yield from _careful_rows(table, sound)


def _sound_rows(table: Table) -> Generator[Row, None, int | None]:
    """Rows up to the first that is not sound; returns the line it comes after."""
    width = len(table.headings)
    plain = not table.guarded and not table.special
    with table.text() as stream:
        lines = iter(functools.partial(stream.readline, MOST_CHARACTERS), "")
        reader = csv.reader(lines, delimiter=table.delimiter, strict=True)
        skipped = sum(1 for _ in itertools.islice(lines, table.skip_lines))
        sound = skipped
        to_skip = 1 if table.header else 0
        try:
            for cells in reader:
                if to_skip:
                    to_skip = 0
                elif len(cells) != width and cells:
                    return sound
                elif plain and _is_plain("".join(cells)):
                    yield Row(sound + 1, cells)
                elif (row := _row(sound + 1, cells, table)) is not None:
                    yield row
                sound = skipped + reader.line_num
        except (csv.Error, *_UNREADABLE):
            return sound
    return None


def _is_plain(text: str) -> bool:
    """Whether there is nothing to check or mend in the cells of a row."""
    return bool(text) and text.isascii() and text.isprintable() and not text.isspace()


def _careful_rows(table: Table, after: int) -> Iterator[Row]:
    """Rows after a line, with a problem for each that is not sound."""
    with table.text() as stream:
        lines = Lines(stream)
        for _ in range(after or table.skip_lines):
            next(lines, None)
            lines.pending.clear()
        to_skip = 0 if after > table.skip_lines or not table.header else 1
        while True:
            reader = csv.reader(lines, delimiter=table.delimiter, strict=True)
            try:
                for cells in reader:
                    line, _ = lines.take()
                    if to_skip:
                        to_skip = 0
                    elif (row := _row(line, cells, table)) is not None:
                        yield row
                break
            except (csv.Error, TooLongError) as error:
                yield _broken(lines, error, table)
        if lines.damage is not None:
            problem = damage.ends_early(lines.count + 1, lines.damage, table)
            yield Row(lines.count + 1, [], problem=problem, raw="")


def sheet_rows(table: Table) -> Iterator[Row]:
    """The rows of a workbook's sheet below its headings; ``line`` is the number of the row."""
    line, width = 0, len(table.headings)
    try:
        for place, (line, cells) in enumerate(table.sheet_rows()):
            if place == 0 and table.header:
                continue
            # Sheets leave out the empty cells at the end of a row.
            cells.extend([""] * (width - len(cells)))
            if (row := _row(line, cells, table)) is not None:
                yield row
    except sheets.UNREADABLE as error:
        yield Row(line + 1, [], problem=damage.ends_early(line + 1, str(error), table), raw="")


def json_rows(table: Table) -> Iterator[Row]:
    """The objects of a file of JSON lines; empty lines are left out."""
    decode = msgspec.json.Decoder().decode
    with table.text() as stream:
        lines = Lines(stream)
        while True:
            try:
                text = next(lines, None)
            except TooLongError:
                line, taken = lines.take()
                yield _not_json(line, taken[0], "the line is too long")
                continue
            if text is None:
                break
            line, _ = lines.take()
            if text.strip():
                yield _json_row(line, text, decode)
        if lines.damage is not None:
            problem = damage.ends_early(lines.count + 1, lines.damage, table)
            yield Row(lines.count + 1, {}, problem=problem, raw="")


def _row(line: int, cells: list[str], table: Table) -> Row | None:
    width = len(table.headings)
    if len(cells) != width:
        if not any(cells):
            return None
        if len(cells) < width or any(cells[width:]):
            return Row(line, cells, problem=damage.ragged(line, cells, table))
        del cells[width:]
    joined = "".join(cells)
    if not joined.isascii() or "\x00" in joined:
        found = _REFUSED.search(joined)
        if found is not None:
            problem = damage.bad_character(line, cells, found.group(), table)
            return Row(line, cells, problem=problem)
        if not unicodedata.is_normalized("NFC", joined):
            cells = [unicodedata.normalize("NFC", cell) for cell in cells]
    elif not joined or joined.isspace():
        return None
    if table.guarded and "'" in joined:
        cells = [unguard(cell) for cell in cells]
    return _mended(line, cells, table) if table.special else Row(line, cells)


# NUL, and what stands for bytes that are not of the encoding.
_REFUSED = re.compile("[\x00\ud800-\udfff]")


def _mended(line: int, cells: list[str], table: Table) -> Row:
    """A row of a file of rejected rows; numbers that somebody broke count as none."""
    number, origin = cells[table.special[NUMBER]], cells[table.special[LINE]]
    return Row(
        line,
        cells,
        number=int(number) if number.isdecimal() else 0,
        origin=int(origin) if origin.isdecimal() else 0,
    )


def _broken(lines: Lines, error: Exception, table: Table) -> Row:
    """The row that the CSV reader stopped at; what an unclosed quote swallowed is read again."""
    reason = str(error)
    too_long = isinstance(error, TooLongError) or "limit" in reason
    line, taken = lines.take()
    if "unexpected end" in reason or (too_long and len(taken) > 1):
        lines.give_back(taken[1:])
        problem = damage.unclosed_quote(line, taken[0], table)
        return Row(line, [], problem=problem, raw=taken[0])
    if too_long:
        problem = damage.too_long(line, sum(map(len, taken)), csv.field_size_limit())
    else:
        problem = damage.bad_quotes(line, taken[-1], table)
    return Row(line, [], problem=problem, raw="".join(taken))


def _json_row(line: int, text: str, decode: Callable[[str], Any]) -> Row:
    try:
        value = decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
        return _not_json(line, text, str(error))
    if not isinstance(value, dict):
        return _not_json(line, text, f"it is a {type(value).__name__}")
    marked = value.pop(watermark.COLUMN, None) is not None
    if LINE not in value or PROBLEM not in value:
        return Row(line, value, marked=marked)
    origin, number = value.pop(LINE), value.pop(NUMBER, 0)
    del value[PROBLEM]
    return Row(
        line,
        value,
        number=number if isinstance(number, int) else 0,
        origin=origin if isinstance(origin, int) else 0,
        marked=marked,
    )


def _not_json(line: int, text: str, reason: str) -> Row:
    return Row(line, {}, problem=damage.not_json(line, text, reason), raw=text)
