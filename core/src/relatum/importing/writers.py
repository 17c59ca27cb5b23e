"""Files of exported records in the forms that an import reads back, and the plan entry that does.

Cells of CSV and XLSX are guarded alike: people open one form and save it as the other.
"""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from relatum.importing import watermark
from relatum.importing.columns import Source, Spec
from relatum.importing.formulas import guard
from relatum.importing.plan import FileKind, FilePlan, Format
from relatum.importing.shapes import Shape, shapes_of
from relatum.importing.workbooks import SheetFile

if TYPE_CHECKING:
    from relatum.hooks.declarations import ImportTarget
    from relatum.importing.watermark import Watermark

ExportFormat = FileKind


class Writer:
    """Records into a file, without what is empty or as it is by default.

    Args:
        mark: stands in every row.
    """

    def __init__(self, path: Path, target: ImportTarget, mark: Watermark | None) -> None:
        self._fields = msgspec.structs.fields(target.record)
        self._shapes = shapes_of(target.record)
        self._mark = None if mark is None else str(mark)

    def write(self, records: Sequence[msgspec.Struct]) -> None:
        """Append them."""
        raise NotImplementedError

    def close(self) -> None:
        """Finish the file."""
        raise NotImplementedError

    def plain(self, record: msgspec.Struct) -> dict[str, Any]:
        """The fields of a record that say something."""
        said = {}
        for field in self._fields:
            value = getattr(record, field.name)
            default = field.default
            if default is msgspec.NODEFAULT and field.default_factory is not msgspec.NODEFAULT:
                default = field.default_factory()
            if value is not msgspec.UNSET and (field.required or value != default):
                said[field.encode_name] = value
        return said

    def headings(self) -> list[str]:
        """The fields, and the mark behind them."""
        return [*self._shapes, *([] if self._mark is None else [watermark.COLUMN])]

    def cells(self, record: msgspec.Struct) -> list[str]:
        """A record as text below the headings."""
        said = self.plain(record)
        cells = [_cell(shape, said.get(name)) for name, shape in self._shapes.items()]
        return cells if self._mark is None else [*cells, self._mark]


class JsonWriter(Writer):
    """JSON lines: everything as it is."""

    def __init__(self, path: Path, target: ImportTarget, mark: Watermark | None) -> None:
        super().__init__(path, target, mark)
        self._stream = path.open("wb")
        self._encode = msgspec.json.Encoder().encode

    def write(self, records: Sequence[msgspec.Struct]) -> None:
        extra = {} if self._mark is None else {watermark.COLUMN: self._mark}
        self._stream.writelines(
            self._encode({**self.plain(record), **extra}) + b"\n" for record in records
        )

    def close(self) -> None:
        self._stream.close()


class CsvWriter(Writer):
    """CSV for spreadsheets: in UTF-8, with the mark that tells them so."""

    def __init__(self, path: Path, target: ImportTarget, mark: Watermark | None) -> None:
        super().__init__(path, target, mark)
        self._stream = path.open("w", encoding="utf-8-sig", newline="")
        self._csv = csv.writer(self._stream)
        self._csv.writerow(self.headings())

    def write(self, records: Sequence[msgspec.Struct]) -> None:
        self._csv.writerows(self.cells(record) for record in records)

    def close(self) -> None:
        self._stream.close()


class XlsxWriter(Writer):
    """A workbook of one sheet; every cell is text."""

    def __init__(self, path: Path, target: ImportTarget, mark: Watermark | None) -> None:
        super().__init__(path, target, mark)
        self._sheet = SheetFile(path)
        self._sheet.write(self.headings())

    def write(self, records: Sequence[msgspec.Struct]) -> None:
        for record in records:
            self._sheet.write(self.cells(record))

    def close(self) -> None:
        self._sheet.close()


WRITERS: Mapping[ExportFormat, type[Writer]] = {
    "jsonl": JsonWriter,
    "csv": CsvWriter,
    "xlsx": XlsxWriter,
}


def entry_of(target: ImportTarget, name: str, form: ExportFormat) -> FilePlan:
    """What a plan says about a file that was written so."""
    options: dict[str, Any] = dict(getattr(target, "export_options", {}))
    if form == "jsonl":
        return FilePlan(path=name, target=target.id, options=options)
    columns: dict[str, Source] = {
        field: _column(field, shape) for field, shape in shapes_of(target.record).items()
    }
    return FilePlan(
        path=name, target=target.id, options=options, columns=columns, format=_FORMATS[form]
    )


_FORMATS: Mapping[ExportFormat, Format] = {
    "csv": Format(delimiter=",", encoding="utf-8-sig", guarded=True),
    "xlsx": Format(guarded=True),
}


def _column(field: str, shape: Shape) -> Spec:
    if _as_json(shape):
        return Spec(column=field, json=True)
    if shape.sort == "moment":
        return Spec(column=field, date="yyyy-MM-dd HH:mm")
    return Spec(column=field, date="yyyy-MM-dd") if shape.sort == "date" else Spec(column=field)


def _as_json(shape: Shape) -> bool:
    return shape.many or shape.container is not None or shape.sort in {"any", "amount"}


def _cell(shape: Shape, value: Any) -> str:
    if value is None:
        return ""
    if _as_json(shape):
        return guard(msgspec.json.encode(value).decode())
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat()
    return guard(value.isoformat() if isinstance(value, dt.date) else str(value))
