"""Functions from the tray of a row to a value, put together once for each source of a field.

The tray of a CSV row is the list of its cells without blanks around them, followed by the line and
the number of the row as text; that of a JSON row is its object. Plain columns are then read by
``operator.itemgetter``, which costs no Python call.
"""

from __future__ import annotations

import functools
import operator
import string
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from relatum.importing.cells import CellError, Reader
from relatum.importing.columns import Condition, Spec

if TYPE_CHECKING:
    from relatum.importing.reading import Table
    from relatum.importing.rows import Row

Tray = Any
#: From a tray to a value; empty text means there is none.
Getter = Callable[[Tray], Any]
Test = Callable[[Tray], bool]
EMPTY: tuple[Any, ...] = ("", None, [])
LINE, NUMBER = "line", "number"
RESERVED = (LINE, NUMBER)


def tray_of(row: Row, *, with_place: bool, exact: bool = False) -> Tray:
    """The tray of a row.

    Args:
        with_place: with its line and number, for templates that ask.
        exact: with the blanks around cells (an export wrote them so).
    """
    if isinstance(row.cells, dict):
        if not with_place:
            return row.cells
        return {**row.cells, _key(LINE): row.origin or row.line, _key(NUMBER): row.number}
    tray = list(row.cells) if exact else list(map(str.strip, row.cells))
    if with_place:
        tray += (str(row.origin or row.line), str(row.number))
    return tray


def _key(reserved: str) -> str:
    """Where a JSON tray has line and number: no object of a file has such a key."""
    return f"\x00{reserved}"


def picker(table: Table, heading: str) -> Getter:
    """The cell below a heading."""
    if table.kind == "jsonl":
        return lambda tray: tray.get(heading, "")
    index = table.index_of(heading)
    if index is None:
        return lambda _tray: ""
    return operator.itemgetter(index)


def cell_picker(table: Table, heading: str) -> Getter:
    """As :func:`picker`, but from the cells of a row as they stand there."""
    pick = picker(table, heading)
    return pick if table.kind == "jsonl" else lambda cells: pick(cells).strip()


def _place_picker(table: Table, reserved: str) -> Getter:
    if table.kind == "jsonl":
        return operator.itemgetter(_key(reserved))
    return operator.itemgetter(len(table.headings) + RESERVED.index(reserved))


def condition_test(pick: Getter, condition: Condition) -> Test:
    """A condition as a function; ``pick`` gets the value that is tested."""
    if condition.empty is not None:
        wanted = condition.empty
        return lambda tray: (pick(tray) in EMPTY) is wanted
    if condition.equals is not None:
        text = condition.equals
        return lambda tray: pick(tray) == text
    if condition.starts is not None:
        start = condition.starts
        return lambda tray: str(pick(tray)).startswith(start)
    members = frozenset(condition.one_of or ())
    return lambda tray: pick(tray) in members


def headings_of(spec: Spec) -> list[str]:
    """Every heading that a source reads, in its order."""
    named = [spec.column] if spec.column is not None else []
    named += spec.columns or []
    named += spec.multiply or []
    named += [case.column for case in spec.when or ()]
    if spec.template is not None:
        named += [name for _, name in _pieces(spec.template) if name and name not in RESERVED]
    return list(dict.fromkeys(named))


def asks_place(spec: Spec) -> bool:
    """Whether a template asks for the line or the number of the row."""
    return spec.template is not None and any(name in RESERVED for _, name in _pieces(spec.template))


def _pieces(template: str) -> list[tuple[str, str | None]]:
    """Literal text and the name that follows it.

    A template with a brace that is never closed is taken as plain text.
    """
    try:
        return [(literal, name) for literal, name, _, _ in string.Formatter().parse(template)]
    except ValueError:
        return [(template, None)]


def source_getter(table: Table, spec: Spec) -> Getter:
    """Where the value of a source comes from, before anything is done to it."""
    if spec.column is not None:
        return picker(table, spec.column)
    if spec.columns is not None:
        picks = [picker(table, heading) for heading in spec.columns]
        return functools.partial(_joined, picks, spec.join)
    if spec.when is not None:
        cases = [
            (condition_test(picker(table, case.column), case), case.value) for case in spec.when
        ]
        return functools.partial(_first_case, cases, spec.otherwise or "")
    return _template(table, spec.template or "")


def _joined(picks: Sequence[Getter], mark: str, tray: Tray) -> str:
    return mark.join([str(cell) for pick in picks if (cell := pick(tray)) not in EMPTY])


def _first_case(cases: Sequence[tuple[Test, str]], otherwise: str, tray: Tray) -> str:
    for holds, value in cases:
        if holds(tray):
            return value
    return otherwise


def _template(table: Table, template: str) -> Getter:
    pattern = ""
    picks: list[Getter] = []
    named: list[Getter] = []
    for literal, name in _pieces(template):
        pattern += literal.replace("%", "%%")
        if name is None:
            continue
        pattern += "%s"
        pick = _place_picker(table, name) if name in RESERVED else picker(table, name)
        picks.append(pick)
        if name not in RESERVED:
            named.append(pick)
    return functools.partial(_fill, pattern, tuple(picks), tuple(named))


def _fill(pattern: str, picks: Sequence[Getter], named: Sequence[Getter], tray: Tray) -> str:
    values = tuple([pick(tray) for pick in picks])
    text = pattern % values
    if "" not in values and None not in values:
        return text
    if named and all(pick(tray) in EMPTY for pick in named):
        return ""
    return " ".join(text.replace("None", "").split() if None in values else text.split())


def finished(get: Getter, spec: Spec, name: str) -> Getter:
    """The source with its ending dropped, its value replaced, cut into parts."""
    if spec.drop_end:
        get = _without_end(get, spec.drop_end)
    if spec.map is not None:
        get = _replacing(get, spec.map, spec.otherwise if spec.when is None else None, name)
    if spec.split:
        get = _cut(get, spec.split)
    return get


def _without_end(get: Getter, ending: str) -> Getter:
    return lambda tray: str(get(tray)).removesuffix(ending)


def _cut(get: Getter, mark: str) -> Getter:
    return lambda tray: [part for piece in str(get(tray)).split(mark) if (part := piece.strip())]


def _replacing(get: Getter, table: dict[str, str], otherwise: str | None, name: str) -> Getter:
    def replaced(tray: Tray) -> str:
        text = str(get(tray))
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


def reading(get: Getter, reader: Reader) -> Getter:
    """The value of ``get`` made into what the field needs; what is no text already is that."""

    def read(tray: Tray) -> Any:
        text = get(tray)
        if isinstance(text, str):
            return reader(text) if text else ""
        if isinstance(text, list):
            return [reader(part) for part in text if isinstance(part, str)]
        return text

    return read


def listing(getters: Sequence[Getter]) -> Getter:
    """The values of several sources as one list, without the empty ones; ``None`` for none."""

    def listed(tray: Tray) -> list[Any] | None:
        values: list[Any] = []
        for get in getters:
            value = get(tray)
            if isinstance(value, list):
                values += value
            elif value not in EMPTY:
                values.append(value)
        return values or None

    return listed
