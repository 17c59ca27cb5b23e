"""What lies around the database: files, the archive, backups, the pages and routes."""

from __future__ import annotations

import datetime as dt
import zipfile
from pathlib import Path
from typing import Any

import pytest

from core.tests.customers.erasing.subjects import BY, Stage, left_in_tables, spellings_of, subject
from relatum.app.backing_up import Order, back_up
from relatum.app.house import House
from relatum.app.restoring import bring_back
from relatum.config.settings import Backup, Settings
from relatum.customers.erasing.ledger import NAME
from relatum.customers.types import ContactPointDraft, CustomerDraft
from relatum.events import log as log_module
from relatum.interactions import service as interactions_module
from relatum.interactions.types import InteractionDraft
from relatum.values.problems import NotFound

WHY = "yêu cầu của chủ thể dữ liệu"


# -- files ---------------------------------------------------------------------------------------


async def test_files_that_hold_the_customer_go_and_others_stay(
    core_house: House, tmp_path: Path
) -> None:
    stage = Stage(core_house, 2)
    await stage.build()
    who = stage.subjects[0]
    texts = {
        "uploads/one": f"ten;so\n{who.name};{who.phone}\n".encode(),
        "uploads/old": f"ten;so\nx;{who.phone[:4]} {who.phone[4:7]} {who.phone[7:]}\n".encode(),
        "uploads/wide": f"{who.name}\n".encode("utf-16"),
        "imports/1/rejected.csv": f"{who.email}\n".encode(),
        "exports/keep.csv": b"ten;so\nLan;0911222333\n",
    }
    for name, content in texts.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    with zipfile.ZipFile(tmp_path / "exports" / "book.xlsx", "w") as book:
        book.writestr("xl/sharedStrings.xml", f"<t>{who.name}</t>")
    receipt = await core_house.erasing.erase(stage.ids[0], by=BY, reason=WHY)
    assert names_in(tmp_path) == {"keep.csv"}
    counts = {each.table: each.rows for each in receipt.tables if each.table.startswith("files:")}
    assert counts == {"files:uploads": 3, "files:imports": 1, "files:exports": 1}


def names_in(home: Path) -> set[str]:
    return {p.name for p in home.rglob("*") if p.parent.name in {"uploads", "exports", "1"}}


# -- the archive ---------------------------------------------------------------------------------


async def test_archived_rows_lose_their_names_and_seals_hold(
    core_house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pyarrow")
    house, who = core_house, subject(3)
    past = dt.datetime(2025, 1, 5, tzinfo=dt.UTC)
    for module in (log_module, interactions_module):
        monkeypatch.setattr(module, "now", lambda: past)
    gone, stays = await house.customers.create(
        [
            CustomerDraft(
                display_name=who.name,
                contact_points=[ContactPointDraft(kind="phone", raw=who.phone)],
            ),
            CustomerDraft(display_name="Lê Văn Khách"),
        ],
        by=BY,
    )
    notes = [
        InteractionDraft(
            kind="core.note",
            customer_id=id,
            handle=who.phone if id == gone else None,
            payload={"text": f"{who.name} {who.phone} và ghế"},
            idempotency_key=f"{who.phone}:{place}" if id == gone else None,
        )
        for place, id in enumerate([gone, stays, gone])
    ]
    await house.interactions.record(notes, by=BY)
    monkeypatch.undo()
    await house.customers.create([CustomerDraft(display_name="Hôm nay")], by=BY)
    await house.seals.seal()
    await house.archive.run(until="2025-01", by=BY, why="old")
    wanted = spellings_of([who])
    before = await _archived(house)
    assert any(who.phone in row for row in before)
    receipt = await house.erasing.erase(gone, by=BY, reason=WHY)
    after = await _archived(house)
    assert len(after) == len(before)
    assert [form for row in after for form in wanted if form in row.lower()] == []
    assert any("và ghế" in row for row in after)  # of the one who stays
    assert any(each.table.startswith("archive:") for each in receipt.tables)
    check = await house.audit.check()
    assert (check.sound, check.files) == (True, [])
    assert await house.db.fetch("SELECT key FROM core_archived_key") == []
    for entry in await house.archive.files():
        await house.archive.restore(entry.kind, entry.month, by=BY, why="look")
    assert (await house.audit.check()).sound


async def _archived(house: House) -> list[str]:
    rows = []
    for entry in await house.archive.files():
        _, some = await house.archive.show(entry.kind, entry.month, rows=entry.rows)
        rows += [" ".join(str(value) for value in row) for row in some]
    return rows


# -- backups -------------------------------------------------------------------------------------


@pytest.fixture
async def living(tmp_path: Path) -> Settings:
    home = tmp_path / "home"
    home.mkdir()
    settings = Settings(
        home=home,
        safe_mode=True,
        durability="normal",
        backup=Backup(daily_at="02:00", keep=7),
    )
    async with await House.open(settings) as house:
        await house.migrate_apply()
    return settings


@pytest.mark.parametrize("place", ["same", "elsewhere"])
async def test_a_backup_from_before_brings_nobody_back(
    living: Settings, tmp_path: Path, place: str
) -> None:
    who = subject(1)
    async with await House.open(living) as house:
        gone, stays = await house.customers.create(
            [CustomerDraft(display_name=who.name), CustomerDraft(display_name="Lê Văn Khách")],
            by=BY,
        )
    saved = await back_up(living, Order())
    async with await House.open(living) as house:
        preview = await house.erasing.preview(gone)
        assert [each.file for each in preview.backups] == [Path(saved.file).name]
        expires = preview.backups[0].expires_at
        assert expires is not None
        assert 6 <= (expires - dt.datetime.now(dt.UTC)) / dt.timedelta(days=1) <= 7
        receipt = await house.erasing.erase(gone, by=BY, reason=WHY)
        assert [each.file for each in receipt.backups] == [Path(saved.file).name]
    text = (living.home / NAME).read_text()
    assert str(gone) in text
    assert who.name not in text
    target = living
    if place == "elsewhere":
        other = tmp_path / "other"
        other.mkdir()
        if living.keys_path.exists():
            (other / "keys.toml").write_bytes(living.keys_path.read_bytes())
        target = Settings(home=other, safe_mode=True, durability="normal")
    done = await bring_back(target, Path(saved.file), replace=True)
    assert done.erased_again == 1
    async with await House.open(target) as house:
        with pytest.raises(NotFound):
            await house.customers.get(gone)
        assert (await house.customers.get(stays)).display_name == "Lê Văn Khách"
        [again] = await house.erasing.receipts()
        assert (again.customer, again.reason) == (gone, WHY)
    url = f"sqlite:///{target.sqlite_path}"
    assert await left_in_tables(url, [who.name.lower()]) == []


async def test_without_a_schedule_a_backup_does_not_expire(living: Settings) -> None:
    settings: Any = Settings(home=living.home, safe_mode=True, durability="normal")
    await back_up(settings, Order())
    async with await House.open(settings) as house:
        [id] = await house.customers.create([CustomerDraft(display_name="X")], by=BY)
        [backup] = (await house.erasing.preview(id)).backups
        assert backup.expires_at is None
