"""Purchases as columns: one row for each line that somebody bought or gave back."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from relatum.api import House, day_bounds, local_day

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

BATCH = 20_000
_LINES = (
    "SELECT id, customer_id, {reference}, occurred_at, kind, amount FROM core_interaction "
    "WHERE kind IN ('core.purchase', 'core.cancellation') AND amount IS NOT NULL "
    "AND customer_id IS NOT NULL AND currency = ? AND occurred_at < ? AND recorded_at < ? "
    "AND id > ? ORDER BY id LIMIT ?"
)
_REFERENCE = {
    "sqlite": "json_extract(payload, '$.reference')",
    "postgresql": "(payload::jsonb ->> 'reference')",
}
_OTHERS = (
    "SELECT count(*) FROM core_interaction "
    "WHERE kind IN ('core.purchase', 'core.cancellation') AND amount IS NOT NULL "
    "AND customer_id IS NOT NULL AND currency <> ? AND occurred_at < ? AND recorded_at < ?"
)
_NOW = dt.datetime(9999, 1, 1, tzinfo=dt.UTC)


class Lines(msgspec.Struct):
    """Columns of equal length.

    Attributes:
        customer, order: numbers that stand for customers and for orders.
        day: by the company's clock.
        amount: net, minor units; below zero what was given back.
        others: lines in other currencies, which are not here.
    """

    customer: npt.NDArray[np.int64]
    order: npt.NDArray[np.int64]
    day: npt.NDArray[np.datetime64]
    amount: npt.NDArray[np.int64]
    others: int


async def lines_of(house: House, *, as_of: dt.date, currency: str, known_then: bool) -> Lines:
    """Everything that the viewer sees of what was bought up to a day.

    Args:
        as_of: included.
        known_then: only what had been recorded by the end of that day.
    """
    zone = house.settings.company.time_zone
    _, end = day_bounds(as_of, zone)
    until = end if known_then else _NOW
    statement = _LINES.format(reference=_REFERENCE[house.db.kind])
    gathering, last = _Gathering(zone), UUID(int=0)
    while rows := await house.db.fetch(statement, currency, end, until, last, BATCH):
        await asyncio.to_thread(gathering.take, rows)
        last = rows[-1][0]
        if len(rows) < BATCH:
            break
    [(others,)] = await house.db.fetch(_OTHERS, currency, end, until)
    return await asyncio.to_thread(gathering.lines, others)


class _Gathering:
    """Rows become columns batch by batch: of a million lines a few megabytes stay."""

    def __init__(self, zone: str) -> None:
        self._zone = zone
        self._customers: dict[Any, int] = {}
        self._orders: dict[Any, int] = {}
        self._days: dict[int, int] = {}
        self._columns: list[npt.NDArray[np.int64]] = []

    def take(self, rows: Sequence[tuple[Any, ...]]) -> None:
        import numpy as np

        self._columns.append(np.array(list(self._numbers(rows)), dtype=np.int64))

    def _numbers(self, rows: Sequence[tuple[Any, ...]]) -> Iterator[tuple[int, int, int, int]]:
        customers, orders = self._customers, self._orders
        for id, customer, reference, at, kind, amount in rows:
            who = customers.setdefault(customer, len(customers))
            # a line without a number is an order of its own
            order = orders.setdefault((who, reference) if reference else id, len(orders))
            yield who, order, self._day(at), -amount if kind == "core.cancellation" else amount

    def _day(self, at: dt.datetime) -> int:
        """Days since 1970. Zones differ by quarters of an hour, so that few have to be asked."""
        quarter = int(at.timestamp()) // 900
        if quarter not in self._days:
            day = local_day(dt.datetime.fromtimestamp(quarter * 900, dt.UTC), self._zone)
            self._days[quarter] = (day - dt.date(1970, 1, 1)).days
        return self._days[quarter]

    def lines(self, others: int) -> Lines:
        import numpy as np

        empty = np.empty((0, 4), dtype=np.int64)
        every = np.concatenate([empty, *(each.reshape(-1, 4) for each in self._columns)])
        customer, order, day, amount = every.T
        return Lines(customer, order, day.astype("datetime64[D]"), amount, others)
