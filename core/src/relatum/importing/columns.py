"""Where the value of one field comes from: the right-hand sides of ``[files.columns]``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from relatum.importing.strict import Problems, read_struct


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """A test of one column; exactly one of the tests is given."""

    column: str
    empty: bool | None = None
    equals: str | None = None
    starts: str | None = None
    one_of: list[str] | None = None


class Case(Condition, frozen=True, kw_only=True):
    """The value that holds when the condition does."""

    value: str


class Spec(msgspec.Struct, frozen=True, kw_only=True, rename={"otherwise": "else"}):
    """One source of a value and what is done to it, in this order.

    The source is exactly one of:

    * ``column``: the cell below that heading.
    * ``value``: the same for every row.
    * ``columns``: several cells, those that are not empty, with ``join`` between them.
    * ``template``: text with ``{Heading}`` in it, also ``{line}`` and ``{number}``; empty when all
      the cells it names are.
    * ``when``: the first case that holds, else ``else``.
    * ``multiply``: the product of columns, for amounts of money.

    Then ``drop_end`` takes an ending away, ``map`` replaces whole values (``else`` for others),
    ``split`` cuts at a mark into a list, and the field's type decides how ``date``, ``decimal`` and
    ``currency`` are used. ``json`` reads the cell as JSON.
    """

    column: str | None = None
    value: Any = None
    columns: list[str] | None = None
    join: str = " "
    template: str | None = None
    when: list[Case] | None = None
    multiply: list[str] | None = None
    otherwise: str | None = None
    drop_end: str | None = None
    map: dict[str, str] | None = None
    split: str | None = None
    date: str | None = None
    decimal: Literal[".", ","] | None = None
    currency: str | None = None
    json: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether it is nothing but a column."""
        return self == Spec(column=self.column)


Source = Spec | list[Spec]
SOURCES = ("column", "value", "columns", "template", "when", "multiply")
_KEYS = frozenset(field.encode_name for field in msgspec.structs.fields(Spec))
_TESTS = ("empty", "equals", "starts", "one_of")


def read_columns(table: object, path: str, problems: Problems) -> dict[str, Source]:
    """``[files.columns]`` as dotted field names and their sources."""
    columns: dict[str, Source] = {}
    if not isinstance(table, Mapping):
        problems.add(
            path, "bad-value", "This is of the wrong kind", expected="a table", got=repr(table)
        )
        return columns
    _collect(table, "", path, columns, problems)
    return columns


def _collect(
    table: Mapping[str, Any],
    prefix: str,
    path: str,
    columns: dict[str, Source],
    problems: Problems,
) -> None:
    for key, value in table.items():
        name = f"{prefix}{key}"
        here = f"{path}.{key}"
        if isinstance(value, Mapping) and not _is_spec(value):
            _collect(value, f"{name}.", here, columns, problems)
        elif isinstance(value, list):
            read = [_read_spec(item, f"{here}[{n}]", problems) for n, item in enumerate(value, 1)]
            columns[name] = [spec for spec in read if spec is not None]
        else:
            spec = _read_spec(value, here, problems)
            if spec is not None:
                columns[name] = spec


def _is_spec(table: Mapping[str, Any]) -> bool:
    """Whether a table describes a source; else its keys are parts of a dotted field name."""
    if any(key in table for key in SOURCES):
        return True
    return bool(table) and any(key in _KEYS for key in table)


def _read_spec(value: object, path: str, problems: Problems) -> Spec | None:
    if isinstance(value, str):
        return Spec(column=value)
    spec = read_struct(value, Spec, path, problems)
    if spec is None:
        return None
    given = [name for name in SOURCES if getattr(spec, name) is not None]
    if len(given) != 1:
        problems.add(
            path,
            "no-single-source",
            "A field takes its value from one source",
            expected=f"exactly one of {', '.join(SOURCES)}",
            got=", ".join(given) or "none",
            mend="Keep one of them.",
        )
        return None
    for number, case in enumerate(spec.when or (), start=1):
        check_condition(case, f"{path}.when[{number}]", problems)
    return spec


def check_condition(condition: Condition, path: str, problems: Problems) -> None:
    """A condition makes exactly one test."""
    given = [name for name in _TESTS if getattr(condition, name) is not None]
    if len(given) != 1:
        problems.add(
            path,
            "no-single-test",
            "A condition makes one test of its column",
            expected=f"exactly one of {', '.join(_TESTS)}",
            got=", ".join(given) or "none",
            mend="Keep one of them.",
        )
