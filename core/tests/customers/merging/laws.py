"""The laws of merging, checked on one small world after the other.

Whatever is merged, edited and taken back, in whatever order:

* what is reached from a customer is the union of what is reached from everybody who is one with
  it, and nothing points at nobody;
* when every merge is taken back, in any order, every row is as it was, to the byte, but for what
  was edited meanwhile.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from core.tests.customers.merging.world import BY, World, add_note, reach_of, rename
from relatum.app.house import House
from relatum.customers.merging.types import Merge

#: what is done (``merge``, ``undo``, ``note``, ``rename``) and two numbers that say to whom
Act = tuple[str, int, int]


class _Over(Exception):
    """Nothing of a case is kept."""


async def check_case(
    house: House, seed: int, acts: Sequence[Act], *, people: int = 5
) -> Counter[str]:
    """Play one case; what was done is counted, and undone with the transaction."""
    done: Counter[str] = Counter()
    try:
        async with house.db.transaction():
            await _Case(house, seed, done).play(acts, people)
            raise _Over
    except _Over:
        return done


class _Case:
    def __init__(self, house: House, seed: int, done: Counter[str]) -> None:
        self.house = house
        self.world = World(house, random.Random(seed))
        self.done = done
        self.merges: list[Merge] = []
        self.notes: list[tuple[UUID, str]] = []
        self.renamed: dict[UUID, str] = {}

    async def play(self, acts: Sequence[Act], people: int) -> None:
        world = self.world
        await world.fill(people)
        before = await world.snapshot()
        self.first = await reach_of(world)
        for name, a, b in acts:
            await getattr(self, name)(a, b)
            await self.check_reach()
        while self.merges:
            await self.undo(world.chance.randint(0, 99), 0)
            await self.check_reach()
        await self.check_as_before(before)

    # -- acts ------------------------------------------------------------------------------------

    async def merge(self, a: int, b: int) -> None:
        live = self.live()
        if len(live) < 2:
            return
        survivor = live[a % len(live)]
        absorbed = [id for id in live if id != survivor][b % (len(live) - 1)]
        choices: dict[str, Any] = {"display_name": "absorbed"} if a % 3 == 0 else {}
        merge = await self.house.merging.merge(survivor, absorbed, by=BY, choices=choices)
        self.merges.append(merge)
        self.done["merged"] += 1

    async def undo(self, a: int, _: int) -> None:
        if not self.merges:
            return
        place = a % len(self.merges)
        self.done["undone out of order"] += place != len(self.merges) - 1
        await self.house.merging.unmerge(self.merges.pop(place).id, by=BY)
        self.done["undone"] += 1

    async def note(self, a: int, _: int) -> None:
        live = self.live()
        customer, word = live[a % len(live)], f"new {len(self.notes)}"
        self.notes.append((customer, word))
        await add_note(self.world, customer, word)
        self.done["notes"] += 1

    async def rename(self, a: int, _: int) -> None:
        live = self.live()
        customer, name = live[a % len(live)], f"Tên {self.done['renamed']}"
        self.renamed[customer] = name
        await rename(self.world, customer, name)
        self.done["renamed"] += 1

    # -- laws ------------------------------------------------------------------------------------

    def roots(self) -> dict[UUID, UUID]:
        parent = {id: id for id in self.world.ids}
        for merge in self.merges:
            parent[merge.absorbed] = merge.survivor

        def root(id: UUID) -> UUID:
            return id if parent[id] == id else root(parent[id])

        return {id: root(id) for id in self.world.ids}

    def live(self) -> list[UUID]:
        return list(dict.fromkeys(self.roots().values()))

    async def check_reach(self) -> None:
        roots = self.roots()
        expected: dict[UUID, set[Any]] = {}
        for customer, said in self.first.items():
            mapped = {
                tuple(roots.get(x, x) if isinstance(x, UUID) else x for x in each) for each in said
            }
            expected.setdefault(roots[customer], set()).update(mapped)
        for customer, word in self.notes:
            expected.setdefault(roots[customer], set()).add(("note", word))
        for customer, some in expected.items():
            expected[customer] = {s for s in some if not (s[0] == "link" and s[1] == s[2])}
        found = await reach_of(self.world)
        assert found == {customer: some for customer, some in expected.items() if some}
        assert await self.world.dangling() == 0
        current = await self.house.merging.current_of(self.world.ids)
        assert current == {id: root for id, root in roots.items() if id != root}

    async def check_as_before(self, before: dict[str, list[dict[str, str]]]) -> None:
        after = await self.world.snapshot()
        words = {word for _, word in self.notes}
        after["zz_note"] = [row for row in after["zz_note"] if row["word"] not in words]
        for rows in (before["core_customer"], after["core_customer"]):
            for row in rows:
                if UUID(row["id"]) in self.renamed:
                    for column in ("display_name", "sort_key", "search", "search_name"):
                        del row[column]
        for table, rows in before.items():
            assert rows == after[table], table
        for id, name in self.renamed.items():
            [stored] = await self.house.customers.get_stored([id])
            assert stored.display_name == name
