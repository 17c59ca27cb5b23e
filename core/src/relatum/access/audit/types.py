"""The audit trail as it is asked for and shown."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from relatum.values.text import Text


class AuditQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which entries, newest first.

    Attributes:
        actor: who did it or asked for it, as an entry's ``who.actor`` says: ``person:<id>``.
        type: a type of event, or how it begins: ``core.access.`` for everything about access.
        recorded_from: from this moment on.
        recorded_before: before this moment.
        cursor: the ``next`` of the page before.
    """

    actor: Annotated[str, Meta(max_length=120)] | None = None
    customer: UUID | None = None
    type: Annotated[str, Meta(max_length=120)] | None = None
    recorded_from: dt.datetime | None = None
    recorded_before: dt.datetime | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    cursor: str | None = None


class Who(msgspec.Struct, frozen=True):
    """Somebody or something that acted. ``name`` is empty when it has none (any more)."""

    actor: str
    name: str = ""


class Changed(msgspec.Struct, frozen=True):
    """One value before and after."""

    field: str
    before: Any
    after: Any


class AuditItem(msgspec.Struct, frozen=True, kw_only=True):
    """One entry: who, what, when, from, to, why.

    Attributes:
        seq: its number in the log.
        at: when it was recorded.
        who: who did it.
        asked_by: who asked for it, when it was done in the name of something else.
        type, what: the type of event, and its title in both languages.
        customer, customer_name: whom it is about; the name they have now.
        changes: values before and after.
        details: everything else that the event says.
        why: the reason that was given.
        token, session, request: the way it came in.
    """

    seq: int
    at: dt.datetime
    who: Who
    asked_by: Who | None
    type: str
    what: Text
    customer: UUID | None
    customer_name: str
    changes: list[Changed]
    details: dict[str, Any]
    why: str
    token: UUID | None
    session: UUID | None
    request: str
