"""Backups: one moment, whole or not at all, and back again."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import os
import sqlite3
import subprocess
import sys
import tarfile
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest

from core.tests.moving.conftest import TABLE, add_rows
from core.tests.moving.test_moving import live, stored
from relatum.app import backing_up, restoring
from relatum.app.backing_up import Order, back_up, newest_backup
from relatum.app.house import House
from relatum.app.nightly import back_up_apart
from relatum.app.relocation import move
from relatum.app.restoring import bring_back, drill
from relatum.config.keyring import Keyring
from relatum.config.settings import Archive, Backup, Plugins, PostgreSql, Settings
from relatum.customers.types import CustomerDraft
from relatum.moving.backups import MANIFEST, backups_in, name_at, read_manifest, rotate
from relatum.moving.copying import DiffersError
from relatum.values.problems import (
    ConfigurationError,
    Conflict,
    InvalidInput,
    NotFound,
    Unavailable,
)
from relatum.values.time import now


def elsewhere(settings: Settings, name: str = "elsewhere") -> Settings:
    """An empty installation with the same keys."""
    home = settings.home.parent / name
    home.mkdir()
    if settings.keys_path.exists():
        (home / "keys.toml").write_bytes(settings.keys_path.read_bytes())
    return Settings(home=home, durability="normal")


def path_of(settings: Settings) -> Path:
    path = settings.sqlite_path
    assert path is not None
    return path


def order(settings: Settings, **more: Any) -> Order:
    return Order(to=settings.home / "one.tar", **more)


@pytest.mark.parametrize("compress", [False, True])
async def test_a_backup_brings_everything_back(settings: Settings, compress: bool) -> None:
    await live(settings)
    add_rows(path_of(settings))
    for name in ("uploads/1", "exports/2.csv", "imports/x/rejected.csv", "archive/e.parquet"):
        file = settings.home / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"the file {name}")
    (settings.home / "uploads" / ".part").write_text("not whole yet")
    saved = await back_up(settings, order(settings, compress=compress))
    other = elsewhere(settings)
    done = await bring_back(other, Path(saved.file))
    assert (done.rows, done.files, done.missing_keys, done.pending) == (saved.rows, 4, [], 0)
    assert stored(path_of(settings), exact=True) == stored(path_of(other), exact=True)
    assert stored(path_of(settings), exact=False)[TABLE] == 4
    for name in ("uploads/1", "exports/2.csv", "imports/x/rejected.csv", "archive/e.parquet"):
        assert (other.home / name).read_text() == f"the file {name}"
    assert not (other.home / "uploads" / ".part").exists()
    async with await House.open(other) as house:
        assert (await house.audit.check()).sound
    assert not list(settings.home.glob(".relatum*"))
    assert not list(other.home.glob(".relatum*"))


async def test_one_moment_while_others_write(settings: Settings) -> None:
    """Every customer of the backup has its event, and every event its customer."""
    await live(settings)
    async with await House.open(settings) as house:
        stop = asyncio.Event()
        written = 0

        async def write() -> None:
            nonlocal written
            while not stop.is_set():
                draft = CustomerDraft(display_name=f"Khách {written}")
                await house.customers.create([draft], by="system")
                written += 1

        writing = asyncio.create_task(write())
        for number in range(4):
            before = written
            await back_up(settings, Order(to=settings.home / f"{number}.tar"))
            assert written > before
        stop.set()
        await writing
    for number in range(4):
        other = elsewhere(settings, f"place{number}")
        await bring_back(other, settings.home / f"{number}.tar")
        with closing(sqlite3.connect(path_of(other))) as connection:
            [counts] = connection.execute(
                "SELECT (SELECT count(*) FROM core_customer), (SELECT count(*) FROM core_event "
                "WHERE type = 'core.customer_created'), (SELECT count(*) FROM core_customer c "
                "JOIN core_event e ON e.customer_id = c.id AND e.type = 'core.customer_created')"
            ).fetchall()
        assert len(set(counts)) == 1
        assert counts[0] >= 40


async def test_the_manifest_says_what_is_in_it_and_nothing_secret(settings: Settings) -> None:
    settings = msgspec.structs.replace(
        settings,
        oidc=msgspec.structs.replace(settings.oidc, client_secret="oidc-secret-7"),
        postgresql=PostgreSql(listen="postgresql://crm:server-secret-9@db/crm"),
        plugins=Plugins(plugin_settings={"sales_pipeline": {"token": "plugin-secret-8"}}),
    )
    await live(msgspec.structs.replace(settings, plugins=Plugins()))
    saved = await back_up(settings, order(settings))
    content, mode = read(saved.file)
    keys = Keyring(settings.keys_path)
    secrets = [
        line.split('"')[1].encode()
        for line in settings.keys_path.read_text().splitlines()
        if line.startswith("secret")
    ]
    assert secrets
    for secret in (*secrets, b"oidc-secret-7", b"plugin-secret-8", b"server-secret-9"):
        assert secret not in content
    manifest = read_manifest(Path(saved.file))
    assert list(manifest.keys) == [key.id for key in keys.every()] == saved.keys
    assert manifest.head is not None
    assert manifest.head.number == 1
    assert manifest.plugins["sales_pipeline"]
    assert len(manifest.migrations) == len(set(map(tuple, manifest.migrations))) > 20
    assert manifest.settings["company"]["country"] == "VN"
    with tarfile.open(saved.file) as tar:
        assert [each.name for each in tar.getmembers()] == [
            *(each.path for each in manifest.parts),
            MANIFEST,
        ]
    assert mode & 0o777 == 0o600


def read(file: str) -> tuple[bytes, int]:
    """A file's content and its mode."""
    return Path(file).read_bytes(), Path(file).stat().st_mode


def damaged(file: Path, what: str) -> None:
    """Change a backup as a bad disk, a bad transfer or a bad hand would."""
    if what == "a bit":
        content = bytearray(file.read_bytes())
        content[len(content) // 3] ^= 1
        file.write_bytes(bytes(content))
    elif what == "the end":
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    elif what == "a part":
        _rewritten(file, lambda name, text: None if name.startswith("database") else text)
    elif what == "the manifest":
        _rewritten(file, lambda name, text: text[:-9] if name == MANIFEST else text)
    elif what == "a way out":
        _rewritten(file, _escaping)
    else:
        file.write_text("Dear diary")


def _escaping(name: str, text: bytes) -> bytes:
    if name != MANIFEST:
        return text
    manifest = json.loads(text)
    manifest["parts"][0]["path"] = "../../evil"
    return json.dumps(manifest).encode()


def _rewritten(file: Path, change: Any) -> None:
    with tarfile.open(file) as tar:
        members = [(each.name, tar.extractfile(each).read()) for each in tar.getmembers()]  # type: ignore[union-attr]
    with tarfile.open(file, "w") as tar:
        for name, text in members:
            changed = change(name, text)
            if changed is not None:
                for written in {name, "../../evil"} if b"evil" in changed else {name}:
                    member = tarfile.TarInfo(written)
                    member.size = len(changed)
                    tar.addfile(member, io.BytesIO(changed))


@pytest.mark.parametrize(
    "what", ["a bit", "the end", "a part", "the manifest", "a way out", "all of it"]
)
async def test_a_damaged_backup_takes_no_place(settings: Settings, what: str) -> None:
    await live(settings)
    saved = await back_up(settings, order(settings))
    damaged(Path(saved.file), what)
    other = elsewhere(settings)
    with pytest.raises(InvalidInput, match="expected"):
        await bring_back(other, Path(saved.file))
    assert [each.name for each in other.home.iterdir()] == ["keys.toml"]
    assert not list(settings.home.parent.glob("**/evil"))


@pytest.mark.parametrize("place", ["../../diary.gz", "/etc/hostname", "manifest.json"])
async def test_a_database_elsewhere_is_not_touched(settings: Settings, place: str) -> None:
    await live(settings)
    saved = await back_up(settings, order(settings))

    def change(name: str, text: bytes) -> bytes:
        if name != MANIFEST:
            return text
        return json.dumps(json.loads(text) | {"database": place, "compressed": True}).encode()

    _rewritten(Path(saved.file), change)
    diary = settings.home.parent / "diary.gz"
    diary.write_bytes(gzip.compress(b"Dear diary"))
    with pytest.raises(InvalidInput, match="expected one of the parts as the database"):
        await bring_back(elsewhere(settings), Path(saved.file))
    assert diary.exists()
    assert not diary.with_suffix("").exists()


async def test_a_table_that_is_not_what_was_backed_up_takes_no_place(settings: Settings) -> None:
    """The file is whole, but not what the manifest says: a fault of ours would look so."""
    await live(settings)
    saved = await back_up(settings, order(settings))

    def change(name: str, text: bytes) -> bytes:
        if name != MANIFEST:
            return text
        manifest = json.loads(text)
        manifest["tables"]["core_customer"]["checksum"]["rows"] += 1
        return json.dumps(manifest).encode()

    _rewritten(Path(saved.file), change)
    other = elsewhere(settings)
    with pytest.raises(DiffersError) as refusal:
        await bring_back(other, Path(saved.file))
    [problem] = refusal.value.problems
    assert "core_customer" in problem.message
    assert not path_of(other).exists()


async def test_a_place_that_is_lived_in(settings: Settings) -> None:
    await live(settings)
    saved = await back_up(settings, order(settings))
    async with await House.open(settings) as house:
        await house.customers.create([CustomerDraft(display_name="Sau đó")], by="system")
    with pytest.raises(Conflict, match="expected an empty installation"):
        await bring_back(settings, Path(saved.file))
    done = await bring_back(settings, Path(saved.file), replace=True)
    assert len(done.put_aside) == 2
    async with await House.open(settings) as house:
        assert len(await house.db.fetch("SELECT id FROM core_customer")) == 40
        await house.customers.create([CustomerDraft(display_name="Anh")], by="system")
        await house.seals.seal()
        assert (await house.audit.check()).sound
    old = next(each for each in done.put_aside if "sqlite" in each)
    with closing(sqlite3.connect(old)) as connection:
        assert connection.execute("SELECT count(*) FROM core_customer").fetchone() == (41,)


async def test_without_the_keys_it_says_which_are_missing(settings: Settings) -> None:
    await live(settings)
    saved = await back_up(settings, order(settings))
    other = elsewhere(settings)
    (other.home / "keys.toml").unlink()
    done = await bring_back(other, Path(saved.file))
    assert done.missing_keys == saved.keys != []


async def test_a_newer_version_made_it(settings: Settings) -> None:
    await live(settings)
    with closing(sqlite3.connect(path_of(settings))) as connection:
        connection.execute(
            "INSERT INTO migration (name, app_name) VALUES ('2099-01-01T00:00', 'core_events')"
        )
        connection.commit()
    saved = await back_up(settings, order(settings))
    with pytest.raises(ConfigurationError, match="of a newer one"):
        await bring_back(elsewhere(settings), Path(saved.file))


async def test_what_fails_leaves_nothing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await live(settings)

    def full(*_: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(backing_up, "_pack_files", full)
    before = set(settings.home.iterdir())
    with pytest.raises(Unavailable, match="No space"):
        await back_up(settings, order(settings))
    assert set(settings.home.iterdir()) == before


async def test_two_at_once_take_no_name_from_each_other(settings: Settings) -> None:
    await live(settings)
    both = [back_up(settings, Order(to=settings.home / "copies")) for _ in range(2)]
    one, other = await asyncio.gather(*both)
    assert one.file != other.file
    assert len(backups_in(settings.home / "copies")) == 2
    with pytest.raises(Conflict, match="there already"):
        await back_up(settings, Order(to=Path(one.file)))


def test_rotation_keeps_the_newest(tmp_path: Path) -> None:
    moments = [now().replace(year=year) for year in range(2001, 2007)]
    for moment in moments:
        (tmp_path / name_at(moment)).write_text("a backup")
    (tmp_path / "mine.tar").write_text("kept by hand")
    removed = rotate(tmp_path, 2)
    assert [each.name for each in removed] == [name_at(moment) for moment in moments[:4]]
    assert [each.name for each in backups_in(tmp_path)] == [name_at(m) for m in moments[4:]]
    assert rotate(tmp_path, 0) == []
    assert (tmp_path / "mine.tar").exists()
    assert newest_backup(tmp_path).name == name_at(moments[-1])
    with pytest.raises(InvalidInput, match="got none"):
        newest_backup(tmp_path / "nowhere")
    with pytest.raises(NotFound, match="no such file"):
        read_manifest(tmp_path / "nowhere.tar")


async def test_every_night(settings: Settings) -> None:
    await live(settings)
    settings = msgspec.structs.replace(settings, backup=Backup(keep=1, daily_at="02:30"))
    async with await House.open(settings) as house:
        [schedule] = [s for s in await house.jobs.schedules() if s.id == "core.backup"]
        assert "02:30" in schedule.schedule
        assert await house.jobs.run_now("core.backup")
    [file] = backups_in(settings.home / "backups")
    manifest = read_manifest(file)
    assert manifest.compressed
    assert manifest.tables["core_customer"].checksum.rows == 40


async def test_a_night_that_fails_says_why(settings: Settings) -> None:
    broken = msgspec.structs.replace(settings, database="sqlite:///nothing.sqlite3")
    with pytest.raises(Unavailable, match="expected a database at"):
        await back_up_apart(broken)


async def test_a_drill_finds_it_sound_and_leaves_nothing(settings: Settings) -> None:
    await live(settings)
    # an archive on another disk: the drill must not touch it
    archive = settings.home / "disk" / "archive"
    archive.mkdir(parents=True)
    (archive / "e.parquet").write_text("a month")
    settings = msgspec.structs.replace(settings, archive=Archive(folder=str(archive)))
    saved = await back_up(settings, order(settings))
    before = {each: each.stat().st_mtime_ns for each in settings.home.rglob("*")}
    done = await drill(settings, Path(saved.file))
    assert done.ok
    assert [each.check for each in done.found] == [
        *("contents", "keys", "integrity", "references", "start", "seals"),
    ]
    assert done.seconds > 0
    assert 0 <= done.age_minutes < 10
    after = {each: each.stat().st_mtime_ns for each in settings.home.rglob("*")}
    assert after == before


@pytest.mark.parametrize("deed", ["event", "reference", "keys"])
async def test_a_drill_finds_what_is_wrong(settings: Settings, deed: str) -> None:
    """What was wrong when the backup was made is in it, checksums and all."""
    await live(settings)
    with closing(sqlite3.connect(path_of(settings))) as connection:
        if deed == "event":
            connection.execute("UPDATE core_event SET by = 'account:somebody' WHERE seq = 3")
        if deed == "reference":
            connection.execute("DELETE FROM core_customer WHERE rowid = 1")
        connection.commit()
    saved = await back_up(settings, order(settings))
    if deed == "keys":
        settings.keys_path.unlink()
    done = await drill(settings, Path(saved.file))
    assert not done.ok
    wrong = {each.check for each in done.found if not each.ok}
    assert (
        wrong == {"event": {"seals"}, "reference": {"references"}, "keys": {"keys", "seals"}}[deed]
    )


def relatum(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {key: text for key, text in os.environ.items() if not key.startswith("RELATUM")}
    environment |= {
        "RELATUM_HOME": str(settings.home),
        "RELATUM_DATABASE": settings.database,
    }
    return subprocess.run(
        [sys.executable, "-m", "relatum.cli.main", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_the_commands(settings: Settings) -> None:
    asyncio.run(live(settings))
    made = relatum(settings, "backup", "--keep", "3", "--json")
    assert made.returncode == 0, made.stderr
    saved = json.loads(made.stdout)
    drilled = relatum(settings, "drill")
    assert drilled.returncode == 0, drilled.stderr
    assert "error" not in drilled.stdout
    other = elsewhere(settings)
    restored = relatum(other, "restore", saved["file"])
    assert restored.returncode == 0, restored.stderr
    assert "every table is what was backed up" in restored.stdout
    again = relatum(other, "restore", saved["file"])
    assert again.returncode == 1
    assert "expected an empty installation" in again.stderr


# -- PostgreSQL ------------------------------------------------------------------------------------


@pytest.fixture
async def moved(settings: Settings, server_url: str) -> Settings:
    """The same installation on PostgreSQL."""
    await live(settings)
    await move(settings, server_url)
    return msgspec.structs.replace(settings, database=server_url)


@pytest.mark.postgres
@pytest.mark.parametrize("form", ["sqlite", "pg_dump"])
async def test_of_postgresql_and_back(
    settings: Settings, moved: Settings, form: Any, request: pytest.FixtureRequest
) -> None:
    saved = await back_up(moved, order(settings, form=form))
    assert saved.form == form
    done = await drill(moved, Path(saved.file))
    assert done.ok, done.found
    databases = request.getfixturevalue("_relatum_postgresql")
    url = databases.empty()
    try:
        place = msgspec.structs.replace(elsewhere(settings), database=url)
        await bring_back(place, Path(saved.file))
        async with await House.open(place) as house:
            assert not await house.migrate_plan()
            assert (await house.audit.check()).sound
            await house.customers.create([CustomerDraft(display_name="Mới")], by="system")
        with pytest.raises(Conflict, match="expected an empty PostgreSQL database"):
            await bring_back(place, Path(saved.file))
    finally:
        databases.drop(url)
    if form == "sqlite":
        # the portable form is a SQLite installation, equal to the one it came from
        other = elsewhere(settings, "portable")
        await bring_back(other, Path(saved.file))
        assert stored(path_of(settings), exact=True) == stored(path_of(other), exact=True)


@pytest.mark.postgres
async def test_a_backup_of_sqlite_goes_into_postgresql(settings: Settings, server_url: str) -> None:
    await live(settings)
    saved = await back_up(settings, order(settings))
    place = msgspec.structs.replace(elsewhere(settings), database=server_url)
    done = await bring_back(place, Path(saved.file))
    assert done.rows == saved.rows
    async with await House.open(place) as house:
        assert (await house.audit.check()).sound


@pytest.mark.postgres
async def test_without_pg_dump_the_portable_form_is_taken(
    moved: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    saved = await back_up(moved, order(moved))
    assert saved.form == "sqlite"
    with pytest.raises(ConfigurationError, match="expected pg_dump"):
        await back_up(moved, Order(to=moved.home / "two.tar", form="pg_dump"))
    assert (await drill(moved, Path(saved.file))).ok


@pytest.mark.postgres
async def test_one_moment_of_postgresql(moved: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written between the dump and the checksums is in neither."""
    original = backing_up._contents

    async def later(*args: Any) -> Any:
        connection = await asyncpg.connect(moved.database)
        await connection.execute("UPDATE core_customer SET display_name = display_name || '!'")
        await connection.execute("DELETE FROM core_customer_role")
        await connection.close()
        return await original(*args)

    monkeypatch.setattr(backing_up, "_contents", later)
    saved = await back_up(moved, order(moved, form="pg_dump"))
    monkeypatch.undo()
    assert (await drill(moved, Path(saved.file))).ok
    assert read_manifest(Path(saved.file)).tables["core_customer_role"].checksum.rows == 40


@pytest.mark.postgres
async def test_a_drill_leaves_no_database(moved: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    saved = await back_up(moved, order(moved, form="pg_dump"))

    async def broken(*_: object) -> None:
        raise RuntimeError("stopped in the middle")

    monkeypatch.setattr(restoring, "_look_at", broken)
    with pytest.raises(RuntimeError, match="in the middle"):
        await drill(moved, Path(saved.file))
    connection = await asyncpg.connect(moved.database)
    names = await connection.fetch(
        "SELECT datname FROM pg_database WHERE datname ~ 'relatum_drill'"
    )
    await connection.close()
    assert names == []
    assert not list(moved.home.glob(".relatum*"))
