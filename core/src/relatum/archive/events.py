"""Facts about the archive."""

from __future__ import annotations

import msgspec

from relatum.hooks.declarations import EventType
from relatum.values.text import Text


class ArchiveFact(msgspec.Struct, frozen=True, kw_only=True):
    """A month of a table and the file it is in.

    ``first`` and ``last`` are keys: numbers of events, ids of interactions.
    """

    table: str
    month: str
    file: str
    rows: int
    first: str
    last: str
    sha256: str


ARCHIVED = "core.archive.archived"
RESTORED = "core.archive.restored"

EVENT_TYPES = [
    EventType(
        id=ARCHIVED,
        title=Text(en="Month archived", vi="Đã lưu trữ tháng"),
        payload=ArchiveFact,
    ),
    EventType(
        id=RESTORED,
        title=Text(en="Month restored from the archive", vi="Đã khôi phục tháng từ lưu trữ"),
        payload=ArchiveFact,
    ),
]
