"""The journal of imports: what each batch changed, written in the transaction of the batch."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar
from uuid import UUID

import msgspec

from relatum.db.database import to_json
from relatum.db.guarding import as_the_house
from relatum.hooks.declarations import Written
from relatum.importing.plan import Plan
from relatum.importing.results import Counts, Entry, ProposalSummary, State
from relatum.values.ids import new_id
from relatum.values.problems import Conflict, NotFound
from relatum.values.time import now

if TYPE_CHECKING:
    from relatum.db.database import Database

P = ParamSpec("P")
T = TypeVar("T")

_ID_BYTES = 16
_IMPORT_COLUMNS = (
    "id",
    "name",
    "title",
    "plan",
    "digest",
    "files",
    "folder",
    "state",
    "by",
    "log_position",
    "started_at",
)
_BATCH_COLUMNS = (
    "id",
    "import_id",
    "number",
    "file",
    "target",
    "rows",
    "done",
    "created",
    "before",
    "counts",
    "proposals",
    "sizes",
    "undone",
    "at",
)
_SELECT = (
    "SELECT id, name, title, state, by, started_at, finished_at, undone_at, files FROM core_import"
)


class FileState(msgspec.Struct):
    """How far one file of an import is settled."""

    rows: int = 0
    done: bool = False
    sizes: list[int] = []


class BatchEntry(msgspec.Struct, kw_only=True):
    """One batch as it is journalled: what it changed, and how far its file is settled by it."""

    file: int
    target: str
    state: FileState
    written: Written
    counts: Counts
    proposals: list[ProposalSummary]


class StoredWritten(msgspec.Struct):
    """One batch as undoing needs it."""

    id: UUID
    target: str
    file: int
    written: Written


def _of_the_house(method: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """The journal is core's own: it is read and written whole, whoever imports."""

    @functools.wraps(method)
    async def as_the_house_does(*args: P.args, **kwargs: P.kwargs) -> T:
        with as_the_house():
            return await method(*args, **kwargs)

    return as_the_house_does


class Journal:
    """The only writer of ``core_import`` and ``core_import_batch``."""

    def __init__(self, db: Database) -> None:
        self._db = db

    @_of_the_house
    async def unfinished(self, digest: str, id: UUID | None = None) -> UUID | None:
        """An import of the same plan and files that was interrupted.

        Args:
            id: of the entry that is meant; one that is finished is found as well then.
        """
        if id is not None:
            row = await self._db.fetch_one(
                "SELECT id FROM core_import WHERE id = ? AND digest = ? "
                "AND state IN ('running', 'applied')",
                id,
                digest,
            )
            return row[0] if row else None
        row = await self._db.fetch_one(
            "SELECT id FROM core_import WHERE digest = ? AND state = 'running' "
            "ORDER BY started_at DESC LIMIT 1",
            digest,
        )
        return row[0] if row else None

    @_of_the_house
    async def start(
        self,
        plan: Plan,
        *,
        id: UUID,
        digest: str,
        files: Sequence[str],
        folder: str,
        by: str,
        position: int,
    ) -> UUID:
        """A new entry; ``position`` is the last event before it."""
        await self._db.insert(
            "core_import",
            _IMPORT_COLUMNS,
            [
                (
                    id,
                    plan.name,
                    plan.title,
                    to_json(plan),
                    digest,
                    to_json(list(files)),
                    folder,
                    "running",
                    by,
                    position,
                    now(),
                )
            ],
        )
        return id

    @_of_the_house
    async def states(self, id: UUID, files: int) -> list[FileState]:
        """How far each file is settled."""
        states = [FileState() for _ in range(files)]
        rows = await self._db.fetch(
            "SELECT file, rows, done, sizes FROM core_import_batch WHERE import_id = ? "
            "ORDER BY number",
            id,
        )
        for file, settled, done, sizes in rows:
            if file < files:
                states[file] = FileState(settled, done, msgspec.json.decode(sizes))
        return states

    @_of_the_house
    async def add(self, id: UUID, number: int, entry: BatchEntry) -> None:
        """One batch, inside the transaction that wrote it.

        Raises:
            Conflict: another process runs the same import.
        """
        taken = await self._db.fetch_one(
            "SELECT 1 FROM core_import_batch WHERE import_id = ? AND number = ?", id, number
        )
        if taken:
            raise Conflict(
                "The same import is being run by another process; wait for it, then run this again."
            )
        row = (
            new_id(),
            id,
            number,
            entry.file,
            entry.target,
            entry.state.rows,
            entry.state.done,
            pack_ids(entry.written.created),
            to_json(entry.written.before),
            to_json(entry.counts),
            to_json(entry.proposals),
            to_json(entry.state.sizes),
            False,
            now(),
        )
        await self._db.insert("core_import_batch", _BATCH_COLUMNS, [row])

    @_of_the_house
    async def next_number(self, id: UUID) -> int:
        """The number of the next batch."""
        row = await self._db.fetch_one(
            "SELECT coalesce(max(number), -1) + 1 FROM core_import_batch WHERE import_id = ?", id
        )
        return int(row[0]) if row else 0

    @_of_the_house
    async def finish(self, id: UUID) -> bool:
        """The import is applied; says whether it was not before."""
        touched = await self._db.execute(
            "UPDATE core_import SET state = 'applied', finished_at = ? "
            "WHERE id = ? AND state = 'running'",
            now(),
            id,
        )
        return touched == 1

    @_of_the_house
    async def set_state(self, id: UUID, state: str) -> None:
        """``undone`` is stamped with the time."""
        stamp = ", undone_at = ?" if state == "undone" else ""
        moments = [now()] if stamp else []
        await self._db.execute(
            f"UPDATE core_import SET state = ?{stamp} WHERE id = ?",  # noqa: S608 - fixed names
            state,
            *moments,
            id,
        )

    @_of_the_house
    async def counts(self, id: UUID) -> dict[int, Counts]:
        """The figures of each file."""
        totals: dict[int, Counts] = {}
        rows = await self._db.fetch(
            "SELECT file, counts FROM core_import_batch WHERE import_id = ? ORDER BY number", id
        )
        for file, counts in rows:
            totals.setdefault(file, Counts()).add(msgspec.json.decode(counts, type=Counts))
        return totals

    @_of_the_house
    async def proposals(self, id: UUID) -> list[ProposalSummary]:
        """The proposals of every batch, as they were told."""
        rows = await self._db.fetch(
            "SELECT proposals FROM core_import_batch WHERE import_id = ? ORDER BY number", id
        )
        return [
            summary
            for (text,) in rows
            for summary in msgspec.json.decode(text, type=list[ProposalSummary])
        ]

    @_of_the_house
    async def state(self, id: UUID) -> State | None:
        """How far an import is; ``None`` when nothing of it was written."""
        row = await self._db.fetch_one("SELECT state FROM core_import WHERE id = ?", id)
        return row[0] if row else None

    @_of_the_house
    async def entry(self, id: UUID) -> Entry:
        """One import.

        Raises:
            NotFound: there is none with this id.
        """
        found = await self._entries("WHERE id = ?", id)
        if not found:
            raise NotFound(
                f"There is no import {id}; `relatum import --list` shows those there are."
            )
        return found[0]

    @_of_the_house
    async def entries(self, limit: int = 50) -> list[Entry]:
        """The newest imports first."""
        return await self._entries("ORDER BY started_at DESC, id DESC LIMIT ?", limit)

    async def _entries(self, rest: str, *params: Any) -> list[Entry]:
        rows = await self._db.fetch(f"{_SELECT} {rest}", *params)
        totals = {row[0]: Counts() for row in rows}
        batches = await self._db.fetch_in(
            "SELECT import_id, counts FROM core_import_batch WHERE import_id IN ({})", list(totals)
        )
        for id, counts in batches:
            totals[id].add(msgspec.json.decode(counts, type=Counts))
        return [Entry(**_named(row), counts=totals[row[0]]) for row in rows]

    @_of_the_house
    async def plan(self, id: UUID) -> tuple[Plan, list[str], int]:
        """The plan of an import, its files, and the last event before it."""
        row = await self._db.fetch_one(
            "SELECT plan, files, log_position FROM core_import WHERE id = ?", id
        )
        if row is None:
            raise NotFound(f"There is no import {id}.")
        plan = msgspec.json.decode(row[0], type=Plan)
        return plan, msgspec.json.decode(row[1], type=list[str]), int(row[2])

    @_of_the_house
    async def to_undo(self, id: UUID) -> list[UUID]:
        """The batches that are not undone, the last one first."""
        rows = await self._db.fetch(
            "SELECT id FROM core_import_batch WHERE import_id = ? AND undone = ? "
            "ORDER BY number DESC",
            id,
            False,
        )
        return [row[0] for row in rows]

    @_of_the_house
    async def targets(self, id: UUID) -> list[str]:
        """The targets that an import wrote to."""
        rows = await self._db.fetch(
            "SELECT DISTINCT target FROM core_import_batch WHERE import_id = ?", id
        )
        return sorted(row[0] for row in rows)

    @_of_the_house
    async def written(self, batch: UUID) -> StoredWritten:
        """What one batch changed."""
        row = await self._db.fetch_one(
            "SELECT target, file, created, before FROM core_import_batch WHERE id = ?", batch
        )
        if row is None:
            raise NotFound(f"There is no batch {batch}.")
        written = Written(created=unpack_ids(row[2]), before=msgspec.json.decode(row[3]))
        return StoredWritten(batch, row[0], row[1], written)

    @_of_the_house
    async def mark_undone(self, batch: UUID) -> None:
        """Inside the transaction that takes the batch back."""
        await self._db.execute("UPDATE core_import_batch SET undone = ? WHERE id = ?", True, batch)


def pack_ids(created: dict[str, list[UUID]]) -> bytes:
    """Ids by table, 16 bytes each."""
    return msgspec.msgpack.encode(
        {table: b"".join([id.bytes for id in ids]) for table, ids in created.items()}
    )


def unpack_ids(packed: bytes) -> dict[str, list[UUID]]:
    """The reverse of :func:`pack_ids`."""
    tables = msgspec.msgpack.decode(packed, type=dict[str, bytes]) if packed else {}
    return {
        table: [
            UUID(bytes=joined[start : start + _ID_BYTES])
            for start in range(0, len(joined), _ID_BYTES)
        ]
        for table, joined in tables.items()
    }


def _named(row: tuple[Any, ...]) -> dict[str, Any]:
    names = ("id", "name", "title", "state", "by", "started_at", "finished_at", "undone_at")
    named: dict[str, Any] = dict(zip(names, row, strict=False))
    named["files"] = msgspec.json.decode(row[8], type=list[str])
    return named
