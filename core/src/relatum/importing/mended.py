"""The plan that lies beside rejected rows and imports them once they are mended."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from relatum.importing.columns import Source as Column
from relatum.importing.columns import Spec
from relatum.importing.getters import headings_of
from relatum.importing.plan import FilePlan, Plan
from relatum.importing.sources import Source


def mended_plan(plan: Plan, mended: Sequence[tuple[Source, Path]]) -> Plan:
    """The same plan for the files of rejected rows.

    What was detected in the whole file is said outright: a few rows may not show it again.
    """
    return msgspec.structs.replace(plan, files=[_entry(source, path) for source, path in mended])


def _entry(source: Source, path: Path) -> FilePlan:
    table = source.table
    form = msgspec.structs.replace(
        source.entry.format,
        encoding="utf-8" if table.kind == "jsonl" else "utf-8-sig",
        delimiter="," if table.kind == "xlsx" else table.delimiter or None,
        sheet=None,
        header=True,
        skip_lines=0,
        guarded=table.guarded,
    )
    return msgspec.structs.replace(
        source.entry,
        path=path.name,
        format=form,
        columns={
            field: _dated(column, source.dates) for field, column in source.entry.columns.items()
        },
    )


def _dated(column: Column, dates: dict[str, str]) -> Column:
    if isinstance(column, list):
        return [_dated_spec(spec, dates) for spec in column]
    return _dated_spec(column, dates)


def _dated_spec(spec: Spec, dates: dict[str, str]) -> Spec:
    headings = headings_of(spec)
    if spec.date or len(headings) != 1 or headings[0] not in dates:
        return spec
    return msgspec.structs.replace(spec, date=dates[headings[0]])
