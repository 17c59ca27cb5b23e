"""Limits that two processes keep together: two databases opened on one, as two processes would."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from relatum.db.database import Database
from relatum.http import shared_limits
from relatum.http.shared_limits import SHARES, SharedLimit, SharedLimits
from relatum.values.problems import TooMany

on_postgres = [
    pytest.mark.postgres,
    pytest.mark.parametrize("relatum_database_kind", ["postgresql"]),
]
#: Requests that come in again by themselves while a busy machine runs a test.
REGAINED = 30
Two = tuple[SharedLimits, SharedLimits]


@pytest.fixture
async def two(relatum_database_url: str) -> AsyncIterator[Two]:
    """What two processes have."""
    first = await Database.open(relatum_database_url)
    second = await Database.open(relatum_database_url)
    yield SharedLimits(first), SharedLimits(second)
    await asyncio.sleep(0)
    await second.close()
    await first.close()


async def taken(limit: SharedLimit, caller: str, tries: int) -> int:
    """How many of so many requests are let through."""
    count = 0
    for _ in range(tries):
        try:
            await limit.take(caller)
        except TooMany:
            continue
        count += 1
    return count


async def settled(*limits: SharedLimit) -> None:
    """Wait until the table knows everything."""
    for _ in range(500):
        if not any(limit.callers() for limit in limits):
            return
        await asyncio.sleep(0.02)
    raise AssertionError("not settled within 10 s")


class TestTogether:
    pytestmark = on_postgres

    async def test_attempts_to_come_in_are_counted_one_by_one(self, two: Two) -> None:
        one, other = (each.limit("in", 20, "attempts", exact=True) for each in two)
        counts = await asyncio.gather(*(taken(each, "a", 30) for each in (one, other, one, other)))
        assert sum(counts) == 20
        assert await taken(one, "b", 1) == 1, "others are not concerned"
        with pytest.raises(TooMany, match="attempts") as refusal:
            await other.take("a")
        assert refusal.value.extra["retry_after"] in {2, 3}

    async def test_a_burst_at_both_is_larger_by_a_share_of_each_at_most(self, two: Two) -> None:
        a_minute = 200
        one, other = (each.limit("token", a_minute, "requests") for each in two)
        first = await taken(one, "a", a_minute)
        assert first == a_minute
        assert await taken(other, "a", a_minute) <= a_minute // SHARES + REGAINED
        both = await asyncio.gather(taken(one, "b", 500), taken(other, "b", 500))
        assert a_minute <= sum(both) <= a_minute + 2 * (a_minute // SHARES) + REGAINED

    async def test_slow_callers_are_settled_once_a_second(
        self, two: Two, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(shared_limits, "SETTLE_SECONDS", 0.02)
        one, other = (each.limit("token", 100, "requests") for each in two)
        for _ in range(25):
            assert await taken(one, "a", 2) == 2
            assert await taken(other, "a", 2) == 2
            await asyncio.sleep(0.04)
        await settled(one, other)
        assert await taken(one, "a", 50) + await taken(other, "a", 50) <= REGAINED
        [(count,)] = await two[0].db.fetch("SELECT count(*) FROM core_rate")
        assert count == 1

    async def test_what_was_let_through_beyond_is_owed(self, two: Two) -> None:
        one, other = (each.limit("token", 600, "requests") for each in two)
        both = await asyncio.gather(taken(one, "a", 900), taken(other, "a", 900))
        beyond = sum(both) - 600
        [(left,)] = await two[0].db.fetch(
            "SELECT extract(epoch FROM spent_until - now())::float8 FROM core_rate"
        )
        assert beyond >= 0
        assert left == pytest.approx(60 + beyond * 0.1, abs=5)

    async def test_nobody_reads_addresses_out_of_the_table(self, two: Two) -> None:
        await two[0].limit("in", 20, "attempts", exact=True).take("203.0.113.77")
        [(key,)] = await two[0].db.fetch("SELECT id FROM core_rate")
        assert key.startswith("in:")
        assert "203.0" not in key

    async def test_without_the_table_each_counts_for_itself(self, two: Two) -> None:
        one, other = (each.limit("token", 40, "requests") for each in two)
        await two[0].db.execute("ALTER TABLE core_rate RENAME TO gone")
        assert await taken(one, "a", 100) == 40
        assert await taken(other, "a", 100) == 40
        await two[0].db.execute("ALTER TABLE gone RENAME TO core_rate")
        await settled(one, other)
        await asyncio.sleep(0.1)
        [(left,)] = await two[0].db.fetch(
            "SELECT extract(epoch FROM spent_until - now())::float8 FROM core_rate"
        )
        assert left > 90, "what was let through meanwhile is settled later"

    async def test_inside_a_transaction_that_is_undone_it_still_counts(self, two: Two) -> None:
        limit = two[0].limit("in", 3, "attempts", exact=True)
        for _ in range(3):
            with pytest.raises(ZeroDivisionError):
                async with two[0].db.transaction():
                    await limit.take("a")
                    raise ZeroDivisionError
        assert await taken(two[1].limit("in", 3, "attempts", exact=True), "a", 3) == 0

    async def test_old_rows_are_swept(self, two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(shared_limits, "SWEEP_SECONDS", -1)
        await two[0].db.execute(
            "INSERT INTO core_rate (id, spent_until) VALUES ('token:old', now() - interval '1 s')"
        )
        assert await taken(two[0].limit("token", 1, "requests"), "a", 1) == 1
        rows = await two[0].db.fetch("SELECT id FROM core_rate")
        assert len(rows) == 1
        assert "old" not in rows[0][0]


@pytest.mark.parametrize("relatum_database_kind", ["sqlite"])
async def test_on_sqlite_nothing_is_stored(two: Two) -> None:
    limit = two[0].limit("in", 5, "attempts", exact=True)
    assert await taken(limit, "a", 20) == 5
    assert await two[0].db.fetch("SELECT id FROM core_rate") == []


async def test_zero_is_no_limit(two: Two) -> None:
    assert await taken(two[0].limit("in", 0, "attempts", exact=True), "a", 500) == 500
