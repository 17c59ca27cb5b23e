"""Whatever was merged and edited before: erasing a survivor erases everybody who lives in it.

What is reached from everybody else is what it was, but for what they had with those who are gone.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings

from core.tests.customers.merging.laws import Act
from core.tests.customers.merging.stage import ACTS, NUMBERS, QUIETLY, SEEDS, Stage
from core.tests.customers.merging.world import BY, World, add_note, reach_of, rename
from relatum.app.house import House
from relatum.config.settings import Settings
from relatum.customers.erasing import service as erasing_service


@pytest.fixture
def stage(
    relatum_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Stage]:
    async def leave(*_: Any) -> bool:
        return True

    # bytes are looked at elsewhere; a thousand small worlds need not be written anew
    monkeypatch.setattr(erasing_service, "clean", leave)
    made = Stage(
        Settings(home=tmp_path, database=relatum_database_url, safe_mode=True, durability="normal")
    )
    made.open()
    yield made
    made.close()


@settings(max_examples=25, deadline=None, suppress_health_check=QUIETLY)
@given(seed=SEEDS, acts=ACTS, whom=NUMBERS)
def test_erasing_a_survivor_erases_the_absorbed(
    stage: Stage, seed: int, acts: list[Act], whom: int
) -> None:
    stage.done += stage.run(_check(stage.house, seed, acts, whom))


async def _check(house: House, seed: int, acts: list[Act], whom: int) -> Counter[str]:
    world = World(house, random.Random(seed))
    await house.db.execute("DELETE FROM zz_stamp")
    await house.db.execute("DELETE FROM zz_note")
    # of a case that failed before this one
    left = [id for (id,) in await house.db.fetch("SELECT id FROM core_customer")]
    await house.erasing.erase_many(left, by=BY, reason="law")
    await world.fill(5)
    group = await _play(house, world, acts)
    live = list(dict.fromkeys(group.values()))
    chosen = live[whom % len(live)]
    gone = {id for id, root in group.items() if root == chosen}
    before = await reach_of(world)
    receipt = await house.erasing.erase(chosen, by=BY, reason="law")
    assert set(receipt.ids) == gone
    after = await reach_of(world)
    for each in (before, after):
        each.pop(None, None)  # type: ignore[call-overload]
    assert after == {
        customer: kept
        for customer, said in before.items()
        if customer not in gone and (kept := {each for each in said if not gone & _named(each)})
    }
    assert await world.dangling() == 0
    assert await house.merging.current_of(list(gone)) == {}
    assert gone & {id for (id,) in await house.db.fetch("SELECT id FROM core_customer")} == set()
    rest = [id for id in live if id != chosen]
    await house.erasing.erase_many(rest, by=BY, reason="law")
    assert await house.db.fetch("SELECT id FROM core_customer") == []
    assert await house.db.fetch("SELECT id FROM core_merge") == []
    return Counter({"erased": len(live), "absorbed": len(group) - len(live)})


async def _play(house: House, world: World, acts: list[Act]) -> dict[UUID, UUID]:
    """Merge, take back and edit; answers in whom everybody lives."""
    parent = {id: id for id in world.ids}
    merges = []

    def root(id: UUID) -> UUID:
        return id if parent[id] == id else root(parent[id])

    for number, (name, a, b) in enumerate(acts):
        live = [id for id in world.ids if parent[id] == id]
        if name == "merge" and len(live) > 1:
            survivor = live[a % len(live)]
            absorbed = [id for id in live if id != survivor][b % (len(live) - 1)]
            merges.append(await house.merging.merge(survivor, absorbed, by=BY))
            parent[absorbed] = survivor
        elif name == "undo" and merges:
            merge = merges.pop()
            await house.merging.unmerge(merge.id, by=BY)
            parent[merge.absorbed] = merge.absorbed
        elif name == "note":
            await add_note(world, live[a % len(live)], f"new {number}")
        elif name == "rename":
            await rename(world, live[a % len(live)], f"Tên {number}")
    return {id: root(id) for id in world.ids}


def _named(said: tuple[Any, ...]) -> set[UUID]:
    return {each for each in said if isinstance(each, UUID)}
