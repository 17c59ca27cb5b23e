"""The plugin of the kill tests of jobs: work that is asked for, done, and followed, and counted.

Its text is installed as ``plugin.py`` of a made-up distribution; the test creates its tables. Every
table is one that shows a repetition: nothing in it is unique unless it has to be.

``RELATUM_TEST_BROKEN`` makes one thing wrong (negative controls): ``enqueue-after`` and
``enqueue-before`` ask for jobs outside of the transaction of the write they belong to,
``ack-early`` answers before the commit, ``done-apart`` writes effects in one transaction and notes
the end in another, ``new-key`` gives the outside another key with every try, ``quiet`` takes no
answer for a yes, ``handler-apart`` lets a handler write outside of its transaction (PostgreSQL).
"""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import urllib.request
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from litestar import post
from litestar.di import NamedDependency

from relatum.api import (
    CustomerDraft,
    Event,
    Handler,
    InteractionDraft,
    InteractionFact,
    Job,
    JobRequest,
    Permission,
    Plugin,
    Retry,
    Text,
    hookimpl,
    new_id,
    now,
)

BROKEN = os.environ.get("RELATUM_TEST_BROKEN", "")
RECEIVER = os.environ.get("RELATUM_TEST_RECEIVER", "")
#: the receiver answers at once, or stalls for much longer
TIMEOUT_SECONDS = 0.3
BY = "system"

TABLES = (
    "CREATE TABLE kill_jobs_work (key TEXT PRIMARY KEY, runs TEXT NOT NULL)",
    "CREATE TABLE kill_jobs_effect (run TEXT NOT NULL, work TEXT NOT NULL, n BIGINT, pid BIGINT)",
    "CREATE TABLE kill_jobs_count (bucket BIGINT PRIMARY KEY, n BIGINT NOT NULL)",
    "CREATE TABLE kill_jobs_sent (run TEXT PRIMARY KEY, work TEXT NOT NULL)",
    "CREATE TABLE kill_jobs_followed (seq BIGINT NOT NULL, work TEXT NOT NULL)",
    "CREATE TABLE kill_jobs_tick (run TEXT NOT NULL, due TEXT NOT NULL)",
    "CREATE TABLE kill_jobs_reminded (run TEXT NOT NULL, due TEXT NOT NULL, at TEXT NOT NULL)",
)
BUCKETS = 4
#: numbers of effects that come of a call outside, and of an event
AFTER_SENDING = 1_000
AFTER_EVENT = 2_000
#: every so many steps of an enrolment one calls the outside
TELL_EVERY = 5
#: how long a reminder takes, so that kills meet some at work
REMIND_SECONDS = 0.2


class Order(msgspec.Struct, forbid_unknown_fields=True):
    """Somebody wants something done."""

    key: str
    effects: int = 1
    sends: int = 1


class Taken(msgspec.Struct):
    """It is written, and so are its jobs."""

    runs: list[UUID]


class Effect(msgspec.Struct):
    work: str
    n: int


class Send(msgspec.Struct):
    work: str
    n: int


class Enrolment(msgspec.Struct, forbid_unknown_fields=True):
    """So many customers enter a flow of so many steps."""

    first: int
    customers: int
    steps: int


class Step(msgspec.Struct):
    customer: int
    number: int
    steps: int


class Reminders(msgspec.Struct, forbid_unknown_fields=True):
    """So many reminders, the first one in so many seconds, the others within the next ones."""

    count: int
    after: float
    within: float


@post("/enrolments", opt={"permission": "kill_jobs.works.write"})
async def enrol(data: Enrolment, plugin: NamedDependency[Plugin]) -> Taken:
    """The first step of each."""
    customers = range(data.first, data.first + data.customers)
    steps = [JobRequest(args=Step(n, 0, data.steps)) for n in customers]
    house: Any = plugin.house
    return Taken(runs=list(await house.jobs.enqueue_many("kill_jobs.step", steps)))


@post("/reminders", opt={"permission": "kill_jobs.works.write"})
async def remind_later(data: Reminders, plugin: NamedDependency[Plugin]) -> Taken:
    """Evenly spread."""
    first = now() + dt.timedelta(seconds=data.after)
    apart = dt.timedelta(seconds=data.within / data.count)
    requests = [JobRequest(at=first + apart * n) for n in range(data.count)]
    house: Any = plugin.house
    return Taken(runs=list(await house.jobs.enqueue_many("kill_jobs.remind", requests)))


@post("/works", opt={"permission": "kill_jobs.works.write"})
async def take(data: Order, plugin: NamedDependency[Plugin]) -> Taken:
    """A business write and the jobs it needs, in one transaction; again, the same answer."""
    house: Any = plugin.house
    row = await house.db.fetch_one("SELECT runs FROM kill_jobs_work WHERE key = ?", data.key)
    if row is not None:
        return Taken(runs=msgspec.json.decode(row[0], type=list[UUID]))
    if BROKEN == "enqueue-after":
        async with house.db.transaction():
            await write(house, data, [])
        await asyncio.sleep(0.05)
        runs = await ask(house, data)
    elif BROKEN == "enqueue-before":
        runs = await ask(house, data)
        await asyncio.sleep(0.05)
        async with house.db.transaction():
            await write(house, data, runs)
    elif BROKEN == "ack-early":
        runs = [new_id()]
        late = asyncio.create_task(both_late(house, data))
        late.add_done_callback(lambda task: task.exception())
    else:
        async with house.db.transaction():
            runs = await ask(house, data)
            await write(house, data, runs)
    return Taken(runs=runs)


async def both_late(house: Any, order: Order) -> None:
    await asyncio.sleep(0.1)
    async with house.db.transaction():
        await write(house, order, await ask(house, order))


async def ask(house: Any, order: Order) -> list[UUID]:
    runs = await house.jobs.enqueue_many(
        "kill_jobs.effect",
        [JobRequest(args=Effect(work=order.key, n=n)) for n in range(order.effects)],
    )
    for n in range(order.sends):
        unique = f"{order.key}/{n}"
        run = await house.jobs.enqueue(
            "kill_jobs.send", Send(work=order.key, n=n), unique=unique, key=str(n % BUCKETS)
        )
        runs.append(run)
    return list(runs)


async def write(house: Any, order: Order, runs: list[UUID]) -> None:
    (customer,) = await house.customers.create(
        [CustomerDraft(display_name=order.key, external_ids={"kill": order.key})], by=BY
    )
    note = InteractionDraft(
        kind="core.note",
        customer_id=customer,
        payload={"text": order.key},
        subject=f"kill_jobs.work:{order.key}",
        idempotency_key=order.key,
    )
    await house.interactions.record([note], by=BY)
    await house.db.execute(
        "INSERT INTO kill_jobs_work (key, runs) VALUES (?, ?)",
        order.key,
        msgspec.json.encode(runs).decode(),
    )


async def effect(plugin: Plugin, run: Any) -> None:
    """Writes in its own transaction, with the note that it is done."""
    db = plugin.house.db
    if BROKEN == "done-apart":
        async with db.transaction():
            await write_effect(db, run)
        await asyncio.sleep(0.05)
    else:
        await write_effect(db, run)


async def write_effect(db: Any, run: Any) -> None:
    await db.execute(
        "INSERT INTO kill_jobs_effect (run, work, n, pid) VALUES (?, ?, ?, ?)",
        *(str(run.id), run.args.work, run.args.n, os.getpid()),
    )
    await db.execute(
        "INSERT INTO kill_jobs_count (bucket, n) VALUES (?, 1) "
        "ON CONFLICT (bucket) DO UPDATE SET n = kill_jobs_count.n + 1",
        sum(run.args.work.encode()) % BUCKETS,
    )


async def send(plugin: Plugin, run: Any) -> None:
    """Calls the outside, then notes it and asks for an effect; each may be repeated."""
    key = new_id() if BROKEN == "new-key" else run.id
    try:
        await asyncio.to_thread(call_outside, str(key), f"{run.args.work}/{run.args.n}")
    except OSError:
        if BROKEN != "quiet":
            raise
    house: Any = plugin.house
    async with house.db.transaction():
        noted = await house.db.execute(
            "INSERT INTO kill_jobs_sent (run, work) VALUES (?, ?) ON CONFLICT (run) DO NOTHING",
            *(str(run.id), run.args.work),
        )
        if noted:
            await house.jobs.enqueue(
                "kill_jobs.effect", Effect(work=run.args.work, n=AFTER_SENDING + run.args.n)
            )


def call_outside(key: str, work: str) -> None:
    request = urllib.request.Request(  # noqa: S310 - the test's own receiver
        RECEIVER, data=work.encode(), headers={"Idempotency-Key": key}
    )
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
        answer.read()


async def step(plugin: Plugin, run: Any) -> None:
    """One step of an enrolment, and the request for the next one, with the note that it is done."""
    await write_step(plugin.house, run)


async def tell(plugin: Plugin, run: Any) -> None:
    """A step that calls the outside; what follows is written once, however often it is tried."""
    await asyncio.to_thread(call_outside, str(run.id), f"c{run.args.customer}/{run.args.number}")
    house: Any = plugin.house
    async with house.db.transaction():
        noted = await house.db.execute(
            "INSERT INTO kill_jobs_sent (run, work) VALUES (?, ?) ON CONFLICT (run) DO NOTHING",
            *(str(run.id), f"c{run.args.customer}"),
        )
        if noted:
            await write_step(house, run)


async def write_step(house: Any, run: Any) -> None:
    at: Step = run.args
    await house.db.execute(
        "INSERT INTO kill_jobs_effect (run, work, n, pid) VALUES (?, ?, ?, ?)",
        *(str(run.id), f"c{at.customer}", at.number, os.getpid()),
    )
    following = Step(at.customer, at.number + 1, at.steps)
    if following.number < at.steps:
        tells = following.number % TELL_EVERY == TELL_EVERY - 1
        await house.jobs.enqueue("kill_jobs.tell" if tells else "kill_jobs.step", following)


async def remind(plugin: Plugin, run: Any) -> None:
    await asyncio.sleep(REMIND_SECONDS)
    await plugin.house.db.execute(
        "INSERT INTO kill_jobs_reminded (run, due, at) VALUES (?, ?, ?)",
        *(str(run.id), run.due.isoformat(), now().isoformat()),
    )


async def tick(plugin: Plugin, run: Any) -> None:
    await plugin.house.db.execute(
        "INSERT INTO kill_jobs_tick (run, due) VALUES (?, ?)", str(run.id), run.due.isoformat()
    )


async def follow(plugin: Plugin, events: Sequence[Event]) -> None:
    """What happened leads to a row and to a job, both with the handler's position."""
    house: Any = plugin.house
    for event in events:
        work = (event.read(InteractionFact).subject or "").partition(":")[2]
        row = "INSERT INTO kill_jobs_followed (seq, work) VALUES ({}, {})"
        if BROKEN == "handler-apart":
            async with house.db.engine.pool.acquire() as connection:
                await connection.execute(row.format("$1", "$2"), event.seq, work)
            await asyncio.sleep(0.02)
        else:
            await house.db.execute(row.format("?", "?"), event.seq, work)
        await house.jobs.enqueue("kill_jobs.effect", Effect(work=work, n=AFTER_EVENT))


@hookimpl
def relatum_register_permissions(plugin: Plugin) -> list[Permission]:
    return [Permission(id="kill_jobs.works.write", title=Text(en="Works", vi="Việc"))]


@hookimpl
def relatum_register_routes(plugin: Plugin) -> list[Any]:
    return [take, enrol, remind_later]


@hookimpl
def relatum_register_handlers(plugin: Plugin) -> list[Handler]:
    return [
        Handler(
            id="kill_jobs.follow",
            events=("core.interaction_recorded",),
            handle=follow,
            batch=20,
        )
    ]


@hookimpl
def relatum_register_jobs(plugin: Plugin) -> list[Job]:
    again = Retry(
        attempts=100,
        first=dt.timedelta(seconds=0.05),
        factor=1.5,
        most=dt.timedelta(seconds=0.5),
    )
    return [
        Job(
            id="kill_jobs.effect",
            title=Text(en="Effect", vi="Tác dụng"),
            run=effect,
            args=Effect,
            atomic=BROKEN != "done-apart",
            retry=again,
        ),
        Job(
            id="kill_jobs.send",
            title=Text(en="Send", vi="Gửi"),
            run=send,
            args=Send,
            at_once=4,
            retry=again,
        ),
        Job(
            id="kill_jobs.step",
            title=Text(en="Step", vi="Bước"),
            run=step,
            args=Step,
            atomic=True,
            retry=again,
        ),
        Job(
            id="kill_jobs.tell",
            title=Text(en="Tell", vi="Báo"),
            run=tell,
            args=Step,
            retry=again,
        ),
        Job(
            id="kill_jobs.remind",
            title=Text(en="Remind", vi="Nhắc"),
            run=remind,
            atomic=True,
            retry=again,
        ),
        Job(
            id="kill_jobs.tick",
            title=Text(en="Tick", vi="Nhịp"),
            run=tick,
            every=dt.timedelta(seconds=1),
            missed="each",
            atomic=True,
            retry=again,
        ),
    ]
