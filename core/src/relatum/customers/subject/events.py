"""Facts about handing a person what is held about them."""

from __future__ import annotations

from uuid import UUID

import msgspec

from relatum.hooks.declarations import EventType
from relatum.values.text import Text


class SubjectExportAsked(msgspec.Struct, frozen=True):
    export: UUID
    why: str


class SubjectExportMade(msgspec.Struct, frozen=True):
    """``rows`` of all tables are in the file with this checksum."""

    export: UUID
    rows: int
    sha256: str


class SubjectExportEnded(msgspec.Struct, frozen=True):
    export: UUID
    reason: str


REQUESTED = "core.subject_export_requested"
WRITTEN = "core.subject_export_written"
DOWNLOADED = "core.subject_export_downloaded"
FAILED = "core.subject_export_failed"
DELETED = "core.subject_export_deleted"

EVENT_TYPES = [
    EventType(id=id, title=Text(en=en, vi=vi), payload=payload)
    for id, en, vi, payload in (
        (REQUESTED, "Personal data asked for", "Đã yêu cầu xuất hồ sơ", SubjectExportAsked),
        (WRITTEN, "Personal data written", "Đã ghi tệp hồ sơ", SubjectExportMade),
        (DOWNLOADED, "Personal data downloaded", "Đã tải tệp hồ sơ", SubjectExportMade),
        (FAILED, "Personal data not written", "Không ghi được tệp hồ sơ", SubjectExportEnded),
        (DELETED, "Personal data file deleted", "Đã xoá tệp hồ sơ", SubjectExportEnded),
    )
]
