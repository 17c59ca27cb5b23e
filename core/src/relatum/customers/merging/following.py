"""Events of somebody who was merged, as handlers get them: they are the survivor's from then on.

The log is left as it was. What is handed over is read under the ids that customers have at that
moment, so that a handler that is late, was parked or begins at the beginning (its plugin was
installed after the merge) writes nothing for somebody who is not there any more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from relatum.customers.events import MERGED, UNMERGED
from relatum.customers.merging.records import Records
from relatum.events.types import Event

if TYPE_CHECKING:
    from relatum.db.database import Database

#: These tell of both.
KEPT = frozenset({MERGED, UNMERGED})


class CurrentIds:
    """Knows under which id customers are now; the protocol ``Identities`` of the event log."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._records = Records(db)

    async def read(self, events: Sequence[Event]) -> Sequence[Event]:
        """The events under the ids of now, in their order; inside the batch's transaction."""
        customers = [event.customer for event in events if event.customer is not None]
        ids = await self._records.current_of(customers)
        if not ids:
            return events
        return [event if event.type in KEPT else _under(event, ids) for event in events]


def _under(event: Event, ids: Mapping[UUID, UUID]) -> Event:
    text = bytes(event.payload).decode()
    for before, now in ids.items():
        text = text.replace(f'"{before}"', f'"{now}"')
    return msgspec.structs.replace(
        event,
        customer=ids.get(event.customer, event.customer) if event.customer else None,
        payload=msgspec.Raw(text.encode()),
    )
