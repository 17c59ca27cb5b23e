"""What has left the database for the archive is handed over like the rest."""

from __future__ import annotations

import pytest

from core.tests.archive.conftest import Clock, Past, clock, past, small_pieces
from relatum.access.viewer import SYSTEM
from relatum.customers.subject.types import Subject
from relatum.events.archived import ArchivedAway

__all__ = ["Clock", "clock", "past", "small_pieces"]


@pytest.fixture
async def archived(past: Past) -> Past:
    """Three months of three people, the first two months archived."""
    await past.lived()
    return past


def handed(subject: Subject, table: str) -> list[dict[str, object]]:
    [found] = [each for each in subject.tables if each.name == table]
    return sorted(found.rows, key=lambda row: str(row.get("id") or row.get("seq")))


async def test_archived_rows_are_in_it_as_before(archived: Past) -> None:
    house = archived.house
    person = archived.customers[0]
    before = await house.subjects.collect(SYSTEM, person)
    await house.archive.run(until="2025-02")
    subject = await house.subjects.collect(SYSTEM, person)
    sources = {each.name: each.archived for each in subject.tables}
    assert sources["core_interaction"] > 0
    assert sources["core_event"] > 0
    for table in ("core_interaction", "core_event"):
        was, now = handed(before, table), handed(subject, table)
        assert len(was) == len(now)
        keys = "id" if table == "core_interaction" else "seq"
        assert [row[keys] for row in was] == [row[keys] for row in now]
        assert [row["payload"] for row in was] == [row["payload"] for row in now]


async def test_a_file_that_cannot_be_read_is_not_left_out_silently(archived: Past) -> None:
    house = archived.house
    await house.archive.run(until="2025-02")
    files = list(archived.folder.glob("core_interaction*"))
    assert files
    for path in files:
        path.write_bytes(b"broken")
    with pytest.raises(ArchivedAway):
        await house.subjects.collect(SYSTEM, archived.customers[0])
