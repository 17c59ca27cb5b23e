"""How exported rows name customers: by one external id that an import gives back to them.

A customer that came from an export has that id in the source ``relatum``; any other is named by its
own id. Exporting, importing elsewhere and exporting again therefore gives the same names.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from relatum.db.database import Database
    from relatum.hooks.context import House

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


async def customers_named(house: House, source: str, names: Iterable[str]) -> dict[str, UUID]:
    """External id → customer, for those that are known.

    In a file that an export of this very house wrote, customers are called by their own id: they
    are those customers, and not new ones.
    """
    wanted = list(dict.fromkeys(names))
    known = await house.customers.ids_by_external(source, wanted)
    if source != EXPORT_SOURCE:
        return known
    own = dict(_ids_among(name for name in wanted if name not in known))
    rows = await house.db.fetch_in("SELECT id FROM core_customer WHERE id IN ({})", list(own))
    return {**known, **{own[id]: id for (id,) in rows}}


def _ids_among(names: Iterable[str]) -> Iterator[tuple[UUID, str]]:
    for name in names:
        with contextlib.suppress(ValueError):
            id = UUID(name)
            if str(id) == name:
                yield id, name
