"""Archived rows lose what they said of somebody: the file is written anew, in the same pieces."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from relatum.archive.catalogue import ArchiveFile, Catalogue, path_of
from relatum.archive.files import Draft, Made, Reader
from relatum.archive.kinds import KINDS, Row
from relatum.archive.leaving import open_checked

if TYPE_CHECKING:
    from relatum.db.database import Database

#: Told the table; answers the row as it is to be from now on.
Redact = Callable[[str, Row], Row]


class Rewritten:
    """A new file beside the old one, for one entry of the index.

    Attributes:
        changes: rows before and after.
    """

    def __init__(self, entry: ArchiveFile, made: Made, changes: list[tuple[Row, Row]]) -> None:
        self.entry = entry
        self.made = made
        self.changes = changes


class ArchiveRedaction:
    """Rewrites files of the archive. Call it as the house."""

    def __init__(self, db: Database, folder: Path) -> None:
        self._catalogue = Catalogue(db)
        self._folder = folder

    async def rewrite(self, redact: Redact) -> list[Rewritten]:
        """New files for every file with rows that change; the index does not know of them yet.

        Raises:
            Conflict: a file is missing or damaged: nobody can say whom it tells of.
        """
        found = []
        for entry in await self._catalogue.every():
            rewritten = await asyncio.to_thread(self._rewrite, entry, redact)
            if rewritten is not None:
                found.append(rewritten)
        return found

    def _rewrite(self, entry: ArchiveFile, redact: Redact) -> Rewritten | None:
        with open_checked(self._folder, entry) as reader:
            changes = _changes(reader, entry.kind, redact)
            if not changes:
                return None
            with Draft(self._folder, KINDS[entry.kind], entry.month) as draft:
                for rows in reader.pieces():
                    draft.add([redact(entry.kind, row) for row in rows])
                return Rewritten(entry, draft.finish(), changes)

    async def place(self, rewritten: Sequence[Rewritten]) -> None:
        """The index names the new files; in the caller's transaction.

        Raises:
            Conflict: another process has moved a month meanwhile.
        """
        for each in rewritten:
            made = each.made
            await self._catalogue.move(
                each.entry,
                file=made.name,
                bytes=made.bytes,
                sha256=made.sha256,
                digest=made.about.digest,
                version=made.about.relatum,
            )

    def forget(self, rewritten: Sequence[Rewritten], *, placed: bool) -> None:
        """Delete the old files, or the new ones when they did not take their place."""
        for each in rewritten:
            old, new = path_of(self._folder, each.entry), self._folder / each.made.name
            if old != new:
                (old if placed else new).unlink(missing_ok=True)


def _changes(reader: Reader, kind: str, redact: Redact) -> list[tuple[Row, Row]]:
    found = []
    for rows in reader.pieces():
        for row in rows:
            after = redact(kind, row)
            if after != row:
                found.append((row, after))
    return found
