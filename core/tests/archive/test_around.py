"""The archive seen from its neighbours: viewers, imports, the schedule, the doctor."""

from __future__ import annotations

import datetime as dt
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from relatum.access.accounts.events import ADDED, AccountAdded
from relatum.app.house import House
from relatum.archive import holding
from relatum.archive.catalogue import COLUMNS
from relatum.archive.kinds import EVENTS, INTERACTIONS, KINDS
from relatum.archive.scheduled import ARCHIVE
from relatum.cli.diagnosis_of_archive import archive as archive_findings
from relatum.config.settings import Settings
from relatum.customers.tables import StoredCustomer
from relatum.db.guarding import Guard, as_the_house, guarded_by
from relatum.events.types import NewEvent
from relatum.importing.exports import second_person
from relatum.importing.plan import parse_plan
from relatum.values.ids import new_id
from relatum.values.problems import Conflict
from relatum_sdk.databases import PostgresDatabases

PLAN = """
name = "shop"
[[files]]
path = "notes.csv"
target = "core.interactions"
[files.columns]
idempotency_key = "id"
kind = "what"
occurred_at = "when"
"""


async def test_who_sees_a_part_sees_nothing_of_the_archive(past: Any) -> None:
    await past.lived()
    await past.house.archive.run(until="2025-02")
    types = ["core.customer_created"]
    whole = await past.house.events.read(0, until=10**9, types=types, limit=100)
    with guarded_by(Guard(shape="nobody", shadows={})):
        part = await past.house.events.read(0, until=10**9, types=types, limit=100)
        assert await past.house.events.by_seq([event.seq for event in whole]) == part
    assert [event.seq for event in part] == [whole[-1].seq]


async def test_the_schedule_does_what_the_settings_say(
    past: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await past.lived()
    past.follow("behind", "core.interaction_recorded")
    monkeypatch.setattr(holding, "now", lambda: dt.datetime(2025, 3, 15, tzinfo=dt.UTC))
    house = past.house
    assert ARCHIVE.id in house.registry.jobs.ids()
    plugin = house.registry.plugin_of(ARCHIVE.id)
    await ARCHIVE.run(plugin, None)
    assert await house.archive.files() == []
    house.archive._settings = msgspec.structs.replace(
        house.archive._settings, keep_months_events=1, keep_months_interactions=1
    )
    await ARCHIVE.run(plugin, None)
    assert "core_event-2025-01 stays in the database: handler core.behind is at 0" in caplog.text
    await house.handlers.run_once()
    await ARCHIVE.run(plugin, None)
    assert [entry.id for entry in await house.archive.files()] == [
        "core_event-2025-01",
        "core_interaction-2025-01",
    ]


async def test_an_import_is_undone_once_everything_since_is_back(
    past: Any, tmp_path: Path, write: Callable[..., Path]
) -> None:
    house = past.house
    past.clock.set("2025-01", 0)
    folder = write("id,what,when\n1,core.visit,2024-05-01 08:00\n2,core.visit,2024-05-02 09:30\n")
    plan = parse_plan(PLAN)
    outcome = await house.imports.apply(plan, folder)
    assert outcome.counts.created == 2
    await past.today()
    before = await past.everything()
    await house.archive.run(until="2025-01")
    assert await past.everything() == before

    again = await house.imports.apply(
        parse_plan(PLAN.replace('name = "shop"', 'name = "shop"\ntitle = "again"')), folder
    )
    assert (again.counts.created, again.counts.unchanged) == (0, 2)
    with pytest.raises(Conflict, match="relatum archive restore --from 2025-01 --to 2025-01"):
        await house.imports.undo(outcome.id)
    for kind in (EVENTS, INTERACTIONS):
        await house.archive.restore(kind, "2025-01")
    assert (await house.imports.undo(outcome.id)).kept == []
    assert await past.stored(INTERACTIONS) == []
    await house.seals.seal()
    await past.sound()


async def test_the_doctor_says_what_is_missing(past: Any) -> None:
    assert [each.message for each in await archive_findings(past.house)] == ["nothing is archived"]
    await past.lived()
    await past.house.archive.run(until="2025-01")
    (found,) = await archive_findings(past.house)
    assert (found.result, found.message[:16]) == ("ok", "2 files, 53 rows")
    next(past.folder.glob("core_event-*.parquet")).unlink()
    (found,) = await archive_findings(past.house)
    assert found.result == "error"
    assert "core_event-2025-01-" in found.message
    await past.house.db.execute("UPDATE core_archive SET state = 'leaving', gone = 1")
    assert [each.result for each in await archive_findings(past.house)] == ["error", "note", "note"]


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    def write(content: str) -> Path:
        folder = tmp_path / "files"
        folder.mkdir(exist_ok=True)
        (folder / "notes.csv").write_text(content, "utf-8")
        return folder

    return write


async def test_who_made_a_service_account_is_known_however_long_ago(past: Any) -> None:
    account = new_id()
    past.clock.set("2025-01", 0)
    added = AccountAdded(account, "service", "Cửa hàng", None)
    await past.house.events.append([NewEvent(type=ADDED, payload=added)], by="person:maker")
    await past.people(1)
    await past.today()
    await past.house.archive.run(until="2025-01")
    assert len(await past.house.archive.files()) == 1
    export: Any = SimpleNamespace(account=account)
    assert await second_person._makers(past.house.events, export) == {"person:maker"}


async def _numbers_go_on(house: House, number: int) -> None:
    if house.db.kind == "postgresql":
        await house.db.fetch(f"SELECT setval('core_event_seq_seq', {number})")
    else:
        await house.db.execute(
            "INSERT INTO core_event (seq, type, version, recorded_at, by, payload) "
            "VALUES (?, 'core.archive.x', 1, '2026-01-01 00:00:00+00:00', 'system', '{}')",
            number,
        )


@pytest.mark.long
async def test_a_file_of_one_database_is_restored_into_the_other(past: Any, tmp_path: Path) -> None:
    """Moving house takes the index and the folder along."""
    server = os.environ.get("RELATUM_TEST_POSTGRES")
    if past.house.db.kind == "sqlite" and not server:
        pytest.skip("RELATUM_TEST_POSTGRES is not set")
    await past.lived(keys="k:")
    before = await past.everything()
    await past.house.archive.run(until="2025-03")
    entries = await past.house.archive.files()
    home = tmp_path / "moved"
    shutil.copytree(past.folder, home / "archive")
    databases = PostgresDatabases(server or "", lambda _: None)
    url = databases.empty() if past.house.db.kind == "sqlite" else ""
    try:
        async with await House.open(Settings(home=home, database=url, safe_mode=True)) as house:
            await house.migrate_apply()
            columns = [each._meta.db_column_name for each in StoredCustomer._meta.columns]
            named = ", ".join(columns)
            people = await past.house.db.fetch(f"SELECT {named} FROM core_customer")
            with as_the_house():
                await house.db.insert(
                    "core_customer", columns, [(str(person[0]), *person[1:]) for person in people]
                )
                await _numbers_go_on(house, 1_000)
                for entry in entries:
                    row = [getattr(entry, column) for column in COLUMNS]
                    await house.db.insert("core_archive", COLUMNS, [row])
                for entry in entries:
                    await house.archive.restore(entry.kind, entry.month)
            past.house = house
            after = {kind: await past.stored(kind) for kind in KINDS}
    finally:
        if url:
            databases.drop(url)
    last = max(int(entry.last_key) for entry in entries if entry.kind == EVENTS)
    assert after[INTERACTIONS] == before[INTERACTIONS]
    assert [row for row in after[EVENTS] if int(row[0]) <= last] == [
        row for row in before[EVENTS] if int(row[0]) <= last
    ]
    assert last == 78
