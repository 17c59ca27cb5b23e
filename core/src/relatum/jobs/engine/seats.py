"""Seats: of the runs with one key, no more go on at the same time than their job allows.

A seat is a row that is being worked on, counted under a lock for its key: there is nothing that
could be forgotten when a worker dies. Runs without a seat are parked, out of sight of those who
look for work, and come back one by one when a run of their key ends.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from relatum.jobs.engine.taken import (
    PARKED,
    READY,
    AtOnce,
    Key,
    Taken,
    in_order,
    locked,
    one_of,
)

if TYPE_CHECKING:
    from relatum.db.database import Database

#: So many runs behind one that found no seat are looked at, and parked with it.
LOOK_AHEAD = 500


async def hold(db: Database, keys: Collection[Key]) -> None:
    """Nobody else seats or wakes runs of these keys until this transaction ends.

    Once in a transaction, with all keys: the order of the locks spares us deadlocks.
    """
    if keys and db.kind == "postgresql":
        names = sorted(f"core_queue {job}\n{key}" for job, key in keys)
        await db.fetch(
            "SELECT pg_advisory_xact_lock(hashtextextended(k, 0)) FROM unnest(?::text[]) AS k",
            names,
        )


async def taken_seats(db: Database, keys: Collection[Key]) -> Counter[Key]:
    """How many runs of each key are being worked on."""
    jobs = sorted({job for job, _ in keys})
    rows = await db.fetch(
        "SELECT entrypoint, limit_key, count(*) FROM core_queue "  # noqa: S608 - names of our own
        f"WHERE status = 'picked' AND {one_of('entrypoint', jobs)} GROUP BY entrypoint, limit_key",
        *jobs,
    )
    return Counter({(job, key): count for job, key, count in rows})


async def seat(
    db: Database, rows: Sequence[Taken], at_once: AtOnce, moment: dt.datetime
) -> list[Taken]:
    """Those of the queued ``rows`` that may go on; the others are parked. The keys are held."""
    limited = {row.key for row in rows if at_once(row.entrypoint)}
    if not limited:
        return list(rows)
    seats = await taken_seats(db, limited)
    seated, rest = [], []
    for row in in_order(rows):
        if row.key in limited and seats[row.key] >= at_once(row.entrypoint):
            rest.append(row.id)
        else:
            seats[row.key] += 1
            seated.append(row)
    if rest:
        full = {key for key in limited if seats[key] >= at_once(key[0])}
        mine = {row.id for row in rows}
        rest += [id for id in await _behind(db, full) if id not in mine]
        await _park(db, rest, moment)
    return seated


async def _behind(db: Database, full: Collection[Key]) -> list[int]:
    """Ready runs of keys without a free seat: parked at once, they are in nobody's way."""
    found: list[int] = []
    for job in sorted({job for job, _ in full}):
        rows = await db.fetch(
            "SELECT id, limit_key FROM core_queue WHERE status = 'queued' AND stage = 0 "  # noqa: S608 - names of our own
            f"AND entrypoint = ? ORDER BY priority DESC, id LIMIT {LOOK_AHEAD}{locked(db)}",
            job,
        )
        found += [id for id, key in rows if (job, key) in full]
    return found


async def _park(db: Database, ids: Sequence[int], moment: dt.datetime) -> None:
    await db.execute(
        f"UPDATE core_queue SET stage = {PARKED}, updated = ? "  # noqa: S608 - names of our own
        f"WHERE status = 'queued' AND {one_of('id', ids)}",
        moment,
        *ids,
    )


async def wake(db: Database, keys: Collection[Key], at_once: AtOnce, moment: dt.datetime) -> bool:
    """Let parked runs go where seats are free; the keys are held.

    Returns:
        Whether there may be any.
    """
    limited = sorted({key for key in keys if at_once(key[0])})
    if not limited:
        return False
    seats = await taken_seats(db, limited)
    free = [(key, at_once(key[0]) - seats[key]) for key in limited]
    some = [(moment, *key, count) for key, count in free if count > 0]
    if some:
        await db.execute_many(
            f"UPDATE core_queue SET stage = {READY}, updated = ? WHERE id IN ("  # noqa: S608 - names of our own
            "SELECT id FROM core_queue WHERE status = 'queued' AND stage = 2 "
            "AND entrypoint = ? AND limit_key = ? "
            f"ORDER BY priority DESC, id LIMIT ?{locked(db)})",
            some,
        )
    return bool(some)


async def parked_keys(db: Database, jobs: Sequence[str]) -> list[Key]:
    """Keys that have parked runs; the time it takes grows with the keys, not with the runs."""
    if not jobs:
        return []
    least = (
        "SELECT min(p.limit_key) FROM core_queue p "
        "WHERE p.status = 'queued' AND p.stage = 2 AND p.entrypoint ="
    )
    rows = await db.fetch(
        f"WITH RECURSIVE jobs(job) AS (VALUES {', '.join(['(CAST(? AS TEXT))'] * len(jobs))}), "  # noqa: S608 - names of our own
        f"found(job, limit_key) AS (SELECT job, ({least} job) FROM jobs UNION ALL "
        f"SELECT found.job, ({least} found.job AND p.limit_key > found.limit_key) "
        "FROM found WHERE found.limit_key IS NOT NULL) "
        "SELECT job, limit_key FROM found WHERE limit_key IS NOT NULL",
        *jobs,
    )
    return [(job, key) for job, key in rows]


async def rouse(db: Database, jobs: Sequence[str], at_once: AtOnce, moment: dt.datetime) -> None:
    """Wake what is parked although a seat is free: a limit was raised, a row removed by hand."""
    if not await db.fetch("SELECT 1 FROM core_queue WHERE status = 'queued' AND stage = 2 LIMIT 1"):
        return
    keys = await parked_keys(db, [job for job in jobs if at_once(job)])
    async with db.transaction():
        await hold(db, keys)
        await wake(db, keys, at_once, moment)
        unlimited = [job for job in jobs if not at_once(job)]
        await db.execute(
            f"UPDATE core_queue SET stage = {READY}, updated = ? "  # noqa: S608 - names of our own
            f"WHERE status = 'queued' AND stage = 2 AND {one_of('entrypoint', unlimited)}",
            moment,
            *unlimited,
        )
