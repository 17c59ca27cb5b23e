"""What crosses the border of uploads."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

import msgspec

from relatum.importing.plan import FileKind


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """A file that somebody brought.

    Attributes:
        name: as it was called, with the ending of what it is.
        kind: found out by its content.
        size: in bytes.
        digest: SHA-256, hexadecimal.
        expires_at: when it is deleted.
    """

    id: UUID
    name: str
    kind: FileKind
    size: int
    digest: str
    created_at: dt.datetime
    expires_at: dt.datetime
