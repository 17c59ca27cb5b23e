"""The log: appended with what made it true, read in order."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from relatum.events.types import NewEvent
from relatum.values.problems import InvalidInput


async def test_what_was_appended_is_read_in_order(scene: Any) -> None:
    lan = uuid4()
    await scene.append((lan, 1), (None, 2))
    await scene.append((lan, 3))
    events = await scene.log.read(0, until=10**9, types=("probe.happened",), limit=10)
    assert [event.read(scene.Happened).n for event in events] == [1, 2, 3]
    assert [event.customer for event in events] == [lan, None, lan]
    assert [event.seq for event in events] == sorted({event.seq for event in events})
    assert all(event.recorded_at.utcoffset() is not None for event in events)
    assert {event.by for event in events} == {"system"}
    assert events[0].data() == {"n": 1}


async def test_reading_is_bounded_and_of_the_types_asked_for(scene: Any) -> None:
    await scene.append((None, 1))
    await scene.append_other(2)
    await scene.append((None, 3), (None, 4))
    read = scene.log.read
    first, *_ = await read(0, until=10**9, types=("probe.happened",), limit=1)
    rest = await read(first.seq, until=10**9, types=("probe.happened",), limit=10)
    assert [event.data()["n"] for event in rest] == [3, 4]
    assert await read(0, until=first.seq, types=("probe.happened",), limit=10) == [first]
    assert await read(0, until=10**9, types=("probe.nothing",), limit=10) == []


async def test_an_event_goes_with_the_transaction_that_made_it_true(scene: Any) -> None:
    with pytest.raises(ZeroDivisionError):
        async with scene.db.transaction():
            await scene.append((None, 1))
            raise ZeroDivisionError
    assert await scene.logged() == []


async def test_listeners_hear_of_it_after_commit_only(scene: Any) -> None:
    heard: list[str] = []
    scene.log.listen(lambda: heard.append("told"))
    async with scene.db.transaction():
        await scene.append((None, 1))
        assert heard == []
    assert heard == ["told"]
    await scene.log.append([], by="system")
    assert heard == ["told"]


@pytest.mark.parametrize("name", ["probe.unknown", "probe.other"])
async def test_undeclared_types_and_wrong_payloads_are_refused(scene: Any, name: str) -> None:
    event = NewEvent(type=name, payload=scene.Happened(1))
    with pytest.raises(InvalidInput, match=name):
        await scene.log.append([event], by="system")
    assert await scene.logged() == []


async def test_types_of_a_plugin_that_is_off_are_refused(scene: Any) -> None:
    scene.gate.set([])
    with pytest.raises(InvalidInput):
        await scene.append((None, 1))


async def test_the_newest_of_one_customer_first(scene: Any) -> None:
    lan, minh = uuid4(), uuid4()
    await scene.append((lan, 1), (minh, 2), (lan, 3))
    found = await scene.log.of_customer(lan)
    assert [event.data()["n"] for event in found] == [3, 1]
    assert len(await scene.log.of_customer(lan, limit=1)) == 1


async def test_a_big_batch_keeps_its_order(scene: Any) -> None:
    await scene.append(*((None, n) for n in range(3_000)))
    assert await scene.logged() == list(range(3_000))
