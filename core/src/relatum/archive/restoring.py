"""A month comes back into the database: the way it left, the last piece first."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from relatum.archive import events as facts
from relatum.archive.catalogue import ArchiveFile, Catalogue
from relatum.archive.files import Reader
from relatum.archive.kinds import INTERACTIONS, KINDS, Kind, Row, values_of
from relatum.archive.leaving import Watch, open_checked, tell
from relatum.values.problems import Conflict

if TYPE_CHECKING:
    from relatum.db.database import Database
    from relatum.events.log import EventLog


class Restoring:
    """Puts months back. Call it as the house."""

    def __init__(self, db: Database, events: EventLog, catalogue: Catalogue, folder: Path) -> None:
        self._db = db
        self._events = events
        self._catalogue = catalogue
        self._folder = folder

    async def restore(
        self, entry: ArchiveFile, *, by: str, why: str, watch: Watch | None = None
    ) -> ArchiveFile:
        """Put back every row that is only in the file; none when all are there.

        The whole file is read and checked before the first row is written.

        Raises:
            Conflict: the file is not the one that was written, a row stands in the database with
                the key of an archived one, or a customer that rows name is gone.
        """
        if not entry.gone:
            return entry
        reader = await asyncio.to_thread(open_checked, self._folder, entry)
        with reader:
            await asyncio.to_thread(reader.check, reader.about)
            while entry.gone:
                entry = await self._put(entry, reader, by=by, why=why)
                if watch is not None:
                    watch(entry.id, entry.pieces - entry.gone, entry.pieces)
        return entry

    async def _put(self, entry: ArchiveFile, reader: Reader, *, by: str, why: str) -> ArchiveFile:
        kind = KINDS[entry.kind]
        left = entry.gone - 1
        rows = await asyncio.to_thread(reader.piece, left)
        values = await asyncio.to_thread(values_of, kind, self._db.kind, rows)
        async with self._db.transaction():
            await self._refuse(kind, entry, rows)
            await self._db.insert(kind.id, kind.columns, values)
            if kind.id == INTERACTIONS:
                place = kind.place("idempotency_key")
                keys = [(row[place],) for row in rows if row[place] is not None]
                await self._db.execute_many("DELETE FROM core_archived_key WHERE key = ?", keys)
            entry = await self._catalogue.move(
                entry,
                gone=left,
                gone_key=reader.about.pieces[left - 1].last if left else "",
                state="restoring" if left else "restored",
                by=by,
                why=why,
            )
            if not left:
                await tell(self._events, facts.RESTORED, entry)
        return entry

    async def _refuse(self, kind: Kind, entry: ArchiveFile, rows: Sequence[Row]) -> None:
        keys = [kind.key_of(row[0] or "") for row in rows]
        there = await self._db.fetch_in(
            f"SELECT {kind.key} FROM {kind.id} WHERE {kind.key} IN ({{}})",  # noqa: S608 - names of our own
            keys,
        )
        if there:
            raise Conflict(
                f"expected none of the {kind.short} of {entry.file} in the database, got "
                f"{len(there):,} (the first is {there[0][0]}); somebody wrote there: "
                "relatum doctor --audit"
            )
        if kind.id == INTERACTIONS:
            place = kind.place("customer_id")
            named = sorted({row[place] or "" for row in rows} - {""})
            found = await self._db.fetch_in("SELECT id FROM core_customer WHERE id IN ({})", named)
            missing = set(named) - {str(row[0]) for row in found}
            if missing:
                raise Conflict(
                    f"expected every customer that {entry.file} names, got {len(missing):,} who "
                    f"are gone (one is {min(missing)}); look into the file instead: "
                    f"relatum archive show {entry.month} --kind {kind.short} --rows 20"
                )
