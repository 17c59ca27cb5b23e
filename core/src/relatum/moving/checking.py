"""What would not fit: values that the other database refuses, found before anything is copied."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from relatum.moving.checksums import Columns
from relatum.moving.ends import Source
from relatum.moving.kinds import Kind, shared_kind
from relatum.moving.layouts import Column, Layout, quoted
from relatum.values.problems import InvalidInput, Problem

_RANGES = {"smallint": 2**15, "integer": 2**31}
_TEXTS = frozenset({Kind.text, Kind.json, Kind.jsonb})
_FORMS = {
    Kind.integer: ("typeof({c}) <> 'integer'", "a whole number"),
    Kind.boolean: ("{c} NOT IN (0, 1)", "0 or 1"),
    Kind.uuid: ("length({c}) NOT IN (32, 36)", "a UUID"),
    Kind.moment: ("datetime({c}) IS NULL", "a time"),
    Kind.wall: ("datetime({c}) IS NULL", "a time"),
    Kind.date: ("date({c}) IS NULL", "a date"),
    Kind.double: ("typeof({c}) NOT IN ('real', 'integer')", "a number"),
    Kind.single: ("typeof({c}) NOT IN ('real', 'integer')", "a number"),
    Kind.text: ("typeof({c}) <> 'text'", "text"),
}
_ENDLESS = {
    Kind.moment: ("NOT isfinite({c})", "a time that ends"),
    Kind.wall: ("NOT isfinite({c})", "a time that ends"),
    Kind.date: ("NOT isfinite({c})", "a date that ends"),
    Kind.double: ("{c} IN ('NaN', 'Infinity', '-Infinity')", "a finite number"),
    Kind.single: ("{c} IN ('NaN', 'Infinity', '-Infinity')", "a finite number"),
    Kind.decimal: ("{c} = 'NaN'", "a number"),
}


async def refuse_misfits(
    source: Source, layouts: Mapping[str, Layout], targets: Mapping[str, Layout]
) -> None:
    """Look at every value of the tables that both have.

    Raises:
        InvalidInput: with everything that the other database would refuse.
    """
    problems: list[Problem] = []
    for name, layout in layouts.items():
        if name in targets:
            problems += await _misfits(source, layout, targets[name])
    if source.kind == "sqlite":
        problems += await _orphans(source)
    if problems:
        raise InvalidInput(
            f"expected values that both databases hold, got {len(problems)} kind(s) of values that "
            "one of them refuses; mend them in the source and begin again",
            problems=problems,
        )


async def _misfits(source: Source, layout: Layout, target: Layout) -> list[Problem]:
    checks = list(
        _embedded_checks(layout, target) if source.kind == "sqlite" else _server_checks(layout)
    )
    if not checks:
        return []
    counted = ", ".join(f"count(CASE WHEN {wrong} THEN 1 END)" for _, wrong, _ in checks)
    [counts] = await source.rows(f"SELECT {counted} FROM {quoted(layout.name)}")  # noqa: S608 - names of the catalogue
    return [
        await _problem(source, layout, check, count)
        for check, count in zip(checks, counts, strict=True)
        if count
    ]


async def _orphans(source: Source) -> list[Problem]:
    """Rows that point at nothing: SQLite holds references only while they are switched on."""
    rows = await source.rows('SELECT "table", rowid, parent FROM pragma_foreign_key_check LIMIT 20')
    return [
        Problem(
            code="names-no-row",
            message=f"row {number} of {table} names no row of {parent}",
            expected="a row that is there",
            mend="mend or remove the row in the source",
        )
        for table, number, parent in rows
    ]


Check = tuple[str, str, str]


def _embedded_checks(layout: Layout, target: Layout) -> Iterator[Check]:
    for column in layout.columns:
        name = quoted(column.name)
        if form := _FORMS.get(column.kind):
            yield column.name, f"{name} IS NOT NULL AND {form[0].format(c=name)}", form[1]
        yield from _limits(column, target.column(column.name))


def _limits(column: Column, target: Column) -> Iterator[Check]:
    name = quoted(column.name)
    if column.kind in _TEXTS:
        yield column.name, f"instr(CAST({name} AS BLOB), x'00') > 0", "text without NUL"
    if target.length is not None:
        yield column.name, f"length({name}) > {target.length}", f"{target.length} characters"
    if limit := _RANGES.get(target.declared):
        yield (
            column.name,
            f"{name} NOT BETWEEN {-limit} AND {limit - 1}",
            f"a whole number from {-limit} to {limit - 1}",
        )


def _server_checks(layout: Layout) -> Iterator[Check]:
    for column in layout.columns:
        if form := _ENDLESS.get(column.kind):
            yield column.name, form[0].format(c=quoted(column.name)), form[1]


async def _problem(source: Source, layout: Layout, check: Check, count: int) -> Problem:
    column, wrong, expected = check
    shown = ", ".join(f"CAST({quoted(name)} AS TEXT)" for name in layout.key) or "'?'"
    rows = await source.rows(
        f"SELECT {shown} FROM {quoted(layout.name)} WHERE {wrong} LIMIT 3"  # noqa: S608 - as above
    )
    return Problem(
        code="does-not-fit",
        message=f"{count} value(s) of {layout.name}.{column} do not fit",
        where=", ".join("/".join(map(str, row)) for row in rows),
        expected=expected,
        mend="mend these rows in the source, or remove them",
    )


def agreed(layout: Layout, target: Layout) -> Columns | str:
    """The columns by which the same table of two databases is compared, or what speaks against."""
    missing: Sequence[str] = sorted(set(layout.names) ^ set(target.names))
    if missing:
        return f"{layout.name}: only one of both has {', '.join(missing)}"
    columns: dict[str, Kind] = {}
    for column in sorted(layout.columns, key=lambda one: one.name):
        other = target.column(column.name)
        kind = shared_kind(column.kind, other.kind)
        if kind is None:
            return (
                f"{layout.name}.{column.name} is {column.declared} here and {other.declared} there"
            )
        columns[column.name] = kind
    return columns
