"""Cells that a spreadsheet would run, made harmless so that taking the guard off gives them back.

What is guarded follows OWASP's page on CSV injection: ``=``, ``+``, ``-``, ``@``, tab, carriage
return and line feed at the beginning, also in their full-width forms. Plain numbers and phone
numbers are no formulas and stay as they are, so that ``-5`` is a number and ``+84901234567`` can be
dialled.
"""

from __future__ import annotations

import re

GUARD = "'"
_RISKY = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", GUARD)
_HARMLESS = re.compile(
    r"[+-]?[0-9]+(?:[.,][0-9]+)*(?:[eE][+-]?[0-9]{1,3})?"  # a number
    r"|\+[0-9]+(?:[ .][0-9]+)*"  # a phone number: signs that calculate are not in it
)


def guard(cell: str) -> str:
    """An apostrophe before a cell that a spreadsheet would take for a formula.

    A cell that begins with an apostrophe gets one too, so that :func:`unguard` always undoes it.
    """
    if cell.startswith(_RISKY) and not _HARMLESS.fullmatch(cell):
        return f"{GUARD}{cell}"
    return cell


def unguard(cell: str) -> str:
    """The cell as it was before :func:`guard`."""
    return cell[1:] if cell.startswith(GUARD) else cell
