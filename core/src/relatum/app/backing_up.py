"""Making backups of an installation: by command, and every night."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import os
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from relatum.app.relocation import copy, direct_url, recorded_migrations
from relatum.config.keyring import Keyring
from relatum.config.settings import Settings, redact_url
from relatum.moving.backups import (
    FORMAT,
    Contents,
    Draft,
    Form,
    Head,
    Manifest,
    backup_folder,
    backups_in,
    drafting,
    folders_of,
    name_at,
    rotate,
)
from relatum.moving.checksums import columns_of
from relatum.moving.copying import Progress
from relatum.moving.embedded_end import EmbeddedSource
from relatum.moving.programs import dump, fitting
from relatum.moving.server_end import ServerSource
from relatum.plugins.table import PluginTable
from relatum.values.problems import ConfigurationError, InvalidInput, Unavailable
from relatum.values.time import now

if TYPE_CHECKING:
    from relatum.moving.ends import Source

Show = Callable[[Progress], None]


class Saved(msgspec.Struct, frozen=True, kw_only=True):
    """A backup that was made.

    Attributes:
        size: bytes of the file.
        removed: older backups that were deleted after it.
    """

    file: str
    made_at: dt.datetime
    form: Form
    rows: int
    size: int
    seconds: float
    keys: list[str]
    removed: list[str] = []


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What kind of backup is wanted.

    Attributes:
        to: a new file, or a folder in which it gets a name; the folder of the settings if empty.
        form: of PostgreSQL; ``None`` takes ``pg_dump`` when it is there and fits.
        keep: how many backups stay in the folder; 0 keeps all.
    """

    to: Path | None = None
    form: Form | None = None
    compress: bool = False
    keep: int = 0


async def back_up(settings: Settings, order: Order, show: Show = lambda _: None) -> Saved:
    """Write one moment of the database, and the files that belong to it.

    The server may run and write meanwhile: SQLite and PostgreSQL both let this read one moment
    without holding writers up. Not to be called in a process that serves: comparing takes a
    processor for itself, and the portable form of PostgreSQL binds another database.

    Raises:
        ConfigurationError: the form does not go with the database.
        Conflict: the file is there already.
        Unavailable: the database does not answer, or ``pg_dump`` failed.
    """
    started = time.perf_counter()
    moment = now()
    file, ours = _named(settings, order, moment)
    with _room_for(file), drafting(file, moment if ours else None) as draft:
        if settings.sqlite_path is not None:
            manifest = await _embedded(settings, draft, order, show)
        else:
            manifest = await _server(settings, draft, order, show)
        show(Progress(stage="files"))
        manifest = msgspec.structs.replace(manifest, made_at=moment)
        await asyncio.to_thread(_pack_files, settings, draft)
        manifest = msgspec.structs.replace(manifest, parts=draft.parts)
        text = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
        await asyncio.to_thread(draft.finish, text)
    file = draft.file
    removed = rotate(file.parent, order.keep)
    return Saved(
        file=str(file),
        made_at=moment,
        form=manifest.form,
        rows=manifest.rows,
        size=file.stat().st_size,
        seconds=time.perf_counter() - started,
        keys=list(manifest.keys),
        removed=[str(each) for each in removed],
    )


@contextlib.contextmanager
def _room_for(file: Path) -> Iterator[None]:
    """Say in words what the disk refuses.

    Raises:
        Unavailable: a file cannot be read or written.
    """
    try:
        yield
    except OSError as error:
        raise Unavailable(
            f"expected a place for the backup and for the database once more in {file.parent}, "
            f"got this: {error.strerror or error}; make room, or name another folder"
        ) from error


def _named(settings: Settings, order: Order, moment: dt.datetime) -> tuple[Path, bool]:
    """The file to write, and whether its name is of our making."""
    to = backup_folder(settings) if order.to is None else order.to
    if to.suffix == ".tar":
        return to.absolute(), False
    return (to / name_at(moment)).absolute(), True


async def _embedded(settings: Settings, draft: Draft, order: Order, show: Show) -> Manifest:
    if order.form == "pg_dump":
        raise ConfigurationError("expected --form sqlite for a SQLite database, got pg_dump")
    path = settings.sqlite_path
    if path is None or not path.exists():
        raise Unavailable(f"expected a database at {path}, got no such file")
    copied = draft.folder / "relatum.sqlite3"
    show(Progress(stage="database"))
    await asyncio.to_thread(_copy_file, path, copied)
    source = await asyncio.to_thread(EmbeddedSource, copied)
    try:
        tables = await _contents(source, show)
        return await _pack_database(settings, source, tables, draft, copied, order)
    finally:
        await source.close()


def _copy_file(path: Path, copied: Path) -> None:
    """One moment of a database, through SQLite's own backup: a single reading transaction, which
    stands in no writer's way while the write-ahead log is on."""
    with (
        closing(sqlite3.connect(path, timeout=30)) as source,
        closing(sqlite3.connect(copied)) as target,
    ):
        target.execute("PRAGMA synchronous = OFF")
        source.backup(target, pages=-1)
        # one file, without a log beside it
        target.execute("PRAGMA journal_mode = DELETE")
    copied.chmod(0o600)


async def _server(settings: Settings, draft: Draft, order: Order, show: Show) -> Manifest:
    source = await ServerSource.open(direct_url(settings))
    try:
        version_there = source.connection.get_server_version().major
        program = None if order.form == "sqlite" else await fitting("pg_dump", version_there)
        if order.form == "pg_dump" and program is None:
            raise ConfigurationError(
                f"expected pg_dump of version {version_there} or newer, got none; install "
                "PostgreSQL's client programs, or choose --form sqlite"
            )
        show(Progress(stage="database"))
        if program is None:
            return await _portable(settings, source, draft, order, show)
        dumped = draft.folder / "relatum.dump"
        writing = asyncio.create_task(
            dump(
                direct_url(settings),
                dumped,
                program=program,
                snapshot=source.snapshot,
                compress=order.compress,
            )
        )
        try:
            tables = await _contents(source, show)
            await writing
        finally:
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)
        return await _pack_database(settings, source, tables, draft, dumped, order)
    finally:
        await source.close()


async def _portable(
    settings: Settings, source: ServerSource, draft: Draft, order: Order, show: Show
) -> Manifest:
    """The snapshot as a SQLite database: no program of PostgreSQL is needed to read it."""
    copied = draft.folder / "relatum.sqlite3"
    moved = await copy(
        settings, source, to=f"sqlite:///{copied}", identity="a backup", older=True, show=show
    )
    with closing(sqlite3.connect(copied)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    portable = await asyncio.to_thread(EmbeddedSource, copied)
    try:
        names = {each.name for each in moved.tables}
        tables = await _contents(portable, show, names)
        return await _pack_database(settings, source, tables, draft, copied, order)
    finally:
        await portable.close()


async def _contents(
    source: Source, show: Show, names: set[str] | None = None
) -> Mapping[str, Contents]:
    found = {}
    for name, layout in (await source.layouts()).items():
        if names is None or name in names:
            show(Progress(stage="checksums", table=name))
            columns = columns_of(layout)
            checksum = await source.checksum(name, columns)
            found[name] = Contents(checksum=checksum, columns=columns)
    return found


async def _pack_database(
    settings: Settings,
    source: Source,
    tables: Mapping[str, Contents],
    draft: Draft,
    file: Path,
    order: Order,
) -> Manifest:
    form: Form = "pg_dump" if file.suffix == ".dump" else "sqlite"
    # pg_dump compresses by itself
    compress = order.compress and form == "sqlite"
    name = f"database/{file.name}" + (".gz" if compress else "")
    await asyncio.to_thread(draft.add, file, name, compress=compress)
    await asyncio.to_thread(file.unlink)
    plugins = await asyncio.to_thread(PluginTable, settings)
    return Manifest(
        format=FORMAT,
        made_at=now(),
        relatum=version("relatum"),
        source=source.kind,
        form=form,
        database=name,
        compressed=compress,
        plugins={each.id: each.version for each in plugins.found},
        migrations=sorted(await recorded_migrations(source)),
        tables=tables,
        keys=await _keys(settings, source),
        head=await _head(source),
        parts=[],
        settings=_shown_settings(settings),
    )


async def _keys(settings: Settings, source: Source) -> list[str]:
    """Ids of the keys of this installation, and of those that seals name."""
    with suppress(ConfigurationError):
        own = {key.id for key in Keyring(settings.keys_path).every()}
        return sorted(own | {row[0] for row in await _seals(source, "DISTINCT key")})
    return sorted({row[0] for row in await _seals(source, "DISTINCT key")})


async def _head(source: Source) -> Head | None:
    newest = "number = (SELECT max(number) FROM core_event_seal)"
    rows = await _seals(source, "number, hash", f" WHERE {newest}")
    return Head(rows[0][0], bytes(rows[0][1]).hex()) if rows else None


async def _seals(source: Source, what: str, which: str = "") -> list[tuple[Any, ...]]:
    if "core_event_seal" not in await source.layouts():
        return []
    return await source.rows(f"SELECT {what} FROM core_event_seal{which}")  # noqa: S608 - written here


def _shown_settings(settings: Settings) -> dict[str, Any]:
    """Core's settings as they may lie in a backup."""
    tree: dict[str, Any] = msgspec.to_builtins(settings, enc_hook=str)
    tree["database"] = settings.redacted_database()
    tree["postgresql"]["listen"] = redact_url(settings.postgresql.listen)
    tree["oidc"].pop("client_secret", None)
    tree["plugins"].pop("plugin_settings", None)
    return tree


def _pack_files(settings: Settings, draft: Draft) -> None:
    for name, folder in folders_of(settings).items():
        for path in sorted(folder.rglob("*")):
            within = path.relative_to(folder)
            hidden = any(part.startswith(".") for part in within.parts)
            if path.is_file() and not path.is_symlink() and not hidden:
                # one whose time has come meanwhile is swept away
                with suppress(FileNotFoundError):
                    draft.add(path, f"files/{name}/{within.as_posix()}")


def newest_backup(folder: Path) -> Path:
    """The newest backup of a folder.

    Raises:
        InvalidInput: there is none.
    """
    found = backups_in(folder)
    if not found:
        raise InvalidInput(
            f"expected a backup in {folder}, got none; make one with `relatum backup`"
        )
    return found[-1]


def _main() -> int:
    from relatum.values.problems import RelatumError

    os.nice(10)
    # the settings come through a pipe: they may hold a password
    text = sys.stdin.buffer.read()
    settings = msgspec.json.decode(text, type=Settings, dec_hook=lambda kind, value: kind(value))
    wanted = settings.backup
    order = Order(keep=wanted.keep, compress=wanted.compress, form=wanted.form or None)
    try:
        saved = asyncio.run(back_up(settings, order))
    except RelatumError as error:
        sys.stderr.write(str(error))
        return 1
    sys.stdout.write(msgspec.json.encode(saved).decode())
    return 0


if __name__ == "__main__":
    raise SystemExit(_main())
