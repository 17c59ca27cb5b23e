"""What must hold in the database after a writer was killed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

import msgspec

from relatum.db.database import Database

What = Literal["customers", "interactions", "both", "change"]


#: event types that are counted, and the field of the payload that says of whom
NAMES_WHOM = {
    "core.customer_created": "customer_id",
    "core.customer_updated": "customer_id",
    "core.interaction_recorded": "interaction_id",
}


class Task(msgspec.Struct, frozen=True):
    """One thing that a writer does in one transaction.

    Attributes:
        key: unique; external ids, idempotency keys and names are made of it.
        size: how many rows of each sort.
        customer: the one that is changed, or that interactions are recorded with.
    """

    key: str
    what: What
    size: int = 1
    customer: str | None = None

    def parts(self) -> list[str]:
        """The keys of its rows."""
        return [f"{self.key}.{n}" for n in range(self.size)]


class Ledger:
    """What writers said they try and what they said is done, in the order of saying."""

    def __init__(self) -> None:
        self.tried: dict[str, Task] = {}
        #: key of a task → ids it answered, customers before interactions
        self.done: dict[str, list[str]] = {}

    def open(self) -> list[Task]:
        """Tasks that were tried and never acknowledged."""
        return [task for key, task in self.tried.items() if key not in self.done]

    def hear(self, line: str) -> None:
        """Take in one line that a writer said."""
        word, _, rest = line.partition(" ")
        if word == "try":
            task = msgspec.json.decode(rest, type=Task)
            self.tried[task.key] = task
        elif word == "done":
            key, ids = msgspec.json.decode(rest, type=tuple[str, list[str]])
            before = self.done.setdefault(key, ids)
            if before != ids:
                raise AssertionError(f"{key} was answered {before} first and {ids} later")


async def violations(db: Database, ledger: Ledger) -> list[str]:
    """Everything that is wrong; an empty list when all is well."""
    found = await _of_the_file(db)
    customers = await _by_key(
        db, "SELECT external_id, customer_id FROM core_external_id WHERE source = 'kill'"
    )
    interactions = await _by_key(
        db, "SELECT idempotency_key, id FROM core_interaction WHERE idempotency_key IS NOT NULL"
    )
    found += _twice("external id", customers)
    found += _twice("idempotency key", interactions)
    found += _of_tasks(ledger, customers, interactions)
    found += _strangers(ledger, {*customers, *interactions})
    found += await _of_changes(db, ledger)
    found += await _half_customers(db)
    found += await _of_events(db)
    return found


async def wrong_projection(db: Database) -> list[str]:
    """Where the plugin's counts differ from counting the interactions."""
    counted = dict(await db.fetch("SELECT customer_id, n FROM kill_count_customer"))
    rows = await db.fetch("SELECT customer_id FROM core_interaction")
    expected = Counter(str(row[0]) for row in rows)
    return [
        f"customer {customer}: counted {counted.get(customer, 0)}, there are {expected[customer]}"
        for customer in sorted({*counted, *expected})
        if counted.get(customer, 0) != expected[customer]
    ]


async def _of_the_file(db: Database) -> list[str]:
    if db.kind != "sqlite":
        return []
    checked = await db.fetch("PRAGMA integrity_check")
    dangling = await db.fetch("PRAGMA foreign_key_check")
    found = [] if checked == [("ok",)] else [f"integrity_check: {checked}"]
    return [*found, *(f"dangling reference: {row}" for row in dangling)]


async def _by_key(db: Database, sql: str) -> dict[str, list[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for key, id in await db.fetch(sql):
        found[key].append(str(id))
    return found


def _twice(noun: str, rows: Mapping[str, list[str]]) -> Iterator[str]:
    return (f"{noun} {key} is there {len(ids)} times" for key, ids in rows.items() if len(ids) > 1)


def _of_tasks(
    ledger: Ledger, customers: Mapping[str, list[str]], interactions: Mapping[str, list[str]]
) -> Iterator[str]:
    for task in ledger.tried.values():
        for sort, rows in (("customers", customers), ("interactions", interactions)):
            if task.what not in {sort, "both"}:
                continue
            there = [rows[part][0] for part in task.parts() if part in rows]
            if len(there) not in {0, task.size}:
                yield f"{task.key}: {len(there)} of {task.size} {sort} are there"
            answered = ledger.done.get(task.key)
            if answered is not None and not set(there) <= set(answered):
                yield f"{task.key}: acknowledged {answered}, there are {sort} {there}"
            if answered is not None and len(there) < task.size:
                yield f"{task.key}: acknowledged, but {sort} are missing"


def _strangers(ledger: Ledger, keys: Iterable[str]) -> Iterator[str]:
    for key in keys:
        if key.rpartition(".")[0] not in ledger.tried:
            yield f"{key} is there, and nobody tried to write it"


async def _of_changes(db: Database, ledger: Ledger) -> Iterator[str]:
    rows = await db.fetch("SELECT id, display_name FROM core_customer")
    names = {str(id): name for id, name in rows}
    last: dict[str, str] = {}
    allowed: defaultdict[str, set[str]] = defaultdict(set)
    for key, task in ledger.tried.items():
        if task.what == "change" and task.customer is not None:
            if key in ledger.done:
                last[task.customer] = key
                allowed[task.customer] = {key}
            else:
                allowed[task.customer].add(key)
    return (
        f"customer {customer}: the change {key} was acknowledged, the name is {names.get(customer)}"
        for customer, key in last.items()
        if names.get(customer) not in allowed[customer]
    )


async def _half_customers(db: Database) -> Iterator[str]:
    """Customers of these tests come with two contact points, a role and a tag."""
    rows = await db.fetch(
        "SELECT c.id, (SELECT count(*) FROM core_contact_point p WHERE p.customer_id = c.id), "
        "(SELECT count(*) FROM core_customer_role r WHERE r.customer_id = c.id), "
        "(SELECT count(*) FROM core_customer_tag t WHERE t.customer_id = c.id) FROM core_customer c"
    )
    return (
        f"customer {row[0]} is there by half: {row[1:]}" for row in rows if row[1:] != (2, 1, 1)
    )


async def _of_events(db: Database) -> list[str]:
    """Exactly one event for everything that became true."""
    events: Counter[tuple[str, str]] = Counter()
    for kind, text in await db.fetch("SELECT type, payload FROM core_event"):
        if kind in NAMES_WHOM:
            events[kind, msgspec.json.decode(text)[NAMES_WHOM[kind]]] += 1
    expected: Counter[tuple[str, str]] = Counter()
    for id, version in await db.fetch("SELECT id, version FROM core_customer"):
        expected["core.customer_created", str(id)] = 1
        if version > 1:
            expected["core.customer_updated", str(id)] = version - 1
    for (id,) in await db.fetch("SELECT id FROM core_interaction"):
        expected["core.interaction_recorded", str(id)] = 1
    return [
        f"{kind} of {id}: {events[kind, id]} events, expected {expected[kind, id]}"
        for kind, id in sorted({*events, *expected})
        if events[kind, id] != expected[kind, id]
    ]
