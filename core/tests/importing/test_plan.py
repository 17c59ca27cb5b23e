"""Plans: strict, and every problem at once."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relatum.importing.columns import Spec
from relatum.importing.plan import FilePlan, Plan, dump_plan, load_plan, parse_plan
from relatum.values.problems import InvalidInput

WHOLE = """
name = "crm"
title = "Everything a plan can say"
currency = "VND"
time_zone = "Asia/Ho_Chi_Minh"

[[fields]]
key = "sector"
type = "choice"
choices = ["spa", "school"]

[[files]]
path = "2024/*.csv.gz"
target = "core.customers"
distinct = "Id"
number_by = "Invoice"
skip_when = [{column = "Id", empty = true}, {column = "State", one_of = ["x", "y"]}]
accept_proposals = ["product"]
options = {pipeline = "main"}
currency = "USD"

[files.columns]
external_id = "Id"
display_name = {columns = ["Family", "Given"], join = " "}
kind = {when = [{column = "Type", starts = "C", value = "organisation"}], else = "person"}
phone = ["Mobile", {column = "Other", split = ";"}]
roles = {column = "Role", map = {KH = "customer"}, else = "prospect"}
fields.sector = "Sector"
"fields.value" = {template = "{Id}/{line}", drop_end = ".0"}
money = {multiply = ["Quantity", "Price"], currency = "USD", decimal = ","}

[files.confirm.product]
GTXPro = "GTX Pro"

[files.format]
delimiter = ";"
encoding = "windows-1258"
header = true
skip_lines = 2
date = "dd/MM/yyyy"
decimal = ","
"""


def test_everything_a_plan_can_say_is_read():
    plan = parse_plan(WHOLE)
    [entry] = plan.files
    assert plan.fields[0].choices == ["spa", "school"]
    assert entry.columns["external_id"] == Spec(column="Id")
    assert entry.columns["fields.sector"] == Spec(column="Sector")
    assert entry.columns["fields.value"] == Spec(template="{Id}/{line}", drop_end=".0")
    assert entry.columns["phone"] == [Spec(column="Mobile"), Spec(column="Other", split=";")]
    assert entry.columns["kind"].when[0].value == "organisation"
    assert entry.columns["kind"].otherwise == "person"
    assert entry.confirm == {"product": {"GTXPro": "GTX Pro"}}
    assert entry.skip_when[1].one_of == ["x", "y"]
    assert entry.format.skip_lines == 2


def test_a_plan_written_out_reads_back_as_itself():
    plan = parse_plan(WHOLE)
    again = parse_plan(dump_plan(plan))
    assert again == plan
    assert again.digest == plan.digest


def test_all_problems_are_told_at_once_each_with_its_place_and_the_nearest_name():
    with pytest.raises(InvalidInput) as refusal:
        parse_plan(
            """
            naem = "x"
            currency = "XXY"
            time_zone = "Asia/Saigonn"
            [[files]]
            path = "/etc/passwd"
            target = "core.customers"
            colums = {}
            skip_when = [{column = "A", empty = true, equals = "x"}]
            [files.columns]
            a = {column = "x", mapp = {}}
            b = {column = "x", value = 1}
            c = {when = [{column = "x", value = "y"}]}
            [files.format]
            delimitr = ","
            header = "yes"
            [[files]]
            path = "notes.docx"
            [files.format]
            delimiter = "::"
            """,
            source="p.toml",
        )
    found = {
        (problem.where.removeprefix("p.toml, "), problem.code) for problem in refusal.value.problems
    }
    assert found == {
        ("naem", "unknown-name"),
        ("name", "missing"),
        ("currency", "unknown-currency"),
        ("time_zone", "unknown-time-zone"),
        ("files[1].path", "outside"),
        ("files[1].colums", "unknown-name"),
        ("files[1].columns.a.mapp", "unknown-name"),
        ("files[1].columns.b", "no-single-source"),
        ("files[1].columns.c.when[1]", "no-single-test"),
        ("files[1].format.delimitr", "unknown-name"),
        ("files[1].format.header", "bad-value"),
        ("files[2].path", "unknown-format"),
        ("files[2].target", "missing"),
        ("files[2].format.delimiter", "bad-value"),
    }
    mends = {p.got: p.mend for p in refusal.value.problems}
    assert "name" in mends["naem"]
    assert "columns" in mends["colums"]
    assert "delimiter" in mends["delimitr"]


@pytest.mark.parametrize("text", ["name = ", "\x00", "[[files]\n"])
def test_broken_toml_is_told(text):
    with pytest.raises(InvalidInput, match="not valid TOML"):
        parse_plan(text)


def test_a_plan_without_files_is_refused():
    with pytest.raises(InvalidInput, match="names no file"):
        parse_plan('name = "x"\nfiles = []')


def test_a_missing_plan_file_is_told(tmp_path):
    with pytest.raises(InvalidInput, match="no plan"):
        load_plan(tmp_path / "nowhere.toml")


@pytest.mark.parametrize("path", ["../secret.csv", "a/../../b.csv", "/x.csv"])
def test_files_stay_inside_the_folder(path):
    with pytest.raises(InvalidInput) as refusal:
        parse_plan(f'name = "x"\n[[files]]\npath = "{path}"\ntarget = "core.customers"')
    assert [problem.code for problem in refusal.value.problems] == ["outside"]


texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)
specs = st.one_of(
    st.builds(Spec, column=texts),
    st.builds(Spec, value=texts | st.integers(-5, 5) | st.booleans()),
    st.builds(Spec, template=texts, drop_end=st.none() | texts),
    st.builds(Spec, column=texts, map=st.dictionaries(texts, texts, min_size=1), split=texts),
    st.builds(Spec, multiply=st.lists(texts, min_size=1, max_size=3)),
)


@settings(deadline=None)
@given(
    columns=st.dictionaries(
        st.from_regex(r"[a-z]{1,6}(\.[a-z]{1,6})?", fullmatch=True), specs | st.lists(specs)
    ),
    confirm=st.dictionaries(texts, st.dictionaries(texts, texts, min_size=1), max_size=2),
)
def test_any_plan_survives_being_written_and_read(columns, confirm):
    entry = FilePlan(path="a.csv", target="core.customers", columns=columns, confirm=confirm)
    plan = Plan(name="x", files=[entry])
    assert parse_plan(dump_plan(plan)) == plan


@pytest.mark.parametrize("lines", [-1, 10_001, 2**62])
def test_lines_to_skip_are_a_sensible_number(lines):
    plan = f"{SOUND_PLAN}[files.format]\nskip_lines = {lines}\n"
    with pytest.raises(InvalidInput) as refusal:
        parse_plan(plan)
    assert "skip_lines" in str(refusal.value)


SOUND_PLAN = 'name = "x"\n[[files]]\npath = "a.csv"\ntarget = "core.customers"\n'
