"""Bringing a backup back into an empty installation, and proving that it can be done."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import secrets
import shutil
import sqlite3
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncpg
import msgspec

from relatum.app.house import House
from relatum.app.relocation import (
    copy,
    direct_url,
    installed_apps,
    refuse_other_migrations,
    refuse_users,
)
from relatum.config.keyring import Keyring
from relatum.config.settings import PostgreSql, Settings
from relatum.customers.erasing import ledger
from relatum.db.migrate import steps_of
from relatum.events.seals import head_path
from relatum.moving.backups import Manifest, database_in, folders_of, read_manifest, unpack
from relatum.moving.copying import DiffersError, Progress, inhabited
from relatum.moving.embedded_end import EmbeddedSource, EmbeddedTarget
from relatum.moving.ends import Source
from relatum.moving.programs import fitting, restore
from relatum.moving.server_end import ServerSource, ServerTarget
from relatum.values.problems import ConfigurationError, Conflict, Problem, Unavailable
from relatum.values.time import now

Show = Callable[[Progress], None]


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """A backup that was brought back; every table is what the manifest says.

    Attributes:
        missing_keys: ids of keys that it needs and that are not here.
        put_aside: what was there before and has another name now.
        pending: migrations of this version that have to run.
        erased_again: customers that were erased after the backup was made, and are erased again;
            while migrations are pending, they are when these run.
    """

    file: str
    made_at: dt.datetime
    rows: int
    tables: int
    files: int
    seconds: float
    missing_keys: list[str] = []
    put_aside: list[str] = []
    pending: int = 0
    erased_again: int = 0


async def bring_back(
    settings: Settings, file: Path, *, replace: bool = False, show: Show = lambda _: None
) -> Restored:
    """Bring a backup into the installation that the settings describe.

    Nothing takes its place before every part and every table is what the manifest says.

    Args:
        replace: a SQLite database that is lived in is put aside under another name.

    Raises:
        ConfigurationError: this version or this kind of database cannot take it.
        Conflict: somebody has the database open, or lives in it.
        DiffersError: a table is not what was backed up.
        InvalidInput: the file is no backup, or damaged.
    """
    started = time.perf_counter()
    manifest = await asyncio.to_thread(read_manifest, file)
    apps = await asyncio.to_thread(installed_apps, settings)
    recorded = {(app, name) for app, name in manifest.migrations}
    refuse_other_migrations(apps, recorded, older=True)
    await _refuse_occupied(settings, manifest, replace=replace)
    settings.home.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=".relatum-restore-", dir=settings.home))
    try:
        show(Progress(stage="unpacking"))
        await asyncio.to_thread(unpack, file, manifest, folder)
        database = database_in(folder, manifest)
        aside = await _place_database(settings, manifest, database, show)
        files = await asyncio.to_thread(_place_files, folder / "files", settings)
        aside += _put_head_aside(settings)
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
    await asyncio.to_thread(_take_ledger, settings, file)
    here = {key.id for key in Keyring(settings.keys_path).every()}
    known = {(step.app, step.migration) for step in steps_of(apps)}
    return Restored(
        file=str(file),
        made_at=manifest.made_at,
        rows=manifest.rows,
        tables=len(manifest.tables),
        files=files,
        seconds=time.perf_counter() - started,
        missing_keys=sorted(set(manifest.keys) - here),
        put_aside=aside,
        pending=len(known - recorded),
        erased_again=0 if known - recorded else await _erase_again(settings, show),
    )


def _take_ledger(settings: Settings, file: Path) -> None:
    """Erasures that are known where the backup lies are known here from now on."""
    lines = list(ledger.read([file.parent / ledger.NAME]).values())
    if lines:
        ledger.write(settings.home / ledger.NAME, lines)


async def _erase_again(settings: Settings, show: Show) -> int:
    """A backup from before an erasure brings nobody back."""
    if not ledger.read([settings.home / ledger.NAME]):
        return 0
    show(Progress(stage="erasing again"))
    async with await House.open(settings) as house:
        return len((await house.erasing.again()).erased)


async def _refuse_occupied(settings: Settings, manifest: Manifest, *, replace: bool) -> None:
    path = settings.sqlite_path
    if path is not None and manifest.form == "pg_dump":
        raise ConfigurationError(
            "expected a PostgreSQL database for a backup that pg_dump wrote, got SQLite; restore "
            "it into PostgreSQL and move from there with `relatum move`"
        )
    if path is not None and not path.exists():
        return
    await refuse_users(settings)
    if path is None:
        await _refuse_inhabited_server(direct_url(settings))
    elif not replace:
        target = await EmbeddedTarget.open(path)
        try:
            lived_in = await inhabited(target)
        finally:
            await target.close()
        if lived_in:
            raise Conflict(
                f"expected an empty installation, got {path} with rows in {lived_in}; give "
                "another data folder in RELATUM_HOME, or say --replace to put this one aside"
            )


async def _refuse_inhabited_server(url: str) -> None:
    target = await ServerTarget.open(url)
    try:
        lived_in = await inhabited(target)
        if lived_in:
            raise Conflict(
                f"expected an empty PostgreSQL database, got one with rows in {lived_in}; create "
                "another one and name it in the settings"
            )
    finally:
        await target.close()


async def _place_database(
    settings: Settings, manifest: Manifest, database: Path, show: Show
) -> list[str]:
    path = settings.sqlite_path
    if path is not None:
        source = await asyncio.to_thread(EmbeddedSource, database)
        try:
            await verify(source, manifest, show)
        finally:
            await source.close()
        return await asyncio.to_thread(_swap, database, path)
    if manifest.form == "pg_dump":
        await _restore_dump(direct_url(settings), database)
    else:
        portable = await asyncio.to_thread(EmbeddedSource, database)
        try:
            identity = f"the backup of {manifest.made_at.isoformat()}"
            await copy(
                settings,
                portable,
                to=direct_url(settings),
                identity=identity,
                older=True,
                show=show,
            )
        finally:
            await portable.close()
    server = await ServerSource.open(direct_url(settings))
    try:
        await verify(server, manifest, show)
    finally:
        await server.close()
    return []


async def _restore_dump(url: str, dumped: Path) -> None:
    target = await ServerTarget.open(url)
    try:
        # tables that nobody lives in would stand in the way
        await target.clear()
        program = await fitting("pg_restore", target.version)
    finally:
        await target.close()
    if program is None:
        raise ConfigurationError(
            "expected pg_restore of the server's version or newer, got none; install PostgreSQL's "
            "client programs"
        )
    await restore(url, dumped, program=program)


async def verify(source: Source, manifest: Manifest, show: Show = lambda _: None) -> None:
    """Hold every table against the manifest.

    Raises:
        DiffersError: with every table that is missing or not what was backed up.
    """
    there = await source.layouts()
    problems = []
    for name, contents in manifest.tables.items():
        show(Progress(stage="comparing", table=name))
        if name not in there:
            problems.append(Problem(code="missing-table", message=f"{name} is missing"))
            continue
        found = await source.checksum(name, contents.columns)
        if found != contents.checksum:
            problems.append(
                Problem(
                    code="differs",
                    message=f"{name} is not what was backed up",
                    expected=f"{contents.checksum.rows:,} rows, {contents.checksum.digest}",
                    got=f"{found.rows:,} rows, {found.digest}",
                )
            )
    if problems:
        raise DiffersError(
            f"expected the tables that were backed up, got {len(problems)} others; take another "
            "backup",
            problems=problems,
        )


def _swap(database: Path, path: Path) -> list[str]:
    """Give the database its place; what was there gets another name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = []
    stamp = f"{now():%Y%m%dT%H%M%SZ}"
    if path.exists():
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            # everything in one file, no log beside it that the new one would take for its own
            connection.execute("PRAGMA journal_mode = DELETE")
        old = path.with_name(f"{path.name}.before-{stamp}")
        path.replace(old)
        aside.append(str(old))
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    database.replace(path)
    return aside


def _place_files(unpacked: Path, settings: Settings) -> int:
    count = 0
    for name, folder in folders_of(settings).items():
        for path in sorted((unpacked / name).rglob("*")):
            if path.is_file():
                place = folder / path.relative_to(unpacked / name)
                place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                shutil.move(path, place)
                count += 1
    return count


def _put_head_aside(settings: Settings) -> list[str]:
    """The note of the newest seal names one that the backup may not have yet."""
    path = head_path(Keyring(settings.keys_path))
    if not path.exists():
        return []
    aside = path.with_name(f"{path.name}.before-{now():%Y%m%dT%H%M%SZ}")
    path.replace(aside)
    return [str(aside)]


# -- the drill -------------------------------------------------------------------------------------


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that the drill looked at."""

    check: str
    ok: bool
    message: str


class Drill(msgspec.Struct, frozen=True, kw_only=True):
    """What a drill found.

    Attributes:
        age_minutes: of the backup: the work that would be lost now.
        seconds: from the file to a house that answers.
    """

    file: str
    made_at: dt.datetime
    age_minutes: float
    seconds: float
    found: list[Found]

    @property
    def ok(self) -> bool:
        """Whether a restore would do."""
        return all(each.ok for each in self.found)


async def drill(settings: Settings, file: Path, *, show: Show = lambda _: None) -> Drill:
    """Restore a backup into a temporary place, look whether it is sound, and leave nothing.

    Nothing runs there: no job, no handler, no message goes out.

    Raises:
        RelatumError: the backup cannot be restored.
    """
    started = time.perf_counter()
    manifest = await asyncio.to_thread(read_manifest, file)
    async with _elsewhere(settings, manifest) as place:
        restored = await bring_back(place, file, show=show)
        found = [
            Found(
                check="contents",
                ok=True,
                message=f"{restored.rows:,} rows of {restored.tables} tables and {restored.files} "
                "files are what was backed up",
            ),
            _of_keys(restored.missing_keys),
            *await _look_at(place, show),
        ]
        seconds = time.perf_counter() - started
    age = (now() - manifest.made_at) / dt.timedelta(minutes=1)
    return Drill(
        file=str(file), made_at=manifest.made_at, age_minutes=age, seconds=seconds, found=found
    )


def _of_keys(missing: list[str]) -> Found:
    message = "every key is here"
    if missing:
        message = f"the file of keys lacks {', '.join(missing)}: secrets and seals stay closed"
    return Found(check="keys", ok=not missing, message=message)


@contextlib.asynccontextmanager
async def _elsewhere(settings: Settings, manifest: Manifest) -> AsyncIterator[Settings]:
    """An empty installation with the same keys; gone afterwards."""
    settings.home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".relatum-drill-", dir=settings.home) as folder:
        home = Path(folder)
        if settings.keys_path.exists():
            # a link: the note of the newest seal lies beside it, and must not be the real one
            (home / "keys.toml").symlink_to(settings.keys_path.absolute())
        place = msgspec.structs.replace(
            settings,
            home=home,
            keys_file="",
            # nothing of the real one: not its server, not a folder of files outside of home
            postgresql=PostgreSql(),
            archive=msgspec.structs.replace(settings.archive, folder=""),
            database=f"sqlite:///{home / 'relatum.sqlite3'}",
        )
        if manifest.form == "sqlite":
            yield place
            return
        if settings.sqlite_path is not None:
            raise ConfigurationError(
                "expected settings with a PostgreSQL server for a backup that pg_dump wrote, got "
                "SQLite; name a server in RELATUM_DATABASE"
            )
        async with _database_beside(direct_url(settings)) as url:
            yield msgspec.structs.replace(place, database=url)


@contextlib.asynccontextmanager
async def _database_beside(url: str) -> AsyncIterator[str]:
    """A new database on the same server; gone afterwards."""
    name = f"relatum_drill_{secrets.token_hex(4)}"
    connection = await asyncpg.connect(url)
    try:
        try:
            await connection.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
        except asyncpg.InsufficientPrivilegeError as error:
            raise Unavailable(
                "expected an account of PostgreSQL that may create a database for the drill, got "
                "one that may not; give it CREATEDB, or make the drill on another server"
            ) from error
        try:
            yield _named(url, name)
        finally:
            await connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    finally:
        await connection.close()


def _named(url: str, name: str) -> str:
    from urllib.parse import urlsplit, urlunsplit

    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc, f"/{name}", parts.query, ""))


async def _look_at(place: Settings, show: Show) -> list[Found]:
    show(Progress(stage="integrity"))
    found = [*await asyncio.to_thread(_integrity, place)]
    show(Progress(stage="starting"))
    async with await House.open(place) as house:
        pending = await house.migrate_apply()
        ran = f"; {len(pending)} newer migration(s) ran" if pending else ""
        states = [each.state for each in house.plugins.states()]
        found.append(
            Found(
                check="start",
                ok=await _answers(house),
                message=f"the house starts and answers, {states.count('enabled')} plugins on{ran}",
            )
        )
        show(Progress(stage="seals"))
        audit = await house.audit.check()
        message = f"{audit.events:,} events in {audit.seals:,} seals are as they were sealed"
        if not audit.sound:
            message = f"{audit.accused_count} event(s) and {audit.broken_count} seal(s) are not"
        found.append(Found(check="seals", ok=audit.sound, message=message))
    return found


def _integrity(place: Settings) -> Iterator[Found]:
    path = place.sqlite_path
    if path is None:
        yield Found(check="integrity", ok=True, message="PostgreSQL checked every reference")
        return
    with closing(sqlite3.connect(path)) as connection:
        text = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
        yield Found(check="integrity", ok=text == "ok", message=f"SQLite says {text}")
        orphans = len(connection.execute("PRAGMA foreign_key_check").fetchmany(100))
        message = f"{orphans or 'no'} reference(s) name a row that is not there"
        yield Found(check="references", ok=not orphans, message=message)


async def _answers(house: House) -> bool:
    """Whether a request through everything is answered."""
    import httpx

    from relatum.app.asgi import create_app

    app: Any = create_app(house)
    transport = httpx.ASGITransport(app=app)
    async with (
        app.lifespan(),
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client,
    ):
        answer = await client.get("/health")
    return answer.status_code == 200
