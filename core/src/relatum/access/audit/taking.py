"""Taking the audit trail out: noted in the trail itself before the first entry leaves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import msgspec

from relatum.access.audit import events as facts
from relatum.events.types import NewEvent

if TYPE_CHECKING:
    from relatum.access.audit.trail import Audit
    from relatum.access.audit.types import AuditItem, AuditQuery
    from relatum.events.log import EventLog

#: Entries that are read at once: enough for a quick file, few enough for a small process.
AT_ONCE = 500


async def note_taken(log: EventLog, query: AuditQuery, *, by: str) -> AuditQuery:
    """Write down that somebody takes entries out; the query for those that there were before."""
    before = await log.last() + 1
    asked = msgspec.structs.asdict(query)
    filters = {
        name: str(value)
        for name, value in asked.items()
        if value is not None and name not in ("limit", "cursor")
    }
    taken = facts.AuditTaken(filters=filters, before=before)
    await log.append([NewEvent(type=facts.AUDIT_TAKEN, payload=taken)], by=by)
    return msgspec.structs.replace(query, cursor=str(before), limit=AT_ONCE)


async def every_entry(audit: Audit, query: AuditQuery) -> AsyncIterator[list[AuditItem]]:
    """All entries that a query finds, newest first, some at a time."""
    while True:
        found = await audit.entries(query)
        yield found.items
        if found.next is None:
            return
        query = msgspec.structs.replace(query, cursor=found.next)
