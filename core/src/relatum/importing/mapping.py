"""Mapping: compiled once for a file, then a fast function from a row to the fields of a record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from relatum.importing.cells import (
    CellError,
    Reader,
    amount_reader,
    boolean_reader,
    json_reader,
    number_reader,
    product_reader,
)
from relatum.importing.columns import Source, Spec
from relatum.importing.dates import Dates
from relatum.importing.getters import (
    Getter,
    asks_place,
    finished,
    headings_of,
    listing,
    picker,
    reading,
    source_getter,
)
from relatum.importing.plan import FilePlan
from relatum.importing.reading import Table
from relatum.importing.rows import Row
from relatum.importing.shapes import Shape, find_shape, shapes_of
from relatum.values.problems import Problem
from relatum.values.text import nearest


class Settings(msgspec.Struct, kw_only=True):
    """What a mapping needs to know beside its columns.

    Attributes:
        zone: clock of times without an offset.
        currency: of amounts whose source does not name one.
        shapes: sorts of fields that the record leaves open (custom fields).
    """

    zone: ZoneInfo
    currency: str
    shapes: Mapping[str, Shape] = {}


class Mapped(msgspec.Struct, frozen=True):
    """One field: its getter and the headings it reads."""

    name: str
    get: Getter
    headings: tuple[str, ...]
    asks_place: bool


class RowMapping:
    """The compiled mapping of one file."""

    def __init__(self, table: Table, fields: Sequence[Mapped]) -> None:
        self._table = table
        self.headings = {field.name: field.headings for field in fields}
        self._plain = [(f.name, f.get) for f in fields if "." not in f.name]
        self._nested = _by_container(fields)
        self._all = fields
        #: nothing is mapped: a row of JSON is the record itself
        self.identity = not fields
        #: whether a key is made of the line or the number of a row
        self.asks_place = any(field.asks_place for field in fields)

    def values(self, row: Row) -> dict[str, Any]:
        """The fields of ``row`` that are not empty.

        Raises:
            CellError: a cell cannot be read; :meth:`explain` tells every such cell.
        """
        tray = row.tray
        if self.identity:
            return tray  # type: ignore[no-any-return]
        out: dict[str, Any] = {}
        for name, get in self._plain:
            value = get(tray)
            if value or (value is not None and value != ""):
                out[name] = value
        for container, parts in self._nested:
            inner = {}
            for name, get in parts:
                value = get(tray)
                if value or (value is not None and value != ""):
                    inner[name] = value
            if inner:
                out[container] = inner
        return out

    def explain(self, row: Row) -> list[Problem]:
        """Every cell of ``row`` that cannot be read."""
        problems = []
        for field in self._all:
            try:
                field.get(row.tray)
            except CellError as error:
                problems.append(error.problem(field.name))
        return problems

    def column(self, field: str) -> str:
        """The heading (or headings) that a field of the record comes from."""
        headings = self._headings(field)
        return " and ".join(headings) if headings else field

    def cell(self, field: str, row: Row) -> str:
        """What the file has for a field, as it stands there."""
        if row.tray is None:
            return ""
        if self.identity:
            return str(row.tray.get(field.partition(".")[0], ""))
        found = [str(picker(self._table, heading)(row.tray)) for heading in self._headings(field)]
        return " and ".join(found)

    def _headings(self, field: str) -> tuple[str, ...]:
        return self.headings.get(field) or self.headings.get(field.partition(".")[0], ())


def _by_container(fields: Sequence[Mapped]) -> list[tuple[str, list[tuple[str, Getter]]]]:
    containers: dict[str, list[tuple[str, Getter]]] = {}
    for field in fields:
        container, dot, name = field.name.partition(".")
        if dot:
            containers.setdefault(container, []).append((name, field.get))
    return list(containers.items())


def compile_mapping(
    table: Table, entry: FilePlan, record: type[msgspec.Struct], dates: Dates, settings: Settings
) -> tuple[RowMapping, list[Problem]]:
    """The mapping of a file, and every problem that keeps it from being used."""
    compiler = _Compiler(table, entry, record, dates, settings)
    fields = [compiler.field(name, source) for name, source in entry.columns.items()]
    compiler.check()
    return RowMapping(table, [field for field in fields if field is not None]), compiler.problems


class _Compiler:
    def __init__(
        self,
        table: Table,
        entry: FilePlan,
        record: type[msgspec.Struct],
        dates: Dates,
        settings: Settings,
    ) -> None:
        self.table = table
        self.entry = entry
        self.shapes = shapes_of(record)
        self.dates = dates
        self.settings = settings
        self.problems: list[Problem] = []

    def check(self) -> None:
        """Problems of the whole: headings outside of columns, fields nobody fills."""
        entry = self.entry
        self._headings([c.column for c in entry.skip_when], "skip_when")
        self._headings([entry.distinct] if entry.distinct else [], "distinct")
        self._headings([entry.number_by] if entry.number_by else [], "number_by")
        for path, fields in (
            ("confirm", list(entry.confirm)),
            ("accept_proposals", entry.accept_proposals),
        ):
            for field in fields:
                if find_shape(self.shapes, field) is None:
                    self._unknown_field(field, f"{path}.{field}")
        if not entry.columns and self.table.kind == "jsonl":
            return
        filled = {name.partition(".")[0] for name in entry.columns}
        for name, shape in self.shapes.items():
            if shape.required and name not in filled:
                self.problems.append(
                    Problem(
                        code="missing-field",
                        message=f"{entry.target} needs {name!r}",
                        where=f"{self.table.name}, columns",
                        expected=f'a line such as {name} = "Heading"',
                        mend=f"The file has {', '.join(self.table.headings)}."[:300],
                    )
                )

    def field(self, name: str, source: Source) -> Mapped | None:
        """One field compiled; ``None`` when it cannot be."""
        shape = self.settings.shapes.get(name) or find_shape(self.shapes, name)
        if shape is None:
            self._unknown_field(name, f"columns.{name}")
            return None
        specs = source if isinstance(source, list) else [source]
        headings = [heading for spec in specs for heading in headings_of(spec)]
        if not self._headings(headings, f"columns.{name}"):
            return None
        getters = [self._typed(spec, shape, name) for spec in specs]
        listed = isinstance(source, list) or (shape.many and not specs[0].json)
        return Mapped(
            name,
            listing(getters) if listed else getters[0],
            tuple(dict.fromkeys(headings)),
            any(asks_place(spec) for spec in specs),
        )

    def _headings(self, headings: Sequence[str], path: str) -> bool:
        where = f"{self.table.name}, {path}"
        found = [self.table.missing(heading, where) for heading in headings]
        problems = [problem for problem in found if problem is not None]
        self.problems += problems
        return not problems

    def _unknown_field(self, name: str, path: str) -> None:
        head, dot, _ = name.partition(".")
        known = [*self.shapes, *self.settings.shapes]
        if dot and head in self.shapes:
            message = f"The field {head!r} of {self.entry.target} has no parts"
            mend = f'Write {head} = "Heading".'
        else:
            message = f"{self.entry.target} has no field {name!r}"
            near = nearest(name, known)
            mend = f"Write {near} if that is meant." if near else f"There are {', '.join(known)}."
        self.problems.append(
            Problem(
                code="no-such-field",
                message=message,
                where=f"{self.table.name}, {path}",
                got=name,
                mend=mend,
            )
        )

    def _typed(self, spec: Spec, shape: Shape, name: str) -> Getter:
        if spec.value is not None:
            value = spec.value
            return lambda _tray: value
        if shape.sort == "amount" and not spec.json:
            return self._amount(spec)
        get = finished(source_getter(self.table, spec), spec, name)
        reader = self._reader(spec, shape)
        return get if reader is None else reading(get, reader)

    def _amount(self, spec: Spec) -> Getter:
        currency = spec.currency or self.entry.currency or self.settings.currency
        decimal = spec.decimal or self.entry.format.decimal
        if spec.multiply is None:
            get = finished(source_getter(self.table, spec), spec, "money")
            return reading(get, amount_reader(currency, decimal))
        picks = [picker(self.table, heading) for heading in spec.multiply]
        product = product_reader(currency, decimal)
        return lambda tray: product(*[str(pick(tray)) for pick in picks])

    def _reader(self, spec: Spec, shape: Shape) -> Reader | None:
        """What makes a value of the field's sort out of text; ``None`` for text."""
        if spec.json:
            return json_reader
        if shape.sort in {"date", "moment"}:
            headings = headings_of(spec)
            form = self.dates.form(headings[0] if headings else "", spec, self.entry)
            return form.moments(self.settings.zone) if shape.sort == "moment" else form.days()
        if shape.sort in {"integer", "number"}:
            return number_reader(spec.decimal or self.entry.format.decimal)
        return boolean_reader if shape.sort == "boolean" else None
