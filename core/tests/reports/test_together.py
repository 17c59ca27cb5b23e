"""Work that several wait for is done once."""

from __future__ import annotations

import asyncio

import pytest

from relatum.reports.together import Shared


async def test_those_who_wait_together_get_one_answer() -> None:
    shared, done = Shared(), []

    async def work() -> int:
        await asyncio.sleep(0.01)
        done.append(1)
        return len(done)

    assert await asyncio.gather(*(shared.get("a", work) for _ in range(5))) == [1] * 5
    assert await shared.get("a", work) == 2, "nobody gets an old answer"
    assert await asyncio.gather(shared.get("a", work), shared.get("b", work)) == [3, 4]


async def test_an_answer_that_was_not_waited_for_is_there_once() -> None:
    shared, done = Shared(), []

    async def work() -> int:
        await asyncio.sleep(0.01)
        done.append(1)
        return len(done)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.001):
            await shared.get("a", work)
    await asyncio.sleep(0.05)
    assert await shared.get("a", work) == 1
    assert await shared.get("a", work) == 2


async def test_a_failure_is_told_to_all_and_not_kept() -> None:
    shared = Shared()

    async def broken() -> int:
        await asyncio.sleep(0)
        raise ValueError("deliberate")

    found = await asyncio.gather(
        *(shared.get("a", broken) for _ in range(2)), return_exceptions=True
    )
    assert [type(each) for each in found] == [ValueError, ValueError]

    async def works() -> int:
        return 1

    assert await shared.get("a", works) == 1
