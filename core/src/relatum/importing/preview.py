"""Trying an import out: every row is read and mapped, and what fits is written and taken back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from relatum.importing.ledger import Ledger, merge_proposals
from relatum.importing.plan import Plan
from relatum.importing.results import (
    Counts,
    Findings,
    Preview,
    Progress,
    ProposalSummary,
)
from relatum.importing.run import FileRun, scope_of
from relatum.importing.sources import Source, open_sources
from relatum.values.ids import new_id
from relatum.values.problems import Problem

if TYPE_CHECKING:
    from relatum.hooks.context import House

Watch = Callable[[Progress], None]


class Previewing:
    """One plan being tried out.

    Args:
        most: records, of all files together, that are tried out against the database; ``None`` for
            all. Files are tried out whole and in order, so that what refers to an earlier file
            finds it; the first that is too large and those after it are only read and mapped.
        in_parts: try the first file out batch by batch when it is too large; nothing before it is
            missing then.
    """

    def __init__(
        self,
        house: House,
        plan: Plan,
        *,
        batch: int,
        most: int | None,
        watch: Watch | None,
        in_parts: bool = False,
    ) -> None:
        self._house = house
        self._plan = plan
        self._batch = batch
        self._most = most
        self._watch = watch
        self._in_parts = in_parts

    async def run(self, folder: Path) -> Preview:
        """See :meth:`relatum.importing.service.Imports.preview`."""
        opened = await open_sources(self._house, self._plan, folder)
        sources = [] if opened.problems else opened.sources
        heard = [_Heard(source, len(sources), self._watch) for source in sources]
        rehearsed = await self._read(sources, heard) if self._most is not None else len(sources)
        heard[:rehearsed] = await self._rehearse(sources[:rehearsed], len(sources))
        if self._in_parts and sources and not rehearsed:
            heard[0] = await self._try_in_parts(sources[0], len(sources))
        return self._preview(
            [*opened.problems, *opened.notes], bool(opened.problems), heard, rehearsed
        )

    async def _read(self, sources: Sequence[Source], heard: Sequence[_Heard]) -> int:
        """Read and map every file; returns how many of them can be tried out."""
        fitting, records = 0, 0
        for source, ears in zip(sources, heard, strict=True):
            run = self._run(source, ears)
            records += await run.read()
            ears.first = run.first
            if fitting == source.number and records <= (self._most or 0):
                fitting += 1
        return fitting

    async def _rehearse(self, sources: Sequence[Source], files: int) -> list[_Heard]:
        """Write everything in a transaction and take it back."""
        heard = [_Heard(source, files, self._watch) for source in sources]
        if not sources:
            return heard
        with suppress(_TakeBack):
            async with self._house.db.transaction():
                await self._house.customers.declare_fields(self._plan.fields)
                for source, ears in zip(sources, heard, strict=True):
                    run = self._run(source, ears)
                    await run.run()
                    ears.first = run.first
                raise _TakeBack
        return heard

    async def _try_in_parts(self, source: Source, files: int) -> _Heard:
        async def begin() -> None:
            await self._house.customers.declare_fields(self._plan.fields)

        ears = _Heard(source, files, self._watch)
        ears.in_parts = True
        run = self._run(source, ears)
        await run.try_in_parts(begin)
        ears.first = run.first
        return ears

    def _run(self, source: Source, ears: _Heard) -> FileRun:
        return FileRun(
            self._house.db,
            source,
            scope_of(new_id(), self._plan, source.entry, dry=True),
            listener=ears.hear,
            batch=self._batch,
            trace=None,
        )

    def _preview(
        self, problems: list[Problem], blocked: bool, heard: Sequence[_Heard], rehearsed: int
    ) -> Preview:
        findings, total = Findings(), Counts()
        proposals: list[ProposalSummary] = []
        reports = []
        for number, ears in enumerate(heard):
            findings.join(ears.findings)
            total.add(ears.counts)
            proposals += ears.proposals
            report = ears.source.report()
            report.counts = ears.counts
            report.first = ears.first
            report.rehearsed = number < rehearsed
            report.in_parts = ears.in_parts
            reports.append(report)
        return Preview(
            name=self._plan.name,
            blocked=blocked,
            problems=problems,
            files=reports,
            counts=total,
            findings=findings,
            proposals=merge_proposals(proposals),
        )


class _TakeBack(Exception):
    """A rehearsal ends: everything it wrote is rolled back."""


class _Heard:
    """What the run of one file says, added up and passed on to whoever watches."""

    def __init__(self, source: Source, files: int, watch: Watch | None) -> None:
        self.source = source
        self._files = files
        self._watch = watch
        self.counts = Counts()
        self.findings = Findings()
        self.proposals: list[ProposalSummary] = []
        self.first: list[dict[str, object]] = []
        self.in_parts = False

    def hear(self, ledger: Ledger, counts: Counts) -> None:
        self.counts.add(counts)
        for finding in ledger.findings:
            self.findings.add(finding)
        self.proposals += ledger.proposals.values()
        if self._watch is not None:
            self._watch(progress_of(self.source, self._files, self.counts.rows))


def progress_of(source: Source, files: int, rows: int) -> Progress:
    """How far an import has come when so many rows of a file are settled."""
    return Progress(
        file=source.table.name,
        files_done=source.number,
        files=files,
        rows=rows,
        fraction=source.table.fraction(),
    )
