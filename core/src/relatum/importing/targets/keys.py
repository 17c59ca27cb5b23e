"""How exported rows name customers: by one external id that an import gives back to them.

A customer that came from an export has that id in the source ``relatum``; any other is named by its
own id. Exporting, importing elsewhere and exporting again therefore gives the same names.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from relatum.db.database import Database

EXPORT_SOURCE = "relatum"


async def export_keys(db: Database, customers: Iterable[UUID]) -> dict[UUID, str]:
    """Customer → the external id it is exported under."""
    ids = list(dict.fromkeys(customers))
    rows = await db.fetch_in(
        "SELECT customer_id, external_id FROM core_external_id "
        "WHERE customer_id IN ({}) AND source = ?",
        ids,
        EXPORT_SOURCE,
    )
    return {**{id: str(id) for id in ids}, **dict(rows)}
