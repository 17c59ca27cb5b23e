"""What SIGKILL loses: web, worker and database killed while people write and jobs run.

Towns, people, laws and the calm run are those of ``tests/kill``; this kills more often than the
tests do, and counts.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks.measures import Measure, NotRunError, Reading
from relatum.db.database import Database
from tests.kill.cluster import Cluster, server_programs
from tests.kill.receiver import Receiver
from tests.kill.storm import Storm, Target, Town, calm_run
from tests.kill.storm_checks import state, violations

SEED = 20_261_122
#: Of each of web, worker and (PostgreSQL) database.
KILLS = 50
#: Share of calls outside that get no answer in time.
STALLS = 0.02


def kill() -> Reading:
    """Everything that is wrong after the storms, on both databases."""
    if server_programs() is None:
        raise NotRunError("PostgreSQL's initdb is not here; install the server (postgresql)")
    rows, wrongs = [], []
    for kind in ("sqlite", "postgresql"):
        row, wrong = _one(kind)
        rows.append(row)
        wrongs += wrong
    return Reading(
        value=len(wrongs),
        heads=["database", "web", "worker", "server", "orders", "jobs", "outside", "wrong"],
        rows=rows,
        notes=wrongs[:20],
    )


def _one(kind: str) -> tuple[list[object], list[str]]:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        cluster = stack.enter_context(Cluster()) if kind == "postgresql" else None
        towns = []
        for name, stalls in (("storm", STALLS), ("calm", 0.0)):
            file = f"sqlite:///{folder}/{name}.sqlite3"
            url = file if cluster is None else cluster.make_database()
            receiver = stack.enter_context(Receiver(stalls=stalls))
            towns.append(Town(Path(folder) / name, url, receiver))
            stack.callback(towns[-1].end)
        return asyncio.run(_storm(kind, towns, cluster))


async def _storm(
    kind: str, towns: Sequence[Town], cluster: Cluster | None
) -> tuple[list[object], list[str]]:
    town, calm = towns
    chance = random.Random(SEED)
    for each in towns:
        await each.prepare()
    storm = Storm(town, chance, cluster)
    await storm.rage(_targets(chance, cluster is not None))
    await asyncio.to_thread(town.stop)
    again = await calm_run(calm, storm.ledger)
    await asyncio.to_thread(calm.stop)
    db = await Database.open(town.url)
    wrong = await violations(db, storm.ledger, town.receiver)
    reached = await state(db, town.receiver)
    await db.close()
    db = await Database.open(calm.url)
    wrong += [f"calm run: {each}" for each in await violations(db, again, calm.receiver)]
    if await state(db, calm.receiver) != reached:
        wrong.append("the end differs from that of the calm run")
    await db.close()
    killed = [town.kills.get(target, "") for target in ("web", "worker", "database")]
    jobs = sum(count for _, _, count in reached.runs)
    return [kind, *killed, len(storm.ledger.done), jobs, len(reached.outside), len(wrong)], wrong


def _targets(chance: random.Random, server: bool) -> list[Target]:
    targets: list[Target] = ["web", "worker", *(["database"] if server else [])]  # type: ignore[list-item]
    order = [target for target in targets for _ in range(KILLS)]
    chance.shuffle(order)
    return order


MEASURES = [
    Measure(
        id="jobs.kill",
        title="violations after SIGKILL of web, worker and database at random moments",
        unit="violations",
        limit=0,
        goal="at most",
        run=kill,
    )
]
