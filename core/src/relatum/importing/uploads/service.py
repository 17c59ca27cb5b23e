"""Taking files in."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from relatum.db.guarding import as_the_house
from relatum.importing.uploads.inspecting import kind_of, name_of
from relatum.importing.uploads.types import Upload
from relatum.values.ids import new_id
from relatum.values.problems import NotFound, Problem, TooLarge
from relatum.values.time import now

if TYPE_CHECKING:
    from relatum.access.viewer import Viewer
    from relatum.importing.acting import House

_COLUMNS = ("id", "name", "kind", "size", "digest", "created_at", "expires_at")
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM core_upload"  # noqa: S608 - names of our own
_MEBIBYTE = 1024 * 1024
_ABANDONED_SECONDS = 24 * 3600


class Uploads:
    """The files that people brought; everybody knows their own."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._db = house.db

    async def take(self, pieces: AsyncIterator[bytes], name: str, viewer: Viewer) -> Upload:
        """Keep a file.

        Args:
            pieces: its content.
            name: as it was called where it comes from.

        Raises:
            InvalidInput: it is none that an import reads, or no honest one.
            TooLarge: the account has too much lying here.
        """
        id = new_id()
        path = self.path(id)
        try:
            size, digest = await self._store(path, pieces, await self._left(viewer))
            kind = await asyncio.to_thread(kind_of, path)
            moment = now()
            upload = Upload(
                id=id,
                name=name_of(name, kind),
                kind=kind,
                size=size,
                digest=digest,
                created_at=moment,
                expires_at=moment + dt.timedelta(days=self._house.settings.uploads.keep_days),
            )
            row = [getattr(upload, name) for name in _COLUMNS]
            columns = (*_COLUMNS, "account_id", "by")
            with as_the_house():
                rows = [[*row, viewer.account, viewer.actor]]
                await self._db.insert("core_upload", columns, rows)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return upload

    async def find(self, viewer: Viewer, *, limit: int = 50) -> list[Upload]:
        """The viewer's files, the newest first."""
        whose, who = _whose(viewer)
        return await self._read(
            f"WHERE {whose} AND expires_at > ? ORDER BY created_at DESC, id DESC LIMIT ?",
            *(who, now(), limit),
        )

    async def get_many(self, ids: Sequence[UUID], viewer: Viewer) -> list[Upload]:
        """The viewer's files with these ids, in their order.

        Raises:
            NotFound: one of them is not there, or somebody else's.
        """
        whose, who = _whose(viewer)
        with as_the_house():
            rows = await self._db.fetch_in(
                f"{_SELECT} WHERE id IN ({{}}) AND {whose} AND expires_at > ?",
                *(list(dict.fromkeys(ids)), who, now()),
            )
        found = {row[0]: _upload(row) for row in rows}
        missing = [(n, id) for n, id in enumerate(ids) if id not in found]
        if missing:
            problems = [
                Problem(
                    code="no-such-upload",
                    message="There is no such file",
                    where=f"/files/{place}/upload",
                    expected="the id of an upload of yours",
                    got=str(id),
                    mend="Upload it (again).",
                )
                for place, id in missing
            ]
            raise NotFound("expected ids of uploads of yours, got others", problems=problems)
        return [found[id] for id in ids]

    async def delete(self, id: UUID, viewer: Viewer) -> None:
        """Delete one's own file before its time.

        Raises:
            NotFound: there is none.
        """
        await self.get_many([id], viewer)
        await self._forget([id])

    async def sweep(self) -> int:
        """Delete what has lain long enough, and files that no upload has; returns how many."""
        with as_the_house():
            rows = await self._db.fetch("SELECT id FROM core_upload WHERE expires_at <= ?", now())
            await self._forget([row[0] for row in rows])
            known = await self._db.fetch("SELECT id FROM core_upload")
        await asyncio.to_thread(_delete_strangers, self._folder(), {str(id) for (id,) in known})
        return len(rows)

    def path(self, id: UUID) -> Path:
        """Where a file lies."""
        return self._folder() / str(id)

    def _folder(self) -> Path:
        return self._house.settings.home / "uploads"

    async def _left(self, viewer: Viewer) -> int:
        """How many bytes the viewer may still bring."""
        whose, who = _whose(viewer)
        with as_the_house():
            row = await self._db.fetch_one(
                f"SELECT coalesce(sum(size), 0) FROM core_upload WHERE {whose}",  # noqa: S608
                who,
            )
        return self._house.settings.uploads.most_bytes - (int(row[0]) if row else 0)

    async def _store(self, path: Path, pieces: AsyncIterator[bytes], left: int) -> tuple[int, str]:
        """Write the content; returns its size and its digest."""
        digest, size = hashlib.sha256(), 0
        await asyncio.to_thread(_make, path)
        with await asyncio.to_thread(path.open, "ab") as stream:
            async for piece in pieces:
                size += len(piece)
                if size > left:
                    most = self._house.settings.uploads.most_bytes // _MEBIBYTE
                    raise TooLarge(
                        f"expected at most {most} MiB of files of one account, got more; delete "
                        "some of your uploads"
                    )
                digest.update(piece)
                await asyncio.to_thread(stream.write, piece)
        return size, digest.hexdigest()

    async def _forget(self, ids: Sequence[UUID]) -> None:
        with as_the_house():
            await self._db.execute_many("DELETE FROM core_upload WHERE id = ?", [(i,) for i in ids])
        for id in ids:
            await asyncio.to_thread(self.path(id).unlink, missing_ok=True)

    async def _read(self, rest: str, *params: Any) -> list[Upload]:
        with as_the_house():
            rows = await self._db.fetch(f"{_SELECT} {rest}", *params)
        return [_upload(row) for row in rows]


def _whose(viewer: Viewer) -> tuple[str, Any]:
    if viewer.account is None:
        return "by = ?", viewer.actor
    return "account_id = ?", viewer.account


def _upload(row: tuple[Any, ...]) -> Upload:
    return Upload(**dict(zip(_COLUMNS, row, strict=True)))


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.touch(mode=0o600)


def _delete_strangers(folder: Path, known: set[str]) -> None:
    """Files that no upload has: left by a process that died, not those that come just now."""
    for path in folder.glob("*"):
        if path.name not in known and time.time() - path.stat().st_mtime > _ABANDONED_SECONDS:
            path.unlink(missing_ok=True)
