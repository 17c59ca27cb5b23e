"""Facts that the plugin appends to the event log."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

import msgspec

from relatum.api import EventType, Text
from relatum_consent.permissions import BREACHES_READ, REQUESTS_READ, RETENTION_READ


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


class BreachRecorded(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A breach of personal data is in the record, or is overdue to be reported."""

    breach_id: UUID
    notify_by: dt.datetime


class RetentionMoved(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody is due to be erased, is kept, no longer due, or erased; see the states there."""

    due_id: UUID
    rule: str
    state: str


RECEIVED = "consent.request_received"
MOVED = "consent.request_moved"
OVERDUE = "consent.request_overdue"
BREACH = "consent.breach_recorded"
BREACH_OVERDUE = "consent.breach_overdue"
RETENTION = "consent.retention_moved"

EVENT_TYPES = [
    EventType(
        id=BREACH,
        title=Text(en="Data breach recorded", vi="Đã ghi vi phạm dữ liệu"),
        payload=BreachRecorded,
        permission=BREACHES_READ,
    ),
    EventType(
        id=BREACH_OVERDUE,
        title=Text(en="Data breach not reported in time", vi="Vi phạm dữ liệu chưa báo đúng hạn"),
        payload=BreachRecorded,
        permission=BREACHES_READ,
    ),
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
    EventType(
        id=RETENTION,
        title=Text(en="Erasure on schedule moved", vi="Lịch xoá dữ liệu được cập nhật"),
        payload=RetentionMoved,
        permission=RETENTION_READ,
    ),
]
