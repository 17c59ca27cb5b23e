"""The mark in every row of a file that left the house: which export, for whom, when.

A file with the mark is one that we wrote: its cells carry the guard against formulas, and an import
leaves the mark out.
"""

from __future__ import annotations

import datetime as dt
from uuid import UUID

import msgspec

#: Heading of the column (key of the objects) that holds the mark.
COLUMN = "relatum_export"


class Watermark(msgspec.Struct, frozen=True, kw_only=True):
    """Who took the file out, when, and by which export."""

    export: UUID
    person: str
    at: dt.datetime

    def __str__(self) -> str:
        """As it stands in the file: one line, never a formula."""
        person = " ".join(self.person.split())
        return f"{self.export} · {person} · {self.at.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC"
