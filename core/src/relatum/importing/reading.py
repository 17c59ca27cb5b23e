"""Opening a file: how it is written is found out, shown, and never guessed where it matters."""

from __future__ import annotations

import contextlib
import csv
import gzip
import hashlib
import io
import itertools
import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

import msgspec

from relatum.importing import damage, sheets, watermark
from relatum.importing.detection import (
    HEAD,
    detect_delimiter,
    detect_encoding,
    named_delimiter,
)
from relatum.importing.mend import special_columns
from relatum.importing.plan import FileKind, Format
from relatum.importing.rows import Lines, Row, TooLongError, csv_rows, json_rows, sheet_rows
from relatum.values.problems import InvalidInput, Problem
from relatum.values.text import nearest

_SHOWN = 300
_PIECE = 8 * 1024


class Table(msgspec.Struct, kw_only=True):
    """A file whose form is known.

    Attributes:
        name: inside of its folder, for people.
        notes: what is odd about the headings.
        special: where a file of rejected rows has the columns it was given.
        sheet: which one of a workbook is read.
    """

    path: Path
    name: str
    kind: FileKind
    encoding: str
    delimiter: str
    headings: list[str]
    header: bool = True
    skip_lines: int = 0
    guarded: bool = False
    notes: list[Problem] = []
    special: dict[str, int] = {}
    sheet: str = ""
    _raw: IO[bytes] | None = None

    @property
    def marked(self) -> bool:
        """Whether it left a house as an export and carries its mark."""
        return watermark.COLUMN in self.headings

    def index_of(self, heading: str) -> int | None:
        """Where the cells below ``heading`` are; ``Name#2`` is the second column of that name."""
        if heading in self.headings:
            return self.headings.index(heading)
        name, mark, which = heading.rpartition("#")
        if mark and which.isdecimal():
            places = [place for place, known in enumerate(self.headings) if known == name]
            if 0 < int(which) <= len(places):
                return places[int(which) - 1]
        return None

    def missing(self, heading: str, where: str) -> Problem | None:
        """Why ``heading`` cannot be used, or ``None``."""
        if self.kind == "jsonl":
            return None
        if self.headings.count(heading) > 1:
            return Problem(
                code="ambiguous-heading",
                message=f"{self.name} has {self.headings.count(heading)} columns {heading!r}",
                where=where,
                expected="a heading that occurs once",
                mend=f"Write {heading}#1 for the first, {heading}#2 for the second.",
            )
        if self.index_of(heading) is not None:
            return None
        near = nearest(heading, self.headings)
        return Problem(
            code="no-such-column",
            message=f"{self.name} has no column {heading!r}",
            where=where,
            expected=f"one of {', '.join(self.headings)}"[:_SHOWN],
            got=heading,
            mend=f"Write {near} if that is meant." if near else "Use one of its headings.",
        )

    def rows(self) -> Iterator[Row]:
        """Every row below the headings, from the beginning of the file."""
        return _ROWS[self.kind](self)

    def sheet_rows(self) -> Iterator[sheets.SheetRow]:
        """The rows of a workbook's sheet that have cells, from the headings on."""
        with sheets.opened(self.path, self.name) as (self._raw, book):
            for line, cells in book.rows(self.sheet):
                if line > self.skip_lines:
                    yield line, cells

    @contextlib.contextmanager
    def text(self) -> Iterator[IO[str]]:
        """The file as text, from its beginning."""
        with (
            self.path.open("rb") as self._raw,
            _as_text(self._raw, self.path.name, self.encoding) as stream,
        ):
            yield stream

    def fraction(self) -> float:
        """How much of the file the rows that are being read have used up, from 0 to 1."""
        if self._raw is None or self._raw.closed:
            return 1.0
        return min(1.0, self._raw.tell() / max(self.path.stat().st_size, 1))

    def sample(self, most: int) -> Iterator[Row]:
        """The first rows that are sound."""
        return itertools.islice((row for row in self.rows() if row.problem is None), most)


_ROWS = {"csv": csv_rows, "jsonl": json_rows, "xlsx": sheet_rows}


def fingerprint(path: Path) -> str:
    """SHA-256 of a file as it lies there."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def open_table(path: Path, form: Format, *, name: str = "") -> Table:
    """Find out how ``path`` is written, as far as ``form`` does not say it.

    Raises:
        InvalidInput: it is not there, empty, damaged, of unknown encoding or without headings.
    """
    name = name or path.name
    if name.endswith(".xlsx"):
        return _open_workbook(path, form, name)
    head, whole = _head(path, name)
    if not head.strip(b"\x00\r\n\t \xef\xbb\xbf"):
        raise _refused(name, "empty-file", f"{name} is empty", "a line of headings and rows")
    table = Table(
        path=path,
        name=name,
        kind="jsonl" if name.endswith((".jsonl", ".jsonl.gz")) else "csv",
        encoding=_encoding(head, whole, form, name),
        delimiter="",
        headings=[],
        header=form.header,
        skip_lines=form.skip_lines,
        guarded=form.guarded,
    )
    if table.kind == "csv":
        _find_columns(table, form, head)
    else:
        _find_keys(table)
    return table


def _open_workbook(path: Path, form: Format, name: str) -> Table:
    try:
        with sheets.opened(path, name) as (_, book):
            names = book.sheets
    except OSError as error:
        raise _refused(name, "unreadable", f"{name} cannot be read: {error}") from None
    sheet = names[0] if form.sheet is None else form.sheet
    if sheet not in names:
        message = f"{name} has no sheet {sheet!r}"
        raise _refused(name, "no-such-sheet", message, f"one of {', '.join(names)}"[:_SHOWN])
    table = Table(
        path=path,
        name=name,
        kind="xlsx",
        encoding="",
        delimiter="",
        headings=[],
        header=form.header,
        skip_lines=form.skip_lines,
        guarded=form.guarded,
        sheet=sheet,
    )
    if form.sheet is None and len(names) > 1:
        table.notes.append(damage.other_sheets(table, names[1:]))
    _find_headings(table)
    return table


def _head(path: Path, name: str) -> tuple[bytes, bool]:
    """The beginning of a file, and whether that is all of it.

    Of a file that breaks off, what comes before the break: its rows are told about it.
    """
    head = b""
    try:
        with _open_bytes(path) as stream:
            while len(head) < HEAD:
                piece = stream.read(_PIECE)
                if not piece:
                    return head, True
                head += piece
    except (OSError, EOFError, zlib.error) as error:
        if not head:
            raise _refused(name, "unreadable", f"{name} cannot be read: {error}") from None
    return head, False


def _encoding(head: bytes, whole: bool, form: Format, name: str) -> str:
    if form.encoding is not None:
        wide = form.encoding.lower().replace("_", "-").startswith(("utf-16", "utf-32"))
        try:
            head.decode(form.encoding, errors="replace" if wide else "surrogateescape")
        except (LookupError, ValueError):
            message = f"There is no encoding {form.encoding!r}"
            known = "utf-8, utf-16, windows-1258, windows-1252 …"
            raise _refused(name, "unknown-encoding", message, known) from None
        return form.encoding
    found = detect_encoding(head, whole=whole)
    if found.problem is not None:
        problem = msgspec.structs.replace(found.problem, where=name)
        raise InvalidInput(f"{name} cannot be read: {problem.message}.", problems=[problem])
    return found.name


def _find_columns(table: Table, form: Format, head: bytes) -> None:
    text = head.decode(table.encoding, errors="replace").lstrip("\ufeff")
    lines = text.splitlines(keepends=True)[form.skip_lines :]
    named = named_delimiter(lines[0]) if lines else None
    if named:
        table.skip_lines += 1
        lines = lines[1:]
    # The last line of the sample may be cut in the middle.
    tabs = "\t" if table.name.endswith((".tsv", ".tsv.gz")) else None
    table.delimiter = form.delimiter or named or tabs or detect_delimiter(lines[:-1] or lines)
    _find_headings(table)


def _find_headings(table: Table) -> None:
    table.headings = _headings(table)
    # Whatever has the mark was written by an export, which guards every cell.
    table.guarded = table.guarded or table.marked
    repeated = [heading for heading, count in Counter(table.headings).items() if count > 1]
    table.notes += [damage.repeated_heading(table, heading) for heading in repeated]
    if table.header and any(_DATA.fullmatch(heading) for heading in table.headings):
        table.notes.append(damage.no_headings(table))


# A number of two digits or more, or an e-mail address.
_DATA = re.compile(r"[+-]?\d{2,}[\d.,:/ -]*|\S+@\S+\.\S+")


def _headings(table: Table) -> list[str]:
    first = _first_row(table)
    table.special = special_columns(first)
    table.header = table.header or bool(table.special)
    if not table.header:
        return [str(number) for number in range(1, len(first) + 1)]
    return [_heading(cell) or f"column {number}" for number, cell in enumerate(first, start=1)]


def _first_row(table: Table) -> list[str]:
    if table.kind == "xlsx":
        return _first_sheet_row(table)
    with table.text() as stream:
        lines = Lines(stream)
        try:
            for _ in range(table.skip_lines):
                next(lines, None)
            return next(csv.reader(lines, delimiter=table.delimiter, strict=True), [])
        except (csv.Error, TooLongError, UnicodeError) as error:
            message = f"The headings of {table.name} cannot be read: {error}"
            raise _refused(table.name, "bad-headings", message, "a line of headings") from None


def _first_sheet_row(table: Table) -> list[str]:
    try:
        first = next(table.sheet_rows(), None)
    except sheets.UNREADABLE as error:
        message = f"{table.name} cannot be read: {error}"
        raise _refused(table.name, "not-a-workbook", message, "a workbook") from None
    if first is None:
        message = f"The sheet {table.sheet} of {table.name} is empty"
        raise _refused(table.name, "empty-file", message, "a line of headings and rows")
    return first[1]


def _heading(cell: str) -> str:
    cell = " ".join(cell.replace("\x00", "").replace("\ufeff", "").split())
    return unicodedata.normalize("NFC", _LONE.sub("\ufffd", cell))


_LONE = re.compile("[\ud800-\udfff]")


def _find_keys(table: Table) -> None:
    """The keys of the first objects, to be shown and to guess from."""
    keys: dict[str, None] = {}
    for row in table.sample(100):
        keys.update(dict.fromkeys(row.cells))
    table.headings = list(keys)


def _open_bytes(path: Path) -> IO[bytes]:
    if path.name.endswith(".gz"):
        return cast("IO[bytes]", gzip.open(path, "rb"))
    return path.open("rb")


def _as_text(raw: IO[bytes], name: str, encoding: str) -> IO[str]:
    # What is not of the encoding comes through as lone surrogates: the row is reported, and the
    # same bytes are written to the file of rejected rows.
    wide = encoding.lower().replace("_", "-").startswith(("utf-16", "utf-32"))
    errors = "surrogatepass" if wide else "surrogateescape"
    stream: Any = gzip.GzipFile(fileobj=raw) if name.endswith(".gz") else raw
    return io.TextIOWrapper(stream, encoding=encoding, errors=errors, newline="")


def _refused(name: str, code: str, message: str, expected: str = "") -> InvalidInput:
    problem = Problem(code=code, message=message, where=name, expected=expected)
    return InvalidInput(f"{message}.", problems=[problem])
