"""Secret fields on their way in and out: nothing that an import keeps tells them."""

import msgspec
import pytest

from relatum.customers.types import CustomerQuery
from relatum.importing.plan import load_plan, parse_plan

CANARY = "canary"

PLAN = """
name = "shop"
[[fields]]
key = "pin"
sensitivity = "secret"
[[fields]]
key = "limit"
type = "integer"
sensitivity = "secret"
[[files]]
path = "customers.csv"
target = "core.customers"
[files.columns]
external_id = "id"
display_name = "name"
phone = "phone"
"fields.pin" = "PIN"
"fields.limit" = "Limit"
"""

GOOD = """\
id,name,phone,PIN,Limit
A,Hoa,0901234567,canary 1,700001
B,Nam,0912345678,canary 2,700002
"""

BAD = """\
id,name,phone,PIN,Limit
C,Tâm,no number,canary 3,700003
D,An,0912345679,canary 4,canary 700004
E,Bình,0912345670,"canary 5
"""


async def secrets_of(house):
    page = await house.customers.find(CustomerQuery(limit=200))
    return {one.external_ids.get("shop", ""): one.fields for one in page.items}


async def told(house, folder):
    """Everything in the database and everything in the data folder except the files imported."""
    if house.db.kind == "sqlite":
        tables = await house.db.fetch("SELECT name FROM sqlite_master WHERE type = 'table'")
    else:
        tables = await house.db.fetch(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
        )
    contents = [repr(await house.db.fetch(f'SELECT * FROM "{name}"')) for (name,) in tables]
    contents += _files(house.settings.home, folder)
    return "\n".join(contents)


def _files(home, folder):
    return [
        path.read_bytes().decode("utf-8", "replace")
        for path in home.rglob("*")
        if path.is_file() and folder not in path.parents
    ]


async def test_the_journal_holds_them_encrypted(core_house, write):
    plan = parse_plan(PLAN)
    folder = write("customers.csv", GOOD)
    first = await core_house.imports.apply(plan, folder)
    assert first.counts.created == 2
    again = await core_house.imports.apply(plan, folder)
    assert (again.counts.updated, again.counts.unchanged) == (0, 2)
    changed = GOOD.replace("canary 1", "canary 9").replace("700002", "700008")
    second = await core_house.imports.apply(plan, write("customers.csv", changed))
    assert (second.counts.updated, second.counts.unchanged) == (2, 0)
    assert await secrets_of(core_house) == {
        "A": {"pin": "canary 9", "limit": 700001},
        "B": {"pin": "canary 2", "limit": 700008},
    }
    await core_house.imports.undo(second.id)
    assert await secrets_of(core_house) == {
        "A": {"pin": "canary 1", "limit": 700001},
        "B": {"pin": "canary 2", "limit": 700002},
    }
    contents = await told(core_house, folder)
    assert "Hoa" in contents
    assert CANARY not in contents
    assert not [n for n in (700001, 700002, 700008) if str(n) in contents]


async def test_rejected_rows_are_kept_encrypted_and_can_be_imported_again(core_house, write):
    folder = write("customers.csv", BAD)
    outcome = await core_house.imports.apply(parse_plan(PLAN), folder)
    assert outcome.counts.rejected == 3
    assert CANARY not in msgspec.json.encode(outcome).decode()
    contents = await told(core_house, folder)
    assert "no number" in contents
    assert CANARY not in contents
    kept = core_house.imports.folder(outcome.id)
    rows = kept / "customers.csv"
    text = rows.read_text(encoding="utf-8-sig")
    assert text.count("enc:1:") == 4
    # somebody mends what is wrong: the phone number of C, the limit of D
    lines = [line.split(",") for line in text.splitlines()]
    for cells in lines:
        cells[2] = cells[2].replace("no number", "0901234567")
        cells[4] = "700004" if cells[0] == "D" else cells[4]
    text = "\n".join(",".join(cells) for cells in lines)
    rows.write_text(f"{text}\n", encoding="utf-8-sig")
    [plan_file] = kept.glob("*.toml")
    again = await core_house.imports.apply(load_plan(plan_file), kept)
    assert (again.counts.created, again.counts.rejected) == (2, 0)
    assert await secrets_of(core_house) == {
        "C": {"pin": "canary 3", "limit": 700003},
        "D": {"pin": "canary 4", "limit": 700004},
    }


async def test_an_encrypted_cell_of_another_installation_is_refused(core_house, write):
    cell = core_house.secrets.encrypt('"canary"', "somewhere else")
    content = f"id,name,phone,PIN,Limit\nA,Hoa,,{cell},\n"
    outcome = await core_house.imports.apply(parse_plan(PLAN), write("customers.csv", content))
    assert (outcome.counts.created, outcome.counts.rejected) == (0, 1)


@pytest.mark.parametrize("mapped", [True, False])
async def test_json_lines(core_house, write, mapped):
    """Of a record as it is, and of one that a plan maps."""
    if mapped:
        plan = PLAN.replace("customers.csv", "customers.jsonl")
        bad = '{"id":"A","name":"Hoa","phone":"no number","PIN":"canary 1","Limit":700001}\n'
    else:
        plan = PLAN[: PLAN.index("[files.columns]")].replace("customers.csv", "customers.jsonl")
        bad = (
            '{"external_id":"A","display_name":"Hoa","phone":["no number"],'
            '"fields":{"pin":"canary 1","limit":700001}}\n'
        )
    folder = write("customers.jsonl", bad)
    outcome = await core_house.imports.apply(parse_plan(plan), folder)
    assert outcome.counts.rejected == 1
    contents = await told(core_house, folder)
    assert "no number" in contents
    assert CANARY not in contents
    kept = core_house.imports.folder(outcome.id)
    rows = kept / "customers.jsonl"
    rows.write_text(rows.read_text().replace("no number", "0901234567"))
    [plan_file] = kept.glob("*.toml")
    again = await core_house.imports.apply(load_plan(plan_file), kept)
    assert again.counts.created == 1
    assert await secrets_of(core_house) == {"A": {"pin": "canary 1", "limit": 700001}}


async def test_a_preview_shows_none(core_house, write):
    plan = parse_plan(PLAN)
    await core_house.customers.declare_fields(plan.fields)
    preview = await core_house.imports.preview(plan, write("customers.csv", GOOD))
    [file] = preview.files
    assert [record["fields"] for record in file.first] == [{"pin": "•••", "limit": "•••"}] * 2
    assert CANARY not in msgspec.json.encode(preview).decode()


async def test_differing_repetitions_are_told_without_values(core_house, write):
    plan = PLAN.replace('target = "core.customers"', 'target = "core.customers"\ndistinct = "id"')
    content = GOOD + "A,Hoa,0901234567,canary 7,700001\n"
    outcome = await core_house.imports.apply(parse_plan(plan), write("customers.csv", content))
    assert outcome.counts.repeated == 1
    findings = msgspec.json.encode(outcome).decode()
    assert "differs-from-first" in findings
    assert CANARY not in findings
