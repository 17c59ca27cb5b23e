"""The index of archive files: what is where, and how much of it has left the database."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from relatum.archive.files import ForeignFile, sha256_of
from relatum.values.problems import Conflict
from relatum.values.time import now

if TYPE_CHECKING:
    from relatum.db.database import Database

TABLE = "core_archive"
State = Literal["leaving", "archived", "restoring", "restored"]
NAME = re.compile(r"core_(?:event|interaction)-\d{4}-\d{2}-[0-9a-f]{12}\.parquet")


class ArchiveFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file and what is in it.

    Attributes:
        id: table and month, ``core_event-2026-01``.
        kind: the table.
        month: of ``recorded_at`` in UTC.
        file: its name in the archive's folder.
        rows: how many.
        pieces: parts of the file; the first ``gone`` of them are no longer in the database.
        first_key: the least key in it (``seq`` of events, ``id`` of interactions).
        last_key: the greatest.
        gone_key: the greatest that is no longer in the database; empty when all are there.
        upto: the last event that needs what is in the file.
        first_at: when the first of its rows was recorded.
        last_at: and the last.
        bytes: size of the file.
        sha256: of the file.
        digest: of the rows, the same for the same rows in another file.
        version: of Relatum when it was written.
        state: ``leaving`` (begun), ``archived``, ``restoring`` (begun), ``restored``.
        held: rows of the month that stayed in the database because something points at them.
        by: who asked for the last change.
        why: the reason they gave.
        made_at: when the file was written.
        changed_at: when rows last left or came back.
    """

    id: str
    kind: str
    month: str
    file: str
    rows: int
    pieces: int
    gone: int
    first_key: str
    last_key: str
    gone_key: str
    upto: int
    first_at: dt.datetime
    last_at: dt.datetime
    bytes: int
    sha256: str
    digest: str
    version: str
    state: State
    held: int
    by: str
    why: str
    made_at: dt.datetime
    changed_at: dt.datetime


COLUMNS = ArchiveFile.__struct_fields__
_SELECT = f"SELECT {', '.join(COLUMNS)} FROM {TABLE}"  # noqa: S608 - names of our own


class Catalogue:
    """The only writer of ``core_archive``. Call it as the house."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def every(self) -> list[ArchiveFile]:
        """All files, by table and month."""
        return await self._read("ORDER BY kind, month")

    async def find(self, kind: str, month: str) -> ArchiveFile | None:
        """The file of one table and month."""
        found = await self._read("WHERE id = ?", id_of(kind, month))
        return found[0] if found else None

    async def away(self, after: int) -> list[ArchiveFile]:
        """Files with rows that have left, which an event beyond this number may need; in order."""
        return await self._read("WHERE gone > 0 AND upto > ? ORDER BY upto, kind", after)

    async def _read(self, rest: str, *params: Any) -> list[ArchiveFile]:
        rows = await self._db.fetch(f"{_SELECT} {rest}", *params)
        return [ArchiveFile(**dict(zip(COLUMNS, row, strict=True))) for row in rows]

    async def add(self, entry: ArchiveFile) -> None:
        """A new file, or a new one in the place of one whose rows are all in the database.

        Raises:
            Conflict: another process was faster.
        """
        async with self._db.transaction():
            await self._db.execute(
                f"DELETE FROM {TABLE} WHERE id = ? AND gone = 0",  # noqa: S608 - a name of our own
                entry.id,
            )
            await self._db.insert(
                TABLE,
                COLUMNS,
                [[getattr(entry, column) for column in COLUMNS]],
                on_conflict="ON CONFLICT (id) DO NOTHING",
            )
            if await self.find(entry.kind, entry.month) != entry:
                raise _overtaken(entry.id)

    async def move(self, entry: ArchiveFile, **changes: Any) -> ArchiveFile:
        """Change an entry that is still as it was read; in the caller's transaction.

        Raises:
            Conflict: another process was faster.
        """
        changes["changed_at"] = now()
        columns = ", ".join(f"{column} = ?" for column in changes)
        moved = await self._db.execute(
            f"UPDATE {TABLE} SET {columns} WHERE id = ? AND gone = ? AND sha256 = ?",  # noqa: S608 - names of our own
            *(*changes.values(), entry.id, entry.gone, entry.sha256),
        )
        if moved != 1:
            raise _overtaken(entry.id)
        return msgspec.structs.replace(entry, **changes)


def id_of(kind: str, month: str) -> str:
    """What an entry is called."""
    return f"{kind}-{month}"


def _overtaken(id: str) -> Conflict:
    return Conflict(
        f"expected to be the only one that changes {id}, got another process that was faster; "
        "wait for it, then see relatum archive status"
    )


def path_of(folder: Path, entry: ArchiveFile) -> Path:
    """Where the file of an entry lies.

    Raises:
        ForeignFile: the index names something that is no file of the archive.
    """
    if not NAME.fullmatch(entry.file):
        raise ForeignFile(
            f"expected the name of an archive file for {entry.id}, got {entry.file!r}; somebody "
            "changed the index"
        )
    return folder / entry.file


def check_whole(folder: Path, entry: ArchiveFile) -> Path:
    """The path of an entry's file, once it is sure that it is the one that was written.

    Raises:
        ForeignFile: it is another one.
        FileNotFoundError: it is not there.
    """
    path = path_of(folder, entry)
    if path.stat().st_size != entry.bytes or sha256_of(path) != entry.sha256:
        raise ForeignFile(
            f"expected the file {entry.file} as it was written ({entry.bytes:,} bytes, SHA-256 "
            f"{entry.sha256[:16]}…), got another one; put it back from a backup"
        )
    return path


def months_between(first: str, last: str) -> Sequence[str]:
    """``YYYY-MM`` of every month from ``first`` to ``last``, both included."""
    begin, end = index_of(first), index_of(last)
    return [month_of_index(number) for number in range(begin, end + 1)]


def index_of(month: str) -> int:
    """Months since year 0."""
    return int(month[:4]) * 12 + int(month[5:7]) - 1


def month_of_index(number: int) -> str:
    """The other way round."""
    return f"{number // 12:04d}-{number % 12 + 1:02d}"


def start_of(month: str) -> dt.datetime:
    """The first moment of a month."""
    return dt.datetime(int(month[:4]), int(month[5:7]), 1, tzinfo=dt.UTC)


def after(month: str) -> str:
    """The next one."""
    return month_of_index(index_of(month) + 1)
