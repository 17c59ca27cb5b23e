"""Work that waits: done in order, also what comes meanwhile, and failing does not end it."""

from __future__ import annotations

import asyncio

import pytest

from relatum.importing.background import Background


class Desk:
    """Papers that wait; ``bad`` ones fail once."""

    def __init__(self, *papers: str) -> None:
        self.waiting = list(papers)
        self.done: list[str] = []

    async def step(self) -> bool:
        if not self.waiting:
            return False
        paper = self.waiting.pop(0)
        if paper == "bad":
            raise ValueError(paper)
        self.done.append(paper)
        return True


async def test_everything_that_waits_is_done_once():
    desk = Desk("a", "b")
    background = Background(desk.step)
    assert await background.run_once() == 2
    assert await background.run_once() == 0
    assert desk.done == ["a", "b"]


async def test_what_comes_later_is_done_when_somebody_says_so():
    desk = Desk("a")
    background = Background(desk.step)
    running = asyncio.create_task(background.run_forever())
    try:
        await asyncio.sleep(0.05)
        assert desk.done == ["a"]
        desk.waiting += ["bad", "b"]
        background.wake()
        await asyncio.sleep(0.05)
        background.wake()
        await asyncio.sleep(0.05)
        assert desk.done == ["a", "b"]
    finally:
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
