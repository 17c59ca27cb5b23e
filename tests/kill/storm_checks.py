"""What must hold after a storm: every way in which it may not is a line."""

from __future__ import annotations

import datetime as dt
import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

import msgspec

from relatum.db.database import Database
from tests.kill.jobs_plugin import AFTER_EVENT, AFTER_SENDING, BUCKETS
from tests.kill.receiver import Receiver
from tests.kill.storm import Ledger, Order

OURS = ("kill_jobs.effect", "kill_jobs.send")


class State(msgspec.Struct):
    """What a town has come to, without ids and times: of two towns with the same orders equal."""

    works: list[tuple[str, int]]
    customers: list[str]
    notes: list[str]
    effects: list[tuple[str, int]]
    counts: list[tuple[int, int]]
    sent: list[str]
    followed: list[str]
    runs: list[tuple[str, str, int]]
    outside: list[str]


async def state(db: Database, receiver: Receiver) -> State:
    """What is there now."""
    works = [
        (key, len(msgspec.json.decode(runs)))
        for key, runs in await db.fetch("SELECT key, runs FROM kill_jobs_work")
    ]
    runs = await db.fetch(
        "SELECT job, state, count(*) FROM core_job_done WHERE job IN (?, ?) GROUP BY job, state",
        *OURS,
    )
    return State(
        works=sorted(works),
        customers=await _sorted(db, "SELECT display_name FROM core_customer"),
        notes=await _sorted(db, "SELECT idempotency_key FROM core_interaction"),
        effects=sorted(tuple(row) for row in await db.fetch(EFFECTS)),  # type: ignore[misc]
        counts=sorted(await db.fetch("SELECT bucket, n FROM kill_jobs_count")),  # type: ignore[arg-type]
        sent=await _sorted(db, "SELECT work FROM kill_jobs_sent"),
        followed=await _sorted(db, "SELECT work FROM kill_jobs_followed"),
        runs=sorted(runs),  # type: ignore[arg-type]
        outside=sorted(text for _, text in receiver.calls),
    )


EFFECTS = "SELECT work, n FROM kill_jobs_effect"


async def _sorted(db: Database, sql: str) -> list[str]:
    return sorted(str(row[0]) for row in await db.fetch(sql))


async def violations(db: Database, ledger: Ledger, receiver: Receiver) -> list[str]:
    """Everything that is wrong; an empty list when all is well."""
    return [
        *await _of_acknowledgements(db, ledger),
        *await _of_works(db, ledger),
        *await _of_effects(db, ledger),
        *await _of_outside(db, ledger, receiver),
        *await _of_runs(db),
        *await _of_ticks(db),
    ]


async def _of_acknowledgements(db: Database, ledger: Ledger) -> list[str]:
    """What was acknowledged is there, as it was acknowledged."""
    works = {
        key: msgspec.json.decode(runs, type=list[UUID])
        for key, runs in await db.fetch("SELECT key, runs FROM kill_jobs_work")
    }
    known = {row[0] for row in await db.fetch("SELECT run FROM core_job_done")}
    known |= {row[0] for row in await db.fetch("SELECT run FROM core_queue")}
    found = []
    for key, runs in ledger.done.items():
        if key not in works:
            found.append(f"{key} was acknowledged and is not there")
        elif works[key] != runs:
            found.append(f"{key} was acknowledged with {runs} and has {works[key]}")
        lost = [run for run in runs if run not in known]
        if lost:
            found.append(f"{key} was acknowledged with runs that are nowhere: {lost}")
    return found


async def _of_works(db: Database, ledger: Ledger) -> list[str]:
    """A customer, an interaction and one handled event for each work, and nothing else."""
    works = await _sorted(db, "SELECT key FROM kill_jobs_work")
    tables = {
        "customers": "SELECT display_name FROM core_customer",
        "interactions": "SELECT idempotency_key FROM core_interaction",
        "handled events": "SELECT work FROM kill_jobs_followed",
    }
    found = [f"{key} is there, and nobody asked for it" for key in set(works) - set(ledger.tried)]
    for noun, sql in tables.items():
        found += _differences(noun, Counter(await _sorted(db, sql)), Counter(works))
    return found


async def _of_effects(db: Database, ledger: Ledger) -> list[str]:
    """Every effect exactly once, and counted once."""
    works = {str(row[0]) for row in await db.fetch("SELECT key FROM kill_jobs_work")}
    there = Counter((str(work), int(n)) for work, n in await db.fetch(EFFECTS))
    wanted = Counter(
        (key, n) for key, order in ledger.tried.items() if key in works for n in _effects(order)
    )
    found = _differences("effects", there, wanted)
    counted: dict[int, int] = dict(await db.fetch("SELECT bucket, n FROM kill_jobs_count"))  # type: ignore[arg-type]
    by_bucket: Counter[int] = Counter()
    for work, _ in wanted.elements():
        by_bucket[sum(work.encode()) % BUCKETS] += 1
    return found + _differences("counted", Counter(counted), by_bucket)


def _effects(order: Order) -> list[int]:
    after_sends = [AFTER_SENDING + n for n in range(order.sends)]
    return [*range(order.effects), *after_sends, AFTER_EVENT]


async def _of_outside(db: Database, ledger: Ledger, receiver: Receiver) -> list[str]:
    """At least one call for every run that sends, each under one key: that of its run."""
    works = {str(row[0]) for row in await db.fetch("SELECT key FROM kill_jobs_work")}
    wanted = {
        f"{key}/{n}"
        for key, order in ledger.tried.items()
        if key in works
        for n in range(order.sends)
    }
    keys: defaultdict[str, set[str]] = defaultdict(set)
    for key, text in receiver.calls:
        keys[text].add(key)
    found = [f"outside never heard of {text}" for text in sorted(wanted - set(keys))]
    found += [f"outside heard of {text}, which is not there" for text in set(keys) - wanted]
    found += [
        f"outside heard of {text} under {len(own)} keys"
        for text, own in keys.items()
        if len(own) > 1
    ]
    sent = {str(run) for (run,) in await db.fetch("SELECT run FROM kill_jobs_sent")}
    unheard = sent - {key for key, _ in receiver.calls}
    return found + [f"run {run} is noted as sent, and outside never heard of it" for run in unheard]


async def _of_runs(db: Database) -> list[str]:
    """Nothing waits, nothing failed, nothing ended twice or otherwise than well."""
    left = await db.fetch(
        "SELECT entrypoint, status, error FROM core_queue WHERE entrypoint IN (?, ?)", *OURS
    )
    ended = await db.fetch(
        "SELECT job, state, error FROM core_job_done WHERE job IN (?, ?) AND state <> 'succeeded'",
        *OURS,
    )
    both = await db.fetch("SELECT q.run FROM core_queue q JOIN core_job_done d ON d.run = q.run")
    return [
        *(f"a run of {job} is still {status}: {error}" for job, status, error in left),
        *(f"a run of {job} ended {how}: {error}" for job, how, error in ended),
        *(f"run {run} is over and in the queue" for (run,) in both),
    ]


async def _of_ticks(db: Database) -> list[str]:
    """The schedule missed no second and came to none twice, whatever was killed."""
    dues = Counter(str(due) for (due,) in await db.fetch("SELECT due FROM kill_jobs_tick"))
    found = [f"the tick of {due} came {n} times" for due, n in dues.items() if n > 1]
    moments = sorted(dt.datetime.fromisoformat(due) for due in dues)
    for before, after in itertools.pairwise(moments):
        if after - before != dt.timedelta(seconds=1):
            found.append(f"between the ticks of {before} and {after} one is missing or too much")
    return found


def _differences(noun: str, there: Mapping[Any, int], wanted: Mapping[Any, int]) -> list[str]:
    keys: Iterable[Any] = sorted({*there, *wanted})
    return [
        f"{noun}: {key} is there {there.get(key, 0)} times, expected {wanted.get(key, 0)}"
        for key in keys
        if there.get(key, 0) != wanted.get(key, 0)
    ]
