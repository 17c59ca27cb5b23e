"""Taking data out: one file for each import target, and the plan that brings it all back."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

import msgspec

from relatum.importing.columns import Source, Spec
from relatum.importing.mend import guard
from relatum.importing.plan import FilePlan, Format, Plan, dump_plan
from relatum.importing.shapes import Shape, shapes_of
from relatum.importing.targets.keys import EXPORT_SOURCE
from relatum.values.problems import Conflict

if TYPE_CHECKING:
    from relatum.hooks.context import House
    from relatum.hooks.declarations import ImportTarget

ExportFormat = Literal["jsonl", "csv"]
Watch = Callable[[str, int], None]
#: Targets that others refer to come first.
_FIRST = ("core.customers", "core.customer_links", "core.interactions")


class ExportedFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file that was written."""

    path: str
    target: str
    records: int


class Exported(msgspec.Struct, frozen=True, kw_only=True):
    """What was written where."""

    folder: str
    files: list[ExportedFile]


async def export_all(
    house: House,
    folder: Path,
    *,
    targets: Sequence[str] = (),
    form: ExportFormat = "jsonl",
    watch: Watch | None = None,
) -> Exported:
    """Write the data of the house, or of some targets, into an empty folder.

    Customers are named by their external id of the source ``relatum``, or by their own id where
    they have none. CSV cells that a spreadsheet would take for formulas get an apostrophe, which
    the plan takes away again.

    Raises:
        Conflict: there is something in the folder.
        NotFound: there is no such target.
    """
    _make_empty(folder)
    entries: list[FilePlan] = []
    files: list[ExportedFile] = []
    for target in _chosen(house, targets):
        path = folder / f"{target.id}.{form}"
        records = await _write(house, target, path, form, watch)
        if records:
            files.append(ExportedFile(path=path.name, target=target.id, records=records))
            entries.append(_entry(target, path.name, form))
    if entries:
        fields = await house.customers.fields()
        plan = Plan(name=EXPORT_SOURCE, title="Export of Relatum", fields=fields, files=entries)
        (folder / "plan.toml").write_text(dump_plan(plan), encoding="utf-8")
    return Exported(folder=str(folder), files=files)


def _make_empty(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise Conflict(
            f"Expected an empty folder, got {folder} with files in it; name a new one, so that "
            "nothing is overwritten."
        )


def _chosen(house: House, wanted: Sequence[str]) -> list[ImportTarget]:
    shelf = house.registry.import_targets
    ids = list(wanted) or shelf.ids()
    first = [id for id in _FIRST if id in ids]
    return [shelf.get(id) for id in dict.fromkeys([*first, *ids])]


async def _write(
    house: House, target: ImportTarget, path: Path, form: ExportFormat, watch: Watch | None
) -> int:
    plugin = house.registry.plugin_of(target.id)
    written = 0
    writer: _Writer | None = None
    try:
        async for records in target.export(plugin):
            if records and writer is None:
                writer = _CsvWriter(path, target) if form == "csv" else _JsonWriter(path, target)
            if writer is not None:
                writer.write(records)
            written += len(records)
            if watch is not None:
                watch(target.id, written)
    finally:
        if writer is not None:
            writer.close()
    return written


def _entry(target: ImportTarget, name: str, form: ExportFormat) -> FilePlan:
    options: dict[str, Any] = dict(getattr(target, "export_options", {}))
    if form == "jsonl":
        return FilePlan(path=name, target=target.id, options=options)
    columns: dict[str, Source] = {
        field: _column(field, shape) for field, shape in shapes_of(target.record).items()
    }
    form_of_file = Format(delimiter=",", encoding="utf-8-sig", guarded=True)
    return FilePlan(
        path=name, target=target.id, options=options, columns=columns, format=form_of_file
    )


def _column(field: str, shape: Shape) -> Spec:
    if _as_json(shape):
        return Spec(column=field, json=True)
    if shape.sort == "moment":
        return Spec(column=field, date="yyyy-MM-dd HH:mm")
    return Spec(column=field, date="yyyy-MM-dd") if shape.sort == "date" else Spec(column=field)


def _as_json(shape: Shape) -> bool:
    return shape.many or shape.container is not None or shape.sort in {"any", "amount"}


class _Writer:
    """Records into a file, without what is empty or as it is by default."""

    def __init__(self, path: Path, target: ImportTarget) -> None:
        self._stream = self.open(path)
        self._fields = msgspec.structs.fields(target.record)
        self._shapes = shapes_of(target.record)

    def open(self, path: Path) -> IO[str]:
        return path.open("w", encoding="utf-8", newline="")

    def write(self, records: Sequence[msgspec.Struct]) -> None:
        raise NotImplementedError

    def close(self) -> None:
        self._stream.close()

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


class _JsonWriter(_Writer):
    def write(self, records: Sequence[msgspec.Struct]) -> None:
        encode = msgspec.json.Encoder().encode
        self._stream.writelines(encode(self.plain(record)).decode() + "\n" for record in records)


class _CsvWriter(_Writer):
    def __init__(self, path: Path, target: ImportTarget) -> None:
        super().__init__(path, target)
        self._names = list(self._shapes)
        self._csv = csv.writer(self._stream)
        self._csv.writerow(self._names)

    def open(self, path: Path) -> IO[str]:
        # The mark tells spreadsheets that this is UTF-8.
        return path.open("w", encoding="utf-8-sig", newline="")

    def write(self, records: Sequence[msgspec.Struct]) -> None:
        for record in records:
            said = self.plain(record)
            self._csv.writerow([self._cell(name, said.get(name)) for name in self._names])

    def _cell(self, name: str, value: Any) -> str:
        if value is None:
            return ""
        if _as_json(self._shapes[name]):
            return guard(msgspec.json.encode(value).decode())
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, dt.datetime):
            return value.astimezone(dt.UTC).isoformat()
        return guard(value.isoformat() if isinstance(value, dt.date) else str(value))
