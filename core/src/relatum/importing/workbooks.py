"""Writing XLSX: one sheet of texts and numbers. A text is never a formula, however it begins."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from xml.sax.saxutils import escape

from relatum.importing.sheet_values import escaped
from relatum.values.problems import InvalidInput

#: What a spreadsheet can open (specification of Excel).
MOST_ROWS = 1_048_576
MOST_CHARACTERS = 32_767
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_PARTS = {
    "[Content_Types].xml": f'{_XML}<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType='
    '"application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    '<Override PartName="/xl/workbook.xml" ContentType='
    '"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
    '<Override PartName="/xl/worksheets/sheet1.xml" ContentType='
    '"application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>'
    "</Types>",
    "_rels/.rels": f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
    "</Relationships>",
    "xl/workbook.xml": f'{_XML}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
    '<sheet name="Relatum" sheetId="1" r:id="rId1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
    "</Relationships>",
}


class SheetFile:
    """A workbook of one sheet, written row by row."""

    def __init__(self, path: Path) -> None:
        self._zip = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED)
        for name, content in _PARTS.items():
            self._zip.writestr(_part(name), content)
        self._sheet = self._zip.open(_part("xl/worksheets/sheet1.xml"), "w", force_zip64=True)
        self._sheet.write(f'{_XML}<worksheet xmlns="{_MAIN}"><sheetData>'.encode())
        self._rows = 0

    def write(self, cells: Sequence[str | int | float | Decimal]) -> None:
        """One row of texts and numbers; empty texts are left out.

        Raises:
            InvalidInput: more rows, or a longer text, than a spreadsheet can open.
        """
        self._rows += 1
        if self._rows > MOST_ROWS or any(
            isinstance(cell, str) and len(cell) > MOST_CHARACTERS for cell in cells
        ):
            raise InvalidInput(
                f"expected at most {MOST_ROWS:,} rows and {MOST_CHARACTERS:,} characters a cell, "
                "got more than a spreadsheet can open; take CSV or JSON lines"
            )
        row = "".join(
            _cell(f"{_letters(place)}{self._rows}", cell)
            for place, cell in enumerate(cells)
            if cell != ""
        )
        self._sheet.write(f'<row r="{self._rows}">{row}</row>'.encode())

    def close(self) -> None:
        """Finish the file."""
        self._sheet.write(b"</sheetData></worksheet>")
        self._sheet.close()
        self._zip.close()


def _cell(place: str, cell: str | float | Decimal) -> str:
    if isinstance(cell, str):
        text = f'<t xml:space="preserve">{escape(escaped(cell))}</t>'
        return f'<c r="{place}" t="inlineStr"><is>{text}</is></c>'
    return f'<c r="{place}"><v>{cell}</v></c>'


def _part(name: str) -> zipfile.ZipInfo:
    """A part without a time, so that the same rows make the same file."""
    part = zipfile.ZipInfo(name)
    part.compress_type = zipfile.ZIP_DEFLATED
    return part


def _letters(place: int) -> str:
    """2 → ``C``, 26 → ``AA``."""
    letters = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters
