"""Imports: trying a plan out, applying it, taking it back."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from relatum.events.types import NewEvent
from relatum.importing import events as facts
from relatum.importing.journal import FileState, Journal
from relatum.importing.ledger import Ledger, merge_proposals
from relatum.importing.mend import MendFiles
from relatum.importing.mended import mended_plan
from relatum.importing.plan import Plan, dump_plan
from relatum.importing.preview import Previewing, Watch, progress_of
from relatum.importing.reading import fingerprint
from relatum.importing.results import (
    Counts,
    Entry,
    FileReport,
    Findings,
    LineFinding,
    Outcome,
    Preview,
    Undone,
)
from relatum.importing.run import FileRun, Listener, Trace, scope_of
from relatum.importing.sources import Source, open_sources
from relatum.importing.undo import Undoing
from relatum.values.ids import new_id
from relatum.values.problems import InvalidInput

if TYPE_CHECKING:
    from relatum.hooks.context import House

BATCH = 2_000
#: Records, of all files together, that a preview tries out against the database.
REHEARSED = 20_000


class Imports:
    """Brings data in by a plan, with a journal from which every import can be taken back."""

    def __init__(self, house: House, *, batch: int = BATCH) -> None:
        self._house = house
        self._batch = batch
        self.journal = Journal(house.db)

    async def preview(
        self,
        plan: Plan,
        folder: Path,
        *,
        watch: Watch | None = None,
        rehearse: int | None = REHEARSED,
        in_parts: bool = False,
    ) -> Preview:
        """What applying the plan would do; nothing is written.

        Every row is read, mapped and converted. Files of ``rehearse`` records together (all files
        for ``None``) are also written, in a transaction that is taken back, so that problems with
        the data of the house show as well. Other writers wait meanwhile. With ``in_parts`` a first
        file that is larger is tried out batch by batch.
        """
        previewing = Previewing(
            self._house,
            plan,
            batch=self._batch,
            most=rehearse,
            watch=watch,
            in_parts=in_parts,
        )
        return await previewing.run(folder)

    async def apply(
        self,
        plan: Plan,
        folder: Path,
        *,
        id: UUID | None = None,
        by: str = "system",
        watch: Watch | None = None,
    ) -> Outcome:
        """Bring the data in. An import that was interrupted goes on where it was.

        Args:
            id: of its entry in the journal; by default it is found by plan and files, or new.

        Raises:
            InvalidInput: the plan and the files do not fit together; nothing was written.
            PluginError: a target failed; what was settled before is in, and running the same again
                goes on from there.
        """
        began = time.monotonic()
        opened = await open_sources(self._house, plan, folder)
        if opened.problems:
            raise InvalidInput(
                f"The plan {plan.name} cannot be applied: {len(opened.problems)} to mend.",
                problems=opened.problems,
            )
        id, continued = await self._entry(plan, opened.sources, folder, by, id)
        await self._house.customers.declare_fields(plan.fields)
        await self._run_all(id, plan, opened.sources, watch)
        outcome = await self._outcome(id, plan, opened.sources)
        outcome.continued = continued
        await self._close(id, plan, outcome)
        outcome.state = "applied"
        outcome.seconds = round(time.monotonic() - began, 3)
        return outcome

    async def _entry(
        self, plan: Plan, sources: list[Source], folder: Path, by: str, id: UUID | None
    ) -> tuple[UUID, bool]:
        """The journal entry of this plan and these files; whether it is an interrupted one."""
        digest = await asyncio.to_thread(_digest, plan, sources)
        known = await self.journal.unfinished(digest, id)
        if known is not None:
            return known, True
        id = await self.journal.start(
            plan,
            id=id or new_id(),
            digest=digest,
            files=[source.table.name for source in sources],
            folder=str(folder),
            by=by,
            position=await self._house.events.last(),
        )
        return id, False

    async def _run_all(
        self, id: UUID, plan: Plan, sources: list[Source], watch: Watch | None
    ) -> None:
        states = await self.journal.states(id, len(sources))
        for source, state in zip(sources, states, strict=True):
            if state.done:
                continue
            mend = MendFiles(self.folder(id), source.table, twin=source.twin)
            mend.cut(state.sizes)
            run = FileRun(
                self._house.db,
                source,
                scope_of(id, plan, source.entry),
                listener=_listener(source, state, len(sources), watch),
                batch=self._batch,
                trace=Trace(self.journal, mend, state),
            )
            await run.run()

    async def _close(self, id: UUID, plan: Plan, outcome: Outcome) -> None:
        fact = facts.ImportApplied(id, plan.name, outcome.counts.created, outcome.counts.updated)
        async with self._house.db.transaction():
            if await self.journal.finish(id):
                await self._house.events.append(
                    [NewEvent(type=facts.APPLIED, payload=fact)], by=f"import:{id}"
                )

    async def _outcome(self, id: UUID, plan: Plan, sources: list[Source]) -> Outcome:
        counts = await self.journal.counts(id)
        files: list[FileReport] = []
        findings = Findings()
        mended: list[tuple[Source, Path]] = []
        for source in sources:
            mend = MendFiles(self.folder(id), source.table, twin=source.twin)
            report = source.report()
            report.counts = counts.get(source.number, Counts())
            if mend.rows.exists():
                report.mend = str(mend.rows)
                mended.append((source, mend.rows))
            for finding in _read_findings(mend.findings):
                findings.add(finding)
            files.append(report)
        if mended:
            text = dump_plan(mended_plan(plan, mended))
            (self.folder(id) / "plan.toml").write_text(text, encoding="utf-8")
        total = _total(list(counts.values()))
        return Outcome(
            id=id,
            name=plan.name,
            state="running",
            continued=False,
            files=files,
            counts=total,
            findings=findings,
            proposals=merge_proposals(await self.journal.proposals(id)),
            folder=str(self.folder(id)) if self.folder(id).exists() else "",
        )

    async def undo(self, id: UUID, *, watch: Watch | None = None) -> Undone:
        """Take an import back, the last batch first; rows changed since stay and are named.

        Raises:
            NotFound: there is no such import, or the plugin of a target is switched off.
            Conflict: it is undone already.
        """
        return await Undoing(self._house, self.journal).run(id, watch)

    async def entries(self, limit: int = 50) -> list[Entry]:
        """The newest imports first."""
        return await self.journal.entries(limit)

    def folder(self, id: UUID) -> Path:
        """Where rejected rows and findings of an import are kept."""
        return self._house.settings.home / "imports" / str(id)


def _listener(source: Source, state: FileState, files: int, watch: Watch | None) -> Listener:
    """Tells whoever watches how far a file is settled."""

    def hear(_ledger: Ledger, _counts: Counts) -> None:
        if watch is not None:
            watch(progress_of(source, files, state.rows))

    return hear


def _digest(plan: Plan, sources: list[Source]) -> str:
    whole = hashlib.sha256(plan.digest.encode())
    for source in sources:
        whole.update(f"\n{source.table.name}\n{fingerprint(source.table.path)}".encode())
    return whole.hexdigest()


def _total(counts: list[Counts]) -> Counts:
    total = Counts()
    for one in counts:
        total.add(one)
    return total


def _read_findings(path: Path) -> Iterator[LineFinding]:
    if path.exists():
        decode = msgspec.json.Decoder(LineFinding).decode
        with path.open("rb") as stream:
            for line in stream:
                yield decode(line)
