"""Files and rows that are not what they were: named, nobody accused wrongly, nothing deleted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from relatum.archive.kinds import EVENTS, INTERACTIONS
from relatum.events.archived import ArchivedAway
from relatum.values.problems import Conflict


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def change(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.write_bytes(bytes(content))


def empty(path: Path) -> None:
    path.write_bytes(b"")


def other(path: Path) -> None:
    path.write_bytes(b"PAR1" + b"no parquet" * 100 + b"PAR1")


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def foreign(path: Path) -> None:
    """A good file of this house, of another month."""
    (another,) = (p for p in path.parent.glob("core_event-2025-02-*.parquet"))
    path.write_bytes(another.read_bytes())


DAMAGE = [truncate, change, empty, other, foreign]


async def _archived(past: Any) -> Path:
    await past.lived(keys="k:")
    await past.house.archive.run(until="2025-02")
    (path,) = past.folder.glob("core_event-2025-01-*.parquet")
    return path


@pytest.mark.parametrize("damage", [*DAMAGE, folder, Path.unlink])
async def test_a_damaged_file_is_named(past: Any, damage: Callable[[Path], None]) -> None:
    path = await _archived(past)
    content = path.read_bytes()
    before = {kind: await past.stored(kind) for kind in (EVENTS, INTERACTIONS)}
    damage(path)
    what = "missing" if damage is Path.unlink else "changed"

    found = await past.house.audit.check()
    assert [(each.file, each.what) for each in found.files] == [(path.name, what)]
    assert (found.accused, found.broken, found.sound) == ([], [], False)
    assert found.unread == 28  # three customers and 25 interactions
    with pytest.raises(Conflict, match=path.name):
        await past.house.archive.restore(EVENTS, "2025-01")
    with pytest.raises(ArchivedAway, match=path.name):
        await past.house.events.read(0, until=10**9, types=["core.customer_created"], limit=10)
    checked = {each.file: each.result async for each in past.house.archive.verify()}
    assert checked[path.name] == what
    assert sorted(checked.values()) == [what, "ok", "ok", "ok"]
    assert before == {kind: await past.stored(kind) for kind in (EVENTS, INTERACTIONS)}

    if path.is_dir():
        path.rmdir()
    path.write_bytes(content)
    await past.sound()
    assert (await past.house.archive.restore(EVENTS, "2025-01")).state == "restored"


async def test_a_file_that_fits_the_index_must_still_fit_the_seals(past: Any) -> None:
    """Whoever writes to the database and the folder has no key."""
    from relatum.archive import kinds
    from relatum.archive.catalogue import path_of
    from relatum.archive.files import Draft, Reader

    await _archived(past)
    entry = (await past.house.archive.files())[0]
    with Reader(path_of(past.folder, entry)) as reader:
        pieces = [list(rows) for rows in reader.pieces()]
    victim = pieces[0][4]
    pieces[0][4] = (*victim[:6], victim[6].replace("core.", "xxxx."), victim[7])
    with Draft(past.folder, kinds.KINDS[EVENTS], entry.month) as draft:
        for rows in pieces:
            draft.add(rows)
        made = draft.finish()
    await past.house.db.execute(
        "UPDATE core_archive SET file = ?, sha256 = ?, digest = ?, bytes = ? WHERE id = ?",
        *(made.name, made.sha256, made.about.digest, made.bytes, entry.id),
    )
    found = await past.house.audit.check()
    assert [(each.seq, each.what) for each in found.accused] == [(int(victim[0]), "changed")]
    assert found.files == []


async def test_rows_cannot_hide_behind_an_index_without_a_file(past: Any) -> None:
    """Deleting events and claiming that they are archived is found."""
    await past.lived()
    await past.house.archive.run(until="2025-01", kinds=[EVENTS])
    await past.house.db.execute(
        "UPDATE core_archive SET file = 'core_event-2025-01-000000000000.parquet'"
    )
    found = await past.house.audit.check()
    assert [each.what for each in found.files] == ["missing"]
    assert not found.sound
    await past.house.db.execute("UPDATE core_archive SET file = '../keys.toml'")
    found = await past.house.audit.check()
    assert [each.what for each in found.files] == ["changed"]
    await past.house.db.execute("DELETE FROM core_archive")
    found = await past.house.audit.check()
    assert found.accused_count == 28
    assert {each.what for each in found.accused} == {"removed"}


async def test_what_stands_where_rows_are_archived_is_told(past: Any) -> None:
    await _archived(past)
    columns = "type, version, customer_id, recorded_at, by, payload, context"
    await past.house.db.execute(
        f"INSERT INTO core_event (seq, {columns}) SELECT 5, {columns} FROM core_event "
        "WHERE seq = (SELECT max(seq) FROM core_event)"
    )
    found = await past.house.audit.check()
    assert [(each.seq, each.what) for each in found.accused] == [(5, "inserted")]
    stored = await past.stored(EVENTS)
    with pytest.raises(Conflict, match="somebody wrote there"):
        await past.house.archive.restore(EVENTS, "2025-01")
    assert [row for row in await past.stored(EVENTS) if int(row[0]) == 5] == stored[:1]
    await past.house.db.execute("DELETE FROM core_event WHERE seq = 5")
    await past.house.archive.restore(EVENTS, "2025-01")
    await past.sound()


@pytest.mark.parametrize("kind", [EVENTS, INTERACTIONS])
async def test_a_row_that_changes_meanwhile_stays(
    past: Any, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between writing the file and taking the rows out somebody changes one of them."""
    await past.lived()
    row = (await past.stored(kind))[14]
    leaving = past.house.archive._leaving
    take = leaving._take

    async def change_then_take(entry: Any, rows: Any, **more: Any) -> Any:
        if entry.gone == 1:
            key = "seq" if kind == EVENTS else "id"
            await past.house.db.execute(
                f"UPDATE {kind} SET payload = ? WHERE {key} = ?",
                *('{"other": 1}', int(row[0]) if kind == EVENTS else row[0]),
            )
        return await take(entry, rows, **more)

    monkeypatch.setattr(leaving, "_take", change_then_take)
    with pytest.raises(Conflict, match=f"a difference at {row[0]}"):
        await past.house.archive.run(until="2025-01", kinds=[kind])
    monkeypatch.undo()
    changed = [one for one in await past.stored(kind) if one[0] == row[0]]
    assert changed[0][1:] != row[1:]
    with pytest.raises(Conflict, match="a difference at"):
        await past.house.archive.run(until="2025-01", kinds=[kind])
    (entry,) = await past.house.archive.files()
    assert (entry.gone, entry.state) == (1, "leaving")
    found = await past.house.audit.check()
    assert [(each.seq, each.what) for each in found.accused] == (
        [(int(row[0]), "changed")] if kind == EVENTS else []
    )
    await past.house.archive.restore(kind, "2025-01")
    new = await past.house.archive.drop(kind, "2025-01")
    assert new.digest != entry.digest
    assert not (past.folder / entry.file).exists()
    assert (new.gone, new.state) == (new.pieces, "archived")


async def test_what_cannot_be_kept_to_the_byte_stays(past: Any) -> None:
    if past.house.db.kind == "postgresql":
        pytest.skip("the types of PostgreSQL leave no room for it")
    await past.lived()
    db = past.house.db
    for sql, told in (
        ("recorded_at = '2025-01-01T00:00:00Z'", "expected recorded_at of core_event 3"),
        ("version = '01x'", "expected version of core_event 3"),
        ("payload = CAST(x'ff00' AS BLOB)", "expected text in every column"),
    ):
        await db.execute("CREATE TEMP TABLE kept AS SELECT * FROM core_event WHERE seq = 3")
        await db.execute(f"UPDATE core_event SET {sql} WHERE seq = 3")
        with pytest.raises(Conflict, match=told):
            await past.house.archive.run(until="2025-01", kinds=[EVENTS])
        assert await past.house.archive.files() == []
        assert list(past.folder.glob("*.parquet")) == []
        await db.execute("DELETE FROM core_event WHERE seq = 3")
        await db.execute("INSERT INTO core_event SELECT * FROM kept")
        await db.execute("DROP TABLE kept")
    await past.house.archive.run(until="2025-01", kinds=[EVENTS])
    await past.sound()


async def test_two_processes_do_not_archive_at_once(past: Any) -> None:
    await past.lived()
    archive = past.house.archive
    with archive._alone(), pytest.raises(Conflict, match="the only process"):
        await archive.run(until="2025-01")
    before = await past.everything()
    results = await asyncio.gather(
        *(archive.run(until="2025-02") for _ in range(3)), return_exceptions=True
    )
    assert sum(not isinstance(each, BaseException) for each in results) >= 1
    assert await past.everything() == before


async def test_a_customer_who_is_gone_holds_a_restore(past: Any) -> None:
    await past.lived()
    await past.house.archive.run(until="2025-03", kinds=[INTERACTIONS])
    db = past.house.db
    gone = past.customers[0]
    for table in ("core_contact_point", "core_customer_role", "core_customer_tag"):
        await db.execute(f"DELETE FROM {table} WHERE customer_id = ?", gone)
    await db.execute("DELETE FROM core_customer WHERE id = ?", gone)
    with pytest.raises(Conflict, match=f"one is {gone}"):
        await past.house.archive.restore(INTERACTIONS, "2025-01")
    assert await past.stored(INTERACTIONS) == []
