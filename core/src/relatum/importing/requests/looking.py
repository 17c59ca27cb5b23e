"""A look at the files of an import before anything is mapped: how they are written, some rows."""

from __future__ import annotations

from pathlib import Path

import msgspec

from relatum.importing import sheets, watermark
from relatum.importing.choosing import named
from relatum.importing.mend import SPECIAL
from relatum.importing.plan import FileKind, FilePlan
from relatum.importing.reading import Table, open_table
from relatum.importing.resembling import Resemblance, resemblance
from relatum.values.problems import InvalidInput, Problem

#: Rows that are looked at, and cells of them that are shown.
SAMPLE = 50
SHOWN = 3
_LONGEST = 60


class ColumnLook(msgspec.Struct, frozen=True, kw_only=True):
    """One column.

    Attributes:
        heading: as a plan names it.
        cells: the first that are not empty, cut where they are long.
        looks_like: what most of its cells are, by the look of them.
    """

    heading: str
    cells: list[str]
    looks_like: Resemblance | None


class FileLook(msgspec.Struct, kw_only=True):
    """One file of an import as it was found.

    Attributes:
        sheet: of a workbook, the one that is read; ``sheets`` are all of them.
        rows: that were looked at; ``more`` when there are others.
        problems: why it cannot be read; then the rest says nothing.
    """

    path: str
    kind: FileKind
    size: int = 0
    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""
    sheets: list[str] = []
    header: bool = True
    columns: list[ColumnLook] = []
    rows: int = 0
    more: bool = False
    problems: list[Problem] = []
    notes: list[Problem] = []


def look(folder: Path, entry: FilePlan) -> FileLook:
    """Look at the file of one entry of a plan; blocks."""
    path = folder / entry.path
    found = FileLook(path=entry.path, kind=_kind(entry.path))
    try:
        found.size = path.stat().st_size
        if found.kind == "xlsx":
            with sheets.opened(path, entry.path) as (_, book):
                found.sheets = book.sheets
        table = open_table(path, entry.format, name=entry.path)
        found.encoding, found.delimiter = table.encoding, table.delimiter
        found.sheet, found.header, found.notes = table.sheet, table.header, table.notes
        _look_at_rows(table, found)
    except InvalidInput as refusal:
        found.problems = list(refusal.problems)
    except OSError as error:
        found.problems = [
            Problem(
                code="no-such-file",
                message=f"No file matches {entry.path!r}",
                where=entry.path,
                expected="a file of that name or pattern",
                got=type(error).__name__,
                mend="Send it again.",
            )
        ]
    return found


def _look_at_rows(table: Table, found: FileLook) -> None:
    rows = [row.cells for row in table.sample(SAMPLE + 1)]
    found.more = len(rows) > SAMPLE
    rows = rows[:SAMPLE]
    found.rows = len(rows)
    names = named(table.headings)
    hidden = {watermark.COLUMN, *(SPECIAL if table.special else ())}
    for place, (name, heading) in enumerate(zip(names, table.headings, strict=True)):
        if heading in hidden:
            continue
        cells = [_cell(row, place, heading) for row in rows]
        filled = [cell for cell in cells if cell]
        found.columns.append(
            ColumnLook(
                heading=name,
                cells=[_cut(cell) for cell in dict.fromkeys(filled)][:SHOWN],
                looks_like=resemblance(cells),
            )
        )


def _cell(row: object, place: int, heading: str) -> str:
    if isinstance(row, dict):
        value = row.get(heading)
        text = value if isinstance(value, str) else "" if value is None else str(value)
    elif isinstance(row, list) and place < len(row):
        text = row[place]
    else:
        text = ""
    # what is not of the file's encoding came through as lone surrogates
    return " ".join(text.encode("utf-8", "replace").decode().split())


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _kind(name: str) -> FileKind:
    if name.endswith(".xlsx"):
        return "xlsx"
    return "jsonl" if name.endswith((".jsonl", ".jsonl.gz")) else "csv"
