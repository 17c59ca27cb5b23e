"""AC-PRIV-1: what is handed over is everything; counts equal a full scan by independent code."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import random
import zipfile
from pathlib import Path
from uuid import UUID

import msgspec
import pytest

from core.tests.customers.merging.world import BY, World
from core.tests.customers.subject.scan import Row, count, differences, scan
from relatum.access.viewer import SYSTEM
from relatum.app.house import House
from relatum.customers.subject.types import Subject
from relatum.values.ids import new_id

#: Of a plugin that core has never seen: a table that names the customer without a foreign key, one
#: that hangs on it in the same way, and one with a key of two columns.
TABLES = (
    "CREATE TABLE zz_visit (id UUID PRIMARY KEY, who UUID, said TEXT, made_at TIMESTAMP)",
    "CREATE TABLE zz_photo (id UUID PRIMARY KEY, visit UUID NOT NULL, picture {blob})",
    (
        "CREATE TABLE zz_seat (visit UUID NOT NULL REFERENCES zz_visit (id), "
        "seat INTEGER NOT NULL, PRIMARY KEY (visit, seat))"
    ),
)
PNG = b"\x89PNG\r\n\x1a\n and so on"


async def a_world(house: House, seed: int) -> World:
    """Customers, merges that count and one that was undone, and the unknown plugin's rows."""
    blob = "BLOB" if house.db.kind == "sqlite" else "BYTEA"
    await World.build(house)
    for sql in TABLES:
        await house.db.engine.run_ddl(sql.format(blob=blob))
    world = World(house, random.Random(seed))
    await world.fill(9)
    visits = [(new_id(), world.chance.choice([*world.ids, None]), "đã đến") for _ in range(20)]
    await house.db.insert("zz_visit", ("id", "who", "said"), visits)
    photos = [(new_id(), visit, PNG) for visit, *_ in visits[::2]]
    await house.db.insert("zz_photo", ("id", "visit", "picture"), photos)
    seats = [(visit, seat) for visit, *_ in visits for seat in range(world.chance.randint(0, 3))]
    await house.db.insert("zz_seat", ("visit", "seat"), seats)
    merging = house.merging
    await merging.merge(world.ids[0], world.ids[1], by=BY)
    await merging.merge(world.ids[2], world.ids[0], by=BY)
    undone = await merging.merge(world.ids[3], world.ids[4], by=BY)
    await merging.unmerge(undone.id, by=BY)
    world.ids = [id for id in world.ids if id not in (world.ids[0], world.ids[1])]
    return world


def counted(subject: Subject) -> dict[str, int]:
    return {table.name: len(table.rows) for table in subject.tables}


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_counts_equal_a_full_scan(
    core_house: House, relatum_database_url: str, seed: int
) -> None:
    world = await a_world(core_house, seed)
    seen: set[str] = set()
    for customer in world.ids:
        subject = await core_house.subjects.collect(SYSTEM, customer)
        scanned = await scan(relatum_database_url, customer)
        assert differences(counted(subject), scanned) == []
        seen |= scanned.keys()
    assert {"zz_card", "zz_stamp", "zz_visit", "zz_photo", "zz_seat", "core_merge"} <= seen


async def test_the_checker_sees_what_is_missing(
    core_house: House, relatum_database_url: str
) -> None:
    """The scan itself, on a broken example: one row too few, one table too many."""
    world = await a_world(core_house, 4)
    subject = await core_house.subjects.collect(SYSTEM, world.ids[0])
    scanned = await scan(relatum_database_url, world.ids[0])
    short = [
        msgspec.structs.replace(table, rows=table.rows[:-1])
        for table in subject.tables
        if table.name == "core_merge_row"
    ]
    rest = [table for table in subject.tables if table.name != "core_merge_row"]
    broken = msgspec.structs.replace(subject, tables=[*rest, *short])
    [said] = differences(counted(broken), scanned)
    assert said.startswith("core_merge_row")
    # a row that comes afterwards, behind everybody's back
    await core_house.db.insert("zz_visit", ("id", "who"), [(new_id(), world.ids[0])])
    later = await scan(relatum_database_url, world.ids[0])
    [said] = differences(counted(subject), later)
    assert said.startswith("zz_visit")


def test_the_scan_follows_rows_that_hang_on_rows() -> None:
    person, other, visit, photo = (UUID(int=n) for n in range(1, 5))
    rows = [
        Row("core_customer", person, frozenset({person})),
        Row("core_customer", other, frozenset({other, person})),
        Row("visit", visit, frozenset({visit, person})),
        Row("photo", photo, frozenset({photo, visit})),
        Row("note", None, frozenset({photo})),
        Row("note", None, frozenset({other})),
    ]
    assert count(rows, {person}) == {"core_customer": 1, "visit": 1, "photo": 1, "note": 1}


async def test_the_archive_holds_what_was_collected(core_house: House, tmp_path: Path) -> None:
    world = await a_world(core_house, 5)
    path = tmp_path / "out" / "data.zip"
    subject = await core_house.subjects.write_to(SYSTEM, world.ids[0], path, "vi")
    with zipfile.ZipFile(path) as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    manifest = json.loads(parts["manifest.json"])
    data = json.loads(parts["data.json"])
    assert {each["name"]: each["rows"] for each in manifest["tables"]} == counted(subject)
    held = {n: len(t["rows"]) for some in data["plugins"].values() for n, t in some.items()}
    assert held == counted(subject)
    for name, rows in held.items():
        lines = list(csv.reader(io.StringIO(parts[f"tables/{name}.csv"].decode("utf-8-sig"))))
        assert len(lines) == rows + 1
    assert set(parts) == {*manifest["files"], "manifest.json"}
    for name, said in manifest["files"].items():
        assert hashlib.sha256(parts[name]).hexdigest() == said["sha256"]
        assert len(parts[name]) == said["bytes"]
    pictures = [content for name, content in parts.items() if name.startswith("files/zz_photo/")]
    assert pictures
    assert set(pictures) == {PNG}
    assert all(name.isascii() for name in parts)
    assert data["plugins"]["zz"]["zz_visit"]["columns"][1]["name"] == "who"
