"""Facts about imports."""

from __future__ import annotations

from uuid import UUID

import msgspec

from relatum.hooks.declarations import EventType
from relatum.values.text import Text


class ImportApplied(msgspec.Struct, frozen=True):
    """``created`` and ``updated`` count records."""

    import_id: UUID
    name: str
    created: int
    updated: int


class ImportUndone(msgspec.Struct, frozen=True):
    """``kept`` counts rows that were changed since and stay."""

    import_id: UUID
    name: str
    kept: int


APPLIED = "core.import_applied"
UNDONE = "core.import_undone"

EVENT_TYPES = [
    EventType(
        id=APPLIED,
        title=Text(en="Import applied", vi="Đã nhập dữ liệu"),
        payload=ImportApplied,
    ),
    EventType(
        id=UNDONE,
        title=Text(en="Import undone", vi="Đã huỷ lần nhập dữ liệu"),
        payload=ImportUndone,
    ),
]
