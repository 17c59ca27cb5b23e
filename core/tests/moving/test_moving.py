"""There and back: nothing lost, nothing changed, whatever stops it."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest

from core.tests.moving.conftest import ROWS, TABLE, add_rows, on_server
from relatum.app.house import House
from relatum.app.relocation import move
from relatum.config.settings import Settings
from relatum.customers.types import CustomerDraft
from relatum.interactions.types import InteractionDraft
from relatum.moving import copying, embedded_end, server_end
from relatum.moving.copying import DiffersError, Moved
from relatum.moving.embedded_end import EmbeddedSource
from relatum.moving.server_end import ServerTarget
from relatum.values.problems import ConfigurationError, Conflict, InvalidInput, Unavailable
from relatum.values.time import now

pytestmark = pytest.mark.postgres


async def live(settings: Settings, customers: int = 40) -> None:
    """Customers, interactions, events with seals, a waiting job: what a house has."""
    async with await House.open(settings) as house:
        made = await house.customers.create(
            [CustomerDraft(display_name=f"Khách {n} '\\") for n in range(customers)], by="system"
        )
        notes = [
            InteractionDraft(
                kind="core.note", customer_id=each, occurred_at=now(), payload={"text": "Chào\n"}
            )
            for each in made
        ]
        await house.interactions.record(notes, by="system")
        await house.jobs.enqueue("core.audit_seal")
        await house.seals.seal()


def back_settings(settings: Settings, url: str, home: Path) -> Settings:
    home.mkdir(exist_ok=True)
    return msgspec.structs.replace(settings, home=home, database=url)


async def there_and_back(settings: Settings, url: str, home: Path) -> tuple[Moved, Moved, Path]:
    there = await move(settings, url)
    back = await move(back_settings(settings, url, home), "sqlite:///back.sqlite3")
    return there, back, home / "back.sqlite3"


async def test_there_and_back_everything_is_equal(
    settings: Settings, server_url: str, tmp_path: Path
) -> None:
    await live(settings)
    path = settings.sqlite_path
    assert path is not None
    add_rows(path)
    there, back, other = await there_and_back(settings, server_url, tmp_path / "back")
    assert there.tables == back.tables
    assert not there.left_behind
    assert not back.left_behind
    names = {each.name: each for each in there.tables}
    assert names["core_customer"].rows == 40
    assert names[TABLE].rows == len(ROWS)
    assert names[TABLE].carried
    assert {"core_event", "core_event_seal", "core_queue", "migration"} <= set(names)
    assert stored(path, exact=False) == stored(other, exact=False)
    # tables that Relatum wrote itself are equal to the letter, and so are all definitions
    assert stored(path, exact=True) == stored(other, exact=True)


def stored(path: Path, *, exact: bool) -> dict[str, Any]:
    """Rows by table as they are stored; not exact: of the table of every kind, how many."""
    with closing(sqlite3.connect(path)) as connection:
        names = [
            name
            for (name,) in connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
            )
        ]
        found: dict[str, Any] = {}
        for name in names:
            rows = connection.execute(f'SELECT * FROM "{name}"').fetchall()
            if name != TABLE:
                found[name] = sorted(map(repr, rows))
            elif not exact:
                found[name] = len(rows)
        if exact:
            found["definitions"] = connection.execute(
                "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite%' "
                "AND tbl_name <> ? ORDER BY 1, 2",
                (TABLE,),
            ).fetchall()
    return found


async def test_the_moved_house_lives_on(settings: Settings, server_url: str) -> None:
    await live(settings)
    await move(settings, server_url)
    moved = msgspec.structs.replace(settings, database=server_url)
    async with await House.open(moved) as house:
        assert not await house.core_pending()
        assert (await house.audit.check()).sound
        [last] = await house.db.fetch("SELECT max(seq) FROM core_event")
        await house.customers.create([CustomerDraft(display_name="Mới")], by="system")
        [after] = await house.db.fetch("SELECT max(seq) FROM core_event")
        assert after[0] > last[0]
        await house.seals.seal()
        assert (await house.audit.check()).sound
        # the job that waited still waits, and is worked on
        assert await house.worker.drain() >= 1
        keys = await house.db.fetch_one(
            "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND NOT convalidated"
        )
        assert keys == (0,)


async def test_numbers_are_not_given_again(settings: Settings, server_url: str) -> None:
    await live(settings)
    path = settings.sqlite_path
    assert path is not None
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE sqlite_sequence SET seq = 900 WHERE name = 'core_queue'")
        connection.commit()
    await move(settings, server_url)
    moved = msgspec.structs.replace(settings, database=server_url)
    async with await House.open(moved) as house:
        await house.jobs.enqueue("core.audit_seal", key="another")
        rows = await house.db.fetch("SELECT max(id) FROM core_queue")
    assert rows[0][0] > 900


#: Where a move is stopped: what is called for the n-th time, before or after it has done its work.
MOMENTS = [
    (what, number, after)
    for what in ("write", "together")
    for number in (1, 2, 5, 9, 30)
    for after in (False, True)
]
_KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
import msgspec
from relatum.app.relocation import move
from relatum.config.settings import Settings
from relatum.moving import embedded_end, server_end
what, number, after, home, database, to = sys.argv[1:]
embedded_end.BATCH_ROWS = server_end.BATCH_ROWS = 7
for target in (embedded_end.EmbeddedTarget, server_end.ServerTarget):
    original = getattr(target, what)
    calls = 0
    async def stopped(self, *args, _original=original):
        global calls
        calls += 1
        if calls == int(number) and after == "False":
            os.kill(os.getpid(), signal.SIGKILL)
        await _original(self, *args)
        if calls == int(number):
            os.kill(os.getpid(), signal.SIGKILL)
    setattr(target, what, stopped)
asyncio.run(move(Settings(home=Path(home), database=database, durability="normal"), to))
"""


def killed(moment: tuple[str, int, bool], settings: Settings, to: str) -> bool:
    """Move in another process that is killed at a moment; whether it was."""
    done = subprocess.run(
        [
            *(sys.executable, "-c", _KILLED, *map(str, moment)),
            *(str(settings.home), settings.database, to),
        ],
        capture_output=True,
        text=True,
        check=False,
        env={key: text for key, text in os.environ.items() if not key.startswith("RELATUM")},
        timeout=120,
    )
    assert done.returncode in {0, -signal.SIGKILL}, done.stderr
    return done.returncode != 0


@pytest.mark.parametrize(
    "moment",
    [
        pytest.param(each, marks=() if place % 5 == 1 else pytest.mark.thorough)
        for place, each in enumerate(MOMENTS)
    ],
    ids=str,
)
async def test_a_kill_costs_a_batch(
    moment: tuple[str, int, bool],
    settings: Settings,
    server_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(embedded_end, "BATCH_ROWS", 7)
    monkeypatch.setattr(server_end, "BATCH_ROWS", 7)
    await live(settings)
    path = settings.sqlite_path
    assert path is not None
    add_rows(path)
    there = None
    if await asyncio.to_thread(killed, moment, settings, server_url):
        # a half moved database is opened by nobody
        half = msgspec.structs.replace(settings, database=server_url)
        if await _has_journal(server_url):
            with pytest.raises(Unavailable, match="still being moved into"):
                await House.open(half)
        there = await move(settings, server_url)
    home = tmp_path / "back"
    other = back_settings(settings, server_url, home)
    await asyncio.to_thread(killed, moment, other, "sqlite:///back.sqlite3")
    path_there = home / "back.sqlite3"
    back = None if _is_whole(path_there) else await move(other, f"sqlite:///{path_there}")
    if there is not None and back is not None:
        assert there.tables == back.tables
    assert stored(path, exact=True) == stored(home / "back.sqlite3", exact=True)


def _is_whole(path: Path) -> bool:
    """Whether a move had come to its end before it was killed."""
    if not path.exists():
        return False
    with closing(sqlite3.connect(path)) as connection:
        names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    return bool(names) and "relatum_move" not in names


async def _has_journal(url: str) -> bool:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval("SELECT to_regclass('relatum_move')") is not None
    finally:
        await connection.close()


def test_a_taken_up_move_does_not_begin_again(
    settings: Settings, server_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asyncio.run(live(settings, 200))
    assert killed(("write", 30, True), settings, server_url)
    written: list[str] = []
    original = ServerTarget.write

    async def write(self: ServerTarget, layout: Any, *args: Any) -> None:
        written.append(layout.name)
        await original(self, layout, *args)

    monkeypatch.setattr(ServerTarget, "write", write)
    before = on_server(server_url, lambda c: c.fetchval("SELECT count(*) FROM core_contact_point"))
    assert before == 0
    moved = asyncio.run(move(settings, server_url))
    assert moved.resumed
    # what was written before the kill is not written again
    assert sum(written.count(name) for name in set(written)) < 40
    assert "core_account" not in written


async def test_another_source_does_not_take_a_move_up(
    settings: Settings, server_url: str, tmp_path: Path
) -> None:
    await live(settings)
    assert await asyncio.to_thread(killed, ("write", 2, True), settings, server_url)
    other = tmp_path / "other.sqlite3"
    path = settings.sqlite_path
    assert path is not None
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("VACUUM INTO ?", (str(other),))
    stranger = msgspec.structs.replace(settings, database=f"sqlite:///{other}")
    with pytest.raises(Conflict, match="half filled from"):
        await move(stranger, server_url)
    moved = await move(stranger, server_url, anew=True)
    assert not moved.resumed


async def test_a_database_that_is_lived_in_is_no_target(
    settings: Settings, server_url: str
) -> None:
    await live(settings)
    await move(settings, server_url)
    with pytest.raises(Conflict, match="expected an empty target"):
        await move(settings, server_url)


async def test_the_same_kind_is_refused(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="of the other kind"):
        await move(settings, f"sqlite:///{tmp_path / 'x.sqlite3'}")


def test_somebody_who_has_it_open_is_in_the_way(
    settings: Settings, server_url: str, tmp_path: Path
) -> None:
    asyncio.run(live(settings))
    program = (
        "import sqlite3, sys\nc = sqlite3.connect(sys.argv[1])\n"
        "c.execute('SELECT count(*) FROM migration').fetchone()\nprint('open', flush=True)\n"
        "sys.stdin.read()"
    )
    path = settings.sqlite_path
    with subprocess.Popen(
        [sys.executable, "-c", program, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        with pytest.raises(Conflict, match=f"process {process.pid}"):
            asyncio.run(move(settings, server_url))
        # a moment may be taken all the same
        asyncio.run(move(settings, server_url, while_running=True))
        process.communicate("")

    async def beside(connection: Any) -> None:
        home = back_settings(settings, server_url, tmp_path / "back")
        with pytest.raises(Conflict, match="expected a database that nobody has open"):
            await move(home, "sqlite:///back.sqlite3")

    on_server(server_url, beside)


async def test_what_is_written_meanwhile_stays_behind(
    settings: Settings, server_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One moment is moved, although somebody writes between two batches."""
    await live(settings)
    path = settings.sqlite_path
    original = ServerTarget.write

    async def write(self: ServerTarget, layout: Any, *args: Any) -> None:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("UPDATE core_customer SET display_name = display_name || '!'")
            connection.execute("DELETE FROM core_customer_role")
            connection.commit()
        await original(self, layout, *args)

    monkeypatch.setattr(ServerTarget, "write", write)
    moved = await move(settings, server_url, while_running=True)
    assert moved.left_behind
    assert {each.name: each.rows for each in moved.tables}["core_customer"] == 40

    connection = await asyncpg.connect(server_url)
    assert not await connection.fetchval(
        "SELECT count(*) FROM core_customer WHERE display_name LIKE '%!'"
    )
    await connection.close()


async def test_what_would_not_fit_is_said_before_anything_is_copied(
    settings: Settings, server_url: str
) -> None:
    await live(settings)
    path = settings.sqlite_path
    assert path is not None
    with closing(sqlite3.connect(path)) as connection:
        for statement in (
            "UPDATE core_customer SET display_name = printf('%.400c', 'x') WHERE rowid = 1",
            "UPDATE core_customer SET search = 'a' || char(0) || 'b' WHERE rowid = 2",
            "UPDATE core_customer SET version = 3000000000 WHERE rowid IN (3, 4)",
            "UPDATE core_interaction SET recorded_at = 'yesterday' WHERE rowid = 1",
        ):
            connection.execute(statement)
        connection.commit()
    with pytest.raises(InvalidInput) as refusal:
        await move(settings, server_url)
    told = sorted((each.message, each.expected) for each in refusal.value.problems)
    assert told == [
        ("1 value(s) of core_customer.display_name do not fit", "300 characters"),
        ("1 value(s) of core_customer.search do not fit", "text without NUL"),
        ("1 value(s) of core_interaction.recorded_at do not fit", "a time"),
        (
            "2 value(s) of core_customer.version do not fit",
            "a whole number from -2147483648 to 2147483647",
        ),
    ]


async def test_a_value_that_changes_on_its_way_is_found(
    settings: Settings, server_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The comparison is what stands between a fault and the people who trust the copy."""
    await live(settings)

    class Broken(EmbeddedSource):
        async def batches(self, layout: Any, *args: Any) -> Any:
            async for batch in super().batches(layout, *args):
                if layout.name == "core_interaction":
                    lines = batch.lines.replace(b"Ch", b"ch", 1)
                    yield msgspec.structs.replace(batch, lines=lines)
                elif layout.name != "core_customer_role":
                    yield batch

    monkeypatch.setattr("relatum.app.relocation.EmbeddedSource", Broken)
    with pytest.raises(DiffersError) as refusal:
        await move(settings, server_url)
    told = {each.message for each in refusal.value.problems}
    assert told == {
        f"{n} is not the same on both sides" for n in ("core_interaction",)
    } or told == {
        "core_interaction is not the same on both sides",
        "core_customer_role is not the same on both sides",
    }
    with pytest.raises(Unavailable, match="still being moved into"):
        await House.open(msgspec.structs.replace(settings, database=server_url))


async def test_a_reference_that_names_nothing_is_found(settings: Settings, server_url: str) -> None:
    await live(settings)
    path = settings.sqlite_path
    with closing(sqlite3.connect(str(path))) as connection:
        connection.execute("DELETE FROM core_customer WHERE rowid = 1")
        connection.commit()
    with pytest.raises(InvalidInput, match="names no row"):
        await move(settings, server_url)


async def test_migrations_that_wait_come_first(
    settings: Settings, server_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = settings.sqlite_path
    with closing(sqlite3.connect(str(path))) as connection:
        connection.execute("DELETE FROM migration WHERE id = (SELECT max(id) FROM migration)")
        connection.commit()
    with pytest.raises(ConfigurationError, match="1 migrations to run"):
        await move(settings, server_url)
    with closing(sqlite3.connect(str(path))) as connection:
        connection.execute(
            "INSERT INTO migration (name, app_name) VALUES ('2099-01-01T00:00', 'core_events')"
        )
        connection.commit()
    with pytest.raises(ConfigurationError, match="of a newer one"):
        await move(settings, server_url)


async def test_every_table_is_compared(settings: Settings, server_url: str) -> None:
    """More than none: the tables of the source are all in the report."""
    await live(settings)
    path = settings.sqlite_path
    moved = await move(settings, server_url)
    with closing(sqlite3.connect(str(path))) as connection:
        names = {
            name
            for (name,) in connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
            )
        }
    assert {each.name for each in moved.tables} == names
    assert set(copying.LIVED_IN) <= names
