"""Everything that can happen to a queue, in any order, against the model."""

from __future__ import annotations

import asyncio
import datetime as dt
import math
from collections.abc import Awaitable
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
)

from core.tests.jobs.engine.model import Model
from core.tests.jobs.engine.world import STALE, Make, Worker, World
from relatum.hooks.context import Plugin
from relatum.hooks.declarations import Job
from relatum.hooks.gate import Gate
from relatum.hooks.registry import Registry
from relatum.jobs import changes
from relatum.jobs.engine.rows import QueuedJob
from relatum.jobs.service import Jobs
from relatum.jobs.types import JobRequest
from relatum.values.problems import Conflict
from relatum.values.text import Text
from relatum.values.time import now

T = TypeVar("T")

LIMITS = {"probe.free": 0, "probe.one": 1, "probe.two": 2}
DELIVERIES = 3
WORKERS = 3

jobs = st.sampled_from(sorted(LIMITS))
keys = st.sampled_from(["", "a", "b"])
uniques = st.sampled_from(["", "", "", "u", "v"])
priorities = st.integers(-2, 2)
#: Longer than a round takes by the clock on the wall: the façade looks at that one.
delays = st.sampled_from([0, 0, 0, 600, 900, 3_600])
which = st.integers(0, WORKERS - 1)


class QueueMachine(RuleBasedStateMachine):
    """Subclasses name the world; what breaks a rule of the model fails."""

    runner: ClassVar[asyncio.Runner]
    world: ClassVar[World]
    make: ClassVar[Make | None] = None

    runs = Bundle("runs")
    held = Bundle("held")

    @initialize()
    def begin(self) -> None:
        self.world.close()
        for table in ("core_queue", "core_job_done"):
            self.run(self.world.db.execute(f"DELETE FROM {table}"))
        self.world.moment = now()
        self.model = Model(LIMITS, stale=STALE, deliveries=DELIVERIES)
        self.house = _facade(self.world)
        #: what each worker remembers to have
        self.known: set[tuple[UUID, int]] = set()
        self.workers = [self._hire() for _ in range(WORKERS)]

    def run(self, work: Awaitable[T]) -> T:
        async def awaited() -> T:
            return await work

        return self.runner.run(awaited())

    @property
    def is_sqlite(self) -> bool:
        return self.world.db.kind == "sqlite"

    def _hire(self) -> Worker:
        worker = self.world.worker(self.make, max_deliveries=DELIVERIES)
        # takes its part of the lock on the file
        self.run(worker.take({"probe.none": 0}))
        return worker

    # -- asking ----------------------------------------------------------------------------------

    @rule(target=runs, job=jobs, key=keys, unique=uniques, priority=priorities, delay=delays)
    def ask(self, job: str, key: str, unique: str, priority: int, delay: int) -> Any:
        at = self.world.moment + dt.timedelta(seconds=delay)
        request = JobRequest(at=at, key=key, unique=unique, priority=priority)
        standing = self.model.standing(job, unique)
        (run,) = self.run(self.house.enqueue_many(job, [request]))
        if standing is not None:
            assert run == standing.run
            return multiple()
        self.model.ask(run, job, key, unique, priority, at)
        return run

    @rule(target=runs, job=jobs, key=keys, count=st.integers(2, 6))
    def ask_many(self, job: str, key: str, count: int) -> Any:
        asked = self.run(self.house.enqueue_many(job, [JobRequest(key=key) for _ in range(count)]))
        for run in asked:
            self.model.ask(run, job, key, "", 0, self.world.moment)
        return multiple(*asked)

    # -- working ---------------------------------------------------------------------------------

    @rule(
        target=held,
        worker=which,
        most=st.integers(1, 6),
        names=st.sets(jobs, min_size=1),
    )
    def take(self, worker: int, most: int, names: set[str]) -> Any:
        return multiple(*self._take(self.workers[worker], most, names))

    @rule(target=held, worker=which, most=st.integers(1, 6), names=st.sets(jobs, min_size=1))
    def take_at_a_glance(self, worker: int, most: int, names: set[str]) -> Any:
        """Without a look at what nobody told of, as most of the time."""
        one = self.workers[worker]
        one.repository._look_at = one.repository._promote_at = math.inf
        try:
            return multiple(*self._take(one, most, names, glance=True))
        finally:
            one.repository._look_at = one.repository._promote_at = 0.0

    def _take(
        self, worker: Worker, most: int, names: set[str], *, glance: bool = False
    ) -> list[tuple[Worker, QueuedJob]]:
        candidates = self.model.candidates(worker.id, names, self.world.moment)
        if glance:
            candidates = [run for run in candidates if run.status == "queued"]
        doomed = [run.run for run in candidates if self.model.doomed(run)]
        ideals = [[run.run for run in self.model.ideal(candidates)]]
        if glance and not self.is_sqlite:
            ideals.append(self._known_to_be_ready(ideals[0]))
        got = self.run(worker.take({name: LIMITS[name] for name in names}, most))
        given = [job.run for job in got]
        assert len(set(given)) == len(given) <= most
        assert set(given) <= {run.run for run in candidates} - set(doomed)
        # nobody may have told of a free seat
        if not doomed and (not glance or not any(LIMITS[name] for name in names)):
            assert any(given == ideal[: len(given)] for ideal in ideals), "not the first ones"
            assert given or not ideals[0], "nothing, although something could go on"
        for job in got:
            self.model.take(job.run, worker.id, self.world.moment)
            self.known.add((worker.id, job.id))
        for run in doomed:
            self._learn(run)
        return [(worker, job) for job in got]

    def _known_to_be_ready(self, runs: list[UUID]) -> list[UUID]:
        """At a glance nobody sees that the time of others has come."""
        stages = dict(self.run(self.world.db.fetch("SELECT run, stage FROM core_queue")))
        return [run for run in runs if stages[run] == 0]

    def _learn(self, run: UUID) -> None:
        """Whether a doomed run was among those that were looked at is the queue's business."""
        row, one = self.run(self.world.row(run)), self.model.runs[run]
        if row is None:
            assert one.stopping
            self.model.over(run, "cancelled")
        elif row["status"] == "failed":
            assert one.deliveries >= DELIVERIES
            assert not one.stopping
            one.settle("failed", one.attempts + one.deliveries)

    @rule(one=consumes(held))
    def succeed(self, one: tuple[Worker, QueuedJob]) -> None:
        worker, job = one
        self.run(worker.end(job))
        if self._forget(worker, job):
            self.model.over(job.run, "succeeded")

    def _forget(self, worker: Worker, job: QueuedJob) -> bool:
        """Whether the worker still remembered it: of what it gave back it knows nothing."""
        place = worker.id, job.id
        known = place in self.known
        self.known.discard(place)
        return known

    @rule(one=consumes(held))
    def fail(self, one: tuple[Worker, QueuedJob]) -> None:
        worker, job = one
        self.run(worker.end(job, "failed", error="no luck"))
        mine = self.model.mine(job.run, worker.id)
        if self._forget(worker, job) and mine:
            mine.settle("failed", mine.attempts + mine.deliveries)

    @rule(one=consumes(held), delay=delays)
    def retry(self, one: tuple[Worker, QueuedJob], delay: int) -> None:
        worker, job = one
        self.run(worker.retry(job, dt.timedelta(seconds=delay)))
        mine = self.model.mine(job.run, worker.id)
        if self._forget(worker, job) and mine:
            mine.settle("queued", mine.attempts + mine.deliveries)
            mine.after = self.world.moment + dt.timedelta(seconds=delay)

    @rule(one=consumes(held))
    def hand_back(self, one: tuple[Worker, QueuedJob]) -> None:
        worker, job = one
        self.run(worker.hand_back(job))
        mine = self.model.mine(job.run, worker.id)
        if self._forget(worker, job) and mine:
            mine.settle("queued", mine.attempts, mine.deliveries - 1)
            mine.after = self.world.moment

    @rule(one=held)
    def beat(self, one: tuple[Worker, QueuedJob]) -> None:
        worker, job = one
        self.run(worker.repository.update_heartbeat([job.id]))
        mine = self.model.mine(job.run, worker.id)
        if mine and (worker.id, job.id) in self.known:
            mine.heartbeat = self.world.moment

    # -- what befalls workers --------------------------------------------------------------------

    @rule(worker=which)
    def die(self, worker: int) -> None:
        """Killed: nobody is told, and another one takes its place."""
        self.workers[worker] = self._hire()

    @rule(worker=which)
    def stop(self, worker: int) -> None:
        leaving = self.workers[worker]
        self.run(leaving.repository.give_back(leaving.id))
        for run in self.model.runs.values():
            if run.status == "picked" and run.owner == leaving.id:
                run.settle("queued", run.attempts, run.deliveries - 1)
        self.known = {place for place in self.known if place[0] != leaving.id}
        self.workers[worker] = self._hire()

    @rule()
    def the_house_falls(self) -> None:
        """Every process is killed. On SQLite the next one sees that it is alone."""
        self.world.close()
        self.workers = [self._hire() for _ in range(WORKERS)]
        if self.is_sqlite:
            for run in self.model.runs.values():
                if run.status == "picked":
                    run.settle("queued", run.attempts, run.deliveries)

    @rule(seconds=st.sampled_from([1, 29, 31, 600, 1_200]))
    def wait(self, seconds: int) -> None:
        self.world.pass_time(seconds)

    @rule(target=held, worker=which, other=which)
    def long_work(self, worker: int, other: int) -> Any:
        """Longer than a sign of life lasts, but there are signs."""
        busy = self.workers[worker]
        taken = self._take(busy, 4, set(LIMITS))
        for _ in range(2):
            self.world.pass_time(25)
            for one in taken:
                self.beat(one)
        return multiple(*taken, *self._take(self.workers[other], 6, set(LIMITS)))

    @rule(target=held, worker=which)
    def kill_again_and_again(self, worker: int) -> Any:
        """Some run may be the one that kills them."""
        for _ in range(DELIVERIES + 1):
            self._take(self.workers[worker], 6, set(LIMITS))
            self.die(worker)
            self.world.pass_time(31)
        return multiple(*self._take(self.workers[worker], 6, set(LIMITS)))

    @rule(one=consumes(held), other=which, delay=delays)
    def come_back_too_late(self, one: tuple[Worker, QueuedJob], other: int, delay: int) -> None:
        """Its run has been given to another one, and then it fails."""
        self.world.pass_time(31)
        self._take(self.workers[other], 6, set(LIMITS))
        self.retry(one, delay)

    # -- what people do --------------------------------------------------------------------------

    @rule(run=runs)
    def cancel(self, run: UUID) -> None:
        one = self.model.runs.get(run)
        try:
            self.run(self.house.cancel(run))
        except Conflict:
            assert one is None or one.status == "failed"
            return
        assert one is not None
        if one.status == "queued":
            self.model.over(run, "cancelled")
        else:
            one.stopping = True

    @rule(run=runs)
    def try_again(self, run: UUID) -> None:
        one = self.model.runs.get(run)
        try:
            self.run(self.house.retry(run))
        except Conflict:
            assert (
                one is None
                or one.status != "failed"
                or self.model.standing(one.job, one.unique) is not None
            )
            return
        assert one is not None
        assert one.status == "failed"
        one.settle("queued", 0)
        one.after, one.stopping = self.world.moment, False

    @rule(run=runs)
    def drop(self, run: UUID) -> None:
        one = self.model.runs.get(run)
        dropped = self.run(changes.drop_dead(self.world.db, run))
        assert dropped == (one is not None and one.status == "failed")
        if dropped:
            self.model.over(run, "cancelled")

    # -- what holds at every moment --------------------------------------------------------------

    @invariant()
    def the_tables_hold_what_the_model_holds(self) -> None:
        if not hasattr(self, "model"):
            return
        rows = self.run(
            self.world.db.fetch(
                "SELECT run, status, attempts, deliveries, queue_manager_id, stopping "
                "FROM core_queue"
            )
        )
        theirs = {row[0]: tuple(row[1:]) for row in rows}
        ours = {
            run.run: (run.status, run.attempts, run.deliveries, run.owner, run.stopping)
            for run in self.model.runs.values()
        }
        assert theirs == ours
        done = dict(self.run(self.world.db.fetch("SELECT run, state FROM core_job_done")))
        assert done == self.model.done

    @invariant()
    def no_key_has_more_than_its_seats(self) -> None:
        if hasattr(self, "model"):
            for (job, _), count in self.model.seats().items():
                assert not LIMITS[job] or count <= LIMITS[job]

    def teardown(self) -> None:
        """Whatever has happened: workers that do their duty bring everything to its end."""
        if not hasattr(self, "model"):
            return
        try:
            self._work_everything_off()
            self.the_tables_hold_what_the_model_holds()
        finally:
            self.world.close()

    def _work_everything_off(self) -> None:
        worker = self._hire()
        self.workers = [worker]
        self.world.pass_time(4_000)
        for _ in range(1_000):
            taken = self._take(worker, 4, set(LIMITS))
            for one in taken:
                self.succeed(one)
            if not taken and all(run.status == "failed" for run in self.model.runs.values()):
                return
        raise AssertionError("some runs never come to their end")


def _facade(world: World) -> Jobs:
    """Asking and calling off as plugins and people do it."""
    registry = Registry(Gate({"probe"}))
    registry.plugins["probe"] = Plugin("probe", version="1.0")
    for job, at_once in LIMITS.items():
        registry.jobs.put(Job(id=job, title=Text(en=job, vi=job), run=_nothing, at_once=at_once))
    return Jobs(world.db, registry, world.signals)


async def _nothing(*_: Any) -> None:
    """What the jobs do is not what is tested."""
