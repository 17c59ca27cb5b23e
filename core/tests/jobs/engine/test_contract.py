"""What PgQueuer's loop, and the house, may expect of the repository; on both databases."""

from __future__ import annotations

import asyncio
import datetime as dt
import inspect
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import pytest
from pgqueuer.ports.repository import QueueRepositoryPort

from core.tests.jobs.engine.world import KEEP, START, Worker, World, traceback
from relatum.db.database import Database
from relatum.jobs import changes
from relatum.jobs.engine import one_hop
from relatum.jobs.engine.bookkeeping import Superseded
from relatum.jobs.engine.ended import Ended
from relatum.jobs.engine.repository import HouseRepository
from relatum.jobs.engine.rows import QueuedJob
from relatum.values.time import now

SOON = dt.timedelta(seconds=5)
#: Of PgQueuer's port, what the house does by other ways, or not at all.
LEFT_OUT = {"enqueue", "clear_queue", "queue_log", "clear_statistics_log"}


def ids(jobs: Sequence[QueuedJob]) -> list[Any]:
    return [job.run for job in jobs]


def test_the_port_is_there() -> None:
    port = {
        name: value
        for name, value in vars(QueueRepositoryPort).items()
        if not name.startswith("_") and inspect.isfunction(value)
    }
    assert len(port) > 10
    for name, value in port.items():
        if name in LEFT_OUT:
            continue
        ours = getattr(HouseRepository, name)
        assert list(inspect.signature(ours).parameters) == list(inspect.signature(value).parameters)
    for name in LEFT_OUT:
        assert name in port, "PgQueuer has let go of it; so can we"
        assert not hasattr(HouseRepository, name)


async def test_higher_priorities_first_then_the_older(world: World) -> None:
    low, high, middle = [await world.ask("a.x", priority=n) for n in (1, 9, 5)]
    also_high = await world.ask("a.y", priority=9)
    jobs = await world.worker().take({"a.x": 0, "a.y": 0})
    assert ids(jobs) == [high, also_high, middle, low]


async def test_a_row_arrives_as_it_was_written(world: World) -> None:
    run = await world.ask("a.x", priority=3, key="k", payload='{"n": 1}')
    (job,) = await world.worker().take({"a.x": 0})
    assert (job.run, job.priority, job.limit_key, job.payload) == (run, 3, "k", b'{"n": 1}')
    assert (job.status, job.attempts, job.deliveries, job.attempt) == ("picked", 0, 1, 1)
    assert (job.created, job.due_at, job.heartbeat) == (START, START, START)


async def test_nobody_gets_what_another_has(world: World) -> None:
    await world.ask_many("a.x", 25)
    first, second = world.worker(), world.worker()
    taken = [await one.take({"a.x": 0}) for one in (first, second, first, second)]
    assert [len(jobs) for jobs in taken] == [10, 10, 5, 0]
    assert len({job.id for jobs in taken for job in jobs}) == 25


#: Whether workers look around each time, or take what they know to be ready.
looking = pytest.mark.parametrize("look_seconds", [0.0, 1_000.0])


@looking
async def test_workers_at_the_same_time(world: World, look_seconds: float) -> None:
    await world.ask_many("a.x", 60)
    workers = [world.worker(look_seconds=look_seconds) for _ in range(4)]
    got: list[Any] = []
    for _ in range(9):
        taken = await asyncio.gather(*(one.take({"a.x": 0}, 5) for one in workers))
        got += [job.id for jobs in taken for job in jobs]
        if len(got) == 60:
            break
    assert len(got) == len(set(got)) == 60


async def test_only_jobs_that_were_asked_for(world: World) -> None:
    await world.ask("off.x", priority=99)
    run = await world.ask("a.x")
    worker = world.worker()
    assert ids(await worker.take({"a.x": 0})) == [run]
    assert await worker.repository.eligible_queued_work(["a.x"]) == 0
    assert await worker.repository.eligible_queued_work(["off.x"]) == 1
    assert await worker.take({}) == []


async def test_a_worker_gets_no_more_than_it_can_hold(world: World) -> None:
    await world.ask_many("a.x", 10)
    worker = world.worker()
    first = await worker.take({"a.x": 0}, 4, load=6)
    second = await worker.take({"a.x": 0}, 4, load=6)
    assert [len(first), len(second)] == [4, 2]
    assert await worker.take({"a.x": 0}, 4, load=6) == []
    await worker.end(first[0])
    await worker.retry(first[1], SOON)
    assert len(await worker.take({"a.x": 0}, 4, load=6)) == 2


async def test_who_is_being_put_away_takes_no_place(world: World) -> None:
    await world.ask_many("a.x", 10)
    worker = world.worker()
    jobs = await worker.take({"a.x": 0}, 5, load=2)
    assert len(jobs) == 2
    assert await worker.take({"a.x": 0}, 5, load=2) == []
    for job in jobs:
        worker.repository.note(ended(job))
    more = await worker.take({"a.x": 0}, 5, load=2)
    assert len(more) == 2
    for job in more:
        worker.repository.note(ended(job))
    assert await worker.take({"a.x": 0}, 5, load=2) == [], "the disk does not keep up"
    await worker.repository.log_jobs([(job, "successful", None) for job in (*jobs, *more)])
    assert len(await worker.take({"a.x": 0}, 5, load=2)) == 2


async def test_a_batch_of_none_is_refused(world: World) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        await world.worker().take({"a.x": 0}, 0)


async def test_not_before_its_time(world: World) -> None:
    run = await world.ask("a.x", at=START + SOON)
    worker = world.worker()
    assert await worker.take({"a.x": 0}) == []
    assert await worker.repository.eligible_queued_work(["a.x"]) == 0
    assert await worker.repository.queued_work(["a.x"]) == 1
    assert await worker.repository.next_deferred_eta(["a.x"]) == SOON
    world.pass_time(5)
    assert await worker.repository.eligible_queued_work(["a.x"]) == 1
    assert ids(await worker.take({"a.x": 0})) == [run]
    assert await worker.repository.next_deferred_eta(["a.x"]) is None


async def test_those_that_have_come_due_keep_their_priorities(world: World) -> None:
    runs = [await world.ask("a.x", priority=n % 7, at=START + SOON) for n in range(30)]
    world.pass_time(5)
    jobs = await world.worker().take({"a.x": 0}, 5)
    assert ids(jobs) == [run for n, run in enumerate(runs) if n % 7 == 6] + [runs[5]]


async def test_over(world: World) -> None:
    run = await world.ask("a.x", key="k", unique="u", payload='{"n":1}')
    worker = world.worker()
    (job,) = await worker.take({"a.x": 0})
    await worker.end(job, result='{"m":2}')
    assert await world.row(run) is None
    assert await world.done(run) == {
        "state": "succeeded",
        "result": '{"m":2}',
        "error": "",
        "attempts": 1,
        "args": '{"n":1}',
        "key": "k",
        "unique_text": "u",
        "due_at": START,
    }
    await worker.end(job, "failed", error="a second word changes nothing")
    assert (await world.done(run) or {})["state"] == "succeeded"


async def test_without_a_note_the_status_counts(world: World) -> None:
    runs = await world.ask_many("a.x", 3)
    worker = world.worker()
    jobs = await worker.take({"a.x": 0})
    statuses: Any = ["successful", "exception", "failed"]
    records = [None, traceback(jobs[1], "KeyError"), traceback(jobs[2], "KeyError")]
    await worker.repository.log_jobs(list(zip(jobs, statuses, records, strict=True)))
    assert (await world.done(runs[0]) or {})["state"] == "succeeded"
    for run in runs[1:]:
        row = await world.row(run) or {}
        assert (row["status"], row["error"]) == ("failed", "KeyError: no luck")


async def test_a_run_that_was_cut_off_unasked_is_not_lost(world: World) -> None:
    run = await world.ask("a.x")
    worker = world.worker()
    (job,) = await worker.take({"a.x": 0})
    await worker.repository.log_jobs([(job, "canceled", None)])
    assert ids(await worker.take({"a.x": 0})) == [run]
    assert (await world.row(run) or {})["deliveries"] == 1


async def test_tried_again_later(world: World) -> None:
    run = await world.ask("a.x")
    worker = world.worker()
    (job,) = await worker.take({"a.x": 0})
    await worker.retry(job, SOON)
    row = await world.row(run) or {}
    assert (row["status"], row["attempts"], row["deliveries"]) == ("queued", 1, 0)
    assert (row["error"], row["queue_manager_id"]) == ("ValueError: no luck", None)
    assert (row["due_at"], row["execute_after"]) == (START, START + SOON)
    assert await worker.take({"a.x": 0}) == []
    world.pass_time(5)
    (job,) = await worker.take({"a.x": 0})
    assert (job.attempts, job.attempt) == (1, 2)


async def test_handed_back_is_no_try(world: World) -> None:
    run = await world.ask("a.x")
    worker = world.worker()
    for _ in range(5):
        (job,) = await worker.take({"a.x": 0})
        assert job.attempt == 1
        await worker.hand_back(job)
    row = await world.row(run) or {}
    assert (row["attempts"], row["deliveries"], row["error"]) == (0, 0, "")


async def test_a_worker_that_stops_gives_everything_back(world: World) -> None:
    runs = await world.ask_many("a.x", 5)
    worker, other = world.worker(), world.worker()
    await worker.take({"a.x": 0}, 3)
    kept = await other.take({"a.x": 0}, 1)
    assert await worker.repository.give_back(worker.id) == 3
    jobs = await other.take({"a.x": 0})
    assert {*ids(jobs), *ids(kept)} == set(runs)
    assert {job.deliveries for job in jobs} == {1}


async def test_a_dead_worker_s_runs_go_on_elsewhere(world: World) -> None:
    run = await world.ask("a.x")
    dead, heir = world.worker(), world.worker()
    (lost,) = await dead.take({"a.x": 0})
    world.pass_time(29)
    assert await heir.take({"a.x": 0}) == []
    await dead.repository.update_heartbeat([lost.id])
    world.pass_time(29)
    assert await heir.take({"a.x": 0}) == []
    world.pass_time(2)
    (job,) = await heir.take({"a.x": 0})
    assert (job.run, job.deliveries, job.attempt) == (run, 2, 2)


async def test_a_late_heartbeat_of_our_own_is_no_death(world: World) -> None:
    await world.ask("a.x")
    worker = world.worker()
    await worker.take({"a.x": 0})
    world.pass_time(300)
    assert await worker.take({"a.x": 0}) == []


@pytest.mark.postgres
@pytest.mark.parametrize("relatum_database_kind", ["postgresql"])
async def test_a_machine_that_is_ahead_takes_nobody_for_dead(world: World) -> None:
    await world.ask("a.x")
    here, ahead = world.worker(), world.worker()
    for worker, minutes in ((here, 0), (ahead, 10)):
        worker.repository._clock = lambda minutes=minutes: now() + dt.timedelta(minutes=minutes)
        worker.repository._set_by_server = True
    (job,) = await here.take({"a.x": 0})
    assert await ahead.take({"a.x": 0}) == []
    await ahead.repository.update_heartbeat([job.id])
    assert await here.take({"a.x": 0}) == []
    ahead.repository._set_by_server = False
    ahead.repository._behind = dt.timedelta(0)
    assert len(await ahead.take({"a.x": 0})) == 1, "by its own clock it would"


async def test_stale_ones_stand_in_line_by_priority(world: World) -> None:
    low = await world.ask("a.x", priority=1)
    dead, heir = world.worker(), world.worker()
    await dead.take({"a.x": 0})
    world.pass_time(31)
    high = await world.ask("a.x", priority=2)
    assert ids(await heir.take({"a.x": 0}, 1)) == [high]
    assert ids(await heir.take({"a.x": 0}, 1)) == [low]


async def test_who_was_thought_dead_may_still_succeed_but_not_fail(world: World) -> None:
    runs = await world.ask_many("a.x", 4)
    slow, heir = world.worker(), world.worker()
    first = await slow.take({"a.x": 0})
    world.pass_time(31)
    second = await heir.take({"a.x": 0})
    assert ids(second) == runs
    await slow.end(first[0])
    await slow.end(first[1], "failed", error="too late")
    await slow.retry(first[2], SOON)
    await slow.hand_back(first[3])
    assert (await world.done(runs[0]) or {})["state"] == "succeeded"
    for run in runs[1:]:
        row = await world.row(run) or {}
        assert (row["status"], row["queue_manager_id"]) == ("picked", heir.id)
    for job in second:
        await heir.end(job)
    assert await world.db.fetch("SELECT 1 FROM core_queue") == []
    assert (await world.db.fetch_one("SELECT count(*) FROM core_job_done")) == (4,)


async def test_poison_becomes_a_dead_letter(world: World) -> None:
    run = await world.ask("a.x", key="k")
    behind = await world.ask("a.x", key="k")
    for number in range(1, 4):
        (job,) = await world.worker(max_deliveries=3).take({"a.x": 1})
        assert (job.run, job.deliveries) == (run, number)
        world.pass_time(31)
    assert ids(await world.worker(max_deliveries=3).take({"a.x": 1})) in ([], [behind])
    row = await world.row(run) or {}
    assert (row["status"], row["attempts"]) == ("failed", 3)
    assert "was killed" in row["error"]
    row = await world.row(behind) or {}
    assert row["stage"] == 0, "its seat is free"


async def test_a_failure_starts_the_count_of_deliveries_anew(world: World) -> None:
    await world.ask("a.x")
    worker = world.worker(max_deliveries=3)
    for number in range(8):
        (job,) = await worker.take({"a.x": 0})
        assert job.attempt == number + 1
        await worker.retry(job, dt.timedelta(0))


async def test_a_run_that_is_over_is_not_run_again(world: World) -> None:
    run = await world.ask("a.x")
    dead = world.worker()
    await dead.take({"a.x": 0})
    await world.db.execute(
        "INSERT INTO core_job_done (run, job, state, enqueued_at, due_at, finished_at, expires_at, "
        "key, unique_text, error, priority, attempts) "
        "VALUES (?, 'a.x', 'succeeded', ?, ?, ?, ?, '', '', '', 0, 1)",
        run,
        *[START] * 4,
    )
    world.pass_time(31)
    assert await world.worker().take({"a.x": 0}) == []
    assert await world.row(run) is None


# -- seats -----------------------------------------------------------------------------------------


async def test_no_more_of_a_key_than_its_job_allows(world: World) -> None:
    runs = await world.ask_many("a.x", 5, key="k")
    other = await world.ask("a.x", key="other")
    worker = world.worker()
    jobs = await worker.take({"a.x": 2})
    assert ids(jobs) == [*runs[:2], other]
    assert await worker.take({"a.x": 2}) == []
    assert await worker.repository.eligible_queued_work(["a.x"]) == 0
    assert await worker.repository.queued_work(["a.x"]) == 0, "a worker that waits must sleep"
    await worker.end(jobs[0])
    assert ids(await worker.take({"a.x": 2})) == [runs[2]]
    await worker.end(jobs[1], "failed", error="no")
    assert ids(await worker.take({"a.x": 2})) == [runs[3]]


async def test_a_run_that_waits_for_its_next_try_has_no_seat(world: World) -> None:
    first, second = await world.ask_many("a.x", 2)
    worker = world.worker()
    (job,) = await worker.take({"a.x": 1})
    await worker.retry(job, SOON)
    (job,) = await worker.take({"a.x": 1})
    assert job.run == second
    world.pass_time(5)
    assert await worker.take({"a.x": 1}) == []
    await worker.end(job)
    assert ids(await worker.take({"a.x": 1})) == [first]


async def test_parked_ones_come_by_priority(world: World) -> None:
    await world.ask("a.x", priority=5)
    runs = [await world.ask("a.x", priority=n) for n in (1, 3, 2)]
    worker = world.worker()
    order = []
    for _ in range(4):
        (job,) = await worker.take({"a.x": 1})
        order.append(job.run)
        await worker.end(job)
    assert order[1:] == [runs[1], runs[2], runs[0]]


async def test_the_seat_of_a_dead_worker_stays_with_its_run(world: World) -> None:
    first, second = await world.ask_many("a.x", 2)
    dead, heir = world.worker(), world.worker()
    assert ids(await dead.take({"a.x": 1})) == [first]
    assert await heir.take({"a.x": 1}) == []
    world.pass_time(31)
    (job,) = await heir.take({"a.x": 1})
    assert job.run == first
    await heir.end(job)
    assert ids(await heir.take({"a.x": 1})) == [second]


@looking
async def test_workers_at_the_same_time_share_the_seats(world: World, look_seconds: float) -> None:
    await world.ask_many("a.x", 40, key="k")
    workers = [world.worker(look_seconds=look_seconds) for _ in range(4)]
    done = 0
    for _ in range(30):
        taken = await asyncio.gather(*(one.take({"a.x": 3}, 5) for one in workers))
        assert sum(len(jobs) for jobs in taken) <= 3
        endings = [(w, job) for w, jobs in zip(workers, taken, strict=True) for job in jobs]
        await asyncio.gather(*(worker.end(job) for worker, job in endings))
        done += len(endings)
        if done == 40:
            break
    assert done == 40


async def test_a_raised_limit_wakes_who_is_parked(world: World) -> None:
    await world.ask_many("a.x", 9, key="k")
    worker = world.worker()
    assert len(await worker.take({"a.x": 1})) == 1
    assert len(await worker.take({"a.x": 3})) == 2
    assert len(await worker.take({"a.x": 0})) == 6


async def test_a_free_seat_that_nobody_told_of(world: World) -> None:
    _, second, third = await world.ask_many("a.x", 3)
    worker = world.worker()
    (job,) = await worker.take({"a.x": 1})
    await worker.end(job)
    assert await changes.call_off(world.db, second)
    assert ids(await worker.take({"a.x": 1})) == [third]


# -- what people do --------------------------------------------------------------------------------


async def test_who_runs_is_asked_to_stop(world: World) -> None:
    run = await world.ask("a.x")
    worker = world.worker()
    heard: list[str] = []
    await worker.repository.driver.add_listener("core_queue", lambda text: heard.append(str(text)))
    (job,) = await worker.take({"a.x": 0})
    assert await changes.ask_to_stop(world.db, run)
    await worker.repository.update_heartbeat([job.id])
    assert [text for text in heard if "cancellation" in text and str(job.id) in text]
    await worker.repository.log_jobs([(job, "canceled", None)])
    assert (await world.done(run) or {})["state"] == "cancelled"


async def test_a_stop_that_came_while_it_failed_or_died(world: World) -> None:
    failed, died = await world.ask_many("a.x", 2)
    worker = world.worker()
    jobs = await worker.take({"a.x": 0})
    await changes.ask_to_stop(world.db, failed)
    await changes.ask_to_stop(world.db, died)
    await worker.retry(jobs[0], dt.timedelta(0))
    world.pass_time(31)
    assert await world.worker().take({"a.x": 0}) == []
    for run in (failed, died):
        assert await world.row(run) is None
        assert (await world.done(run) or {})["state"] == "cancelled"


async def test_the_port_s_own_words_for_it(world: World) -> None:
    waiting, dead = await world.ask_many("a.x", 2)
    worker = world.worker()
    repository = worker.repository
    jobs = await worker.take({"a.x": 0})
    await worker.hand_back(jobs[0])
    await worker.end(jobs[1], "failed", error="no")
    assert [job.id for job in await repository.list_failed_jobs()] == [jobs[1].id]
    assert await repository.job_status([job.id for job in jobs]) == [
        (jobs[0].id, "queued"),
        (jobs[1].id, "failed"),
    ]
    assert [(each.status, each.count) for each in await repository.queue_size()] == [
        ("failed", 1),
        ("queued", 1),
    ]
    await repository.mark_job_as_cancelled([jobs[0].id])
    assert (await world.done(waiting) or {})["state"] == "cancelled"
    await repository.requeue_jobs([jobs[1].id])
    (job,) = await worker.take({"a.x": 0})
    assert (job.run, job.attempts) == (dead, 0)


# -- exactly once ----------------------------------------------------------------------------------


def ended(job: QueuedJob) -> Ended:
    return Ended(
        id=job.id,
        run=job.run,
        job=job.entrypoint,
        state="succeeded",
        started_at=START,
        finished_at=START,
        expires_at=START + KEEP,
    )


async def test_put_away_with_its_writes(world: World) -> None:
    run = await world.ask("a.x")
    worker = world.worker()
    (job,) = await worker.take({"a.x": 1})
    behind = await world.ask("a.x")
    assert await worker.take({"a.x": 1}) == []
    with pytest.raises(RuntimeError):
        async with world.db.transaction():
            await worker.repository.finish_inside(job, ended(job))
            raise RuntimeError
    assert (await world.row(run) or {})["status"] == "picked"
    async with world.db.transaction():
        await worker.repository.finish_inside(job, ended(job))
    assert await world.row(run) is None
    await worker.end(job)
    assert (await world.done(run) or {})["state"] == "succeeded"
    assert ids(await worker.take({"a.x": 1})) == [behind]


async def test_who_comes_too_late_writes_nothing(world: World) -> None:
    await world.ask("a.x")
    slow, heir = world.worker(), world.worker()
    (job,) = await slow.take({"a.x": 0})
    world.pass_time(31)
    await heir.take({"a.x": 0})
    note = uuid4()
    with pytest.raises(Superseded, match="another worker"):
        async with world.db.transaction():
            await world.ask("a.x", unique=str(note))
            await slow.repository.finish_inside(job, ended(job))
    assert await world.db.fetch("SELECT 1 FROM core_queue WHERE dedupe_key IS NOT NULL") == []


# -- many ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("in_the_way", ["future", "other", "parked"])
async def test_found_by_index_whatever_lies_in_the_way(world: World, in_the_way: str) -> None:
    """20,000 rows of higher priority: what reads them all needs many times as long."""
    worker = world.worker(look_seconds=1_000.0)
    limits = {"a.x": 0, "a.keyed": 1}
    if in_the_way == "future":
        await world.ask_many("a.x", 20_000, 9, START + dt.timedelta(days=1))
    elif in_the_way == "other":
        await world.ask_many("off.x", 20_000, 9)
    else:
        await world.ask_many("a.keyed", 20_000, 9, key="k")
        await world.db.execute("UPDATE core_queue SET stage = 2")
    await world.db.execute("ANALYZE")
    await world.ask_many("a.x", 50)
    await worker.take(limits, 1)
    steps = await _statements_of(world, worker, limits)
    assert steps
    assert not [step for step in steps if "SCAN q" in step or "Seq Scan on core_queue" in step]


async def _statements_of(world: World, worker: Worker, limits: dict[str, int]) -> list[str]:
    """The plans of what a worker reads when it takes a run."""
    plans: list[str] = []
    server = world.db.kind == "postgresql"
    kind: Any = Database if server else one_hop._OnConnection
    explain = "EXPLAIN " if server else "EXPLAIN QUERY PLAN "
    fetch = kind.fetch

    def explaining(method: Any) -> Any:
        async def explained(self: Any, sql: str, *params: Any) -> Any:
            plans.extend(str(row[-1]) for row in await fetch(self, explain + sql, *params))
            return await method(self, sql, *params)

        return explained

    with pytest.MonkeyPatch.context() as patch:
        for name in ("fetch", "execute_returning"):
            patch.setattr(kind, name, explaining(getattr(kind, name)))
        assert len(await worker.take(limits, 1)) == 1
        worker.repository._promote_at = 0.0
        assert len(await worker.take(limits, 1)) == 1
    return plans


async def test_many_of_one_key_are_parked_in_few_steps(world: World) -> None:
    await world.ask_many("a.keyed", 1_200, key="k")
    run = await world.ask("a.x", priority=-1)
    worker = world.worker()
    taken = [await worker.take({"a.keyed": 1, "a.x": 0}, 5) for _ in range(2)]
    assert run in ids([job for jobs in taken for job in jobs])
