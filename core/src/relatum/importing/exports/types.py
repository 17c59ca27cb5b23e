"""What crosses the border of exports."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from relatum.importing.plan import FileKind

#: ``waiting`` for a second person; ``lapsed`` when nobody decided in time; ``deleted`` when the
#: file is gone.
ExportState = Literal[
    "queued", "running", "waiting", "ready", "refused", "lapsed", "failed", "deleted"
]
Why = Annotated[str, Meta(min_length=3, max_length=300)]


class ExportDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What somebody wants to take out.

    Attributes:
        target: id of the kind of data.
        filters: as the list of that kind takes them.
        why: what for; it is kept with everything that comes of it.
    """

    target: Annotated[str, Meta(min_length=1, max_length=120)]
    format: FileKind = "xlsx"
    filters: dict[str, Any] = {}
    why: Why


class ExportDecision(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Why a request is let go or refused."""

    why: Annotated[str, Meta(max_length=300)] = ""


class Export(msgspec.Struct, frozen=True, kw_only=True):
    """A request and what came of it.

    Attributes:
        by: who asked, ``person`` their name.
        records: that were counted or written.
        decided_by: the second person.
        expires_at: when the request lapses, or the file is deleted.
    """

    id: UUID
    state: ExportState
    target: str
    format: FileKind
    filters: dict[str, Any]
    why: str
    account: UUID | None
    by: str
    person: str
    records: int | None
    size: int | None
    decided_account: UUID | None
    decided_by: str
    decided_why: str
    decided_at: dt.datetime | None
    error: str
    created_at: dt.datetime
    finished_at: dt.datetime | None
    expires_at: dt.datetime

    @property
    def file_name(self) -> str:
        """What the file is called when it is downloaded."""
        return f"{self.target}-{self.created_at:%Y%m%d}.{self.format}"


class ExportFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file to be downloaded."""

    path: Path
    name: str
    size: int
