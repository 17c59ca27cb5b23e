"""Questions that are asked within one moment are answered together."""

from __future__ import annotations

import asyncio

import pytest

from relatum.db.guarding import Guard, guarded_by
from relatum.reports.gathering import Gathering, ask


async def test_questions_about_the_same_are_answered_together() -> None:
    asked: list[list[int]] = []

    async def squares(numbers: list[int]) -> dict[int, int]:
        asked.append(numbers)
        return {number: number**2 for number in numbers}

    with Gathering().here():
        found = await asyncio.gather(
            ask("squares", [1, 2], squares),
            ask("squares", [2, 3], squares),
            ask("others", [4], squares),
        )
    assert asked == [[1, 2, 3], [4]]
    assert found[0] == found[1] == {1: 1, 2: 4, 3: 9}
    assert found[2] == {4: 16}
    assert await ask("squares", [5, 5], squares) == {5: 25}, "alone where nothing is gathered"


async def test_those_who_see_differently_do_not_ask_together() -> None:
    asked: list[list[int]] = []

    async def same(numbers: list[int]) -> list[int]:
        asked.append(numbers)
        return numbers

    gathering = Gathering()

    async def look(guard: Guard | None, number: int) -> list[int]:
        with gathering.here(), guarded_by(guard):
            return await ask("x", [number], same)

    one, other = Guard(shape="a", shadows={}), Guard(shape="a", shadows={})
    found = await asyncio.gather(look(one, 1), look(other, 2), look(None, 3), look(None, 4))
    assert found == [[1], [2], [3, 4], [3, 4]]


async def test_a_failure_is_told_to_all() -> None:
    async def broken(numbers: list[int]) -> int:
        raise ValueError("deliberate")

    with Gathering().here():
        found = await asyncio.gather(
            *(ask("x", [number], broken) for number in (1, 2)), return_exceptions=True
        )
        assert [type(each) for each in found] == [ValueError, ValueError]
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await ask("x", [1], broken)
    await asyncio.sleep(0.02)
