"""Tables of figures as files: XLSX, CSV, or a page that stands for itself."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from relatum.importing.formulas import guard
from relatum.importing.workbooks import SheetFile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from relatum.reports.sheets import Cell, Sheet
    from relatum.reports.types import FileFormat

MEDIA = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
    "html": "text/html; charset=utf-8",
}
_UNFIT = re.compile(r'[\\/:*?"<>|\x00-\x1f]+')


def written(sheets: Sequence[Sheet], form: FileFormat, *, renderer: Any, language: str) -> bytes:
    """A file of tables, one below the other.

    Args:
        renderer: renders the template of pages that stand for themselves.
    """
    if form == "csv":
        return _csv(sheets)
    if form == "xlsx":
        return _xlsx(sheets)
    page: str = renderer.render("relatum/report_file.html", language, sheets=sheets)
    return page.encode()


def file_name(title: str, day: str, form: FileFormat) -> str:
    """What a file is called: title and day, without what file systems do not take."""
    return f"{_UNFIT.sub(' ', title).strip()[:80] or 'Relatum'} {day}.{form}"


def _lines(sheets: Sequence[Sheet]) -> Iterator[Sequence[Cell]]:
    for number, sheet in enumerate(sheets):
        if number:
            yield ()
        yield (sheet.title,)
        yield (sheet.about,)
        if sheet.heads:
            yield sheet.heads
        yield from sheet.rows


def _csv(sheets: Sequence[Sheet]) -> bytes:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream)
    for line in _lines(sheets):
        writer.writerow([_text(cell) for cell in line])
    return stream.getvalue().encode("utf-8-sig")


def _xlsx(sheets: Sequence[Sheet]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "figures.xlsx"
        file = SheetFile(path)
        for line in _lines(sheets):
            file.write([_text(cell) for cell in line])
        file.close()
        return path.read_bytes()


def _text(cell: Cell) -> Any:
    """What a program goes on with: days as ISO writes them, numbers without groups."""
    if cell is None:
        return ""
    if isinstance(cell, dt.date):
        return cell.isoformat()
    return guard(cell) if isinstance(cell, str) else cell
