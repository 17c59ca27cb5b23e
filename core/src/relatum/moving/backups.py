"""A backup: one tar file with a database, the files of the installation, and a manifest.

Everything in it opens with plain tools: tar, gzip, SQLite (or ``pg_restore``) and any reader of
JSON. The manifest comes last and names every part with its size and SHA-256, and every table with
its rows and checksum.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import gzip
import hashlib
import io
import os
import re
import secrets
import shutil
import tarfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

import msgspec

from relatum.moving.checksums import Checksum
from relatum.moving.kinds import Kind
from relatum.values.problems import Conflict, InvalidInput, NotFound, Problem

if TYPE_CHECKING:
    from relatum.config.settings import Settings

MANIFEST = "manifest.json"
FORMAT = 1
_PIECE = 1024 * 1024
_NAME = re.compile(r"relatum-\d{8}T\d{6}Z\.tar")
_DRAFT = ".relatum-backup-"
#: A draft that nobody has touched for so long was left by a process that is gone.
_STALE_SECONDS = 6 * 3600

#: ``sqlite``: the file itself, from either database. ``pg_dump``: its custom format.
Form = Literal["sqlite", "pg_dump"]


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One member of the tar file.

    Attributes:
        path: its name in the tar file.
        size: bytes, as it is in the tar file.
        sha256: of these bytes, in hexadecimal.
    """

    path: str
    size: int
    sha256: str


class Contents(msgspec.Struct, frozen=True, kw_only=True):
    """What one table holds, and the kinds of its columns that the checksum was made with."""

    checksum: Checksum
    columns: Mapping[str, Kind]


class Head(msgspec.Struct, frozen=True):
    """The newest seal of the audit trail."""

    number: int
    hash: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What is in a backup, and what it needs.

    Attributes:
        made_at: the moment that it holds; later writes are not in it.
        relatum: the version that made it.
        source: ``sqlite`` or ``postgresql``.
        database: the part with the database.
        compressed: that part is gzipped.
        plugins: version by id, of every installed plugin.
        migrations: app and name of all that have run.
        keys: ids of the keys that its secrets and seals were made with; they are not in it.
        settings: those of core, without passwords and without those of plugins.
    """

    format: int
    made_at: dt.datetime
    relatum: str
    source: str
    form: Form
    database: str
    compressed: bool
    plugins: Mapping[str, str]
    migrations: Sequence[tuple[str, str]]
    tables: Mapping[str, Contents]
    keys: Sequence[str]
    head: Head | None
    parts: Sequence[Part]
    settings: Mapping[str, Any]

    @property
    def rows(self) -> int:
        """Of all tables."""
        return sum(each.checksum.rows for each in self.tables.values())


def folders_of(settings: Settings) -> dict[str, Path]:
    """The folders whose files belong to rows of the database, by their name in a backup."""
    own = {name: settings.home / name for name in ("uploads", "exports", "imports")}
    return {**own, "archive": settings.archive_path}


def backup_folder(settings: Settings) -> Path:
    """Where backups are kept."""
    return settings.home / Path(settings.backup.folder).expanduser()


def name_at(moment: dt.datetime) -> str:
    """How a backup of a moment is called."""
    return f"relatum-{moment.astimezone(dt.UTC):%Y%m%dT%H%M%SZ}.tar"


def backups_in(folder: Path) -> list[Path]:
    """The backups of a folder that have their own names, oldest first."""
    if not folder.is_dir():
        return []
    return sorted(each for each in folder.iterdir() if _NAME.fullmatch(each.name))


def rotate(folder: Path, keep: int) -> list[Path]:
    """Delete all but the ``keep`` newest backups; returns what went."""
    old = backups_in(folder)[: -keep or None] if keep else []
    for each in old:
        each.unlink(missing_ok=True)
    return old


class Draft:
    """A backup that is being written; it gets its name when it is whole, or leaves nothing.

    Args:
        named_at: the moment that the name says; one second later when that name is taken.
    """

    def __init__(self, file: Path, named_at: dt.datetime | None = None) -> None:
        self.file = file
        self._named_at = named_at
        self.parts: list[Part] = []
        file.parent.mkdir(parents=True, exist_ok=True)
        _sweep(file.parent)
        token = secrets.token_hex(4)
        #: for what has to lie on disk before it is packed
        self.folder = file.parent / f"{_DRAFT}{token}"
        self.folder.mkdir(mode=0o700)
        self._path = self.folder / "backup.tar"
        handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._stream = os.fdopen(handle, "wb")
        self._tar = tarfile.TarFile(fileobj=self._stream, mode="w", format=tarfile.PAX_FORMAT)

    def add(self, path: Path, name: str, *, compress: bool = False) -> None:
        """Pack a file; blocks.

        Raises:
            FileNotFoundError: it is gone.
        """
        if not compress:
            with path.open("rb") as stream:
                self._add(stream, os.fstat(stream.fileno()).st_size, name)
            return
        packed = self.folder / "packed.gz"
        with path.open("rb") as source, gzip.open(packed, "wb", compresslevel=1) as squeezed:
            shutil.copyfileobj(source, squeezed, _PIECE)
        with packed.open("rb") as stream:
            self._add(stream, packed.stat().st_size, name)
        packed.unlink()

    def finish(self, manifest: bytes) -> None:
        """Pack the manifest, and give the file its name once it is on disk."""
        self._add(io.BytesIO(manifest), len(manifest), MANIFEST)
        self._tar.close()
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self._stream.close()
        self._give_name()
        folder = os.open(self.file.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _give_name(self) -> None:
        """Never over a backup that somebody else has made meanwhile."""
        while True:
            try:
                os.link(self._path, self.file)
            except FileExistsError:
                if self._named_at is None:
                    raise _taken(self.file) from None
                self._named_at += dt.timedelta(seconds=1)
                self.file = self.file.with_name(name_at(self._named_at))
            except OSError:
                # a file system without links
                self._path.replace(self.file)
                return
            else:
                return

    def discard(self) -> None:
        """Remove what is left of the draft."""
        self._stream.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _add(self, stream: IO[bytes], size: int, name: str) -> None:
        member = tarfile.TarInfo(name)
        member.size, member.mode, member.mtime = size, 0o600, int(time.time())
        summing = _Summing(stream)
        self._tar.addfile(member, summing)
        self.parts.append(Part(path=name, size=size, sha256=summing.digest.hexdigest()))


class _Summing:
    """A stream whose bytes are summed up while they are read."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        piece = self._stream.read(size)
        self.digest.update(piece)
        return piece


@contextlib.contextmanager
def drafting(file: Path, named_at: dt.datetime | None = None) -> Iterator[Draft]:
    """A draft that leaves nothing when the block raises.

    Raises:
        Conflict: there is such a file already.
    """
    if named_at is None and file.exists():
        raise _taken(file)
    draft = Draft(file, named_at)
    try:
        yield draft
    finally:
        draft.discard()


def _taken(file: Path) -> Conflict:
    return Conflict(f"expected the name of a new file, got {file}, which is there already")


def read_manifest(file: Path) -> Manifest:
    """The manifest of a backup.

    Raises:
        InvalidInput: it is none, or is damaged.
        NotFound: there is no such file.
    """
    if not file.is_file():
        raise NotFound(f"expected a backup at {file}, got no such file")
    try:
        with tarfile.open(file, "r:") as tar:
            member = tar.extractfile(MANIFEST)
            text = member.read() if member is not None else b""
        manifest = msgspec.json.decode(text, type=Manifest)
    except (tarfile.TarError, KeyError, OSError, msgspec.DecodeError) as error:
        raise InvalidInput(
            f"expected a backup that `relatum backup` wrote, got something else in {file} "
            f"({error}); take another one"
        ) from error
    if manifest.format != FORMAT:
        raise InvalidInput(
            f"expected a backup of format {FORMAT}, got {manifest.format}; use the version of "
            f"Relatum that made it ({manifest.relatum})"
        )
    if manifest.database not in {part.path for part in manifest.parts}:
        # the names of parts are looked at when they are unpacked; this one becomes a path too
        raise InvalidInput(
            f"expected one of the parts as the database, got {manifest.database!r} in {file}; "
            "take another backup"
        )
    return manifest


def unpack(file: Path, manifest: Manifest, folder: Path) -> None:
    """Every part into a folder, each held against its SHA-256; blocks.

    The database is unpacked under its own name, without ``.gz``.

    Raises:
        InvalidInput: with every part that is missing or changed.
    """
    problems: list[Problem] = []
    with tarfile.open(file, "r:") as tar:
        there = {member.name: member for member in tar.getmembers()}
        for part in manifest.parts:
            if part.path == MANIFEST:
                continue
            member = there.get(part.path)
            stream = tar.extractfile(member) if member is not None else None
            got = "none" if stream is None else _unpack(stream, _place(folder, part.path))
            if got != part.sha256:
                problems.append(
                    Problem(
                        code="damaged-part",
                        message=f"{part.path} is not what was backed up",
                        expected=f"SHA-256 {part.sha256}",
                        got=got,
                    )
                )
    if problems:
        raise InvalidInput(
            f"expected a whole backup, got {file} with {len(problems)} damaged part(s); take "
            "another one",
            problems=problems,
        )
    if manifest.compressed:
        packed = folder / manifest.database
        with gzip.open(packed, "rb") as source, packed.with_suffix("").open("wb") as sink:
            shutil.copyfileobj(source, sink, _PIECE)
        packed.unlink()


def database_in(folder: Path, manifest: Manifest) -> Path:
    """Where :func:`unpack` has put the database."""
    path = folder / manifest.database
    return path.with_suffix("") if manifest.compressed else path


def _place(folder: Path, name: str) -> Path:
    """Inside the folder, whatever the name says.

    Raises:
        InvalidInput: it leads elsewhere.
    """
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise InvalidInput(f"expected the name of a part inside the backup, got {name!r}")
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path


def _unpack(stream: IO[bytes], path: Path) -> str:
    digest = hashlib.sha256()
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as sink:
        while piece := stream.read(_PIECE):
            digest.update(piece)
            sink.write(piece)
        sink.flush()
        os.fsync(sink.fileno())
    return digest.hexdigest()


def _sweep(folder: Path) -> None:
    for each in folder.glob(f"{_DRAFT}*"):
        with contextlib.suppress(OSError):
            newest = max([each.stat().st_mtime, *(one.stat().st_mtime for one in each.iterdir())])
            if time.time() - newest > _STALE_SECONDS:
                shutil.rmtree(each, ignore_errors=True)
