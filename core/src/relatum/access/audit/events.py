"""Facts about looking at what is sensitive, and about keys."""

from __future__ import annotations

from uuid import UUID

import msgspec

from relatum.hooks.declarations import EventType
from relatum.values.text import Text


class SensitiveRead(msgspec.Struct, frozen=True):
    """Somebody was shown these fields of these customers unmasked; at most 200 customers."""

    customers: list[UUID]
    fields: list[str]


class KeysRotated(msgspec.Struct, frozen=True):
    """A new key is current; ``renewed`` values were encrypted again under it."""

    key: str
    renewed: int


class AuditTaken(msgspec.Struct, frozen=True):
    """Somebody took entries of the audit trail out into a file.

    Attributes:
        filters: which ones, as they were asked for.
        before: only entries with a smaller number.
    """

    filters: dict[str, str]
    before: int


AUDIT_TAKEN = "core.access.audit_taken"
SENSITIVE_READ = "core.access.sensitive_read"
KEYS_ROTATED = "core.access.keys_rotated"

EVENT_TYPES = [
    EventType(
        id=SENSITIVE_READ,
        title=Text(en="Sensitive fields read", vi="Đã xem trường nhạy cảm"),
        payload=SensitiveRead,
    ),
    EventType(
        id=AUDIT_TAKEN,
        title=Text(en="Audit trail downloaded", vi="Đã tải nhật ký kiểm tra"),
        payload=AuditTaken,
    ),
    EventType(
        id=KEYS_ROTATED,
        title=Text(en="Keys rotated", vi="Đã đổi khoá mã hoá"),
        payload=KeysRotated,
    ),
]
