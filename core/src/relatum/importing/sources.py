"""The files of a plan, found, opened and ready to be mapped; or every reason why they are not."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from relatum.importing import watermark
from relatum.importing.concealing import Concealer
from relatum.importing.dates import Dates, detect_dates
from relatum.importing.getters import headings_of
from relatum.importing.mapping import RowMapping, Settings, compile_mapping
from relatum.importing.plan import FilePlan, Plan
from relatum.importing.reading import Table, open_table
from relatum.importing.results import FileReport
from relatum.importing.shapes import Shape, Sort, find_shape, shapes_of
from relatum.values.problems import InvalidInput, NotFound, Problem
from relatum.values.time import zone_of

if TYPE_CHECKING:
    from relatum.customers.types import FieldDraft
    from relatum.hooks.context import House, Plugin
    from relatum.hooks.declarations import ImportTarget

#: Rows that are looked at to find the form of dates.
SAMPLE = 5_000
_FIELD_SORTS: dict[str, Sort] = {
    "text": "text",
    "integer": "integer",
    "decimal": "number",
    "boolean": "boolean",
    "date": "date",
    "choice": "text",
}


class Source(msgspec.Struct, kw_only=True):
    """One file of an import, ready to be read. ``twin`` counts earlier uses of the same file."""

    number: int
    entry: FilePlan
    table: Table
    mapping: RowMapping
    target: ImportTarget
    plugin: Plugin
    dates: dict[str, str]
    twin: int = 0
    #: for a file with secret fields
    concealer: Concealer | None = None

    def report(self) -> FileReport:
        """How the file was read, without figures yet."""
        entry = self.entry
        used = {heading for headings in self.mapping.headings.values() for heading in headings}
        used.update(name for name in (entry.distinct, entry.number_by) if name)
        used.update(condition.column for condition in entry.skip_when)
        indices = {self.table.index_of(heading) for heading in used}
        table = self.table
        mapped = bool(self.mapping.headings)
        return FileReport(
            path=table.name,
            target=self.target.id,
            encoding=table.encoding,
            delimiter=table.delimiter,
            headings=table.headings,
            unused=[
                heading
                for place, heading in enumerate(table.headings)
                if mapped and place not in indices and heading != watermark.COLUMN
            ],
            dates=self.dates,
        )


class Opened(msgspec.Struct):
    """All files of a plan, what keeps it from being run, and what is merely odd."""

    sources: list[Source]
    problems: list[Problem]
    notes: list[Problem]


async def open_sources(house: House, plan: Plan, folder: Path) -> Opened:
    """Find, open and map every file; all problems of all files are gathered."""
    opened = Opened([], [], [])
    opener = _Opener(house, plan, [*await house.customers.fields(), *plan.fields], opened)
    seen: Counter[str] = Counter()
    for entry in plan.files:
        found = _find(entry, folder, opened.problems)
        target = _target(house, entry, opened.problems)
        if target is None:
            continue
        for path in found:
            name = path.relative_to(folder).as_posix()
            source = await asyncio.to_thread(opener.open, entry, path, name, target)
            if source is not None:
                source.number = len(opened.sources)
                source.twin = seen[source.table.name]
                seen[source.table.name] += 1
                opened.sources.append(source)
    return opened


class _Opener:
    def __init__(
        self, house: House, plan: Plan, declared: list[FieldDraft], opened: Opened
    ) -> None:
        self._house = house
        self._plan = plan
        self._declared = declared
        self._opened = opened

    def open(self, entry: FilePlan, path: Path, name: str, target: ImportTarget) -> Source | None:
        """One file; ``None`` when it cannot be used, and then the problems say why."""
        try:
            table = open_table(path, entry.format, name=name)
        except InvalidInput as refusal:
            self._opened.problems += refusal.problems
            return None
        self._opened.notes += table.notes
        settings = self._settings(entry, target)
        forms, problems = detect_dates(_date_samples(table, entry, target, settings), name)
        mapping, more = compile_mapping(table, entry, target.record, Dates(forms), settings)
        self._opened.problems += problems + more
        if problems or more:
            return None
        return Source(
            number=0,
            entry=entry,
            table=table,
            mapping=mapping,
            target=target,
            plugin=self._house.registry.plugin_of(target.id),
            dates={heading: form.shown for heading, form in forms.items()},
            concealer=self._concealer(table, mapping, settings),
        )

    def _concealer(self, table: Table, mapping: RowMapping, settings: Settings) -> Concealer | None:
        secret = frozenset(
            name
            for field in self._declared
            if field.sensitivity == "secret" and (name := f"fields.{field.key}") in settings.shapes
        )
        if not secret:
            return None
        concealer = Concealer(self._house.secrets, table, mapping, secret)
        return concealer if concealer.needed else None

    def _settings(self, entry: FilePlan, target: ImportTarget) -> Settings:
        company = self._house.settings.company
        with_fields = "fields" in shapes_of(target.record)
        return Settings(
            zone=zone_of(entry.time_zone or self._plan.time_zone or company.time_zone),
            currency=self._plan.currency or company.currency,
            shapes=_custom_fields(self._declared) if with_fields else {},
        )


def _find(entry: FilePlan, folder: Path, problems: list[Problem]) -> list[Path]:
    found = _files(folder, entry.path)
    if not found and not entry.path.endswith(".gz"):
        found = _files(folder, f"{entry.path}.gz")
    if not found:
        there = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
        problems.append(
            Problem(
                code="no-such-file",
                message=f"No file matches {entry.path!r}",
                where=str(folder),
                expected="a file of that name or pattern",
                got=", ".join(there)[:200] or "an empty folder",
                mend="Name the right folder, or correct path in the plan.",
            )
        )
    return found


def _files(folder: Path, pattern: str) -> list[Path]:
    try:
        return sorted(path for path in folder.glob(pattern) if path.is_file())
    except (ValueError, OSError):
        return []  # no pattern, or no name that a file could have


def _target(house: House, entry: FilePlan, problems: list[Problem]) -> ImportTarget | None:
    try:
        return house.registry.import_targets.get(entry.target)
    except NotFound as error:
        problems.append(
            Problem(
                code="no-such-target",
                message=error.detail,
                where=f"{entry.path}, target",
                got=entry.target,
                mend="Correct the target, or install and enable the plugin that brings it.",
            )
        )
        return None


def _custom_fields(declared: list[FieldDraft]) -> dict[str, Shape]:
    return {f"fields.{field.key}": Shape(_FIELD_SORTS[field.type]) for field in declared}


def _date_samples(
    table: Table, entry: FilePlan, target: ImportTarget, settings: Settings
) -> dict[str, list[str]]:
    """The cells of every column that holds dates and whose form the plan does not say."""
    headings = _date_headings(table, entry, target, settings)
    samples: dict[str, list[str]] = {heading: [] for heading in headings}
    if not headings:
        return samples
    for row in table.sample(SAMPLE):
        for heading, index in headings.items():
            cell = row.cells.get(heading, "") if index is None else row.cells[index]
            samples[heading].append(str(cell).strip())
    return samples


def _date_headings(
    table: Table, entry: FilePlan, target: ImportTarget, settings: Settings
) -> dict[str, int | None]:
    shapes = shapes_of(target.record)
    headings: dict[str, int | None] = {}
    for field, source in entry.columns.items():
        shape = settings.shapes.get(field) or find_shape(shapes, field)
        if shape is None or shape.sort not in {"date", "moment"} or entry.format.date:
            continue
        for spec in source if isinstance(source, list) else [source]:
            named = headings_of(spec)
            if len(named) == 1 and not spec.date and spec.value is None:
                index = None if table.kind == "jsonl" else table.index_of(named[0])
                if index is not None or table.kind == "jsonl":
                    headings[named[0]] = index
    return headings
