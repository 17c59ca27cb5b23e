"""Asking for runs: in the caller's transaction, checked, once for each unique key."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from core.tests.jobs.conftest import Say
from relatum.db.guarding import Guard, guarded_by
from relatum.events.context import because, current_context
from relatum.jobs.types import JobRequest
from relatum.values.problems import Conflict, InvalidInput, NotFound
from relatum.values.time import now


async def test_a_run_waits_runs_and_is_kept(scene: Any) -> None:
    class Said(msgspec.Struct):
        word: str

    async def say(plugin: Any, run: Any) -> Said:
        return Said(word=run.args.word * run.args.times)

    scene.declare(run=say)
    id = await scene.jobs.enqueue("probe.say", Say(word="xin ", times=2), key="k", priority=7)
    waiting = await scene.jobs.get(id)
    assert (waiting.state, waiting.job, waiting.plugin) == ("waiting", "probe.say", "probe")
    assert (waiting.key, waiting.priority, waiting.attempts) == ("k", 7, 0)
    assert waiting.args == {"word": "xin ", "times": 2}
    assert await scene.worker.drain() == 1
    done = await scene.jobs.get(id)
    assert (done.state, done.result, done.attempts) == ("succeeded", {"word": "xin xin "}, 1)
    assert done.enqueued_at == waiting.enqueued_at
    assert done.enqueued_at <= done.started_at <= done.finished_at
    assert (done.key, done.priority, done.args) == ("k", 7, waiting.args)
    assert await scene.worker.drain() == 0


async def test_it_exists_if_and_only_if_the_transaction_does(scene: Any) -> None:
    scene.declare()
    with pytest.raises(ValueError, match="no"):
        async with scene.db.transaction():
            await scene.say("lost")
            await scene.jobs.enqueue_many("probe.say", [JobRequest(args=Say("lost"))] * 3)
            raise ValueError("no")
    async with scene.db.transaction():
        await scene.say("kept")
    assert await scene.worker.drain() == 1
    assert scene.ran == ["kept"]


async def test_what_is_written_in_a_transaction_is_not_run_before_it_ends(scene: Any) -> None:
    """Workers of other processes see nothing of it; nor do those that are told too early."""
    scene.declare()
    told: list[str | None] = []
    scene.signals.listen("core_queue", told.append)
    async with scene.db.transaction():
        await scene.say("later")
        await asyncio.sleep(0)
        assert told == []
    await asyncio.sleep(0)
    assert told


async def test_arguments_are_what_the_job_declares(scene: Any) -> None:
    scene.declare()
    scene.declare("plain", args=None)

    class Other(msgspec.Struct):
        word: str = ""

    for job, args in (
        ("probe.say", Other()),
        ("probe.say", Say(word=7)),  # type: ignore[arg-type]
        ("probe.plain", Say()),
    ):
        with pytest.raises(InvalidInput, match="expected"):
            await scene.jobs.enqueue(job, args)
    await scene.jobs.enqueue("probe.say")  # all have defaults
    assert (await scene.only()).args == {"word": "", "times": 1}


async def test_a_job_without_defaults_wants_arguments(scene: Any) -> None:
    class Needed(msgspec.Struct):
        word: str

    scene.declare(args=Needed)
    with pytest.raises(InvalidInput, match="Needed"):
        await scene.jobs.enqueue("probe.say")


@pytest.mark.parametrize("field", ["key", "unique"])
async def test_keys_have_a_length(scene: Any, field: str) -> None:
    scene.declare()
    await scene.say("", **{field: "k" * 200})
    for text in ("k" * 201, "a\x00b"):
        with pytest.raises(InvalidInput, match=field):
            await scene.say("", **{field: text})
    with pytest.raises(InvalidInput, match="priority"):
        await scene.say("", priority=10**9)


async def test_an_unknown_job_and_one_that_is_off(scene: Any) -> None:
    scene.declare()
    with pytest.raises(NotFound, match=r"probe\.nothing"):
        await scene.jobs.enqueue("probe.nothing")
    scene.gate.set([])
    with pytest.raises(Conflict, match="off"):
        await scene.say("")
    with pytest.raises(Conflict, match="not installed"):
        await scene.jobs.enqueue("elsewhere.job")
    with pytest.raises(NotFound):
        await scene.jobs.get(uuid4())


async def test_later(scene: Any) -> None:
    scene.declare()
    soon = now() + dt.timedelta(seconds=0.3)
    id = await scene.say("later", at=soon)
    await scene.say("now")
    await scene.worker.drain()
    assert scene.ran == ["now"]
    assert (await scene.jobs.get(id)).due_at == soon
    await asyncio.sleep(0.35)
    await scene.worker.drain()
    assert scene.ran == ["now", "later"]
    with pytest.raises(InvalidInput):
        await scene.say("", at=dt.datetime(2026, 1, 1))  # noqa: DTZ001 - naive, on purpose


async def test_while_one_waits_or_goes_on_no_other_with_its_key_is_added(scene: Any) -> None:
    inside: list[Any] = []

    async def again(plugin: Any, run: Any) -> None:
        inside.append(await scene.say("inside", unique="u"))

    scene.declare("other")
    scene.declare(run=again)
    first = await scene.say("a", unique="u")
    assert await scene.say("b", unique="u") == first
    other = await scene.jobs.enqueue("probe.other", unique="u")
    assert other != first, "keys are those of one job"
    await scene.worker.drain()
    assert inside == [first]
    second = await scene.say("c", unique="u")
    assert second != first, "the key is free once the run is over"


async def test_unique_keys_of_many_at_once(scene: Any) -> None:
    scene.declare()
    standing = await scene.say("standing", unique="1")
    keys = ["0", "1", "2", "2", "", ""]
    ids = await scene.jobs.enqueue_many(
        "probe.say", [JobRequest(args=Say(word=f"w{n}"), unique=u) for n, u in enumerate(keys)]
    )
    assert ids[1] == standing
    assert ids[2] == ids[3]
    assert len(set(ids)) == 5
    await scene.worker.drain()
    assert sorted(scene.ran) == ["standing", "w0", "w2", "w4", "w5"]


async def test_many_of_two_processes_with_the_same_keys(process: Any) -> None:
    """Whoever asks first, both learn the id of the run that stands."""
    scenes = [await process(), await process()]
    for scene in scenes:
        scene.declare()
    requests = [JobRequest(args=Say(word=str(n)), unique=str(n)) for n in range(50)]
    told = await asyncio.gather(
        *(scene.jobs.enqueue_many("probe.say", requests) for scene in scenes)
    )
    assert told[0] == told[1]
    assert len(set(told[0])) == 50


async def test_many_are_one_statement(scene: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.declare()
    calls: list[str] = []
    engine = type(scene.db.engine)
    for name in ("execute", "execute_many", "execute_returning", "copy"):
        real = getattr(engine, name, None)
        if real is None:
            continue

        def counted(
            self: Any, *args: Any, _real: Any = real, _name: str = name, **more: Any
        ) -> Any:
            calls.append(_name)
            return _real(self, *args, **more)

        monkeypatch.setattr(engine, name, counted)
    await scene.jobs.enqueue_many("probe.say", [JobRequest(args=Say())] * 500)
    assert len(calls) == 1
    await scene.jobs.enqueue_many(
        "probe.say", [JobRequest(args=Say(), unique=str(n)) for n in range(500)]
    )
    assert len(calls) == 2
    assert (await scene.jobs.queues())[0].waiting == 1_000
    assert await scene.jobs.enqueue_many("probe.say", []) == []


async def test_a_viewer_who_sees_nothing_can_ask(scene: Any) -> None:
    """What is asked for on behalf of somebody is the house's, and runs as the house."""
    scene.declare()
    with guarded_by(Guard(shape="nothing", shadows={}, masks=True)):
        await scene.say("•••")
        await scene.jobs.enqueue_many("probe.say", [JobRequest(args=Say(word="•••"))] * 2)
    assert await scene.worker.drain() == 3


async def test_it_runs_on_the_request_of_whoever_asked(scene: Any) -> None:
    found: list[Any] = []

    async def look(plugin: Any, run: Any) -> None:
        found.append(current_context())

    scene.declare(run=look)
    with because("spring cleaning", actor="lan", request="r-1"):
        await scene.say("")
    await scene.say("")
    await scene.worker.drain()
    assert [(one.why, one.actor, one.request) for one in found] == [
        ("spring cleaning", "lan", "r-1"),
        ("", "", ""),
    ]


async def test_lists_of_runs(scene: Any) -> None:
    scene.declare()
    scene.declare("other")
    ids = [await scene.say(str(n)) for n in range(5)]
    await scene.worker.drain()
    ids += [await scene.say(str(n)) for n in range(5, 8)]
    ids += [await scene.jobs.enqueue("probe.other")]
    seen: list[Any] = []
    cursor = None
    while True:
        page = await scene.jobs.find(limit=2, cursor=cursor)
        assert len(page.items) <= 2
        seen += [run.id for run in page.items]
        cursor = page.next
        if cursor is None:
            break
    assert seen == ids[::-1]

    async def found(**by: Any) -> list[Any]:
        return [run.id for run in (await scene.jobs.find(**by)).items]

    assert await found(job="probe.other") == [ids[8]]
    assert await found(states=["succeeded"]) == ids[4::-1]
    assert await found(states=["waiting"], job="probe.say") == ids[7:4:-1]
    assert await found(states=["failed"]) == []
    assert await found(states=["waiting", "succeeded"]) == ids[::-1]
    with pytest.raises(InvalidInput, match="cursor"):
        await scene.jobs.find(cursor="nonsense")


async def test_queues(scene: Any) -> None:
    scene.declare()
    assert await scene.jobs.queues() == []
    await scene.say("")
    await scene.say("", at=now() + dt.timedelta(hours=1))
    await asyncio.sleep(0.05)
    (queue,) = await scene.jobs.queues()
    assert (queue.job, queue.on, queue.waiting, queue.running, queue.failed) == (
        *("probe.say", True),
        *(2, 0, 0),
    )
    assert 0.05 <= queue.oldest_seconds < 5
    scene.gate.set([])
    assert not (await scene.jobs.queues())[0].on


async def test_asking_in_a_transaction_is_cheap(scene: Any) -> None:
    """At most a millisecond each; the fastest of some rounds, because others use the machine."""
    scene.declare()
    best = 1.0
    for _ in range(5):
        async with scene.db.transaction():
            await scene.say("warm")
            began = asyncio.get_running_loop().time()
            for _ in range(20):
                await scene.say("x")
            best = min(best, (asyncio.get_running_loop().time() - began) / 20)
    assert best < 0.001


def test_asking_does_not_import_the_engine() -> None:
    """The library is for those who work; asking costs a start nothing."""
    import subprocess
    import sys

    code = (
        "import sys, relatum.app.house, relatum.api; "
        "print([m for m in sys.modules if m.split('.')[0] in ('pgqueuer', 'croniter', 'typer')])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
