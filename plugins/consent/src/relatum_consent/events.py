"""Facts that the plugin appends to the event log."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

import msgspec

from relatum.api import EventType, Text
from relatum_consent.permissions import REQUESTS_READ


class RequestReceived(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody asks about their data."""

    request_id: UUID
    kind: str
    due_on: dt.date


class RequestMoved(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A request is a step further."""

    request_id: UUID
    kind: str
    state: str


class RequestOverdue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A request was not met in time."""

    request_id: UUID
    kind: str
    due_on: dt.date


RECEIVED = "consent.request_received"
MOVED = "consent.request_moved"
OVERDUE = "consent.request_overdue"

EVENT_TYPES = [
    EventType(
        id=RECEIVED,
        title=Text(en="Request about personal data", vi="Yêu cầu về dữ liệu cá nhân"),
        payload=RequestReceived,
        permission=REQUESTS_READ,
    ),
    EventType(
        id=MOVED,
        title=Text(en="Request about personal data moved", vi="Yêu cầu dữ liệu được cập nhật"),
        payload=RequestMoved,
        permission=REQUESTS_READ,
    ),
    EventType(
        id=OVERDUE,
        title=Text(en="Request about personal data overdue", vi="Yêu cầu dữ liệu quá hạn"),
        payload=RequestOverdue,
        permission=REQUESTS_READ,
    ),
]
