"""With whom something happened lately that is archived by now."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from relatum.archive.kinds import EVENTS, INTERACTIONS
from relatum.events.archived import ArchivedAway


def start(month: int) -> dt.datetime:
    return dt.datetime(2025, month, 1, tzinfo=dt.UTC)


async def test_archived_months_are_told_by_whom(past: Any) -> None:
    await past.lived()
    house = past.house
    assert await house.interactions.archived_since(start(1)) == set()
    before = await past.stored(INTERACTIONS)
    wanted = {row[3] for row in before if row[3] and row[7][:7] in ("2025-01", "2025-02")}
    later = {row[3] for row in before if row[3] and row[7][:7] == "2025-02"}
    await house.archive.run(until="2025-02")
    assert {str(id) for id in await house.interactions.archived_since(start(1))} == wanted
    assert {str(id) for id in await house.interactions.archived_since(start(2))} == later
    assert await house.interactions.archived_since(start(3)) == set()


async def test_events_count_where_people_caused_them(past: Any) -> None:
    await past.lived()
    row = await past.house.db.fetch_one(
        "SELECT customer_id FROM core_event WHERE customer_id IS NOT NULL ORDER BY seq LIMIT 1"
    )
    assert row is not None
    await past.house.db.execute(
        "UPDATE core_event SET by = 'account:x' WHERE customer_id = ?", row[0]
    )
    await past.house.archive.run(until="2025-02", kinds=[EVENTS])
    assert await past.house.interactions.archived_since(start(1)) == {row[0]}


async def test_without_its_file_nobody_knows(past: Any) -> None:
    await past.lived()
    await past.house.archive.run(until="2025-01", kinds=[INTERACTIONS])
    for file in past.folder.iterdir():
        file.unlink()
    with pytest.raises(ArchivedAway):
        await past.house.interactions.archived_since(start(1))
