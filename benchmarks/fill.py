"""``python -m benchmarks.fill COUNT``: create made-up customers in the configured database."""

from __future__ import annotations

import asyncio
import sys
from itertools import islice

from benchmarks.people import Person, people
from relatum.app.house import House
from relatum.config.load import load_settings
from relatum.customers.types import ContactPointDraft, CustomerDraft

BATCH = 2_000


def draft_of(person: Person) -> CustomerDraft:
    """A made-up customer as the service takes it."""
    return CustomerDraft(
        display_name=person.name,
        contact_points=[
            ContactPointDraft(kind="phone", raw=person.phone),
            ContactPointDraft(kind="email", raw=person.email),
        ],
        tags=[person.tag] if person.tag else [],
        external_ids={"benchmark": str(person.number)},
    )


async def fill(count: int) -> None:
    async with await House.open(load_settings()) as house:
        everybody = map(draft_of, people(count))
        while some := list(islice(everybody, BATCH)):
            await house.customers.create(some, by="system")


if __name__ == "__main__":
    asyncio.run(fill(int(sys.argv[1])))
