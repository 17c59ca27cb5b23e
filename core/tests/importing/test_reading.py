"""Reading files: what is sound comes out exactly, what is not is told by line and column."""

import csv
import gzip
import io
import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relatum.importing.plan import Format
from relatum.importing.reading import open_table
from relatum.values.problems import InvalidInput


def read(folder, name, **form):
    return open_table(folder / name, Format(**form), name=name)


def cells(table):
    return [row.cells for row in table.rows() if row.problem is None]


def problems(table):
    return [(row.problem.code, row.problem.where) for row in table.rows() if row.problem]


# -- the files of csv-spectrum -------------------------------------------------------------------

SPECTRUM = [
    "comma_in_quotes",
    "empty",
    "empty_crlf",
    "escaped_quotes",
    "json",
    "newlines",
    "newlines_crlf",
    "quotes_and_newlines",
    "simple",
    "simple_crlf",
    "utf8",
]


@pytest.mark.parametrize("name", SPECTRUM)
def test_csv_spectrum_reads_as_its_json_says(data, name):
    folder = data / "csv_torture" / "csv_spectrum"
    table = open_table(folder / "csvs" / f"{name}.csv", Format())
    expected = json.loads((folder / "json" / f"{name}.json").read_text(encoding="utf-8"))
    rows = list(table.rows())
    assert [row.problem for row in rows] == [None] * len(rows)
    assert [dict(zip(table.headings, row.cells, strict=True)) for row in rows] == expected


def test_csv_spectrum_has_no_file_that_is_not_tested(data):
    there = {path.stem for path in (data / "csv_torture" / "csv_spectrum" / "csvs").iterdir()}
    assert there == {*SPECTRUM, "location_coordinates"}


def test_quotes_inside_of_unquoted_cells_are_text(data):
    """The JSON beside this file was published with another phone number than the CSV has."""
    folder = data / "csv_torture" / "csv_spectrum"
    table = open_table(folder / "csvs" / "location_coordinates.csv", Format())
    expected = json.loads((folder / "json" / "location_coordinates.json").read_text("utf-8"))
    expected["Contact Phone Number"] = "2095257564"
    [row] = cells(table)
    assert dict(zip(table.headings, row, strict=True)) == expected


# -- the law -------------------------------------------------------------------------------------

text = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20
).map(lambda t: __import__("unicodedata").normalize("NFC", t))
grids = st.integers(2, 6).flatmap(
    lambda width: st.lists(
        st.lists(text, min_size=width, max_size=width).filter(lambda r: "".join(r).strip()),
        min_size=1,
        max_size=8,
    )
)


@given(rows=grids, delimiter=st.sampled_from(",;\t|"), end=st.sampled_from(["\n", "\r\n"]))
def test_whatever_a_csv_writer_wrote_is_read_back(tmp_path_factory, rows, delimiter, end):
    path = tmp_path_factory.getbasetemp() / "law.csv"
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerow([f"heading {n}" for n in range(len(rows[0]))])
    writer.writerows(rows)
    path.write_bytes(out.getvalue().encode())
    table = open_table(path, Format(delimiter=delimiter, encoding="utf-8"))
    assert cells(table) == rows
    assert problems(table) == []


@given(rows=grids, bad=st.data())
def test_a_damaged_row_harms_no_other(tmp_path_factory, rows, bad):
    """A row with a NUL byte is put anywhere: all others come out, each with its own line."""
    rows = [[cell.replace("\n", " ").replace("\r", " ") or "x" for cell in row] for row in rows]
    rows = [[cell if cell.strip() else "x" for cell in row] for row in rows]
    place = bad.draw(st.integers(0, len(rows)))
    damaged = ["\x00"] * len(rows[0])
    path = tmp_path_factory.getbasetemp() / "damaged.csv"
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerow([f"heading {n}" for n in range(len(rows[0]))])
    writer.writerows([*rows[:place], damaged, *rows[place:]])
    path.write_bytes(out.getvalue().encode())
    table = open_table(path, Format(delimiter=",", encoding="utf-8"))
    found = list(table.rows())
    assert [row.line for row in found] == list(range(2, len(rows) + 3))
    assert [row.cells for row in found if not row.problem] == rows
    assert [row.line for row in found if row.problem] == [place + 2]


# -- encodings -----------------------------------------------------------------------------------

VIETNAMESE = "tên,địa chỉ\nNguyễn Thị Ánh Tuyết,Đường Lê Lợi\nTrần Đức Hiếu,Phố Huế Hà Nội\n" * 4


@pytest.mark.parametrize(
    ("encoding", "detected"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
    ],
)
def test_unicode_is_recognised(write, encoding, detected):
    folder = write("a.csv", VIETNAMESE.encode(encoding))
    table = read(folder, "a.csv")
    assert table.encoding == detected
    assert table.headings == ["tên", "địa chỉ"]
    assert cells(table)[0] == ["Nguyễn Thị Ánh Tuyết", "Đường Lê Lợi"]


def in_windows_1258(text):
    """The tone as a mark behind the letter where the code page has no letter with it."""
    import unicodedata

    out = b""
    for char in text:
        try:
            out += char.encode("cp1258")
        except UnicodeEncodeError:
            parts = unicodedata.normalize("NFD", char)
            base = unicodedata.normalize("NFC", "".join(p for p in parts if p not in TONES))
            out += (base + "".join(p for p in parts if p in TONES)).encode("cp1258")
    return out


TONES = "\u0300\u0301\u0303\u0309\u0323"


def test_windows_1258_is_recognised_and_its_marks_joined(write):
    folder = write("a.csv", in_windows_1258(VIETNAMESE))
    table = read(folder, "a.csv")
    assert table.encoding == "windows-1258"
    assert table.headings == ["tên", "địa chỉ"]
    assert cells(table)[1] == ["Trần Đức Hiếu", "Phố Huế Hà Nội"]


def test_windows_1252_is_recognised(write):
    text = "name,city\nAndré Müller,Genève\nJosé Peña,Málaga\nZoë Brontë,Curaçao\n" * 3
    table = read(write("a.csv", text.encode("cp1252")), "a.csv")
    assert table.encoding == "windows-1252"
    assert cells(table)[0] == ["André Müller", "Genève"]


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("TCVN3", b"ten,dia chi\nNguy\xd4n V\xa8n H\xb6i,\xae\xad\xeang L\xaa L\xeei\n" * 5),
        (
            "VNI",
            b"ten,dia chi\nNguye\xe3n Va\xeen Ho\xe0,\xf1\xf6\xf4\xf8ng Le\xe2 Lo\xf4\xef\n" * 5,
        ),
    ],
)
def test_fonts_from_before_unicode_are_told_and_not_guessed(write, name, raw):
    with pytest.raises(InvalidInput) as refusal:
        read(write("a.csv", raw), "a.csv")
    [problem] = refusal.value.problems
    assert problem.code == "unknown-encoding"
    assert name in problem.message
    assert "UTF-8" in problem.mend


def test_a_few_stray_bytes_leave_a_file_utf_8_and_are_told(write):
    raw = "name,city\nNguyễn Hoa,Huế\n".encode() + b"Caf\xe9,Paris\n" + "Lê An,Hà Nội\n".encode()
    table = read(write("a.csv", raw), "a.csv")
    assert table.encoding == "utf-8"
    assert cells(table) == [["Nguyễn Hoa", "Huế"], ["Lê An", "Hà Nội"]]
    assert problems(table) == [("invalid-encoding", "line 3, column name")]
    [bad] = [row for row in table.rows() if row.problem]
    assert bad.problem.got == "byte 0xE9"


def test_an_encoding_that_is_said_is_used(write):
    folder = write("a.csv", "name,x\nAndré,1\n".encode("cp1252"))
    assert cells(read(folder, "a.csv", encoding="cp1252")) == [["André", "1"]]
    with pytest.raises(InvalidInput, match="no encoding"):
        read(folder, "a.csv", encoding="utf-9")


# -- delimiters, headings ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "delimiter"),
    [
        ("a,b,c\n1,2,3\n", ","),
        ("a;b;c\n1,5;2,5;3,5\n", ";"),
        ("a\tb\n1,2\t3,4\n", "\t"),
        ("a|b\n1;2|3;4\n", "|"),
        ("a\n1\n", ","),
        ('name;note\nA;"x, y"\nB;"p, q, r"\n', ";"),
        ("sep=|\na|b\n1|2\n", "|"),
    ],
)
def test_delimiters_are_found(write, content, delimiter):
    table = read(write("a.csv", content), "a.csv")
    assert table.delimiter == delimiter
    assert len({len(row) for row in [table.headings, *cells(table)]}) == 1


def test_repeated_headings_are_told_and_can_be_told_apart(write):
    table = read(write("a.csv", "id,phone,phone\n1,2,3\n"), "a.csv")
    [note] = table.notes
    assert (note.code, note.where) == ("repeated-heading", "a.csv, line 1, columns 2, 3")
    assert table.missing("phone", "here").code == "ambiguous-heading"
    assert table.missing("phone#2", "here") is None
    assert table.index_of("phone#2") == 2


def test_a_heading_that_is_not_there_is_told_with_the_nearest(write):
    table = read(write("a.csv", "Customer ID,Name\n1,2\n"), "a.csv")
    problem = table.missing("CustomerID", "columns.external_id")
    assert problem.code == "no-such-column"
    assert "Customer ID" in problem.mend


def test_headings_that_look_like_data_are_noted_and_can_be_switched_off(write):
    folder = write("a.csv", "17850,lan@example.com\n17851,mai@example.com\n")
    assert [note.code for note in read(folder, "a.csv").notes] == ["no-headings"]
    table = read(folder, "a.csv", header=False)
    assert table.headings == ["1", "2"]
    assert len(cells(table)) == 2


def test_lines_above_the_headings_are_skipped(write):
    table = read(write("a.csv", "Report of May\n\nid,name\n1,An\n"), "a.csv", skip_lines=2)
    assert table.headings == ["id", "name"]
    assert [(row.line, row.cells) for row in table.rows()] == [(4, ["1", "An"])]


@pytest.mark.parametrize("raw", [b"", b"\n\n", b"\xef\xbb\xbf", b"\x00\x00"])
def test_an_empty_file_is_told(write, raw):
    with pytest.raises(InvalidInput) as refusal:
        read(write("a.csv", raw), "a.csv")
    assert [problem.code for problem in refusal.value.problems] == ["empty-file"]


def test_a_file_of_headings_alone_has_no_rows(write):
    assert list(read(write("a.csv", "a,b\n"), "a.csv").rows()) == []


# -- damage --------------------------------------------------------------------------------------


def test_ragged_rows_are_told_and_trailing_empty_cells_are_not(write):
    table = read(write("a.csv", "a,b,c\n1,2,3\n1,2\n1,2,3,4\n1,2,3,,\n,,\n\n4,5,6\n"), "a.csv")
    assert cells(table) == [["1", "2", "3"], ["1", "2", "3"], ["4", "5", "6"]]
    assert problems(table) == [
        ("ragged-row", "line 3, column c"),
        ("ragged-row", "line 4, column 4"),
    ]


def test_rows_without_content_are_left_out(write):
    table = read(write("a.csv", "a,b\n1,2\n,\n\n , \n3,4\n"), "a.csv")
    assert [(row.line, row.cells) for row in table.rows()] == [(2, ["1", "2"]), (6, ["3", "4"])]


def test_an_unclosed_quote_costs_its_own_row_only(write):
    content = 'id,note\n1,fine\n2,"never closed\n3,fine\n4,"also ""fine"""\n'
    table = read(write("a.csv", content), "a.csv")
    # The quote that opens in line 3 closes in line 5, where text follows it.
    found = [(row.line, row.problem.code if row.problem else row.cells) for row in table.rows()]
    assert found[0] == (2, ["1", "fine"])
    assert found[1] == (3, "bad-quotes")
    table = read(write("b.csv", 'id,note\n1,fine\n2,"never closed\n3,fine\n4,fine\n'), "b.csv")
    assert cells(table) == [["1", "fine"], ["3", "fine"], ["4", "fine"]]
    assert problems(table) == [("unclosed-quote", "line 3, column note")]


def test_an_unclosed_quote_in_a_long_file_is_found_and_the_rest_is_read(write):
    rows = [f"{n},text {n}" for n in range(6_000)]
    rows[1_000] = '1000,"open'
    table = read(write("a.csv", "id,note\n" + "\n".join(rows) + "\n"), "a.csv")
    assert len(cells(table)) == 5_999
    assert problems(table) == [("unclosed-quote", "line 1002, column note")]


def test_text_behind_a_closing_quote_is_told_and_kept(write):
    table = read(write("a.csv", 'id,note\n1,"a" b\n2,fine\n'), "a.csv")
    assert cells(table) == [["2", "fine"]]
    [bad] = [row for row in table.rows() if row.problem]
    assert (bad.problem.code, bad.line, bad.raw) == ("bad-quotes", 2, '1,"a" b\n')


def test_a_cell_of_ten_megabytes_is_refused_and_harms_no_other(write):
    big = "x" * 10_000_000
    table = read(write("a.csv", f"id,note\n1,{big}\n2,fine\n3,{big}\n"), "a.csv")
    found = [row for row in table.rows() if row.problem is None]
    assert [row.cells for row in found] == [["2", "fine"]]
    assert {code for code, _ in problems(table)} == {"row-too-long"}


def test_rows_keep_their_lines_through_cells_of_several_lines(write):
    table = read(write("a.csv", 'id,note\n1,"a\nb\nc"\n2,"d\r\ne"\n\n3,f\n'), "a.csv")
    assert [(row.line, row.cells[0]) for row in table.rows()] == [(2, "1"), (5, "2"), (8, "3")]


def test_gzip_is_read_and_a_torn_one_told(write):
    raw = gzip.compress(b"id,name\n" + b"".join(b"%d,An\n" % n for n in range(20_000)))
    folder = write("a.csv.gz", raw)
    assert len(cells(read(folder, "a.csv.gz"))) == 20_000
    (folder / "b.csv.gz").write_bytes(raw[: len(raw) // 2])
    table = read(folder, "b.csv.gz")
    sound = cells(table)
    assert 0 < len(sound) < 20_000
    assert sound == [[str(n), "An"] for n in range(len(sound))]
    assert [code for code, _ in problems(table)] == ["damaged-file"]
    (folder / "c.csv.gz").write_bytes(b"no gzip at all")
    with pytest.raises(InvalidInput, match="cannot be read"):
        read(folder, "c.csv.gz")


def test_json_lines_are_read_and_broken_ones_told(write):
    content = '{"id": 1, "name": "An"}\n\n{"id": 2,\n[1]\n{"id": 3, "tags": ["a"]}\n'
    table = read(write("a.jsonl", content), "a.jsonl")
    assert cells(table) == [{"id": 1, "name": "An"}, {"id": 3, "tags": ["a"]}]
    assert problems(table) == [("not-json", "line 3"), ("not-json", "line 4")]
    assert table.headings == ["id", "name", "tags"]


def test_memory_stays_flat(write):
    """200,000 rows (6 MB) are never in memory together."""
    folder = write(
        "a.csv", "id,name,note\n" + "".join(f"{n},An,some text\n" for n in range(200_000))
    )
    table = read(folder, "a.csv")
    tracemalloc.start()
    count = sum(1 for _ in table.rows())
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 200_000
    assert most < 2_000_000


@pytest.mark.parametrize(
    "encoding",
    ["undefined", "punycode", "idna", "zip", "hex", "a\x00b", "klingon"],
)
def test_encodings_that_cannot_be_meant_are_told(tmp_path, encoding):
    (tmp_path / "a.csv").write_bytes("tên,số\nÂn,1\n".encode())
    with pytest.raises(InvalidInput) as refusal:
        list(open_table(tmp_path / "a.csv", Format(encoding=encoding)).rows())
    assert refusal.value.problems[0].code in {"unknown-encoding", "bad-headings"}


@pytest.mark.parametrize("encoding", ["utf_16", "utf-16", "utf-32"])
def test_a_wide_encoding_that_the_file_has_not_is_no_crash(tmp_path, encoding):
    (tmp_path / "a.csv").write_bytes("tên,số\nÂn,1\n".encode())
    try:
        rows = list(open_table(tmp_path / "a.csv", Format(encoding=encoding)).rows())
    except InvalidInput:
        return
    assert [row for row in rows if "Ân" in str(row.cells)] == []
