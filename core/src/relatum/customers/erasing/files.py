"""Files of the installation that hold the person: uploads, files of imports, exports.

A line cut out of somebody's spreadsheet would make another file of it, whose digest no journal
knows; so a file that names the person goes as a whole, and the receipt counts it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from relatum.customers.erasing.marks import Marks
from relatum.customers.erasing.scrubbing import readable
from relatum.customers.erasing.types import TableCount

if TYPE_CHECKING:
    from relatum.db.database import Database


class Files:
    """Deletes them. ``folders``: by name, without the archive, which is rewritten instead."""

    def __init__(self, db: Database, folders: Mapping[str, Path]) -> None:
        self._db = db
        self._folders = folders

    async def delete(self, marks: Marks, ids: frozenset[str]) -> list[TableCount]:
        """Every file that names somebody, and what the database says of it. As the house."""
        counts = []
        for name, folder in sorted(self._folders.items()):
            gone = await asyncio.to_thread(_delete, folder, marks, ids)
            if gone:
                await self._forget(name, gone)
                counts.append(TableCount(table=f"files:{name}", act="delete", rows=len(gone)))
        return counts

    async def _forget(self, folder: str, gone: list[Path]) -> None:
        keys = [UUID(path.stem) for path in gone if _is_id(path.stem)]
        if folder == "uploads":
            await self._db.execute_many(
                "DELETE FROM core_upload WHERE id = ?", [(key,) for key in keys]
            )
        elif folder == "exports":
            await self._db.execute_many(
                "UPDATE core_export SET state = 'deleted' WHERE id = ?", [(key,) for key in keys]
            )


def _delete(folder: Path, marks: Marks, ids: frozenset[str]) -> list[Path]:
    gone = []
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        if path.is_file() and not path.is_symlink() and _tells(path, marks, ids):
            path.unlink(missing_ok=True)
            gone.append(path)
    return gone


def _tells(path: Path, marks: Marks, ids: frozenset[str]) -> bool:
    try:
        text = readable(path.read_bytes())
    except FileNotFoundError:
        return False
    return marks.names(path.name) or marks.names(text) or any(id in text for id in ids)


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
