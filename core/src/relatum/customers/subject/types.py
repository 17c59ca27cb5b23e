"""What crosses the border of subject exports."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from relatum.values.text import Text

SubjectExportState = Literal["queued", "running", "ready", "failed", "deleted"]
Language = Literal["vi", "en"]
#: Why something is not as it is stored: of the staff, of another customer, a secret that cannot be
#: read, a key that nobody is given, a file that lies beside the data.
What = Literal["staff", "other_customer", "unreadable", "key", "file"]


class ColumnHeld(msgspec.Struct, frozen=True, kw_only=True):
    """A column. ``points_at`` is the table whose rows it names, if it names any."""

    name: str
    type: str
    title: Text
    points_at: str = ""


class TableHeld(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of one table that are about the person.

    Attributes:
        plugin: whose table it is; ``core`` for those of the house.
        rows: values as JSON has them, by column; those of others are reduced.
        archived: how many of the rows come from files of the archive; the rest are in the database.
    """

    name: str
    plugin: str
    title: Text
    columns: list[ColumnHeld]
    rows: list[dict[str, Any]]
    archived: int = 0


class Reduced(msgspec.Struct, frozen=True, kw_only=True):
    """In so many rows this column was not handed over as it is stored, and why."""

    table: str
    column: str
    what: What
    rows: int


class FileHeld(msgspec.Struct, frozen=True, kw_only=True):
    """What a column holds that is no text, as a file. ``path`` is its place in the archive."""

    path: str
    content: bytes


class LeftOut(msgspec.Struct, frozen=True, kw_only=True):
    """A table that was not searched, and why."""

    table: str
    why: Text


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the house holds about one person.

    Attributes:
        ids: under which they are known: their own, and of everybody merged into them.
    """

    customer: UUID
    name: str
    ids: list[UUID]
    began_at: dt.datetime
    ended_at: dt.datetime
    tables: list[TableHeld]
    reduced: list[Reduced]
    left_out: list[LeftOut]
    files: list[FileHeld]

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(len(table.rows) for table in self.tables)


class SubjectRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What an archive is wanted for, and in which language its page is written."""

    why: Annotated[str, Meta(min_length=3, max_length=300)]
    language: Language = "vi"


class SubjectExport(msgspec.Struct, frozen=True, kw_only=True):
    """An archive that was asked for, and what came of it.

    Attributes:
        by: who asked, ``person`` their name.
        rows: of all tables together.
        size: of the file, in bytes; ``sha256`` is of the whole file.
        expires_at: when the file is deleted.
    """

    id: UUID
    customer: UUID
    state: SubjectExportState
    language: Language
    why: str
    account: UUID | None
    by: str
    person: str
    rows: int | None
    size: int | None
    sha256: str
    error: str
    created_at: dt.datetime
    finished_at: dt.datetime | None
    expires_at: dt.datetime

    @property
    def file_name(self) -> str:
        """What the file is called when it is downloaded; it does not say whose it is."""
        return f"personal-data-{self.created_at:%Y%m%d}-{str(self.id)[-6:]}.zip"


class SubjectFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file to be downloaded."""

    path: Path
    name: str
    size: int
