"""Taking data out."""

import csv
import io

import msgspec
import pytest

from relatum.customers.types import CustomerDraft
from relatum.importing.export import export_all
from relatum.importing.formulas import guard
from relatum.importing.plan import load_plan
from relatum.values.problems import Conflict, NotFound

FORMULAS = ["=1+1", "+84-1", "-x", "@sum", "'quoted", "\tx", "plain", "", "'=1"]


@pytest.mark.parametrize("cell", FORMULAS)
def test_a_guarded_cell_is_no_formula_and_the_guard_comes_off(cell):
    guarded = guard(cell)
    assert not guarded.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert guarded.removeprefix("'") if guarded.startswith("'") else guarded == cell
    assert (guarded[1:] if guarded.startswith("'") else guarded) == cell


async def test_csv_for_spreadsheets_holds_no_formula(core_house, tmp_path):
    await core_house.customers.create(
        [CustomerDraft(display_name='=HYPERLINK("http://x")')], by="person:t"
    )
    await export_all(core_house, tmp_path / "out", form="csv")
    raw = (tmp_path / "out" / "core.customers.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf"), "spreadsheets see that it is UTF-8"
    [row] = csv.DictReader(io.StringIO(raw.decode("utf-8-sig")))
    assert row["display_name"] == '\'=HYPERLINK("http://x")'


async def test_one_target_alone_and_a_plan_for_it(core_house, tmp_path):
    await core_house.customers.create([CustomerDraft(display_name="An")], by="person:t")
    exported = await export_all(core_house, tmp_path / "out", targets=["core.customers"])
    assert [(file.path, file.records) for file in exported.files] == [("core.customers.jsonl", 1)]
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "core.customers.jsonl",
        "plan.toml",
    ]
    [entry] = load_plan(tmp_path / "out" / "plan.toml").files
    assert (entry.path, entry.target) == ("core.customers.jsonl", "core.customers")
    line = (tmp_path / "out" / "core.customers.jsonl").read_bytes()
    assert msgspec.json.decode(line)["display_name"] == "An"


async def test_nothing_is_overwritten(core_house, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(Conflict, match="empty folder"):
        await export_all(core_house, tmp_path / "out")


async def test_an_unknown_target_is_told(core_house, tmp_path):
    with pytest.raises(NotFound, match=r"core\.customer'"):
        await export_all(core_house, tmp_path / "out", targets=["core.customer"])


async def test_an_empty_house_exports_nothing(core_house, tmp_path):
    exported = await export_all(core_house, tmp_path / "out")
    assert exported.files == []
    assert list((tmp_path / "out").iterdir()) == []
