"""Windows of time counted by one pass, beside plain counting in Python."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator

import pytest

from core.tests.reports.conftest import Past
from relatum.reports.visits import Rows, Window, visits

BEGIN = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
ROWS = Rows(
    source="core_interaction i JOIN core_customer c ON c.id = i.customer_id",
    key="i.customer_id",
    moment="i.occurred_at",
    part="c.kind",
    known="c.created_at",
    where="i.channel <> ?",
    params=("zalo",),
)


def _windows(days: int) -> Iterator[Window]:
    """Some that touch, overlap, lie apart, are empty, or end long after their rows."""
    chance = random.Random(7)
    for _ in range(40):
        first = BEGIN + dt.timedelta(days=chance.randrange(days))
        last = first + dt.timedelta(days=chance.choice((0, 1, days // 20, days // 5)))
        until = last + dt.timedelta(days=chance.choice((0, 0, days // 10, days // 4)))
        yield Window(first, last, until, known=chance.random() < 0.5)


@pytest.mark.parametrize("days", [40, 400])
async def test_every_window_is_what_plain_counting_finds(past: Past, days: int) -> None:
    windows = list(_windows(days))
    db = past.house.db
    kinds = dict(await db.fetch("SELECT id, kind FROM core_customer"))
    found = await visits(db, ROWS, windows)
    rows = await db.fetch("SELECT customer_id, occurred_at, channel FROM core_interaction")
    for window in windows:
        expected: dict[str, int] = {}
        for customer, (created, _, _) in past.customers.items():
            when = [at for id, at, channel in rows if id == customer and channel != "zalo"]
            before = [at for at in when if at < window.until]
            inside = before and window.first <= max(before) < window.last
            if inside and (not window.known or created < window.until):
                kind = kinds[customer]
                expected[kind] = expected.get(kind, 0) + 1
        assert found.count(window) == expected
