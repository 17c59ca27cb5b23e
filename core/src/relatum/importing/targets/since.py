"""Which customers somebody else changed after an import, as the event log tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from relatum.customers.events import UPDATED
from relatum.db.guarding import as_the_house
from relatum.importing.undo import POSITION

if TYPE_CHECKING:
    from relatum.db.database import Database
    from relatum.hooks.declarations import ImportScope

_MEMORY = "changed_since"


async def changed_since(db: Database, scope: ImportScope) -> set[UUID]:
    """Customers changed after the import began, by anybody but it and imports that are undone.

    Read once for the whole undoing and kept in the scope's memory.
    """
    known: set[UUID] | None = scope.memory.get(_MEMORY)
    if known is None:
        known = scope.memory[_MEMORY] = await _read(db, scope)
    return known


async def _read(db: Database, scope: ImportScope) -> set[UUID]:
    with as_the_house():
        undone = await db.fetch("SELECT id FROM core_import WHERE state IN ('undone', 'undoing')")
        ours = {f"import:{row[0]}" for row in undone} | {f"import:{scope.id}"}
        rows = await db.fetch(
            "SELECT DISTINCT customer_id, by FROM core_event WHERE seq > ? AND type = ?",
            scope.memory.get(POSITION, 0),
            UPDATED,
        )
    return {customer for customer, by in rows if customer is not None and by not in ours}
