"""The rows of one file as batches: numbered, filtered by the plan's rules, first of its kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec

from relatum.importing.concealing import DIFFERS
from relatum.importing.getters import cell_picker, condition_test, tray_of
from relatum.importing.results import Counts, LineFinding
from relatum.importing.rows import Row
from relatum.importing.sources import Source
from relatum.values.problems import Problem

#: So many times the rows of a batch may be left out before it counts as one.
_SKIPPED = 50


class Batch(msgspec.Struct):
    """Rows to become records, rows that cannot, and how far the file is read with them."""

    rows: list[Row]
    broken: list[Row]
    findings: list[LineFinding]
    counts: Counts
    settled: int = 0


def batches(source: Source, size: int, *, cut: int = 0) -> Iterator[Batch]:
    """Batches of ``size`` rows to become records (the last one smaller).

    One of them ends after row ``cut``, where an interrupted import goes on.
    """
    sieve = _Sieve(source)
    batch = _empty()
    settled = 0
    reveal = source.concealer.revealed if source.concealer else None
    for row in source.table.rows():
        settled += 1
        sieve.pass_on(reveal(row) if reveal else row, batch)
        most = max(len(batch.rows), len(batch.broken), batch.counts.rows // _SKIPPED)
        if most >= size or settled == cut:
            batch.settled = settled
            yield batch
            batch = _empty()
    if batch.counts.rows:
        batch.settled = settled
        yield batch


def _empty() -> Batch:
    return Batch([], [], [], Counts())


class _Sieve:
    def __init__(self, source: Source) -> None:
        entry, table = source.entry, source.table
        self._source = source
        self._skip = [
            condition_test(cell_picker(table, condition.column), condition)
            for condition in entry.skip_when
        ]
        self._alike = cell_picker(table, entry.number_by) if entry.number_by else None
        self._numbers: Counter[str] = Counter()
        self._distinct = _Distinct(source) if entry.distinct else None
        self._with_place = source.mapping.asks_place
        self._exact = table.guarded

    def pass_on(self, row: Row, batch: Batch) -> None:
        """Put the row where it belongs."""
        counts = batch.counts
        counts.rows += 1
        if self._alike is not None and row.raw is None:
            self._number(row)
        if row.problem is not None:
            batch.broken.append(row)
            return
        for test in self._skip:
            if test(row.cells):
                counts.skipped += 1
                return
        if self._distinct is not None and self._distinct.seen(row, batch.findings):
            counts.repeated += 1
            return
        row.tray = tray_of(row, with_place=self._with_place, exact=self._exact)
        batch.rows.append(row)

    def _number(self, row: Row) -> None:
        """Broken rows are counted too: the numbers of the others stay when it is mended."""
        if row.number or self._alike is None:
            return
        try:
            key = str(self._alike(row.cells))
        except IndexError:
            return
        self._numbers[key] += 1
        row.number = self._numbers[key]


class _Distinct:
    """Which values of the ``distinct`` column came before, and with which other values."""

    def __init__(self, source: Source) -> None:
        table = source.table
        heading = source.entry.distinct or ""
        self._source = source
        self._heading = heading
        self._key = cell_picker(table, heading)
        used = {name: None for names in source.mapping.headings.values() for name in names}
        self._others = [(name, cell_picker(table, name)) for name in used if name != heading]
        self._first: dict[str, tuple[int, tuple[Any, ...]]] = {}
        self._told: set[tuple[str, tuple[Any, ...]]] = set()

    def seen(self, row: Row, findings: list[LineFinding]) -> bool:
        """Whether this value was there before; a difference to the first row is told once."""
        key = str(self._key(row.cells))
        if not key:
            return False
        values = tuple([pick(row.cells) for _, pick in self._others])
        line, first = self._first.setdefault(key, (row.line, values))
        if line == row.line:
            return False
        if values != first and (key, values) not in self._told:
            self._told.add((key, values))
            findings.append(self._differing(row, key, line, first, values))
        return True

    def _differing(
        self, row: Row, key: str, line: int, first: tuple[Any, ...], values: tuple[Any, ...]
    ) -> LineFinding:
        names = [name for name, _ in self._others]
        differing = [n for n in range(len(names)) if values[n] != first[n]]
        column = " and ".join(names[n] for n in differing)
        got = ", ".join(str(values[n]) for n in differing)
        problem = Problem(
            code=DIFFERS,
            message=f"{self._heading} {key} has other values here than in line {line}",
            where=f"line {row.line}, column {column}",
            expected=", ".join(str(first[n]) for n in differing),
            got=got,
            mend="The values of the first line were taken; correct the file if they are wrong.",
        )
        finding = LineFinding(
            file=self._source.table.name,
            line=row.line,
            column=column,
            value=got,
            weight="note",
            problem=problem,
        )
        concealer = self._source.concealer
        return concealer.told(finding, row, "") if concealer else finding
