"""SIGKILL of web, worker and database while people write and jobs run.

Nothing acknowledged is lost, effects in the database happen exactly once, effects outside at least
once and under one key, no job is there without its business write and none is missing, schedules
keep every time, and in the end everything is as after a calm run of the same orders.
"""

from __future__ import annotations

import asyncio
import random

import pytest

from relatum.db.database import Database
from tests.kill.cluster import Cluster
from tests.kill.conftest import Build
from tests.kill.storm import Storm, Target, Town, calm_run
from tests.kill.storm_checks import state, violations

pytestmark = pytest.mark.long


def moments(kills: int, targets: tuple[Target, ...], chance: random.Random) -> list[Target]:
    """So many kills of each target, in any order."""
    order = [target for target in targets for _ in range(kills)]
    chance.shuffle(order)
    return order


kills = pytest.mark.parametrize(
    "kills",
    [
        pytest.param(2, id="2 kills of each"),
        pytest.param(
            50, id="50 kills of each", marks=[pytest.mark.thorough, pytest.mark.timeout(3600)]
        ),
    ],
)


async def survived(storm: Storm, calm: Town) -> None:
    """The laws hold, and a calm run of the same orders comes to the same."""
    db = await Database.open(storm.town.url)
    assert await violations(db, storm.ledger, storm.town.receiver) == []
    reached = await state(db, storm.town.receiver)
    await db.close()
    again = await calm_run(calm, storm.ledger)
    db = await Database.open(calm.url)
    assert await violations(db, again, calm.receiver) == []
    assert await state(db, calm.receiver) == reached
    await db.close()
    assert len(storm.ledger.done) == len(storm.ledger.tried) > 10
    assert sum(storm.town.receiver.calls.values()) > 5


@kills
async def test_embedded(build: Build, chance: random.Random, kills: int) -> None:
    """A file of SQLite with a web process and two workers."""
    storm = Storm(await build(), chance)
    await storm.rage(moments(kills, ("web", "worker"), chance))
    await asyncio.to_thread(storm.town.stop)
    await survived(storm, await build(stalls=0.0))


@kills
async def test_server(build: Build, cluster: Cluster, chance: random.Random, kills: int) -> None:
    """A server of PostgreSQL, which is killed too."""
    town = await build(await asyncio.to_thread(cluster.make_database))
    storm = Storm(town, chance, cluster)
    await storm.rage(moments(kills, ("web", "worker", "database"), chance))
    await asyncio.to_thread(storm.town.stop)
    calm = await asyncio.to_thread(cluster.make_database)
    await survived(storm, await build(calm, stalls=0.0))


# -- negative controls: what is wrong is seen ----------------------------------------------------


@pytest.mark.parametrize(
    ("broken", "target", "words"),
    [
        ("enqueue-after", "web", "effects"),
        ("enqueue-before", "web", "effects"),
        ("ack-early", "web", "acknowledged"),
        ("done-apart", "worker", "effects"),
        ("new-key", "worker", "keys"),
        ("quiet", "worker", "outside never heard"),
    ],
)
async def test_what_is_broken_is_caught(
    build: Build, chance: random.Random, broken: str, target: Target, words: str
) -> None:
    town = await build(broken=broken, stalls=0.3, workers=1)
    await caught(Storm(town, chance), target, words)


async def test_a_handler_that_writes_apart_is_caught(
    build: Build, cluster: Cluster, chance: random.Random
) -> None:
    url = await asyncio.to_thread(cluster.make_database)
    town = await build(url, broken="handler-apart", workers=1)
    await caught(Storm(town, chance, cluster), "worker", "handled events")


async def caught(storm: Storm, target: Target, words: str) -> None:
    """Kill until the violation shows; each round can only add to what is wrong."""
    db = await Database.open(storm.town.url)
    try:
        for _ in range(6):
            await storm.rage([target, target])
            found = await violations(db, storm.ledger, storm.town.receiver)
            if any(words in each for each in found):
                return
            await asyncio.to_thread(storm.town.end)
    finally:
        await db.close()
    raise AssertionError("what is broken was not noticed")
