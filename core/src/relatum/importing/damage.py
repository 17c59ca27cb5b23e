"""What can be wrong with a row before anybody looks at its meaning, told by line and column."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from relatum.access.policies import MASK
from relatum.values.problems import Problem

if TYPE_CHECKING:
    from relatum.importing.reading import Table

_SHOWN = 60


def bad_character(line: int, cells: list[str], sign: str, table: Table) -> Problem:
    """A NUL byte, or bytes that are not of the file's encoding."""
    place = next(number for number, cell in enumerate(cells) if sign in cell)
    where = f"line {line}, column {table.headings[place]}"
    if sign == "\x00":
        return Problem(
            code="nul-byte",
            message="The cell has a NUL byte",
            where=where,
            expected="text",
            got=repr(cells[place])[:_SHOWN],
            mend="Remove it.",
        )
    return Problem(
        code="invalid-encoding",
        message=f"The cell is not valid {table.encoding}",
        where=where,
        expected=f"text in {table.encoding}",
        got=f"byte 0x{ord(sign) & 0xFF:02X}",
        mend='Correct it, or say encoding = "windows-1258" (or 1252) if the file is that.',
    )


def ragged(line: int, cells: list[str], table: Table) -> Problem:
    """More or fewer cells than headings."""
    width = len(table.headings)
    fewer = len(cells) < width
    if table.kind == "xlsx":
        mend = "Write a heading above the last cell, or empty it."
    elif fewer:
        mend = "Add the missing delimiters; an empty cell needs one too."
    else:
        mend = f"Put cells with a {table.delimiter!r} inside into double quotes."
    return Problem(
        code="ragged-row",
        message=f"The row has too {'few' if fewer else 'many'} cells",
        where=f"line {line}, column {table.headings[len(cells)] if fewer else width + 1}",
        expected=f"{width} cells, as many as headings",
        got=f"{len(cells)} cells",
        mend=mend,
    )


def unclosed_quote(line: int, text: str, table: Table) -> Problem:
    """A quote that opens in ``text`` and has no end."""
    cells = next(csv.reader([text], delimiter=table.delimiter), [])
    place = max(len(cells) - 1, 0)
    column = table.headings[place] if place < len(table.headings) else str(place + 1)
    return Problem(
        code="unclosed-quote",
        message="A double quote opens here and is never closed",
        where=f"line {line}, column {column}",
        expected="a closing double quote",
        got=repr(text.strip())[:_SHOWN],
        mend="Close it, or double it if it belongs to the text.",
    )


def bad_quotes(line: int, text: str, table: Table) -> Problem:
    """Something between a closing quote and the next delimiter."""
    return Problem(
        code="bad-quotes",
        message="Text follows a closing double quote",
        where=f"line {line}",
        expected=f"a {table.delimiter!r} or the end of the line after a closing double quote",
        got=repr(text.strip())[:_SHOWN],
        mend="Double every double quote inside of a quoted cell.",
    )


def too_long(line: int, length: int, most: int) -> Problem:
    """A row or a cell that no honest file has."""
    return Problem(
        code="row-too-long",
        message="The row is too long to be one",
        where=f"line {line}",
        expected=f"cells of at most {most:,} characters",
        got=f"{length:,} characters and more",
        mend="Shorten it.",
    )


def ends_early(line: int, reason: str, table: Table) -> Problem:
    """The file breaks off in the middle."""
    return Problem(
        code="damaged-file",
        message=f"{table.name} is damaged and ends here: {reason}",
        where=f"line {line}",
        expected="a whole file",
        mend="Fetch or export it again; what was read up to here is sound.",
    )


def other_sheets(table: Table, others: list[str]) -> Problem:
    """A workbook has more sheets than the one that is read."""
    return Problem(
        code="other-sheets",
        message=f"{table.name} has {len(others) + 1} sheets; {table.sheet!r} is read",
        where=table.name,
        got=", ".join(others)[:200],
        mend='Say sheet = "…" in [files.format] for another one.',
    )


def masked(line: int) -> Problem:
    """Whoever exported the row was not shown all of it."""
    return Problem(
        code="masked",
        message=f"The row was exported with masked values ({MASK})",
        where=f"line {line}",
        expected="values as they are",
        got=MASK,
        mend="Empty the masked cells, which then change nothing, or write what belongs there.",
    )


def not_json(line: int, text: str, reason: str) -> Problem:
    """A line of a JSON lines file that is no object."""
    return Problem(
        code="not-json",
        message=f"The line is no JSON object: {reason}",
        where=f"line {line}",
        expected='one object a line: {"name": "value", …}',
        got=repr(text.strip())[:_SHOWN],
        mend="Correct it.",
    )


def repeated_heading(table: Table, heading: str) -> Problem:
    """Two columns that are headed alike."""
    places = [str(n) for n, known in enumerate(table.headings, start=1) if known == heading]
    return Problem(
        code="repeated-heading",
        message=f"{len(places)} columns are headed {heading!r}",
        where=f"{table.name}, line {table.skip_lines + 1}, columns {', '.join(places)}",
        expected="each heading once",
        mend=f"In the plan, {heading}#1 is the first of them, {heading}#2 the second.",
    )


def no_headings(table: Table) -> Problem:
    """A first line that looks like a row."""
    return Problem(
        code="no-headings",
        message="The first line looks like data, not like headings",
        where=f"{table.name}, line {table.skip_lines + 1}",
        got=", ".join(table.headings)[:_SHOWN],
        mend="Say header = false in [files.format]; columns are then named 1, 2, 3 …",
    )
