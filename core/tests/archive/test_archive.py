"""Months leave the database and come back: the same rows to the byte, seals sound at every step."""

from __future__ import annotations

from typing import Any

import pytest

from relatum.archive.kinds import EVENTS, INTERACTIONS, KINDS
from relatum.events.tables import StoredEvent
from relatum.interactions.tables import StoredInteraction
from relatum.values.problems import Conflict, InvalidInput, NotFound


async def test_months_leave_and_come_back(past: Any) -> None:
    await past.lived(keys="k:")
    before = await past.everything()
    archive = past.house.archive

    outcome = await archive.run(until="2025-02")

    assert [entry.id for entry in outcome.archived] == [
        "core_event-2025-01",
        "core_event-2025-02",
        "core_interaction-2025-01",
        "core_interaction-2025-02",
    ]
    assert {entry.state for entry in outcome.archived} == {"archived"}
    assert outcome.held == {}
    assert {path.stat().st_mode & 0o777 for path in past.folder.iterdir()} == {0o600}
    assert past.folder.stat().st_mode & 0o777 == 0o700
    assert await past.everything() == before
    left = await past.stored(INTERACTIONS)
    assert {row[7][:7] for row in left} == {"2025-03"}
    await past.sound()
    found = await past.house.audit.check()
    assert found.archived == sum(e.rows for e in outcome.archived if e.kind == EVENTS)

    for entry in outcome.archived:
        back = await archive.restore(entry.kind, entry.month)
        assert (back.state, back.gone) == ("restored", 0)
        assert await archive.restore(entry.kind, entry.month) == back
        assert await past.everything() == before
        await past.sound()
    assert len(await past.stored(INTERACTIONS)) == len(before[INTERACTIONS])
    keys = await past.house.db.fetch("SELECT * FROM core_archived_key")
    assert keys == []

    for entry in outcome.archived:
        again = await archive.drop(entry.kind, entry.month)
        assert (again.file, again.sha256) == (entry.file, entry.sha256)
        assert await past.everything() == before
        await past.sound()
    checked = [each async for each in archive.verify()]
    assert [(each.id, each.result) for each in checked] == [
        (entry.id, "ok") for entry in outcome.archived
    ]


async def test_nothing_leaves_unless_the_settings_say_so(past: Any) -> None:
    await past.lived()
    outcome = await past.house.archive.run()
    assert (outcome.archived, outcome.held) == ([], {})
    assert await past.house.archive.files() == []
    assert not past.folder.exists()


@pytest.mark.parametrize("table", [StoredEvent, StoredInteraction])
def test_every_column_is_archived(table: Any) -> None:
    """A new column needs a new format of the files, or it would be lost with its first month."""
    columns = {column._meta.db_column_name for column in table._meta.columns}
    assert columns == set(KINDS[table._meta.tablename].columns)


async def test_a_month_must_be_over(past: Any) -> None:
    for month in ("2999-01", "2025-13", "2025-1", "last", "2025-01-01"):
        with pytest.raises(InvalidInput, match="a month that is over"):
            await past.house.archive.run(until=month)
    with pytest.raises(NotFound, match="in the archive"):
        await past.house.archive.restore(EVENTS, "2025-01")


async def test_the_newest_event_never_leaves(past: Any) -> None:
    past.clock.set("2025-01", 0)
    await past.people(3)
    await past.house.seals.seal()
    outcome = await past.house.archive.run(until="2025-01", kinds=[EVENTS])
    assert outcome.archived == []
    assert "the newest event stays" in str(outcome.held)
    await past.today()
    last = await past.house.events.last()
    outcome = await past.house.archive.run(until="2025-01", kinds=[EVENTS])
    assert [entry.rows for entry in outcome.archived] == [3]
    await past.people(1)
    assert await past.house.events.last() > last


async def test_an_event_told_late_stays_in_its_place(past: Any) -> None:
    """A transaction that began before midnight may take its number after it."""
    past.clock.set("2025-01", 0)
    await past.people(1)
    past.clock.set("2025-02", 0)
    await past.people(1)
    past.clock.set("2025-01", 5)
    await past.people(1)
    await past.today()
    before = await past.everything()
    outcome = await past.house.archive.run(until="2025-02", kinds=[EVENTS])
    assert [entry.rows for entry in outcome.archived] == [1, 2]
    assert await past.everything() == before
    await past.sound()


async def test_what_was_done_is_in_the_audit_trail(past: Any) -> None:
    await past.lived()
    archive = past.house.archive
    await archive.run(until="2025-01", by="person:1", why="the disk is full")
    await archive.restore(EVENTS, "2025-01", by="person:2")
    rows = [row for row in await past.stored(EVENTS) if row[1].startswith("core.archive.")]
    assert [(row[1], row[5]) for row in rows] == [
        ("core.archive.archived", "person:1"),
        ("core.archive.archived", "person:1"),
        ("core.archive.restored", "person:2"),
    ]
    assert '"month":"2025-01"' in rows[0][6]
    assert "the disk is full" in rows[0][7]


async def test_an_archive_without_its_library_says_so(
    past: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    from relatum.values.problems import ConfigurationError

    await past.lived()
    await past.house.archive.run(until="2025-01")
    past.house.archive.reading.close()
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'relatum\[archive\]'"):
        await past.house.archive.run(until="2025-02")
    found = await past.house.audit.check()
    assert [(each.what) for each in found.files] == ["unreadable"]
    assert found.accused == []
    assert found.unread > 0
    assert not found.sound


async def test_only_what_is_restored_is_dropped(past: Any) -> None:
    await past.lived()
    await past.house.archive.run(until="2025-01")
    with pytest.raises(Conflict, match="a month that is restored"):
        await past.house.archive.drop(EVENTS, "2025-01")
