"""``python -m tests.kill.writer``: a process that writes as fast as it can until it is killed.

Several writers at a time use the services of a house, the handlers follow the log beside them.
Each task is announced (``try …``) before and acknowledged (``done …``) after its commit, a line
each on standard output. The first line of standard input lists tasks of an earlier life that were
never acknowledged; they are tried again first.

``--lie`` acknowledges before the commit (negative control). ``--settle`` writes nothing and runs
the handlers until nothing is left; with ``--replay`` from the beginning of the log.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sys
from collections.abc import Awaitable, Callable
from uuid import UUID

import msgspec

from relatum.app.house import House
from relatum.config.load import load_settings
from relatum.customers.types import ContactPointDraft, CustomerChange, CustomerDraft
from relatum.interactions.types import InteractionDraft
from relatum.values.problems import InvalidInput
from tests.kill.writer_checks import Task

BY = "system"
SOURCE = "kill"


class Writer:
    """One of several that write at the same time."""

    def __init__(self, house: House, name: str, chance: random.Random, *, lie: bool) -> None:
        self._house = house
        self._name = name
        self._chance = chance
        self._lie = lie
        self._mine: list[str] = []

    async def run(self, retries: list[Task]) -> None:
        """Finish what an earlier life left open, then write for ever."""
        for task in retries:
            await self._do(task)
        number = 0
        while True:
            await self._do(self._next(f"{self._name}-{number}"))
            number += 1

    def _next(self, key: str) -> Task:
        choices = ["customers", "interactions", "both", "change"] if self._mine else ["customers"]
        what = self._chance.choice(choices)
        customer = self._chance.choice(self._mine) if self._mine else None
        size = 1 if what == "change" else self._chance.randint(1, 12)
        return Task(key, what, size, customer)  # type: ignore[arg-type]

    async def _do(self, task: Task) -> None:
        say("try", task)
        if self._lie:
            async with self._house.db.transaction():
                ids = await self._write(task)
                say("done", (task.key, ids))
                await asyncio.sleep(0.05)
        else:
            say("done", (task.key, await self._write(task)))

    async def _write(self, task: Task) -> list[str]:
        ways: dict[str, Callable[[Task], Awaitable[list[str]]]] = {
            "customers": self._customers,
            "interactions": self._interactions,
            "both": self._both,
            "change": self._change,
        }
        return await ways[task.what](task)

    async def _customers(self, task: Task) -> list[str]:
        customers = self._house.customers
        try:
            made = await customers.create([customer_draft(part) for part in task.parts()], by=BY)
        except InvalidInput:
            # An earlier life wrote them and was killed before it could say so.
            known = await customers.ids_by_external(SOURCE, task.parts())
            if len(known) != task.size:
                raise
            made = [known[part] for part in task.parts()]
        ids = [str(id) for id in made]
        self._mine += ids
        return ids

    async def _interactions(self, task: Task) -> list[str]:
        customer = UUID(task.customer) if task.customer else None
        drafts = [interaction_draft(part, customer) for part in task.parts()]
        return [str(id) for id in await self._house.interactions.record(drafts, by=BY)]

    async def _both(self, task: Task) -> list[str]:
        async with self._house.db.transaction():
            customers = await self._customers(task)
            return customers + await self._interactions(task)

    async def _change(self, task: Task) -> list[str]:
        customer = UUID(task.customer)
        changed = CustomerChange(display_name=task.key)
        await self._house.customers.change_many([(customer, changed)], by=BY)
        return [str(customer)]


def customer_draft(key: str) -> CustomerDraft:
    """A customer with something in every table."""
    return CustomerDraft(
        display_name=key,
        contact_points=[
            ContactPointDraft(kind="email", raw=f"{key}@example.com"),
            ContactPointDraft(kind="website", raw=f"https://example.com/{key}"),
        ],
        tags=["kill"],
        external_ids={SOURCE: key},
    )


def interaction_draft(key: str, customer: UUID | None) -> InteractionDraft:
    """A note that can be recorded only once."""
    return InteractionDraft(
        kind="core.note", customer_id=customer, payload={"text": key}, idempotency_key=key
    )


def say(word: str, what: object) -> None:
    """One line, in one write, so that the reader never sees half of it mixed with another."""
    os.write(1, f"{word} {msgspec.json.encode(what).decode()}\n".encode())


async def write(name: str, count: int, *, lie: bool) -> None:
    """Write until somebody kills the process."""
    retries = msgspec.json.decode(sys.stdin.readline() or "[]", type=list[Task])
    async with await House.open(load_settings()) as house, asyncio.TaskGroup() as group:
        group.create_task(house.handlers.run_forever())
        for n in range(count):
            writer = Writer(house, f"{name}-{n}", random.Random(f"{name}-{n}"), lie=lie)
            group.create_task(writer.run(retries[n::count]))


async def settle(*, replay: bool) -> None:
    """Run the handlers until nothing is left to do."""
    async with await House.open(load_settings()) as house:
        if replay:
            await house.handlers.replay("kill_count.counter")
        while await house.handlers.run_once():
            pass
        (status,) = [s for s in await house.handlers.status() if s.id == "kill_count.counter"]
        if status.lag or status.waiting or status.given_up:
            raise RuntimeError(f"expected everything handled, got {status}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--name", default="w")
    parser.add_argument("--writers", type=int, default=6)
    parser.add_argument("--lie", action="store_true")
    parser.add_argument("--settle", action="store_true")
    parser.add_argument("--replay", action="store_true")
    given = parser.parse_args()
    if given.settle:
        asyncio.run(settle(replay=given.replay))
    else:
        asyncio.run(write(given.name, given.writers, lie=given.lie))


if __name__ == "__main__":
    main()
