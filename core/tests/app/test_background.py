"""Works of a process: started again when they end, and ended in order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from itertools import pairwise

import pytest

from relatum.app.background import Supervisor, Work, background_of
from relatum.app.house import House
from relatum.telemetry.process import Process, Role


def always(work: Callable[[], Awaitable[None]], **more: object) -> Work:
    return Work(name="sample", run=work, **more)  # type: ignore[arg-type]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - nobody tells when it is true
            await asyncio.sleep(0.005)


async def forever() -> None:
    await asyncio.Future()


@pytest.mark.parametrize("fault", [OSError("secret host"), SystemExit(3), None])
async def test_what_ends_starts_again(
    fault: BaseException | None, caplog: pytest.LogCaptureFixture
) -> None:
    began: list[float] = []

    async def work() -> None:
        began.append(asyncio.get_running_loop().time())
        if len(began) < 4:
            if fault is not None:
                raise fault
            return
        await forever()

    process = Process("worker")
    supervisor = Supervisor([always(work)], process, first_wait=0.1)
    supervisor.start()
    await until(lambda: bool(process.failing))
    assert process.failing == {"sample": type(fault).__name__ if fault else "it returned"}
    await until(lambda: len(began) == 4)
    assert (process.restarts, process.failing) == ({"sample": 3}, {})
    waits = [after - before for before, after in pairwise(began)]
    assert all(wait > least for wait, least in zip(waits, (0.09, 0.19, 0.39), strict=True))
    assert len([each for each in caplog.records if each.levelno == logging.ERROR]) == 3
    await supervisor.stop(1)
    assert (process.restarts, process.failing) == ({"sample": 3}, {})


async def test_one_that_fails_leaves_the_others_alone() -> None:
    ticks = 0

    async def ticking() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    async def broken() -> None:
        raise ZeroDivisionError

    works = [Work(name="a", run=broken), Work(name="b", run=ticking)]
    process = Process()
    supervisor = Supervisor(works, process, first_wait=0.01)
    supervisor.start()
    await until(lambda: process.restarts["a"] > 2)
    before = ticks
    await until(lambda: ticks > before + 5)
    assert process.restarts["b"] == 0
    await supervisor.stop(0)


async def test_what_goes_on_may_end_first() -> None:
    order: list[str] = []
    done = asyncio.Event()

    async def work() -> None:
        try:
            await forever()
        finally:
            order.append("cancelled")

    async def finish() -> None:
        order.append("asked")
        await asyncio.wait_for(done.wait(), 5)
        order.append("finished")

    supervisor = Supervisor([always(work, finish=finish)], Process())
    supervisor.start()
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_later(0.05, done.set)
    await supervisor.stop(5)
    assert order == ["asked", "finished", "cancelled"]


async def test_what_takes_too_long_is_cancelled(caplog: pytest.LogCaptureFixture) -> None:
    ended = False

    async def work() -> None:
        nonlocal ended
        try:
            await forever()
        finally:
            await asyncio.sleep(0.01)
            ended = True

    supervisor = Supervisor([always(work, finish=forever)], Process())
    supervisor.start()
    await asyncio.sleep(0)
    began = asyncio.get_running_loop().time()
    await supervisor.stop(0.1)
    assert asyncio.get_running_loop().time() - began < 2
    assert ended
    assert "did not come to an end within 0.1 s" in caplog.text


async def test_finishing_that_fails_is_told(caplog: pytest.LogCaptureFixture) -> None:
    async def finish() -> None:
        raise OSError("away")

    supervisor = Supervisor([always(forever, finish=finish)], Process())
    supervisor.start()
    await supervisor.stop(1)
    assert "sample could not finish" in caplog.text


async def test_stopping_twice_is_stopping_once(caplog: pytest.LogCaptureFixture) -> None:
    asked = 0

    async def finish() -> None:
        nonlocal asked
        asked += 1

    supervisor = Supervisor([always(forever, finish=finish)], Process())
    supervisor.start()
    await supervisor.stop(1)
    await supervisor.stop(0)
    assert asked == 1
    assert not caplog.records


@pytest.mark.parametrize(
    ("role", "there", "absent"),
    [
        ("serve", {"signals", "configuration", "handlers", "jobs"}, set[str]()),
        ("web", {"signals", "configuration"}, {"handlers", "jobs"}),
        ("worker", {"signals", "configuration", "handlers", "jobs"}, set[str]()),
        ("command", set[str](), {"signals", "handlers", "jobs"}),
    ],
)
async def test_who_does_what(
    core_house: House, role: Role, there: set[str], absent: set[str]
) -> None:
    core_house.process.role = role
    names = [work.name for work in background_of(core_house)]
    assert there <= set(names)
    assert not absent & set(names)
    assert len(names) == len(set(names))


def test_listeners_hear_the_end_once(caplog: pytest.LogCaptureFixture) -> None:
    process, heard = Process(), list[str]()

    def broken() -> None:
        raise ZeroDivisionError

    process.on_stop(broken)
    process.on_stop(lambda: heard.append("a"))
    process.on_stop(lambda: heard.append("b"))()
    process.stop()
    process.stop()
    assert heard == ["a"]
    assert process.stopping
    assert Process().id != process.id
