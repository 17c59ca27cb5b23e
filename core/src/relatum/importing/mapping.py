"""Mapping: compiled once for a file, then a fast function from a row to the fields of a record."""

from __future__ import annotations

import functools
import operator
import string
from collections.abc import Callable, Mapping, Sequence
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
from relatum.importing.columns import Condition, Source, Spec
from relatum.importing.dates import Dates
from relatum.importing.plan import FilePlan
from relatum.importing.reading import Table
from relatum.importing.rows import Row
from relatum.importing.shapes import Shape, find_shape, shapes_of
from relatum.values.problems import Problem
from relatum.values.text import nearest

#: From the cells of a row, and the row itself, to a value; empty text means there is none.
Getter = Callable[[Any, Row], Any]
_RESERVED = ("line", "number")


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

    def values(self, row: Row) -> dict[str, Any]:
        """The fields of ``row`` that are not empty.

        Raises:
            CellError: a cell cannot be read; :meth:`explain` tells every such cell.
        """
        cells = row.cells
        if self.identity:
            return cells  # type: ignore[no-any-return]
        out: dict[str, Any] = {}
        for name, get in self._plain:
            value = get(cells, row)
            if value not in _EMPTY:
                out[name] = value
        for container, parts in self._nested:
            inner = {}
            for name, get in parts:
                value = get(cells, row)
                if value not in _EMPTY:
                    inner[name] = value
            if inner:
                out[container] = inner
        return out

    def explain(self, row: Row) -> list[Problem]:
        """Every cell of ``row`` that cannot be read."""
        problems = []
        for field in self._all:
            try:
                field.get(row.cells, row)
            except CellError as error:
                problems.append(error.problem(row.line, " and ".join(field.headings)))
        return problems

    def column(self, field: str) -> str:
        """The heading (or headings) that a field of the record comes from."""
        headings = self.headings.get(field) or self.headings.get(field.partition(".")[0])
        return " and ".join(headings) if headings else field

    def cell(self, field: str, row: Row) -> str:
        """What the file has for a field, as it stands there."""
        headings = self.headings.get(field) or self.headings.get(field.partition(".")[0], ())
        if self.identity and isinstance(row.cells, dict):
            return str(row.cells.get(field.partition(".")[0], ""))
        found = [str(picker(self._table, heading)(row.cells, row)) for heading in headings]
        return " and ".join(found)


_EMPTY: tuple[Any, ...] = ("", None, [])


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


def condition_test(table: Table, condition: Condition) -> Callable[[Any, Row], bool]:
    """A condition as a function of a row."""
    pick = picker(table, condition.column)
    if condition.empty is not None:
        wanted = condition.empty
        return lambda cells, row: (not pick(cells, row)) is wanted
    if condition.equals is not None:
        text = condition.equals
        return lambda cells, row: pick(cells, row) == text
    if condition.starts is not None:
        start = condition.starts
        return lambda cells, row: str(pick(cells, row)).startswith(start)
    members = frozenset(condition.one_of or ())
    return lambda cells, row: pick(cells, row) in members


def headings_of(spec: Spec) -> list[str]:
    """Every heading that a source reads, in its order."""
    named = [spec.column] if spec.column is not None else []
    named += spec.columns or []
    named += spec.multiply or []
    named += [case.column for case in spec.when or ()]
    if spec.template is not None:
        named += [
            name
            for _, name, _, _ in string.Formatter().parse(spec.template)
            if name and name not in _RESERVED
        ]
    return list(dict.fromkeys(named))


def picker(table: Table, heading: str) -> Getter:
    """The cell below a heading, without blanks around it."""
    if table.kind == "jsonl":
        return lambda cells, _row: cells.get(heading, "")
    index = table.index_of(heading)
    if index is None:
        return lambda _cells, _row: ""
    cell = operator.itemgetter(index)
    return lambda cells, _row: cell(cells).strip()


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
            self._unknown_field(name)
            return None
        specs = source if isinstance(source, list) else [source]
        headings = [heading for spec in specs for heading in headings_of(spec)]
        if not self._headings(headings, f"columns.{name}"):
            return None
        getters = [self._typed(spec, shape, name) for spec in specs]
        listed = shape.many or isinstance(source, list)
        get = _listing(getters) if listed else getters[0]
        return Mapped(name, get, tuple(dict.fromkeys(headings)))

    def _headings(self, headings: Sequence[str], path: str) -> bool:
        where = f"{self.table.name}, {path}"
        found = [self.table.missing(heading, where) for heading in headings]
        problems = [problem for problem in found if problem is not None]
        self.problems += problems
        return not problems

    def _unknown_field(self, name: str) -> None:
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
                where=f"{self.table.name}, columns.{name}",
                got=name,
                mend=mend,
            )
        )

    def _typed(self, spec: Spec, shape: Shape, name: str) -> Getter:
        if spec.value is not None:
            value = spec.value
            return lambda _cells, _row: value
        if shape.sort == "amount":
            return self._amount(spec)
        get = _finished(self._source(spec), spec, name)
        reader = self._reader(spec, shape)
        if reader is None:
            return get
        return _reading(get, reader)

    def _amount(self, spec: Spec) -> Getter:
        currency = spec.currency or self.entry.currency or self.settings.currency
        decimal = spec.decimal or self.entry.format.decimal
        if spec.multiply is not None:
            picks = [picker(self.table, heading) for heading in spec.multiply]
            product = product_reader(currency, decimal)
            return lambda cells, row: product([pick(cells, row) for pick in picks])
        return _reading(self._source(spec), amount_reader(currency, decimal))

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

    def _source(self, spec: Spec) -> Getter:
        if spec.column is not None:
            return picker(self.table, spec.column)
        if spec.columns is not None:
            picks = [picker(self.table, heading) for heading in spec.columns]
            mark = spec.join
            return lambda cells, row: mark.join(
                [str(cell) for pick in picks if (cell := pick(cells, row)) not in _EMPTY]
            )
        if spec.when is not None:
            cases = [(condition_test(self.table, case), case.value) for case in spec.when]
            return functools.partial(_first_case, cases, spec.otherwise or "")
        return self._template(spec.template or "")

    def _template(self, template: str) -> Getter:
        pieces: list[str | Getter] = []
        cells_named = []
        for literal, name, _, _ in string.Formatter().parse(template):
            if literal:
                pieces.append(literal)
            if name in _RESERVED:
                pieces.append(_line if name == "line" else _number)
            elif name:
                pick = picker(self.table, name)
                cells_named.append(pick)
                pieces.append(pick)
        return functools.partial(_fill, tuple(pieces), tuple(cells_named))


def _line(_cells: Any, row: Row) -> str:
    return str(row.origin or row.line)


def _number(_cells: Any, row: Row) -> str:
    return str(row.number)


def _fill(pieces: Sequence[str | Getter], named: Sequence[Getter], cells: Any, row: Row) -> str:
    text = "".join(
        [piece if isinstance(piece, str) else str(piece(cells, row)) for piece in pieces]
    )
    if named and not any(pick(cells, row) not in _EMPTY for pick in named):
        return ""
    return " ".join(text.split())


def _first_case(
    cases: Sequence[tuple[Callable[[Any, Row], bool], str]], otherwise: str, cells: Any, row: Row
) -> str:
    for holds, value in cases:
        if holds(cells, row):
            return value
    return otherwise


def _finished(get: Getter, spec: Spec, name: str) -> Getter:
    """The source with its ending dropped, its value replaced, cut into parts."""
    if spec.drop_end:
        ending, whole = spec.drop_end, get
        get = lambda cells, row: str(whole(cells, row)).removesuffix(ending)  # noqa: E731
    if spec.map is not None:
        get = _replacing(get, spec.map, spec.otherwise if spec.when is None else None, name)
    if spec.split:
        mark, uncut = spec.split, get
        get = lambda cells, row: [  # noqa: E731
            part for piece in str(uncut(cells, row)).split(mark) if (part := piece.strip())
        ]
    return get


def _replacing(get: Getter, table: dict[str, str], otherwise: str | None, name: str) -> Getter:
    def replaced(cells: Any, row: Row) -> str:
        text = str(get(cells, row))
        found = table.get(text, otherwise if text else "")
        if found is None:
            raise CellError(
                "not-in-map",
                f"The map of {name!r} does not say what this means",
                expected=", ".join(table),
                got=text,
                mend="Add it to the map, or say else = … for all others.",
            )
        return found

    return replaced


def _reading(get: Getter, reader: Reader) -> Getter:
    def read(cells: Any, row: Row) -> Any:
        text = get(cells, row)
        if not isinstance(text, str):
            return [reader(part) for part in text] if isinstance(text, list) else text
        return reader(text) if text else ""

    return read


def _listing(getters: Sequence[Getter]) -> Getter:
    if len(getters) == 1:
        only = getters[0]

        def listed(cells: Any, row: Row) -> list[Any]:
            value = only(cells, row)
            if isinstance(value, list):
                return value
            return [] if value in _EMPTY else [value]

        return listed

    def listed_all(cells: Any, row: Row) -> list[Any]:
        values: list[Any] = []
        for get in getters:
            value = get(cells, row)
            if isinstance(value, list):
                values += value
            elif value not in _EMPTY:
                values.append(value)
        return values

    return listed_all
