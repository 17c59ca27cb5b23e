"""Moving a whole database into the other kind, so that a kill at any moment costs one batch.

The target keeps a journal in a table of its own: which stage is reached, how far each table has
come, and the statement that puts back each index and each reference, which are away while rows
stream in. A batch and its note commit together. Until the journal is gone, nothing but the move
opens the target.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

import msgspec

from relatum.moving.checking import agreed, refuse_misfits
from relatum.moving.checksums import Checksum, Columns
from relatum.moving.ends import Batch, Source, Target
from relatum.moving.layouts import JOURNAL, Layout, creation, parents_first, quoted
from relatum.values.problems import ConfigurationError, Conflict, Problem, RelatumError

T = TypeVar("T")

#: Of these, one row says that somebody works with the database.
LIVED_IN = ("core_account", "core_customer", "core_event", "core_interaction")
_AHEAD = 2


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a move is: rows of all tables together."""

    stage: str
    table: str = ""
    rows: int = 0
    of: int = 0


class MovedTable(msgspec.Struct, frozen=True, kw_only=True):
    """One table, equal on both sides.

    Attributes:
        carried: no migration that is installed makes this table; it was made from its catalogue.
        sums: of each column of money.
    """

    name: str
    rows: int
    digest: str
    sums: Mapping[str, int]
    carried: bool = False


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """What was moved. Seconds by stage; those of a run that was killed are not in it.

    Attributes:
        left_behind: somebody has written to the source since the moment that was moved.
    """

    tables: list[MovedTable]
    seconds: dict[str, float]
    resumed: bool = False
    left_behind: bool = False

    @property
    def rows(self) -> int:
        """Of all tables."""
        return sum(each.rows for each in self.tables)


class DiffersError(RelatumError):
    """Tables are not equal after they were copied."""

    code = "differs"
    title = "A copy is not equal"


class _Note(msgspec.Struct):
    """How far one table has come."""

    rows: int = 0
    last: Sequence[str] | None = None
    done: bool = False


class Mover:
    """One move; :meth:`run` it once, and again after a kill.

    Args:
        prepare: makes the tables on the target by the migrations that have run on the source.
        identity: names the source, so that no move is taken up from another one.
        anew: throw away what an earlier move left half filled.
        show: is told how far the move is.
    """

    def __init__(
        self,
        source: Source,
        target: Target,
        *,
        prepare: Callable[[], Awaitable[None]],
        identity: str,
        anew: bool = False,
        show: Callable[[Progress], None] = lambda _: None,
    ) -> None:
        self._anew = anew
        self._source = source
        self._target = target
        self._prepare = prepare
        self._identity = identity
        self._show = show
        self._notes: dict[str, str] = {}
        self._seconds: dict[str, float] = {}
        self._carried: set[str] = set()
        self._layouts: dict[str, Layout] = {}
        self._columns: dict[str, Columns] = {}

    async def run(self) -> Moved:
        """Copy, put indexes and references back, compare, and give the target free.

        Raises:
            ConfigurationError: a table cannot be moved, or is not the same on both sides.
            Conflict: the target is lived in, or half filled from another source.
            DiffersError: a table is not equal afterwards; the target stays closed.
            InvalidInput: values that the target refuses.
        """
        self._notes = await self._target.journal()
        if self._notes and self._anew:
            await self._target.clear()
            self._notes = {}
        resumed = bool(self._notes)
        self._layouts = await self._source.layouts()
        await self._begin()
        await self._timed("tables", self._tables())
        await self._timed("rows", self._rows())
        await self._timed("indexes", self._put_back())
        tables = await self._timed("comparing", self._compare())
        await self._target.together([f"DROP TABLE {JOURNAL}"], {})
        return Moved(tables=tables, seconds=self._seconds, resumed=resumed)

    async def _timed(self, stage: str, work: Awaitable[T]) -> T:
        self._show(Progress(stage=stage))
        started = time.perf_counter()
        result = await work
        self._seconds[stage] = time.perf_counter() - started
        return result

    async def _begin(self) -> None:
        """Take up the journal, or begin one in a target that nobody lives in."""
        if self._notes:
            if self._notes.get("source") != self._identity:
                raise Conflict(
                    "expected a target that this database was being moved to, got one that is "
                    f"half filled from {self._notes.get('source')}; finish that move, throw it "
                    "away with --anew, or give another target"
                )
            return
        lived_in = await inhabited(self._target)
        if lived_in:
            raise Conflict(
                f"expected an empty target, got one with rows in {lived_in}; give an empty "
                "database, or a file that is not there yet"
            )
        await self._note(
            [f"CREATE TABLE {JOURNAL} (part VARCHAR(300) PRIMARY KEY, note TEXT NOT NULL)"],
            {"source": self._identity, "stage": "tables"},
        )

    async def _note(self, statements: Sequence[str], notes: Mapping[str, str | None]) -> None:
        await self._target.together(statements, notes)
        for part, note in notes.items():
            if note is None:
                self._notes.pop(part, None)
            else:
                self._notes[part] = note

    async def _tables(self) -> None:
        """Make the tables, look whether everything fits, take away what slows rows down."""
        fresh = self._notes["stage"] == "tables"
        if fresh:
            await self._prepare()
            await self._carry()
        self._carried = set(self._notes.get("carried", "").split())
        targets = await self._target.layouts()
        self._agree(targets)
        if not fresh:
            return
        await refuse_misfits(self._source, self._layouts, targets)
        extras = await self._target.extras(targets)
        # children first: a reference that is still there must not hold rows back
        emptied = [_emptying(name) for name in reversed(parents_first(self._layouts))]
        backs = {f"back:{number:05}": back for number, (_, back) in enumerate(extras)}
        await self._note([*(away for away, _ in extras), *emptied], {**backs, "stage": "rows"})

    async def _carry(self) -> None:
        """Make the tables that no migration makes any more: their plugin is gone, they stay."""
        there = await self._target.layouts()
        missing = {name: each for name, each in self._layouts.items() if name not in there}
        for name in parents_first(missing):
            layout = missing[name]
            if name.startswith("core_") and not await self._has_rows(name):
                # one that only one of both databases needs
                del self._layouts[name]
                continue
            noted = self._notes.get("carried", "")
            await self._note(
                [*creation(layout, self._target.kind), *_portable_indexes(layout)],
                {"carried": f"{noted} {name}".strip()},
            )

    async def _has_rows(self, table: str) -> bool:
        return bool(await self._source.rows(f"SELECT 1 FROM {quoted(table)} LIMIT 1"))  # noqa: S608 - a name of the catalogue

    def _agree(self, targets: Mapping[str, Layout]) -> None:
        problems = []
        for name in list(self._layouts):
            if name not in targets:
                # left out when the move began: empty, and only one of both databases needs it
                del self._layouts[name]
                continue
            columns = agreed(self._layouts[name], targets[name])
            if isinstance(columns, str):
                problems.append(
                    Problem(
                        code="other-columns",
                        message=columns,
                        mend="bring both to the same migrations with `relatum migrate --apply`",
                    )
                )
            else:
                self._columns[name] = columns
        if problems:
            raise ConfigurationError(
                "expected the same columns on both sides, got others", problems=problems
            )

    async def _rows(self) -> None:
        counts = {
            name: (await self._source.rows(f"SELECT count(*) FROM {quoted(name)}"))[0][0]  # noqa: S608 - as above
            for name in self._layouts
        }
        done, total = 0, sum(counts.values())
        targets = await self._target.layouts()
        for name in parents_first(self._layouts):
            note = self._note_of(name)
            done += note.rows if note.last or note.done else 0
            if not note.done:
                async for rows in self._copy(name, targets[name], note):
                    done += rows
                    self._show(Progress(stage="rows", table=name, rows=done, of=total))

    def _note_of(self, table: str) -> _Note:
        noted = self._notes.get(f"table:{table}")
        return msgspec.json.decode(noted, type=_Note) if noted else _Note()

    async def _copy(self, name: str, target: Layout, note: _Note) -> AsyncIterator[int]:
        if not note.last:
            # begun without a place to go on from
            note = _Note()
            await self._target.together([_emptying(name)], {})
        part = f"table:{name}"
        columns = self._columns[name]
        async for batch in _ahead(self._source.batches(self._layouts[name], columns, note.last)):
            note = _Note(rows=note.rows + batch.rows, last=batch.last)
            written = msgspec.json.encode(note).decode()
            await self._target.write(self._layouts[name], columns, batch, {part: written})
            yield batch.rows
        note.done = True
        await self._note([], {part: msgspec.json.encode(note).decode()})

    async def _put_back(self) -> None:
        """Indexes and references, from the last that was taken away."""
        backs = sorted((part for part in self._notes if part.startswith("back:")), reverse=True)
        for number, part in enumerate(backs, start=1):
            self._show(Progress(stage="indexes", rows=number, of=len(backs)))
            await self._note([self._notes[part]], {part: None})
        counters = await self._source.counters(self._layouts)
        await self._target.settle(await self._target.layouts(), counters)

    async def _compare(self) -> list[MovedTable]:
        tables, differing = [], []
        for name in parents_first(self._layouts):
            self._show(Progress(stage="comparing", table=name))
            columns = self._columns[name]
            here, there = await asyncio.gather(
                self._source.checksum(name, columns), self._target.checksum(name, columns)
            )
            if here != there:
                differing.append(_difference(name, here, there))
            carried = name in self._carried
            tables.append(
                MovedTable(
                    name=name, rows=here.rows, digest=here.digest, sums=here.sums, carried=carried
                )
            )
        if differing:
            raise DiffersError(
                f"expected equal tables on both sides, got {len(differing)} that differ; the "
                "source was written to meanwhile, or a value changed on its way. Begin again with "
                "--anew, and tell the makers if it stays so",
                problems=differing,
            )
        return tables


async def inhabited(target: Target) -> str:
    """A table that says that somebody works with this database; empty when none does."""
    there = await target.layouts()
    for name in LIVED_IN:
        if name in there and await target.rows(f"SELECT 1 FROM {quoted(name)} LIMIT 1"):  # noqa: S608 - as above
            return name
    return ""


def _emptying(table: str) -> str:
    return f"DELETE FROM {quoted(table)}"  # noqa: S608 - a name of the catalogue


def _difference(name: str, here: Checksum, there: Checksum) -> Problem:
    return Problem(
        code="differs",
        message=f"{name} is not the same on both sides",
        expected=f"{here.rows:,} rows with the checksum {here.digest}",
        got=f"{there.rows:,} rows with {there.digest}",
    )


def _portable_indexes(layout: Layout) -> list[str]:
    """Indexes of a carried table as both databases understand them; others are left out."""
    found = []
    for statement in layout.indexes.values():
        plain = re.sub(r" USING btree", "", statement)
        plain = re.sub(r'( ON )(?:ONLY )?(?:"?\w+"?\.)', r"\1", plain)
        if "::" not in plain:
            found.append(plain)
    return found


async def _ahead(batches: AsyncIterator[Batch]) -> AsyncIterator[Batch]:
    """The same batches, read while the one before is written."""
    queue: asyncio.Queue[Batch | Exception | None] = asyncio.Queue(_AHEAD)

    async def read() -> None:
        try:
            async for batch in batches:
                await queue.put(batch)
        except Exception as error:  # noqa: BLE001 - raised where the batches are used
            await queue.put(error)
        else:
            await queue.put(None)

    reading = asyncio.create_task(read())
    try:
        while (batch := await queue.get()) is not None:
            if isinstance(batch, Exception):
                raise batch
            yield batch
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
