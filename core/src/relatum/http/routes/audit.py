"""The audit trail: who did what, when, from what to what and why; and whether it is intact."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import get
from msgspec import Meta

from relatum.access.audit.types import AuditItem, AuditQuery
from relatum.events.checking import SealCheck
from relatum.http.answers import Answer
from relatum.http.calls import Call

TAGS = ["audit"]
#: Seals of at most 1,000 events each, as far as one request goes in a few seconds.
MOST_SEALS = 100


class ListedEntries(msgspec.Struct, frozen=True):
    """Entries, newest first, and the cursor of the following page."""

    items: list[AuditItem]
    next: str | None


class CheckQuery(msgspec.Struct, frozen=True):
    """From where on to check: the ``next`` of the answer before."""

    after: Annotated[int, Meta(ge=0, le=2**53)] = 0


@get("/audit", opt={"permission": "core.audit.read", "query": AuditQuery}, tags=TAGS)
async def read_audit(request: Call) -> Answer[ListedEntries]:
    """Entries of the audit trail. Those about customers whom you do not see are left out."""
    page = await request.house.audit.entries(request.query_as(AuditQuery))
    return Answer(ListedEntries(page.items, page.next))


@get("/audit/check", opt={"permission": "core.audit.read", "query": CheckQuery}, tags=TAGS)
async def check_audit(request: Call) -> Answer[SealCheck]:
    """Hold the audit trail against its seals, at most 100,000 events at a time.

    `accused` names exactly the events that were changed, removed or inserted after they were
    sealed; archived ones are read from their files. `files` are files of the archive that cannot be
    read: the `unread` events in them cannot be checked. While `next` is a number, go on with
    `?after=` that number.
    """
    query = request.query_as(CheckQuery)
    return Answer(await request.house.audit.check(after=query.after, most=MOST_SEALS))


ROUTES = [read_audit, check_audit]
