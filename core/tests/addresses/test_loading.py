"""From files to tables and back, as often as one likes."""

import pytest

from relatum.addresses.files import read_folder
from relatum.addresses.service import Addresses
from relatum.values.problems import InvalidInput


def test_what_could_not_be_used_is_told(folder):
    units = read_folder(folder)
    assert units.notes == [
        "line 13: Xã Không Có (00097) → Xã Không Đâu (00098)",
    ]


def test_a_folder_without_tables_is_refused(tmp_path):
    with pytest.raises(InvalidInput, match="got neither"):
        read_folder(tmp_path)
    with pytest.raises(InvalidInput, match="expected a folder"):
        read_folder(tmp_path / "nowhere")


def test_broken_json_is_refused(folder):
    (folder / "present.json").write_text("[{", encoding="utf-8")
    with pytest.raises(InvalidInput, match="expected JSON"):
        read_folder(folder)


async def rows(house):
    units = await house.db.fetch("SELECT * FROM core_admin_unit ORDER BY key")
    return units, await house.db.fetch("SELECT * FROM core_admin_change ORDER BY key")


async def test_loading_twice_is_loading_once(core_house, folder):
    loaded = await core_house.addresses.load(folder, by="tests")
    assert (loaded.units, loaded.changes, loaded.split, loaded.unknown) == (21, 9, 1, 1)
    before = await rows(core_house)
    assert await core_house.addresses.load(folder, by="tests") == loaded
    assert await rows(core_house) == before


async def test_what_was_stored_is_what_was_read(core_house, folder, gazetteer):
    await core_house.addresses.load(folder, by="tests")
    stored = await core_house.addresses.gazetteer()
    assert stored.units == gazetteer.units
    for unit in stored.units.values():
        assert stored.present_of(unit) == gazetteer.present_of(unit)
        assert stored.former_of(unit) == gazetteer.former_of(unit)


async def test_one_edition_alone_leaves_the_other(core_house, folder):
    await core_house.addresses.load(folder, by="tests")
    for name in ("former.csv", "changes.csv"):
        (folder / name).unlink()
    await core_house.addresses.load(folder, by="tests")
    units, changes = await rows(core_house)
    assert (len(units), len(changes)) == (21, 9)


async def test_another_process_sees_what_was_loaded(core_house, folder, monkeypatch):
    monkeypatch.setattr("relatum.addresses.service.TRUSTED", 0.0)
    other = Addresses(core_house.db)
    [before] = await other.read(["P. Liễu Hạ, Sông Lớn"])
    assert before.certainty == "none"
    await core_house.addresses.load(folder, by="tests")
    [after] = await other.read(["P. Liễu Hạ, Sông Lớn"])
    assert after.certainty == "exact"


async def test_a_refused_folder_changes_nothing(core_house, folder, tmp_path):
    await core_house.addresses.load(folder, by="tests")
    before = await rows(core_house)
    with pytest.raises(InvalidInput):
        await core_house.addresses.load(tmp_path / "nowhere", by="tests")
    assert await rows(core_house) == before
