"""A month leaves the database: into a file first, then out of the tables, piece by piece.

What can be interrupted, and what is there then:

1. while the file is written: a draft that nobody knows of; everything is in the database;
2. once it is in its place: a file that nobody knows of, the same that the next attempt writes;
3. once it is in the index: ``gone`` pieces are only in the file, the others in both. Each piece
   goes in one transaction that compares its rows with those of the file and moves ``gone``.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from relatum.archive import events as facts
from relatum.archive.catalogue import (
    ArchiveFile,
    Catalogue,
    after,
    check_whole,
    id_of,
    start_of,
)
from relatum.archive.files import PIECE, Draft, ForeignFile, Made, Reader
from relatum.archive.holding import Holding, Stretch
from relatum.archive.kinds import EVENTS, INTERACTIONS, KINDS, Kind, Row, rows_of
from relatum.events.types import NewEvent
from relatum.values.problems import Conflict
from relatum.values.time import now

if TYPE_CHECKING:
    from relatum.db.database import Database
    from relatum.events.log import EventLog

#: Told the file's id, pieces done, pieces in all.
Watch = Callable[[str, int, int], None]
#: Keys in one statement.
_AT_ONCE = 5_000


class Leaving:
    """Takes months out. Call it as the house."""

    def __init__(
        self,
        db: Database,
        events: EventLog,
        catalogue: Catalogue,
        holding: Holding,
        folder: Path,
    ) -> None:
        self._db = db
        self._events = events
        self._catalogue = catalogue
        self._holding = holding
        self._folder = folder

    async def begin(self, stretch: Stretch, *, by: str, why: str) -> ArchiveFile | None:
        """Write the file and put it into the index; ``None`` when there is nothing for it.

        Raises:
            Conflict: a row cannot be kept to the byte, or another process was faster.
        """
        kind = KINDS[stretch.kind]
        held = [0]
        draft = await asyncio.to_thread(Draft, self._folder, kind, stretch.month)
        with draft:
            times: list[str] = []
            async for rows in self._rows(kind, stretch, held):
                await asyncio.to_thread(draft.add, rows)
                place = kind.place("recorded_at")
                recorded = [row[place] or "" for row in rows]
                times += [min(recorded), max(recorded)]
            if not times:
                return None
            made = await asyncio.to_thread(draft.finish)
        entry = _entry(stretch, made, (min(times), max(times)), held=held[0], by=by, why=why)
        replaced = await self._catalogue.find(kind.id, stretch.month)
        await self._catalogue.add(entry)
        if replaced is not None and replaced.file != entry.file:
            (self._folder / replaced.file).unlink(missing_ok=True)
        return entry

    async def _rows(
        self, kind: Kind, stretch: Stretch, held: list[int]
    ) -> AsyncIterator[list[Row]]:
        params: tuple[Any, ...]
        last: Any
        if kind.id == EVENTS:
            condition, params, last = "seq <= ? AND seq > ?", (stretch.last,), stretch.after
        else:
            condition = "recorded_at >= ? AND recorded_at < ? AND id > ?"
            params = (start_of(stretch.month), start_of(after(stretch.month)))
            last = str(UUID(int=0))
        select = f"{kind.select(self._db.kind)} WHERE {condition} ORDER BY {kind.key} LIMIT {PIECE}"
        while found := await self._db.fetch(select, *params, last):
            rows = await asyncio.to_thread(rows_of, found)
            last = kind.key_of(rows[-1][0] or "")
            if kind.id == INTERACTIONS:
                pointed = await self._holding.pointed_at([row[0] or "" for row in rows])
                held[0] += len(pointed)
                rows = [row for row in rows if row[0] not in pointed]
            if rows:
                yield rows

    async def go_on(
        self, entry: ArchiveFile, *, by: str, why: str, watch: Watch | None = None
    ) -> ArchiveFile:
        """Take out what is still in the database.

        Raises:
            Conflict: rows are not those of the file, or the file is not the one that was written;
                what was taken out before stays in the archive.
        """
        with await self._open(entry) as reader:
            while entry.gone < entry.pieces:
                rows = await asyncio.to_thread(reader.piece, entry.gone)
                entry = await self._take(entry, rows, by=by, why=why)
                if watch is not None:
                    watch(entry.id, entry.gone, entry.pieces)
        return entry

    async def _open(self, entry: ArchiveFile) -> Reader:
        return await asyncio.to_thread(open_checked, self._folder, entry)

    async def _take(
        self, entry: ArchiveFile, rows: Sequence[Row], *, by: str, why: str
    ) -> ArchiveFile:
        kind = KINDS[entry.kind]
        done = entry.gone + 1 == entry.pieces
        async with self._db.transaction():
            await self._compare(kind, entry, rows)
            await self._delete(kind, rows)
            await self._keep_keys(kind, rows)
            entry = await self._catalogue.move(
                entry,
                gone=entry.gone + 1,
                gone_key=rows[-1][0],
                state="archived" if done else "leaving",
                by=by,
                why=why,
            )
            if done:
                await tell(self._events, facts.ARCHIVED, entry)
        return entry

    async def _compare(self, kind: Kind, entry: ArchiveFile, rows: Sequence[Row]) -> None:
        stored = await self.stored(kind, entry, rows)
        if stored != list(rows):
            raise Conflict(
                f"expected {kind.short} of {entry.month} in the database as they are in "
                f"{entry.file}, got a difference at {_first_difference(stored, rows)}; nothing of "
                f"this part was taken out. Restore the month and archive it again: "
                f"relatum archive restore {entry.month} --kind {kind.short}"
            )
        if kind.id == INTERACTIONS:
            pointed = await self._holding.pointed_at([row[0] or "" for row in rows])
            if pointed:
                raise Conflict(
                    f"expected that nothing points at interactions of {entry.month}, got "
                    f"{len(pointed):,} that something points at by now ({min(pointed)}); restore "
                    f"the month: relatum archive restore {entry.month} --kind {kind.short}"
                )

    async def stored(self, kind: Kind, entry: ArchiveFile, rows: Sequence[Row]) -> list[Row]:
        """What the database has in the place of these rows; kept from changing until commit."""
        lock = " FOR UPDATE" if self._db.kind == "postgresql" else ""
        months: tuple[Any, ...] = ()
        condition = ""
        if kind.id == INTERACTIONS:
            condition = " AND recorded_at >= ? AND recorded_at < ?"
            months = (start_of(entry.month), start_of(after(entry.month)))
        found = await self._db.fetch(
            f"{kind.select(self._db.kind)} WHERE {kind.key} >= ? AND {kind.key} <= ?{condition} "
            f"ORDER BY {kind.key}{lock}",
            kind.key_of(rows[0][0] or ""),
            kind.key_of(rows[-1][0] or ""),
            *months,
        )
        stored = await asyncio.to_thread(rows_of, found)
        if kind.id == INTERACTIONS:
            ours = {row[0] for row in rows}
            stored = [row for row in stored if row[0] in ours]
        return stored

    async def _delete(self, kind: Kind, rows: Sequence[Row]) -> None:
        gone = 0
        keys = [kind.key_of(row[0] or "") for row in rows]
        for start in range(0, len(keys), _AT_ONCE):
            some = keys[start : start + _AT_ONCE]
            gone += await self._db.execute(
                f"DELETE FROM {kind.id} WHERE {kind.key} IN ({','.join('?' * len(some))})",  # noqa: S608 - names of our own
                *some,
            )
        if gone != len(rows):
            raise Conflict(
                f"expected to take out {len(rows):,} {kind.short}, got {gone:,}; nothing was done"
            )

    async def _keep_keys(self, kind: Kind, rows: Sequence[Row]) -> None:
        if kind.id == INTERACTIONS:
            key, customer = kind.place("idempotency_key"), kind.place("customer_id")
            await self._db.insert(
                "core_archived_key",
                ("key", "id", "customer_id"),
                [(row[key], row[0], row[customer]) for row in rows if row[key] is not None],
            )


def _entry(
    stretch: Stretch, made: Made, times: tuple[str, str], *, held: int, by: str, why: str
) -> ArchiveFile:
    moment = now()
    about = made.about
    return ArchiveFile(
        id=id_of(stretch.kind, stretch.month),
        kind=stretch.kind,
        month=stretch.month,
        file=made.name,
        rows=about.rows,
        pieces=len(about.pieces),
        gone=0,
        first_key=about.pieces[0].first,
        last_key=about.pieces[-1].last,
        gone_key="",
        upto=stretch.upto,
        first_at=dt.datetime.fromisoformat(times[0]),
        last_at=dt.datetime.fromisoformat(times[1]),
        bytes=made.bytes,
        sha256=made.sha256,
        digest=about.digest,
        version=about.relatum,
        state="leaving",
        held=held,
        by=by,
        why=why,
        made_at=moment,
        changed_at=moment,
    )


def open_checked(folder: Path, entry: ArchiveFile) -> Reader:
    """The file of an entry, once it is sure that it is the one that was written.

    Raises:
        ForeignFile: it is another one, or is not there.
    """
    try:
        reader = Reader(check_whole(folder, entry))
    except FileNotFoundError as error:
        raise ForeignFile(
            f"expected the file {entry.file} in {folder}, got none; put it back from a backup"
        ) from error
    if reader.about.digest != entry.digest:
        reader.close()
        raise ForeignFile(
            f"expected the rows of {entry.id} in {entry.file}, got others; put the right file back "
            "from a backup"
        )
    return reader


async def tell(events: EventLog, type_: str, entry: ArchiveFile) -> None:
    """Note in the log what left or came back; in the caller's transaction."""
    fact = facts.ArchiveFact(
        table=entry.kind,
        month=entry.month,
        file=entry.file,
        rows=entry.rows,
        first=entry.first_key,
        last=entry.last_key,
        sha256=entry.sha256,
    )
    await events.append([NewEvent(type=type_, payload=fact)], by=entry.by)


def _first_difference(stored: Sequence[Row], rows: Sequence[Row]) -> str:
    for one, other in zip(stored, rows, strict=False):
        if one != other:
            return str(one[0] if one[0] == other[0] else min(str(one[0]), str(other[0])))
    longer = stored if len(stored) > len(rows) else rows
    return str(longer[min(len(stored), len(rows))][0])
