"""Applying plans: what goes in, what stays out and is told, and that nothing is swallowed."""

import csv
import io
from pathlib import Path

import msgspec
import pytest

from relatum.customers.types import CustomerChange, CustomerQuery
from relatum.importing.plan import load_plan, parse_plan
from relatum.importing.service import Imports
from relatum.values.problems import InvalidInput

GOOD = """\
id,name,phone,email
A,Nguyễn Thị Hoa,0901 234 567,Hoa@Example.com
B,Trần Văn Nam,0912345678,
C,Lê Minh,,minh@example.com
"""


async def all_customers(house):
    page = await house.customers.find(CustomerQuery(sort="display_name", limit=200))
    return {customer.external_ids.get("shop", ""): customer for customer in page.items}


def consistent(counts):
    """Every row is accounted for."""
    parts = ("created", "updated", "unchanged", "rejected", "skipped", "repeated")
    return counts.rows == sum(getattr(counts, part) for part in parts)


async def test_customers_go_in_by_external_id(core_house, write, customers_plan):
    outcome = await core_house.imports.apply(customers_plan, write("customers.csv", GOOD))
    assert (outcome.counts.rows, outcome.counts.created) == (3, 3)
    assert outcome.state == "applied"
    assert outcome.findings.total == 0
    found = await all_customers(core_house)
    assert sorted(found) == ["A", "B", "C"]
    points = {(p.kind, p.normalised) for p in found["A"].contact_points}
    assert points == {("phone", "+84901234567"), ("email", "hoa@example.com")}
    assert found["C"].roles == ["prospect"]
    [entry] = await core_house.imports.entries()
    assert (entry.id, entry.state, entry.counts.created) == (outcome.id, "applied", 3)
    events = await core_house.events.read(0, until=10**9, types=["core.import_applied"], limit=9)
    assert [event.data()["created"] for event in events] == [3]


async def test_importing_again_changes_nothing(core_house, write, customers_plan, state_of):
    folder = write("customers.csv", GOOD)
    await core_house.imports.apply(customers_plan, folder)
    before = await state_of(core_house, ids=True)
    last = await core_house.events.last()
    outcome = await core_house.imports.apply(customers_plan, folder)
    assert (outcome.counts.created, outcome.counts.updated, outcome.counts.unchanged) == (0, 0, 3)
    assert not outcome.continued
    assert await state_of(core_house, ids=True) == before
    assert await core_house.events.last() == last + 1, "one event says that it was applied"


async def test_a_changed_row_updates_its_customer_and_takes_nothing_away(
    core_house, write, customers_plan
):
    folder = write("customers.csv", GOOD)
    await core_house.imports.apply(customers_plan, folder)
    found = await all_customers(core_house)
    await core_house.customers.change(found["A"].id, CustomerChange(tags=["vip"]), by="person:t")
    write("customers.csv", GOOD.replace("Nguyễn Thị Hoa,0901 234 567", "Nguyễn Hoa,0908 888 888"))
    outcome = await core_house.imports.apply(customers_plan, folder)
    assert (outcome.counts.created, outcome.counts.updated, outcome.counts.unchanged) == (0, 1, 2)
    changed = (await all_customers(core_house))["A"]
    assert changed.display_name == "Nguyễn Hoa"
    assert changed.tags == ["vip"]
    phones = [p.normalised for p in changed.contact_points if p.kind == "phone"]
    assert phones == ["+84901234567", "+84908888888"]


BAD = """\
id,name,phone,email
A,Nguyễn Hoa,0901234567,hoa@example.com
B,,0912345678,
C,Lê Minh,12,minh@example.com
D,Lê Mai,0901234568,mai@nowhere
E,Lê "Em,0901234569,
F,Phạm An
G,Đỗ Giang,0908111222,giang@example.com
"""


async def test_bad_rows_are_told_by_line_column_value_and_reason_and_good_rows_go_in(
    core_house, write, customers_plan
):
    outcome = await core_house.imports.apply(customers_plan, write("customers.csv", BAD))
    assert sorted(await all_customers(core_house)) == ["A", "E", "G"]
    assert consistent(outcome.counts)
    told = {(f.line, f.column, f.value): (f.problem.code, f.weight) for f in outcome.findings.first}
    assert told == {
        (3, "name", ""): ("missing", "error"),
        (4, "phone", "12"): ("phone-too-short", "error"),
        (5, "email", "mai@nowhere"): ("not-an-email", "error"),
        (7, "phone", "2 cells"): ("ragged-row", "error"),
    }
    assert all(f.problem.message and f.problem.expected for f in outcome.findings.first)


def rows_of(path):
    return list(csv.reader(Path(path).read_text("utf-8-sig").splitlines()))


def write_rows(path, rows):
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    Path(path).write_text(out.getvalue(), "utf-8-sig")


async def test_rejected_rows_are_kept_mended_and_imported_again(core_house, write, customers_plan):
    outcome = await core_house.imports.apply(customers_plan, write("customers.csv", BAD))
    [report] = outcome.files
    rows = rows_of(report.mend)
    assert rows[0] == ["id", "name", "phone", "email", "relatum_line", "relatum_number", "problem"]
    assert [row[0] for row in rows[1:]] == ["F", "B", "C", "D"]
    by_id = {row[0]: row for row in rows[1:]}
    assert by_id["C"][:5] == ["C", "Lê Minh", "12", "minh@example.com", "4"]
    assert "phone" in by_id["C"][-1]

    by_id["B"][1] = "Trần Bình"
    by_id["C"][2] = "0912345670"
    by_id["D"][3] = ""
    by_id["F"] = ["F", "Phạm An", "", "", "7", "", ""]
    write_rows(report.mend, [rows[0], *by_id.values()])
    folder = core_house.imports.folder(outcome.id)
    again = await core_house.imports.apply(load_plan(folder / "plan.toml"), folder)
    assert (again.counts.created, again.counts.rejected) == (4, 0)
    assert sorted(await all_customers(core_house)) == list("ABCDEFG")


async def test_unmended_rows_stay_out_when_imported_again(core_house, write, customers_plan):
    outcome = await core_house.imports.apply(customers_plan, write("customers.csv", BAD))
    folder = core_house.imports.folder(outcome.id)
    again = await core_house.imports.apply(load_plan(folder / "plan.toml"), folder)
    assert (again.counts.created, again.counts.rejected) == (0, 4)


async def test_a_preview_writes_nothing_and_says_what_applying_says(
    core_house, write, customers_plan, state_of
):
    folder = write("customers.csv", BAD)
    before = await core_house.db.fetch("SELECT count(*) FROM core_event")
    preview = await core_house.imports.preview(customers_plan, folder)
    assert await core_house.db.fetch("SELECT count(*) FROM core_event") == before
    assert await state_of(core_house) == {"customers": [], "links": [], "interactions": []}
    assert await core_house.imports.entries() == []
    assert not (core_house.settings.home / "imports").exists()
    assert not preview.blocked
    [report] = preview.files
    assert (report.encoding, report.delimiter) == ("utf-8", ",")
    assert report.first[0]["display_name"] == "Nguyễn Hoa"
    assert report.rehearsed
    outcome = await core_house.imports.apply(customers_plan, folder)
    assert preview.counts == outcome.counts
    assert preview.findings == outcome.findings


async def test_a_preview_tries_out_whole_files_up_to_a_number_of_records(core_house, write):
    """The second file is too large: it is read and mapped, and nothing false is said about it."""
    rows = "".join(f"K{n},Name {n}\n" for n in range(20))
    folder = write("customers.csv", "id,name\n" + rows)
    lines = "".join(f"{n},sold,K{n % 20},2024-05-01,1,{n}\n" for n in range(49))
    write("lines.csv", "invoice,kind,who,date,quantity,price\n" + lines + "50,sold,,never,1,1\n")
    imports = Imports(core_house, batch=10)
    preview = await imports.preview(parse_plan(LINES), folder, rehearse=30)
    assert [report.rehearsed for report in preview.files] == [True, False]
    assert [report.counts.created for report in preview.files] == [20, 0]
    assert [report.counts.rejected for report in preview.files] == [0, 1]
    assert [(f.line, f.column) for f in preview.findings.first] == [(51, "date")]
    whole = await imports.preview(parse_plan(LINES), folder, rehearse=None)
    assert [report.counts.created for report in whole.files] == [20, 49]
    assert await core_house.imports.entries() == []


async def test_a_plan_that_does_not_fit_is_refused_whole(core_house, write, state_of):
    plan = parse_plan(
        """
        name = "x"
        [[files]]
        path = "customers.csv"
        target = "core.customers"
        columns = {display_name = "Name"}
        [[files]]
        path = "missing.csv"
        target = "core.customers"
        columns = {display_name = "Name"}
        [[files]]
        path = "customers.csv"
        target = "core.customer"
        """
    )
    folder = write("customers.csv", GOOD)
    with pytest.raises(InvalidInput) as refusal:
        await core_house.imports.apply(plan, folder)
    codes = {problem.code for problem in refusal.value.problems}
    assert codes == {"no-such-column", "no-such-file", "no-such-target"}
    preview = await core_house.imports.preview(plan, folder)
    assert preview.blocked
    assert {problem.code for problem in preview.problems} == codes
    assert (await state_of(core_house))["customers"] == []
    assert await core_house.imports.entries() == []


FAMILY = """
name = "crm"
[[fields]]
key = "sector"
[[fields]]
key = "staff"
type = "integer"
[[fields]]
key = "since"
type = "date"
[[fields]]
key = "active"
type = "boolean"
[[files]]
path = "accounts.csv"
target = "core.customers"
[files.columns]
external_id = "account"
display_name = "account"
kind = {value = "organisation"}
linked_by.parent_of = "parent"
fields.sector = "sector"
fields.staff = "staff"
fields.since = {column = "since", date = "dd/MM/yyyy"}
fields.active = "active"
"""


async def test_custom_fields_are_declared_and_typed(core_house, write):
    content = "account,parent,sector,staff,since,active\nAcme,,spa,12,01/02/2020,có\n"
    await core_house.imports.apply(parse_plan(FAMILY), write("accounts.csv", content))
    [customer] = (await core_house.customers.find(CustomerQuery())).items
    assert customer.fields == {"sector": "spa", "staff": 12, "since": "2020-02-01", "active": True}
    assert customer.kind == "organisation"
    content += "Bluth,,spa,many,31/02/2020,maybe\n"
    outcome = await core_house.imports.apply(parse_plan(FAMILY), write("accounts.csv", content))
    assert {f.column for f in outcome.findings.first} == {"staff", "since", "active"}


@pytest.mark.parametrize("rows", [["Acme,,", "Bluth,Acme,"], ["Bluth,Acme,", "Acme,,"]])
async def test_a_parent_may_come_before_or_after(core_house, write, rows):
    content = "account,parent,sector,staff,since,active\n"
    content += "".join(f"{row},,,\n" for row in rows)
    outcome = await core_house.imports.apply(parse_plan(FAMILY), write("accounts.csv", content))
    ids = await core_house.customers.ids_by_external("crm", ["Acme", "Bluth"])
    [link] = await core_house.customers.links.of(ids["Bluth"])
    assert (link.source, link.kind, link.target) == (ids["Acme"], "parent_of", ids["Bluth"])
    assert outcome.counts.created == 2


async def test_a_parent_that_is_nowhere_is_told(core_house, write):
    content = "account,parent,sector,staff,since,active\nBluth,Acme,,,,\nSelf,Self,,,,\n"
    outcome = await core_house.imports.apply(parse_plan(FAMILY), write("accounts.csv", content))
    told = [(f.line, f.problem.code, f.weight) for f in outcome.findings.first]
    assert told == [(2, "no-such-customer", "note"), (3, "link-to-itself", "note")]
    assert outcome.counts.created == 2
    assert outcome.counts.notes == 2


async def test_the_same_id_twice_in_a_file_is_noted_and_added_up(core_house, write, customers_plan):
    content = "id,name,phone,email\nA,An,0901234567,\nA,An,,an@example.com\nA,An,0901234567,\n"
    outcome = await core_house.imports.apply(customers_plan, write("customers.csv", content))
    assert [(f.line, f.problem.code, f.weight) for f in outcome.findings.first] == [
        (3, "given-twice", "note")
    ]
    assert (outcome.counts.created, outcome.counts.updated, outcome.counts.unchanged) == (1, 1, 1)
    customer = (await all_customers(core_house))["A"]
    assert {p.kind for p in customer.contact_points} == {"phone", "email"}


DISTINCT = """
name = "shop"
[[files]]
path = "lines.csv"
target = "core.customers"
distinct = "who"
skip_when = [{column = "who", empty = true}]
[files.columns]
external_id = "who"
display_name = {template = "Customer {who}"}
tags = "country"
"""


async def test_the_first_of_rows_alike_counts_and_others_are_noted_once(core_house, write):
    content = "who,country,item\n1,UK,a\n1,UK,b\n,UK,c\n1,FR,d\n1,FR,e\n2,UK,f\n"
    outcome = await core_house.imports.apply(parse_plan(DISTINCT), write("lines.csv", content))
    counts = outcome.counts
    assert (counts.created, counts.repeated, counts.skipped, counts.notes) == (2, 3, 1, 1)
    assert consistent(counts)
    [note] = outcome.findings.first
    assert (note.line, note.column, note.value) == (5, "country", "FR")
    assert "line 2" in note.problem.message
    assert (await all_customers(core_house))["1"].tags == ["UK"]


LINES = """
name = "shop"
currency = "GBP"
[[files]]
path = "customers.csv"
target = "core.customers"
columns = {external_id = "id", display_name = "name"}
[[files]]
path = "lines.csv"
target = "core.interactions"
number_by = "invoice"
[files.columns]
idempotency_key = {template = "{invoice}/{number}"}
kind = {template = "{kind}", map = {sold = "core.purchase", back = "core.cancellation"}}
customer = "who"
occurred_at = "date"
money = {multiply = ["quantity", "price"]}
payload.reference = "invoice"
payload.quantity = "quantity"
payload.unit_price = "price"
"""
INVOICES = """\
invoice,kind,who,date,quantity,price
1,sold,A,2024-05-01 08:00,2,1.255
1,sold,A,2024-05-01 08:00,2,1.255
C2,back,,2024-05-02 09:00,-1,3
3,sold,Z,2024-05-02 09:00,1,3
4,sold,A,2024-05-02 09:00,one,3
"""


async def test_interactions_are_anonymous_or_of_a_customer_that_is_known(core_house, write):
    folder = write("customers.csv", "id,name\nA,An\n")
    write("lines.csv", INVOICES)
    outcome = await core_house.imports.apply(parse_plan(LINES), folder)
    counts = outcome.files[1].counts
    assert (counts.created, counts.rejected) == (3, 2)
    told = {(f.line, f.column, f.value, f.problem.code) for f in outcome.findings.first}
    assert told == {
        (5, "who", "Z", "no-such-customer"),
        (6, "quantity and price", "one and 3", "not-a-number"),
    }
    found = [one async for batch in core_house.interactions.all_batches() for one in batch]
    assert [one.kind for one in found] == ["core.purchase", "core.purchase", "core.cancellation"]
    assert [one.money.amount for one in found] == [251, 251, -300]
    assert [one.idempotency_key for one in found] == ["shop:1/1", "shop:1/2", "shop:C2/1"]
    assert found[2].customer_id is None
    assert msgspec.json.decode(found[0].payload) == {
        "reference": "1",
        "quantity": "2",
        "unit_price": "1.255",
    }
    again = await core_house.imports.apply(parse_plan(LINES), folder)
    assert (again.files[1].counts.created, again.files[1].counts.unchanged) == (0, 3)


async def test_a_mended_line_keeps_its_number(core_house, write):
    """Line 3 of invoice 1 is mended alone: its key must not be that of line 1."""
    folder = write("customers.csv", "id,name\nA,An\n")
    content = "invoice,kind,who,date,quantity,price\n" + "".join(
        f"1,sold,A,2024-05-01 08:00,{quantity},1\n" for quantity in ("1", "2", "bad", "4")
    )
    write("lines.csv", content)
    outcome = await core_house.imports.apply(parse_plan(LINES), folder)
    mend = core_house.imports.folder(outcome.id)
    path = mend / "lines.csv"
    path.write_text(path.read_text("utf-8-sig").replace("bad", "3"), encoding="utf-8-sig")
    again = await core_house.imports.apply(load_plan(mend / "plan.toml"), mend)
    assert again.counts.created == 1
    found = [one async for batch in core_house.interactions.all_batches() for one in batch]
    quantities = {
        one.idempotency_key: msgspec.json.decode(one.payload)["quantity"] for one in found
    }
    assert quantities == {"shop:1/1": "1", "shop:1/2": "2", "shop:1/3": "3", "shop:1/4": "4"}


async def test_a_key_with_other_content_is_an_error_and_never_swallowed(core_house, write):
    folder = write("customers.csv", "id,name\nA,An\n")
    plan = parse_plan(LINES.replace("{invoice}/{number}", "{invoice}"))
    head = "invoice,kind,who,date,quantity,price\n"
    write(
        "lines.csv",
        head + "1,sold,A,2024-05-01,1,1\n1,sold,A,2024-05-01,1,1\n1,sold,A,2024-05-01,2,1\n",
    )
    outcome = await core_house.imports.apply(plan, folder)
    counts = outcome.files[1].counts
    assert (counts.created, counts.unchanged, counts.rejected) == (1, 1, 1)
    write("lines.csv", head + "1,sold,A,2024-05-01,3,1\n")
    outcome = await core_house.imports.apply(plan, folder)
    assert [f.problem.code for f in outcome.findings.first] == ["key-taken"]


async def test_payloads_are_typed_by_their_kind(core_house, write):
    plan = parse_plan(
        """
        name = "calls"
        [[files]]
        path = "calls.csv"
        target = "core.interactions"
        [files.columns]
        idempotency_key = "id"
        kind = {value = "core.call"}
        occurred_at = "at"
        handle = "number"
        payload.number = "number"
        payload.seconds = "seconds"
        payload.answered = "answered"
        """
    )
    content = "id,at,number,seconds,answered\n1,2024-05-01 08:00,0901234567,63,true\n"
    content += "2,2024-05-01 08:00,0901234567,long,true\n"
    outcome = await core_house.imports.apply(plan, write("calls.csv", content))
    [call] = [one async for batch in core_house.interactions.all_batches() for one in batch]
    assert msgspec.json.decode(call.payload) == {
        "number": "0901234567",
        "seconds": 63,
        "answered": True,
    }
    [finding] = outcome.findings.first
    assert (finding.line, finding.problem.code) == (3, "bad-payload")


async def test_hostile_text_is_refused_or_kept_as_it_is(core_house, write, customers_plan):
    content = (
        b"id,name,phone,email\n"
        b'A,"Robert\'); DROP TABLE core_customer;--",,\n'
        b"B,{{ 7*7 }} <script>,,\n"
        b"C,nul\x00byte,,\n"
        b"D,bell\x07,,\n"
        b"E,bad\xff,,\n"
        b"F," + b"x" * 301 + b",,\n"
        b"G,=HYPERLINK(1),,\n"
    )
    outcome = await core_house.imports.apply(customers_plan, write("customers.csv", content))
    found = await all_customers(core_house)
    assert {id: c.display_name for id, c in found.items()} == {
        "A": "Robert'); DROP TABLE core_customer;--",
        "B": "{{ 7*7 }} <script>",
        "G": "=HYPERLINK(1)",
    }
    assert {(f.line, f.column) for f in outcome.findings.first} == {
        (4, "name"),
        (5, "name"),
        (6, "name"),
        (7, "name"),
    }


@pytest.mark.parametrize("path", ["**x.csv", f"{'a' * 300}.csv", "[.csv"])
async def test_a_pattern_that_no_file_can_have_is_told(core_house, write, path):
    folder = write("customers.csv", "id,name,phone,email\n")
    plan = parse_plan(f'name = "x"\n[[files]]\npath = "{path}"\ntarget = "core.customers"\n')
    preview = await core_house.imports.preview(plan, folder)
    assert [problem.code for problem in preview.problems] == ["no-such-file"]
