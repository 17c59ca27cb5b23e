"""Reading XLSX: one sheet, row by row, with a limit on all that a hostile file could blow up.

Libraries hold a sheet as a rectangle: two cells in far corners, a few hundred bytes of file, then
cost gigabytes. Here only the cells that are there are read, in the order of the file, and parts are
unpacked no further than they say. Cells become text: days and times in ISO 8601, numbers without
grouping, truth as ``true`` and ``false``; of formulas the last result.
"""

from __future__ import annotations

import contextlib
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any
from xml.parsers import expat

from relatum.importing.sheet_values import Styles, as_text, unescaped
from relatum.values.problems import InvalidInput, Problem

MOST_PARTS = 2_000
#: of all parts, unpacked
MOST_BYTES = 512 * 1024 * 1024
#: a part of more than a mebibyte is packed to no less than this share of it (XML packs to 1/10)
MOST_TIMES = 300
MOST_COLUMNS = 2_000
#: of the parts that are held in memory as a whole: texts that cells share, formats, names of sheets
MOST_HELD = 128 * 1024 * 1024
_MEBIBYTE = 1024 * 1024
_PIECE = 64 * 1024

#: A line of the sheet and its cells, the empty ones between them as "".
SheetRow = tuple[int, list[str]]
UNREADABLE = (
    expat.ExpatError,
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    KeyError,
    NotImplementedError,  # packed in a way that nobody uses
    RuntimeError,  # a part is encrypted
    ValueError,
    UnicodeError,
)


class Workbook:
    """An open workbook.

    Raises:
        InvalidInput: it is no workbook, or larger than an honest one.
    """

    def __init__(self, raw: IO[bytes], name: str) -> None:
        self._name = name
        try:
            self._zip = zipfile.ZipFile(raw)
            self._check()
            self._paths = self._sheet_paths()
        except UNREADABLE as error:
            raise refused(name, "not-a-workbook", f"{name} is no XLSX workbook: {error}") from None

    @property
    def sheets(self) -> list[str]:
        """The names of its sheets."""
        return list(self._paths)

    def rows(self, sheet: str) -> Iterator[SheetRow]:
        """The rows of one sheet that have cells.

        Raises:
            expat.ExpatError and others of ``UNREADABLE``: the file is damaged.
        """
        texts = self._texts()
        styles = self._styles()
        reader = _SheetReader(texts, styles)
        with self._zip.open(self._paths[sheet]) as part:
            for _ in _parsed(part, reader.begin, reader.end, reader.text):
                yield from reader.take()

    def _check(self) -> None:
        parts = self._zip.infolist()
        if len(parts) > MOST_PARTS:
            raise self._too_large(f"{len(parts)} parts")
        if sum(part.file_size for part in parts) > MOST_BYTES:
            raise self._too_large(f"more than {MOST_BYTES // _MEBIBYTE} MiB unpacked")
        for part in parts:
            if part.file_size > max(_MEBIBYTE, part.compress_size * MOST_TIMES):
                raise self._too_large(f"a part that unpacks to {part.file_size // _MEBIBYTE} MiB")

    def _too_large(self, what: str) -> InvalidInput:
        return refused(
            self._name, "too-large", f"{self._name} has {what}, which no honest workbook has"
        )

    def _sheet_paths(self) -> dict[str, str]:
        """Name of each sheet → its part."""
        targets: dict[str, str] = {}
        found: dict[str, str] = {}

        def relation(tag: str, attributes: dict[str, str]) -> None:
            if tag == "Relationship" and attributes.get("Type", "").endswith("/worksheet"):
                targets[attributes.get("Id", "")] = _part_of(attributes.get("Target", ""))

        def sheet(tag: str, attributes: dict[str, str]) -> None:
            key = next((v for k, v in attributes.items() if k.rpartition(" ")[2] == "id"), "")
            if tag == "sheet" and key in targets:
                found[attributes.get("name", "")] = targets[key]

        self._hold("xl/_rels/workbook.xml.rels", relation)
        self._hold("xl/workbook.xml", sheet)
        if not found:
            raise ValueError("it has no sheet")
        return found

    def _texts(self) -> list[str]:
        """The texts that cells share."""
        reader = _TextReader()
        if "xl/sharedStrings.xml" in self._zip.namelist():
            self._hold("xl/sharedStrings.xml", reader.begin, reader.end, reader.text)
        return reader.texts

    def _styles(self) -> Styles:
        """Which formats of numbers mean days or times."""
        styles = Styles()
        if "xl/styles.xml" in self._zip.namelist():
            self._hold("xl/styles.xml", styles.begin, styles.end)
        if "xl/workbook.xml" in self._zip.namelist():
            self._hold("xl/workbook.xml", styles.book)
        return styles

    def _hold(self, part: str, begin: _Begin, end: _Tagged = None, text: _Tagged = None) -> None:
        info = self._zip.getinfo(part)
        if info.file_size > MOST_HELD:
            raise self._too_large(f"{info.file_size // _MEBIBYTE} MiB of {part}")
        with self._zip.open(info) as stream:
            for _ in _parsed(stream, begin, end, text):
                pass


_Begin = Callable[[str, dict[str, str]], None]
_Tagged = Callable[[str], None] | None


@contextlib.contextmanager
def opened(path: Path, name: str) -> Iterator[tuple[IO[bytes], Workbook]]:
    """A workbook and the file it is in."""
    with path.open("rb") as raw:
        yield raw, Workbook(raw, name)


def refused(name: str, code: str, message: str, mend: str = "") -> InvalidInput:
    """Why a workbook is not read."""
    problem = Problem(
        code=code,
        message=message,
        where=name,
        expected="an XLSX workbook without a password",
        mend=mend or "Save it anew as XLSX, or as CSV in UTF-8.",
    )
    return InvalidInput(f"{message}.", problems=[problem])


def _part_of(target: str) -> str:
    """The part that a relation of the workbook points at."""
    return target.removeprefix("/") if target.startswith("/") else f"xl/{target}"


def _parsed(stream: IO[bytes], begin: _Begin, end: _Tagged, text: _Tagged) -> Iterator[None]:
    """Read a part piece by piece; stops after each, so that what it brought can be taken."""
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.StartElementHandler = lambda tag, attributes: begin(tag.rpartition(" ")[2], attributes)
    if end is not None:
        close = end
        parser.EndElementHandler = lambda tag: close(tag.rpartition(" ")[2])
    if text is not None:
        parser.CharacterDataHandler = text
    while piece := stream.read(_PIECE):
        parser.Parse(piece, False)
        yield
    parser.Parse(b"", True)
    yield


def _refuse_doctype(*_: Any) -> None:
    raise ValueError("it declares a document type, which no spreadsheet writes")


class _TextReader:
    """Texts of ``si`` elements; readings of Asian signs (``rPh``) are left out."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._parts: list[str] = []
        self._inside = False
        self._reading = False

    def begin(self, tag: str, _attributes: dict[str, str]) -> None:
        if tag == "t":
            self._inside = not self._reading
        elif tag == "rPh":
            self._reading = True

    def end(self, tag: str) -> None:
        if tag == "t":
            self._inside = False
        elif tag == "rPh":
            self._reading = False
        elif tag == "si":
            self.texts.append(unescaped("".join(self._parts)))
            self._parts.clear()

    def text(self, piece: str) -> None:
        if self._inside:
            self._parts.append(piece)


class _SheetReader:
    """Gathers the rows of a sheet while it is read."""

    def __init__(self, texts: list[str], styles: Styles) -> None:
        self._texts = texts
        self._styles = styles
        self._done: list[SheetRow] = []
        self._line = 0
        self._cells: list[str] = []
        self._cell: dict[str, str] = {}
        self._parts: list[str] = []
        self._inside = False
        self._reading = False

    def take(self) -> list[SheetRow]:
        done, self._done = self._done, []
        return done

    def begin(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "c":
            self._cell = attributes
            self._parts.clear()
        elif tag in {"v", "t"}:
            self._inside = not self._reading
        elif tag == "rPh":
            self._reading = True
        elif tag == "row":
            said = attributes.get("r", "")
            line = int(said) if said.isascii() and said.isdecimal() else self._line + 1
            if line <= self._line:
                raise ValueError(f"row {line} comes after row {self._line}")
            self._line = line
            self._cells = []

    def end(self, tag: str) -> None:
        if tag in {"v", "t"}:
            self._inside = False
        elif tag == "rPh":
            self._reading = False
        elif tag == "c":
            self._place(as_text("".join(self._parts), self._cell, self._texts, self._styles))
        elif tag == "row" and any(self._cells):
            self._done.append((self._line, self._cells))

    def text(self, piece: str) -> None:
        if self._inside:
            self._parts.append(piece)

    def _place(self, value: str) -> None:
        if not value:
            return
        column = _column_of(self._cell.get("r", ""), len(self._cells))
        if column >= MOST_COLUMNS:
            raise ValueError(f"row {self._line} has more than {MOST_COLUMNS} columns")
        missing = column + 1 - len(self._cells)
        if missing > 0:
            self._cells += [""] * missing
        self._cells[column] = value


_REFERENCE = re.compile(r"([A-Z]{1,3})[0-9]+")


def _column_of(reference: str, following: int) -> int:
    """``C7`` → 2; a cell that does not say where it is follows the one before."""
    named = _REFERENCE.fullmatch(reference)
    if named is None:
        return following
    column = 0
    for letter in named[1]:
        column = column * 26 + ord(letter) - ord("A") + 1
    return column - 1
