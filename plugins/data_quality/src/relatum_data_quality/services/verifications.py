"""When fields were last changed or confirmed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from uuid import UUID

from relatum.api import Database, InvalidInput, new_ids, now
from relatum_data_quality.scoring import HALF_LIVES

_COLUMNS = ("id", "customer_id", "field", "at", "confirmed", "actor")
Noted = tuple[UUID, str, dt.datetime, bool, str]


async def read_verified(
    db: Database, customers: Sequence[UUID]
) -> dict[tuple[UUID, str], dt.datetime]:
    """The last time of each field of these customers, as far as one is known."""
    rows = await db.fetch_in(
        "SELECT customer_id, field, max(at) FROM data_quality_verification "
        "WHERE customer_id IN ({}) GROUP BY customer_id, field",
        customers,
    )
    return {(customer, field): _time(at) for customer, field, at in rows}


async def note(db: Database, noted: Iterable[Noted]) -> None:
    """Put down that fields (customer, field, when, confirmed, by whom) are right since then."""
    rows = list({(one[0], one[1]): one for one in noted}.values())
    await db.execute_many(
        "DELETE FROM data_quality_verification WHERE customer_id = ? AND field = ?",
        [(customer, field) for customer, field, *_ in rows],
    )
    await db.insert(
        "data_quality_verification",
        _COLUMNS,
        [(id, *row) for id, row in zip(new_ids(len(rows)), rows, strict=True)],
    )


async def confirm(db: Database, customer: UUID, field: str, *, by: str) -> None:
    """Somebody asked the customer, and the value is still right.

    Raises:
        InvalidInput: the field does not age.
    """
    if field not in HALF_LIVES:
        raise InvalidInput(
            f"expected a field that ages ({', '.join(HALF_LIVES)}), got {field!r}; choose one"
        )
    await note(db, [(customer, field, now(), True, by)])


def _time(value: object) -> dt.datetime:
    return value if isinstance(value, dt.datetime) else dt.datetime.fromisoformat(str(value))
