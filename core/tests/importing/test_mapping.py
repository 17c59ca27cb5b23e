"""Mapping: from the cells of a row to the fields of a record."""

import datetime as dt
from decimal import Decimal
from zoneinfo import ZoneInfo

import msgspec
import pytest

from relatum.importing.cells import CellError
from relatum.importing.conversion import Converter
from relatum.importing.dates import Dates, detect_dates
from relatum.importing.getters import tray_of
from relatum.importing.mapping import Settings, compile_mapping
from relatum.importing.plan import parse_plan
from relatum.importing.reading import open_table
from relatum.interactions.types import Amount


class Thing(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Every sort of field a target may have."""

    name: str
    count: int | None = None
    weight: Decimal | None = None
    active: bool | None = None
    day: dt.date | None = None
    moment: dt.datetime | None = None
    price: Amount | None = None
    tags: list[str] = []
    more: dict[str, object] = {}
    links: dict[str, list[str]] = {}


def compiled(write, content, columns, *, name="t.csv", rest="", **settings):
    folder = write(name, content)
    plan = parse_plan(
        f'name = "x"\n[[files]]\npath = "{name}"\ntarget = "core.things"\n{rest}\n'
        f"[files.columns]\n{columns}\n"
    )
    [entry] = plan.files
    table = open_table(folder / name, entry.format)
    mapping, problems = compile_mapping(
        table,
        entry,
        Thing,
        Dates({}),
        Settings(zone=ZoneInfo("Asia/Ho_Chi_Minh"), currency="VND", **settings),
    )
    return table, mapping, problems


def records(write, content, columns, **rest):
    """The records of all rows; a list of problems for a row that is none."""
    table, mapping, problems = compiled(write, content, columns, **rest)
    assert problems == []
    convert = Converter(Thing, strict=mapping.identity)
    out = []
    for number, row in enumerate(table.rows(), start=1):
        row.number = number
        row.tray = tray_of(row, with_place=mapping.asks_place)
        try:
            record, wrong = convert.one(mapping.values(row))
        except CellError:
            record, wrong = None, mapping.explain(row)
        out.append(record if record is not None else wrong)
    return out


def one(write, content, columns, **rest):
    [record] = records(write, content, columns, **rest)
    return record


def test_every_sort_of_field(write):
    thing = one(
        write,
        "n,c,w,a,d,m,p,t\n An ,12,1.50,có,2024-02-29,2024-05-01 08:30,1.500.000 đ,a; b;;c\n",
        """
        name = "n"
        count = "c"
        weight = "w"
        active = "a"
        day = "d"
        moment = "m"
        price = "p"
        tags = {column = "t", split = ";"}
        more.x = "n"
        links.parent_of = {column = "t", split = ";"}
        """,
    )
    assert thing == Thing(
        name="An",
        count=12,
        weight=Decimal("1.50"),
        active=True,
        day=dt.date(2024, 2, 29),
        moment=dt.datetime(2024, 5, 1, 1, 30, tzinfo=dt.UTC),
        price=Amount(1_500_000, "VND"),
        tags=["a", "b", "c"],
        more={"x": "An"},
        links={"parent_of": ["a", "b", "c"]},
    )


def test_empty_cells_leave_fields_alone(write):
    thing = one(
        write,
        "n,c,d,p,t\nAn,,  ,,\n",
        'name="n"\ncount="c"\nday="d"\nprice="p"\ntags="t"\nmore.c="c"\n',
    )
    assert thing == Thing(name="An")


def test_sources(write):
    things = records(
        write,
        "no,fam,giv,typ,id\nC1,Lê,An,x,17.0\n2,Lê,,y,\n",
        """
        name = {columns = ["fam", "giv"], join = " "}
        more.key = {template = "{no}/{number}"}
        more.place = {template = "line {line}"}
        more.id = {template = "Customer {id}", drop_end = ".0"}
        more.sort = {when = [{column = "no", starts = "C", value = "cancelled"}], else = "sold"}
        more.type = {column = "typ", map = {x = "ex"}, else = "other"}
        more.fixed = {value = 5}
        """,
    )
    assert [thing.name for thing in things] == ["Lê An", "Lê"]
    assert things[0].more == {
        "key": "C1/1",
        "place": "line 2",
        "id": "Customer 17",
        "sort": "cancelled",
        "type": "ex",
        "fixed": 5,
    }
    assert things[1].more == {
        "key": "2/2",
        "place": "line 3",
        "sort": "sold",
        "type": "other",
        "fixed": 5,
    }


@pytest.mark.parametrize(
    ("quantity", "price", "currency", "amount"),
    [
        ("6", "2.55", "GBP", 1530),
        ("3", "0.125", "GBP", 38),  # 37.5 pence
        ("-3", "0.125", "GBP", -38),
        ("1", "0.001", "GBP", 0),
        ("-1", "38970.0", "GBP", -3_897_000),
        ("2", "1500.4", "VND", 3001),
        ("80995", "2.08", "GBP", 16_846_960),
    ],
)
def test_products_are_exact_and_rounded_once_half_away_from_zero(
    write, quantity, price, currency, amount
):
    thing = one(
        write,
        f"n,q,p\nx,{quantity},{price}\n",
        f'name="n"\nprice = {{multiply = ["q", "p"], currency = "{currency}"}}',
    )
    assert thing.price == Amount(amount, currency)


def test_a_product_with_an_empty_cell_is_no_amount(write):
    thing = one(write, "n,q,p\nx,6,\n", 'name="n"\nprice = {multiply = ["q", "p"]}')
    assert thing.price is None


@pytest.mark.parametrize(
    ("decimal", "text", "expected"),
    [
        (",", "1.234,5", Decimal("1234.5")),
        (",", "12,5", Decimal("12.5")),
        (".", "1,234.5", Decimal("1234.5")),
        (".", "1,234,567", Decimal(1234567)),
    ],
)
def test_grouped_numbers_are_read_when_the_plan_says_how(write, decimal, text, expected):
    thing = one(
        write, f'n,w\nx,"{text}"\n', f'name="n"\nweight = {{column="w", decimal="{decimal}"}}'
    )
    assert thing.weight == expected


@pytest.mark.parametrize(
    ("column", "text", "code"),
    [
        ("count", "1,234", "not-a-number"),
        ("count", "null", "not-a-number"),
        ("count", "1.5", "wrong-type"),
        ("weight", "nan", "not-a-number"),
        ("weight", "Infinity", "not-a-number"),
        ("active", "perhaps", "not-yes-or-no"),
        ("day", "2023-02-29", "not-a-date"),
        ("day", "31/12/2023", "not-a-date"),
        ("moment", "2023-01-01 25:00", "not-a-date"),
        ("price", "12.5", "too-many-decimals"),
        ("price", "twelve", "not-an-amount"),
    ],
)
def test_a_cell_that_does_not_fit_is_told(write, column, text, code):
    [problem] = one(write, f'n,c\nx,"{text}"\n', f'name="n"\n{column} = "c"')
    assert problem.code == code
    assert text in problem.got
    assert problem.expected
    assert problem.where == f"/{column}"


def test_every_bad_cell_of_a_row_is_told(write):
    problems = one(write, "n,c,w,a\nx,p,q,r\n", 'name="n"\ncount="c"\nweight="w"\nactive="a"')
    assert [p.where for p in problems] == ["/count", "/weight", "/active"]


def test_every_type_error_of_a_row_is_told(write):
    problems = one(write, "c,t\n1.5,2.5\n", 'count="c"\nname="c"\nmore.x="t"')
    assert [(p.where, p.code) for p in problems] == [("/count", "wrong-type")]
    problems = one(write, '{"count": "x", "day": 5, "what": 1}\n', "", name="t.jsonl", rest="")
    assert {(p.where, p.code) for p in problems} == {
        ("/count", "wrong-type"),
        ("/day", "wrong-type"),
        ("/what", "unknown-field"),
        ("/name", "missing"),
    }


def test_a_missing_required_cell_is_told(write):
    [problem] = one(write, "n,c\n,1\n", 'name="n"\ncount="c"')
    assert (problem.code, problem.where) == ("missing", "/name")


def test_json_lines_need_no_columns(write):
    thing = one(
        write,
        '{"name": "An", "count": 3, "price": {"amount": 5, "currency": "VND"}, '
        '"moment": "2024-05-01T08:30:00+07:00", "tags": ["a"], "more": {"x": [1]}}\n',
        "",
        name="t.jsonl",
    )
    assert thing.price == Amount(5, "VND")
    assert thing.moment == dt.datetime(2024, 5, 1, 1, 30, tzinfo=dt.UTC)
    assert thing.more == {"x": [1]}


def test_json_lines_can_be_mapped(write):
    thing = one(
        write,
        '{"title": "An", "tags": ["a", "b"], "n": 3, "when": "2024-05-01 08:30"}\n',
        'name="title"\ntags="tags"\ncount="n"\nmoment="when"\nmore.key={template="{title}/{line}"}',
        name="t.jsonl",
    )
    assert (thing.name, thing.tags, thing.count) == ("An", ["a", "b"], 3)
    assert thing.moment == dt.datetime(2024, 5, 1, 1, 30, tzinfo=dt.UTC)
    assert thing.more == {"key": "An/1"}


def test_all_problems_of_a_mapping_are_told_at_once(write):
    _, _, problems = compiled(
        write,
        "Customer ID,Name\n1,An\n",
        """
        nmae = "Name"
        count = "CustomerID"
        day = {template = "{Nam}"}
        tags.x = "Name"
        """,
        rest='distinct = "Id"\nskip_when = [{column = "Nme", empty = true}]\n'
        'accept_proposals = ["prise"]\nconfirm = {nam = {x = "y"}}',
    )
    found = {(p.where.removeprefix("t.csv, "), p.code) for p in problems}
    assert found == {
        ("columns.nmae", "no-such-field"),
        ("columns.count", "no-such-column"),
        ("columns.day", "no-such-column"),
        ("columns.tags.x", "no-such-field"),
        ("distinct", "no-such-column"),
        ("skip_when", "no-such-column"),
        ("accept_proposals.prise", "no-such-field"),
        ("confirm.nam", "no-such-field"),
        ("columns", "missing-field"),
    }
    [field] = [p for p in problems if p.where.endswith("nmae")]
    assert "name" in field.mend
    [column] = [p for p in problems if p.where.endswith("count")]
    assert "Customer ID" in column.mend


def test_the_form_of_dates_is_found_from_all_samples():
    forms, problems = detect_dates(
        {
            "vietnamese": ["01/02/2024", "25/12/2024"],
            "american": ["01/02/2024", "12/25/2024"],
            "iso": ["2024-02-01", ""],
            "unclear": ["01/02/2024", "03/04/2024"],
            "nothing": ["", ""],
            "no date": ["abc", "def"],
        },
        "f.csv",
    )
    assert {name: form.shown for name, form in forms.items()} == {
        "vietnamese": "dd/MM/yyyy",
        "american": "MM/dd/yyyy",
        "iso": "yyyy-MM-dd",
    }
    [problem] = problems
    assert problem.code == "ambiguous-dates"
    assert problem.where == "f.csv, column unclear"
    assert "dd/MM/yyyy" in problem.mend


@pytest.mark.parametrize("said", ["dd/MM/yyyy", "%d/%m/%Y", "d/M/yyyy"])
def test_a_form_that_the_plan_says_is_used(write, said):
    thing = one(write, "n,d\nx,03/04/2024\n", f'name="n"\nday = {{column="d", date="{said}"}}')
    assert thing.day == dt.date(2024, 4, 3)


def test_summer_time_of_the_zone_counts(write):
    content = "n,m\nx,2011-01-15 12:00\ny,2011-07-15 12:00\n"
    folder = write("t.csv", content)
    plan = parse_plan(
        'name="x"\n[[files]]\npath="t.csv"\ntarget="core.things"\n'
        '[files.columns]\nname="n"\nmoment="m"'
    )
    table = open_table(folder / "t.csv", plan.files[0].format)
    mapping, _ = compile_mapping(
        table,
        plan.files[0],
        Thing,
        Dates({}),
        Settings(zone=ZoneInfo("Europe/London"), currency="GBP"),
    )
    hours = []
    for row in table.rows():
        row.tray = tray_of(row, with_place=False)
        hours.append(mapping.values(row)["moment"].hour)
    assert hours == [12, 11]
