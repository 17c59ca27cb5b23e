"""Running one file of an import: map, convert, prepare, write and journal, batch by batch."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable, Generator, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

import msgspec

from relatum.access.policies import MASK
from relatum.hooks.declarations import ImportScope, Numbered, Prepared, Written
from relatum.importing.cells import CellError
from relatum.importing.conversion import Converter
from relatum.importing.damage import masked
from relatum.importing.finishing import Finished
from relatum.importing.journal import BatchEntry, FileState, Journal
from relatum.importing.ledger import Ledger
from relatum.importing.mend import MendFiles
from relatum.importing.plan import FilePlan, Plan
from relatum.importing.results import Counts
from relatum.importing.rows import Row
from relatum.importing.sources import Source
from relatum.importing.stream import Batch, batches
from relatum.values.problems import (
    Conflict,
    InvalidInput,
    NotFound,
    PluginError,
    Problem,
    Refused,
    RelatumError,
)

if TYPE_CHECKING:
    from relatum.db.database import Database

T = TypeVar("T")
_REFUSALS = (InvalidInput, NotFound, Conflict, Refused)
_PLACE = re.compile(r"/(\d+)(/.*)?")

Pair = tuple[Numbered, Row]
#: Told after each batch: its ledger and its counts.
Listener = Callable[[Ledger, Counts], None]


class Trace(msgspec.Struct):
    """What an import leaves behind: its journal, and the files of rejected rows."""

    journal: Journal
    mend: MendFiles
    state: FileState

    async def record(self, id: UUID, source: Source, settled: Settled) -> None:
        """One batch, inside its transaction."""
        self.state.rows = max(self.state.rows, settled.rows)
        self.state.done = settled.done
        ledger = settled.ledger
        rejected = ledger.rejected
        if source.concealer is not None:
            rejected = [(source.concealer.concealed(row), problem) for row, problem in rejected]
        self.state.sizes = await asyncio.to_thread(self.mend.keep, rejected, ledger.findings)
        entry = BatchEntry(
            file=source.number,
            target=source.target.id,
            state=self.state,
            written=settled.written,
            counts=settled.counts,
            proposals=list(ledger.proposals.values()),
        )
        await self.journal.add(id, await self.journal.next_number(id), entry)


class Settled(msgspec.Struct, kw_only=True):
    """One batch that is written: the file is settled up to ``rows``, or ``done``."""

    rows: int
    done: bool
    written: Written
    counts: Counts
    ledger: Ledger


def scope_of(id: UUID, plan: Plan, entry: FilePlan, *, dry: bool = False) -> ImportScope:
    """What a target may know about the import of one file."""
    return ImportScope(
        id=id,
        source=plan.name,
        options=entry.options,
        confirmed=entry.confirm,
        accept_proposals=frozenset(entry.accept_proposals),
        dry=dry,
        memory={},
    )


class _TakenBack(Exception):
    """A batch was only tried: what it wrote is rolled back."""


class _Piece(msgspec.Struct):
    """A batch that is read and mapped."""

    batch: Batch
    ledger: Ledger
    pairs: list[Pair]


def _next(pieces: Iterator[_Piece]) -> asyncio.Task[_Piece | None]:
    """The next piece, read in a thread: others are served meanwhile."""
    return asyncio.create_task(asyncio.to_thread(next, pieces, None))


class FileRun:
    """One file on its way into one target.

    Args:
        trace: ``None`` for a rehearsal, which is taken back.
    """

    def __init__(
        self,
        db: Database,
        source: Source,
        scope: ImportScope,
        *,
        listener: Listener,
        batch: int,
        trace: Trace | None,
    ) -> None:
        self._db = db
        self._source = source
        self._scope = scope
        self._batch = batch
        self._trace = trace
        self._listener = listener
        self._convert = Converter(source.target.record, strict=source.mapping.identity)
        #: the first records, as they were mapped
        self.first: list[dict[str, Any]] = []

    async def run(self) -> None:
        """The whole file, or what is left of it.

        While the database writes one batch, the next one is read and mapped.
        """
        settled = self._trace.state.rows if self._trace is not None else 0
        pieces = self._pieces(settled)
        ahead = _next(pieces)
        try:
            while (piece := await ahead) is not None:
                ahead = _next(pieces)
                if piece.batch.settled <= settled:
                    await self._remember(piece)
                else:
                    await self._settle(piece)
        finally:
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await asyncio.shield(ahead)
            pieces.close()
        await self._finish()

    async def read(self) -> int:
        """Only read and map the file; returns how many records it has."""
        records = 0
        pieces = self._pieces(0)
        while (piece := await _next(pieces)) is not None:
            records += len(piece.pairs)
            await self._record(piece.batch, Written(), piece.ledger)
            self._listener(piece.ledger, piece.batch.counts)
        return records

    async def try_in_parts(self, begin: Callable[[], Awaitable[None]]) -> None:
        """Try the file out batch by batch, each in a transaction of its own that is taken back.

        Every batch meets the house as it is: rows that refer to rows of batches before them do
        not find them. Other writers wait for one batch at most.

        Args:
            begin: what each transaction begins with.
        """
        pieces = self._pieces(0)
        while (piece := await _next(pieces)) is not None:
            pairs = await self._prepared(piece.pairs, piece.ledger)
            with contextlib.suppress(_TakenBack):
                async with self._db.transaction():
                    await begin()
                    written = await self._write(pairs, piece.ledger)
                    await self._record(piece.batch, written, piece.ledger)
                    raise _TakenBack
            self._listener(piece.ledger, piece.batch.counts)

    def _pieces(self, settled: int) -> Generator[_Piece]:
        for batch in batches(self._source, self._batch, cut=settled):
            ledger = Ledger(self._source, self._scope)
            for row in batch.broken:
                ledger.reject(row, [row.problem] if row.problem else [])
            ledger.findings += batch.findings
            yield _Piece(batch, ledger, self._records(batch.rows, ledger))

    async def _remember(self, piece: _Piece) -> None:
        """Let the target see what is already in, so that its memory is what it was."""
        if piece.pairs:
            await self._ask("prepare", self._prepare([record for record, _ in piece.pairs]))

    async def _settle(self, piece: _Piece) -> None:
        batch, ledger = piece.batch, piece.ledger
        pairs = await self._prepared(piece.pairs, ledger)
        async with self._db.transaction():
            written = await self._write(pairs, ledger)
            await self._record(batch, written, ledger)
        self._listener(ledger, batch.counts)

    # -- rows to records -------------------------------------------------------------------------

    def _records(self, rows: Sequence[Row], ledger: Ledger) -> list[Pair]:
        values, mapped = [], []
        mapping = self._source.mapping
        marked = self._source.table.marked
        for row in rows:
            if (marked or row.marked) and MASK in str(row.cells):
                ledger.reject(row, [masked(row.line)])
                continue
            try:
                values.append(mapping.values(row))
            except CellError:
                ledger.reject(row, mapping.explain(row))
            else:
                mapped.append(row)
        if len(self.first) < 5:
            some = values[: 5 - len(self.first)]
            concealer = self._source.concealer
            self.first += [concealer.masked(each) for each in some] if concealer else some
        records = self._convert.all(values)
        if records is None:
            return self._one_by_one(values, mapped, ledger)
        return [
            (Numbered(row.line, record), row) for row, record in zip(mapped, records, strict=True)
        ]

    def _one_by_one(
        self, values: Sequence[dict[str, Any]], rows: Sequence[Row], ledger: Ledger
    ) -> list[Pair]:
        pairs = []
        for row, one in zip(rows, values, strict=True):
            record, problems = self._convert.one(one)
            if record is None:
                ledger.reject(row, problems)
            else:
                pairs.append((Numbered(row.line, record), row))
        return pairs

    # -- the target ------------------------------------------------------------------------------

    async def _prepared(self, pairs: list[Pair], ledger: Ledger) -> list[Pair]:
        """Those that may be written, after the target was asked."""
        if not pairs:
            return pairs
        answer = await self._ask("prepare", self._prepare([record for record, _ in pairs]))
        if not answer.findings and not answer.proposals:
            return pairs
        rows = _Rows({row.line: row for _, row in pairs})
        out: dict[int, list[Problem]] = {}
        for finding in answer.findings:
            if finding.weight == "error":
                out.setdefault(finding.line, []).append(finding.problem)
            else:
                ledger.note(rows[finding.line], finding.problem)
        for proposed in answer.proposals:
            problem = ledger.decide(proposed, rows[proposed.line])
            if problem is not None:
                out.setdefault(proposed.line, []).append(problem)
        for line, problems in out.items():
            ledger.reject(rows[line], problems)
        return [pair for pair in pairs if pair[0].line not in out]

    async def _prepare(self, records: Sequence[Numbered]) -> Prepared:
        source = self._source
        return await source.target.prepare(source.plugin, records, self._scope)

    async def _write(self, pairs: Sequence[Pair], ledger: Ledger) -> Written:
        """Write the records; those that are refused are kept out and the others go in."""
        if not pairs:
            return Written()
        source = self._source
        try:
            async with self._db.savepoint():
                records = [record for record, _ in pairs]
                return await self._ask(
                    "write", source.target.write(source.plugin, records, self._scope)
                )
        except _REFUSALS as refusal:
            refused = _by_index(refusal, len(pairs))
            if refused is None:
                return await self._halves(pairs, refusal, ledger)
            for index, problems in refused.items():
                ledger.reject(pairs[index][1], problems)
            rest = [pair for index, pair in enumerate(pairs) if index not in refused]
            return await self._write(rest, ledger)

    async def _halves(
        self, pairs: Sequence[Pair], refusal: RelatumError, ledger: Ledger
    ) -> Written:
        """Find the record that was refused when the refusal does not say which."""
        if len(pairs) == 1:
            problems = refusal.problems or (Problem(code=refusal.code, message=refusal.detail),)
            ledger.reject(pairs[0][1], problems)
            return Written()
        middle = len(pairs) // 2
        first = await self._write(pairs[:middle], ledger)
        return _together(first, await self._write(pairs[middle:], ledger))

    async def _ask(self, step: str, answer: Awaitable[T]) -> T:
        """What the target answers; whatever else goes wrong in it names its plugin."""
        try:
            async with self._source.plugin.at_work():
                return await answer
        except RelatumError:
            raise
        except Exception as error:
            plugin = self._source.plugin
            raise PluginError(
                f"The import target {self._source.target.id} of {plugin.id} {plugin.version} "
                f"failed in {step}: {type(error).__name__}: {error}. What was settled before is "
                "in; mend the plugin and run the same import again."
            ) from error

    # -- the journal -----------------------------------------------------------------------------

    async def _record(
        self, batch: Batch, written: Written, ledger: Ledger, *, done: bool = False
    ) -> None:
        counts = batch.counts
        counts.rejected += len(ledger.rejected)
        counts.created += written.created_count
        counts.updated += written.updated_count
        counts.unchanged += written.unchanged_count
        counts.notes += sum(1 for finding in ledger.findings if finding.weight == "note")
        if self._trace is not None:
            settled = Settled(
                rows=batch.settled, done=done, written=written, counts=counts, ledger=ledger
            )
            await self._trace.record(self._scope.id, self._source, settled)

    async def _finish(self) -> None:
        """Let the target close what it left open, as the last batch of the file."""
        source = self._source
        ledger = Ledger(source, self._scope)
        batch = Batch([], [], [], Counts())
        async with self._db.transaction():
            answer = await self._ask("finish", source.target.finish(source.plugin, self._scope))
            for finding in answer:
                ledger.late(finding)
            written = answer.written if isinstance(answer, Finished) else Written()
            # What closing writes belongs to rows that are counted already.
            written = Written(created=written.created, before=written.before)
            await self._record(batch, written, ledger, done=True)
        self._listener(ledger, batch.counts)


class _Rows(dict[int, Row]):
    """Rows by line; a target that names another line is wrong."""

    def __missing__(self, line: int) -> Row:
        raise PluginError(
            f"expected findings about the lines {min(self)} to {max(self)}, got one about {line}"
        )


def _by_index(refusal: RelatumError, count: int) -> dict[int, list[Problem]] | None:
    """The problems by the index of their record; ``None`` when they do not say it."""
    refused: dict[int, list[Problem]] = {}
    for problem in refusal.problems:
        place = _PLACE.fullmatch(problem.where)
        if place is None or int(place[1]) >= count:
            return None
        where = place[2] or ""
        refused.setdefault(int(place[1]), []).append(
            msgspec.structs.replace(problem, where=where or "/")
        )
    return refused or None


def _together(first: Written, second: Written) -> Written:
    created = {table: list(ids) for table, ids in first.created.items()}
    before = {table: list(rows) for table, rows in first.before.items()}
    for table, ids in second.created.items():
        created.setdefault(table, []).extend(ids)
    for table, rows in second.before.items():
        before.setdefault(table, []).extend(rows)
    return Written(
        created=created,
        before=before,
        created_count=first.created_count + second.created_count,
        updated_count=first.updated_count + second.updated_count,
        unchanged_count=first.unchanged_count + second.unchanged_count,
    )
