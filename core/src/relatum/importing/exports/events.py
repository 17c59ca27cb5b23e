"""Facts about exports."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec

from relatum.hooks.declarations import EventType
from relatum.values.text import Text


class ExportRequested(msgspec.Struct, frozen=True):
    export: UUID
    target: str
    format: str
    filters: dict[str, Any]
    why: str


class ExportCounted(msgspec.Struct, frozen=True):
    """``records`` are written, or wait for a second person."""

    export: UUID
    target: str
    records: int


class ExportDecided(msgspec.Struct, frozen=True):
    export: UUID
    target: str
    records: int
    why: str


class ExportEnded(msgspec.Struct, frozen=True):
    export: UUID
    target: str
    reason: str


REQUESTED = "core.export_requested"
WAITS = "core.export_waits"
APPROVED = "core.export_approved"
REFUSED = "core.export_refused"
WRITTEN = "core.export_written"
DOWNLOADED = "core.export_downloaded"
FAILED = "core.export_failed"
LAPSED = "core.export_lapsed"
DELETED = "core.export_deleted"

EVENT_TYPES = [
    EventType(id=id, title=Text(en=en, vi=vi), payload=payload)
    for id, en, vi, payload in (
        (REQUESTED, "Export asked for", "Đã yêu cầu xuất dữ liệu", ExportRequested),
        (WAITS, "Export waits for a second person", "Yêu cầu xuất chờ duyệt", ExportCounted),
        (APPROVED, "Export approved", "Đã duyệt xuất dữ liệu", ExportDecided),
        (REFUSED, "Export refused", "Đã từ chối xuất dữ liệu", ExportDecided),
        (WRITTEN, "Export written", "Đã xuất dữ liệu", ExportCounted),
        (DOWNLOADED, "Export downloaded", "Đã tải tệp xuất", ExportCounted),
        (FAILED, "Export failed", "Xuất dữ liệu không thành công", ExportEnded),
        (LAPSED, "Export request lapsed", "Yêu cầu xuất đã hết hạn", ExportEnded),
        (DELETED, "Export deleted", "Đã xoá tệp xuất", ExportEnded),
    )
]
