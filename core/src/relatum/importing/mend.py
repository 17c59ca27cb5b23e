"""Files of rejected rows: the original columns and what is wrong, to be mended and imported again.

Their last columns are ``relatum_line`` (where the row stood), ``relatum_number`` (its number among
rows alike) and ``problem``; the reader knows them and leaves them out of the data, but a mended row
keeps the line and number that its keys may be made of.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import msgspec

from relatum.importing.formulas import guard

if TYPE_CHECKING:
    from relatum.importing.reading import Table
    from relatum.importing.results import LineFinding
    from relatum.importing.rows import Row

LINE, NUMBER, PROBLEM = "relatum_line", "relatum_number", "problem"
SPECIAL = (LINE, NUMBER, PROBLEM)


def special_columns(headings: Sequence[str]) -> dict[str, int]:
    """Where the columns of a file of rejected rows are; empty for any other file."""
    if tuple(headings[-3:]) != SPECIAL:
        return {}
    return {name: len(headings) - 3 + place for place, name in enumerate(SPECIAL)}


class MendFiles:
    """What is kept of one file of an import beside the database, appended batch by batch.

    * ``rows``: rejected rows, as CSV (UTF-8; also those of a workbook) or JSON lines.
    * ``unreadable``: lines that could not be taken apart, as they were.
    * ``findings``: every finding, errors and notes, as JSON lines.
    """

    def __init__(self, folder: Path, table: Table, *, twin: int = 0) -> None:
        base = table.name.removesuffix(".gz").replace("/", "_")
        base = f"{base}.csv" if table.kind == "xlsx" else base
        stem, dot, suffix = base.rpartition(".")
        stem = f"{stem}-{twin + 1}" if twin else stem
        self.rows = folder / f"{stem}{dot}{suffix}"
        self.unreadable = folder / f"{stem}.unreadable.txt"
        self.findings = folder / f"{stem}.findings.jsonl"
        self._table = table

    def keep(
        self, rejected: Sequence[tuple[Row, str]], findings: Sequence[LineFinding]
    ) -> list[int]:
        """Append, see it on disk, and return the sizes of the files for the journal."""
        whole = [(row, problem) for row, problem in rejected if row.raw is None]
        raw = [row.raw for row, _ in rejected if row.raw]
        if whole:
            with _appending(self.rows, mark=self._table.kind != "jsonl") as stream:
                self._write(stream, whole)
                _settle(stream)
        if raw:
            with _appending(self.unreadable) as stream:
                stream.writelines(text if text.endswith("\n") else f"{text}\n" for text in raw)
                _settle(stream)
        if findings:
            with _appending(self.findings) as stream:
                stream.writelines(
                    msgspec.json.encode(finding).decode() + "\n" for finding in findings
                )
                _settle(stream)
        return [_size(path) for path in self._paths()]

    def cut(self, sizes: Sequence[int]) -> None:
        """Back to what the journal vouches for, after a run that was killed."""
        for path, size in zip(self._paths(), sizes or (0, 0, 0), strict=True):
            if size == 0:
                path.unlink(missing_ok=True)
            elif path.exists():
                os.truncate(path, size)

    def _paths(self) -> tuple[Path, Path, Path]:
        return self.rows, self.unreadable, self.findings

    def _write(self, stream: IO[str], rows: Sequence[tuple[Row, str]]) -> None:
        if self._table.kind == "jsonl":
            stream.writelines(_json_line(row, problem) for row, problem in rows)
            return
        writer = csv.writer(stream, delimiter=self._table.delimiter or ",")
        if not _size(self.rows):
            headings = self._table.headings
            writer.writerow([*(headings[:-3] if self._table.special else headings), *SPECIAL])
        for row, problem in rows:
            line = row.origin or row.line
            writer.writerow([*self._cells(row.cells), line, row.number or "", problem])

    def _cells(self, cells: list[str]) -> list[str]:
        # A row with too few or too many cells stays that way: padded, it would pass unmended.
        if self._table.special and len(cells) == len(self._table.headings):
            cells = cells[:-3]
        return [guard(cell) for cell in cells] if self._table.guarded else cells


def _json_line(row: Row, problem: str) -> str:
    extra: dict[str, Any] = {LINE: row.origin or row.line, NUMBER: row.number, PROBLEM: problem}
    return msgspec.json.encode({**row.cells, **extra}).decode() + "\n"


def _appending(path: Path, *, mark: bool = False) -> IO[str]:
    """Spreadsheets take a CSV file for UTF-8 only when a byte order mark says so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    encoding = "utf-8-sig" if mark and not _size(path) else "utf-8"
    return path.open("a", encoding=encoding, errors="surrogateescape", newline="")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _settle(stream: IO[str]) -> None:
    stream.flush()
    os.fsync(stream.fileno())
