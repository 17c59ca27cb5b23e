"""Workbooks: ours and those of others, and files that only say they are workbooks."""

from __future__ import annotations

import datetime as dt
import io
import tracemalloc
import zipfile
from pathlib import Path

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relatum.importing.plan import Format
from relatum.importing.reading import open_table
from relatum.importing.sheets import Workbook
from relatum.importing.workbooks import SheetFile
from relatum.values.problems import InvalidInput

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"

quick = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
# All that XML and a database hold: no lone surrogates, no NUL.
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)


def rows_of(raw: bytes | Path, sheet: str | None = None) -> list[tuple[int, list[str]]]:
    stream = raw.open("rb") if isinstance(raw, Path) else io.BytesIO(raw)
    with stream:
        book = Workbook(stream, "book.xlsx")
        return list(book.rows(sheet or book.sheets[0]))


def book_of(sheet: str, **parts: str) -> bytes:
    """A workbook by hand."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>'
            '<sheet name="One" sheetId="1" r:id="rId1"/></sheets></workbook>',
        )
        book.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" '
            f'Type="{OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        )
        book.writestr("xl/worksheets/sheet1.xml", sheet)
        for name, content in parts.items():
            book.writestr(f"xl/{name}.xml", content)
    return out.getvalue()


def sheet_of(rows: str) -> str:
    return f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>'


# -- ours -----------------------------------------------------------------------------------------


@quick
@given(st.lists(st.lists(texts, min_size=1, max_size=4), max_size=5))
def test_what_is_written_is_read_back(tmp_path, rows):
    path = tmp_path / "out.xlsx"
    sheet = SheetFile(path)
    for row in rows:
        sheet.write(row)
    sheet.close()
    read = dict(rows_of(path))
    for number, row in enumerate(rows, start=1):
        while row and not row[-1]:
            row.pop()
        assert read.get(number, []) == row


def test_others_read_ours_and_no_cell_is_a_formula(tmp_path):
    cells = ["=1+1", "+84 90", "@x", 'Nguyễn <&> "Ân"', " blanks ", "two\nlines", "-5", "'x"]
    sheet = SheetFile(tmp_path / "out.xlsx")
    sheet.write(["a", *[""] * 27, "far"])
    sheet.write(cells)
    sheet.close()
    book = openpyxl.load_workbook(tmp_path / "out.xlsx")
    assert book.sheetnames == ["Relatum"]
    first, second = book.active.iter_rows()
    assert (first[0].value, first[28].value, first[28].coordinate) == ("a", "far", "AC1")
    assert [cell.value for cell in second[: len(cells)]] == cells
    assert {cell.data_type for cell in second[: len(cells)]} <= {"s", "inlineStr"}


def test_what_a_spreadsheet_cannot_open_is_not_written(tmp_path):
    sheet = SheetFile(tmp_path / "out.xlsx")
    with pytest.raises(InvalidInput, match="take CSV"):
        sheet.write(["x" * 32_768])
    sheet.close()


# -- those of others ------------------------------------------------------------------------------


@pytest.fixture
def of_openpyxl(tmp_path: Path) -> Path:
    """A workbook with everything that people put into one."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Khách hàng"
    sheet.append(["name", "born", "met", "level", "share", "active", "total", "at", "phone"])
    sheet.append(
        [
            "Nguyễn Văn Ân",
            dt.date(1990, 2, 1),
            dt.datetime(2024, 5, 6, 7, 8, 9),  # noqa: DTZ001 - spreadsheets know no zones
            12,
            0.1,
            True,
            "=1+1",
            dt.time(9, 30),
            84901234567,
        ]
    )
    sheet["A5"] = "after a gap"
    other = book.create_sheet("Khác")
    other.append(["x"])
    other.append(["1"])
    book.save(tmp_path / "book.xlsx")
    return tmp_path / "book.xlsx"


def test_days_numbers_truth_and_shared_texts(of_openpyxl):
    rows = rows_of(of_openpyxl)
    assert rows[1] == (
        2,
        [
            "Nguyễn Văn Ân",
            "1990-02-01",
            "2024-05-06 07:08:09",
            "12",
            "0.1",
            "true",
            "",  # a formula that nobody has calculated
            "09:30:00",
            "84901234567",
        ],
    )
    assert rows[2] == (5, ["after a gap"])


def test_a_table_reads_the_first_sheet_and_tells_of_others(of_openpyxl):
    table = open_table(of_openpyxl, Format())
    assert table.headings[:2] == ["name", "born"]
    [note] = table.notes
    assert (note.code, note.got) == ("other-sheets", "Khác")
    assert [(row.line, row.cells[0]) for row in table.rows()] == [
        (2, "Nguyễn Văn Ân"),
        (5, "after a gap"),
    ]
    assert all(len(row.cells) == len(table.headings) for row in table.rows())
    other = open_table(of_openpyxl, Format(sheet="Khác"))
    assert (other.headings, [row.cells for row in other.rows()]) == (["x"], [["1"]])
    with pytest.raises(InvalidInput, match="no sheet 'Khac'"):
        open_table(of_openpyxl, Format(sheet="Khac"))


def test_the_day_that_never_was_and_the_other_calendar():
    styles = (
        f'<styleSheet xmlns="{MAIN}"><numFmts><numFmt numFmtId="164" formatCode="[Red]0.0"/>'
        '<numFmt numFmtId="165" formatCode="dd&quot;d&quot;/mm"/></numFmts>'
        '<cellXfs><xf numFmtId="14"/><xf numFmtId="164"/><xf numFmtId="165"/></cellXfs>'
        "</styleSheet>"
    )
    days = (1, 59, 61, 45_658)
    cells = "".join(f'<c s="0"><v>{day}</v></c>' for day in days)
    cells += '<c s="1"><v>45658</v></c><c s="2"><v>45658.5</v></c>'
    raw = book_of(sheet_of(f"<row>{cells}</row>"), styles=styles)
    assert rows_of(raw) == [
        (
            1,
            [
                "1900-01-01",
                "1900-02-28",
                "1900-03-01",
                "2025-01-01",
                "45658",
                "2025-01-01 12:00:00",
            ],
        )
    ]
    book = openpyxl.Workbook()
    book.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
    book.active.append([dt.date(2025, 1, 1)])
    out = io.BytesIO()
    book.save(out)
    assert rows_of(out.getvalue()) == [(1, ["2025-01-01"])]


def test_a_longer_row_than_its_headings_is_told(tmp_path):
    sheet = SheetFile(tmp_path / "b.xlsx")
    for row in (["a", "b"], ["1", "2", "3"], ["4"]):
        sheet.write(row)
    sheet.close()
    long, short = open_table(tmp_path / "b.xlsx", Format()).rows()
    assert long.problem is not None
    assert (long.problem.code, long.line) == ("ragged-row", 2)
    assert (short.problem, short.cells) == (None, ["4", ""])


# -- hostile files --------------------------------------------------------------------------------


def test_a_bomb_is_refused_unopened():
    raw = book_of(sheet_of("<row/>"), bomb="0" * 64 * 1024 * 1024)
    assert len(raw) < 100_000
    with pytest.raises(InvalidInput, match="unpacks to 64 MiB"):
        rows_of(raw)


def test_thousands_of_parts_are_refused():
    with pytest.raises(InvalidInput, match="3003 parts"):
        rows_of(book_of(sheet_of(""), **{f"p{n}": "" for n in range(3000)}))


def test_two_cells_in_far_corners_cost_nothing(tmp_path):
    rows = (
        '<row r="1"><c r="A1"><v>1</v></c></row>'
        '<row r="1048576"><c r="BZ1048576"><v>2</v></c></row>'
    )
    raw = book_of(sheet_of(rows))
    tracemalloc.start()
    try:
        assert [line for line, _ in rows_of(raw)] == [1, 1_048_576]
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()
    path = tmp_path / "far.xlsx"
    path.write_bytes(
        book_of(sheet_of('<row r="1"><c r="A1"><v>1</v></c><c r="XFD1"><v>2</v></c></row>'))
    )
    with pytest.raises(InvalidInput, match="more than 2000 columns"):
        open_table(path, Format())


ENTITIES = (
    '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]>'
    f'<worksheet xmlns="{MAIN}"><sheetData><row><c t="str"><v>&b;</v></c></row></sheetData>'
    "</worksheet>"
)
OUTSIDE = ENTITIES.replace('"aaaaaaaaaa"', 'SYSTEM "file:///etc/passwd"')


@pytest.mark.parametrize("sheet", [ENTITIES, OUTSIDE], ids=["entities", "outside"])
def test_entities_are_refused(tmp_path, sheet):
    path = tmp_path / "e.xlsx"
    path.write_bytes(book_of(sheet))
    with pytest.raises(InvalidInput, match="document type"):
        open_table(path, Format())


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"PK\x03\x04",
        b"name,phone\n1,2\n",
        bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 600,
        book_of("no xml"),
        book_of(sheet_of('<row r="2"><c><v>1</v></c></row><row r="1"><c><v>1</v></c></row>')),
        book_of(sheet_of('<row><c t="s"><v>7</v></c></row>')),
        book_of(sheet_of(f'<row r="{"9" * 5000}"><c><v>1</v></c></row>')),
    ],
    ids=["empty", "begun", "csv", "old-xls", "no-xml", "backwards", "no-text", "digits"],
)
def test_what_is_no_workbook_is_told_and_not_a_crash(tmp_path, raw):
    path = tmp_path / "x.xlsx"
    path.write_bytes(raw)
    with pytest.raises(InvalidInput):
        list(open_table(path, Format()).rows())


def test_a_sheet_that_breaks_off_gives_the_rows_before(tmp_path):
    rows = "".join(f"<row><c><v>{n}</v></c></row>" for n in range(20_000))
    path = tmp_path / "x.xlsx"
    path.write_bytes(book_of(f'<worksheet xmlns="{MAIN}"><sheetData>{rows}<row><c></row>'))
    *sound, last = open_table(path, Format()).rows()
    assert len(sound) > 10_000
    assert last.problem is not None
    assert last.problem.code == "damaged-file"


WHOLE = book_of(
    sheet_of('<row><c t="s"><v>0</v></c><c><v>1</v></c></row><row><c><v>2</v></c></row>'),
    sharedStrings=f'<sst xmlns="{MAIN}"><si><t>name</t></si></sst>',
)


@quick
@given(
    st.binary(max_size=200)
    | st.tuples(st.integers(0, len(WHOLE) - 1), st.binary(min_size=1, max_size=8)).map(
        lambda change: WHOLE[: change[0]] + change[1] + WHOLE[change[0] + len(change[1]) :]
    )
)
def test_damaged_bytes_never_crash(tmp_path, raw):
    path = tmp_path / "x.xlsx"
    path.write_bytes(raw)
    try:
        table = open_table(path, Format())
    except InvalidInput:
        return
    for row in table.rows():
        assert row.problem is not None or len(row.cells) == len(table.headings)
