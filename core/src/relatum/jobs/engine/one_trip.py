"""What workers on PostgreSQL do most of the time, as one statement instead of a transaction.

Only where nothing special is among the runs; otherwise nothing happens, and the long way is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from relatum.jobs.engine.taken import COLUMNS, in_order, rows_of

if TYPE_CHECKING:
    from relatum.db.database import Database
    from relatum.jobs.engine.bookkeeping import Ending
    from relatum.jobs.engine.claiming import Wish
    from relatum.jobs.engine.taken import Taken

#: All of the first ones, or none: a run that is to stop, that a worker has died of, or that needs a
#: seat is not for this statement.
#:
#: Its commit does not wait for the disk. A server that crashes may forget who works on what; then
#: the run begins a second time elsewhere, as after any crash.
_TAKE = f"""
WITH hurried AS MATERIALIZED (
    SELECT set_config('synchronous_commit', 'off', true)
), found AS MATERIALIZED (
    SELECT c.* FROM hurried CROSS JOIN unnest(?::text[]) AS jobs(job) CROSS JOIN LATERAL (
        SELECT id, priority, entrypoint, deliveries, stopping FROM core_queue
        WHERE entrypoint = jobs.job AND status = 'queued' AND stage = 0
        ORDER BY priority DESC, id LIMIT ? FOR UPDATE SKIP LOCKED
    ) c ORDER BY c.priority DESC, c.id LIMIT ?
)
UPDATE core_queue q SET status = 'picked', queue_manager_id = ?, heartbeat = ?, updated = ?,
    started_at = ?, deliveries = 1
FROM found WHERE q.id = found.id AND NOT EXISTS (
    SELECT 1 FROM found WHERE deliveries > 0 OR stopping OR entrypoint = ANY(?::text[])
) RETURNING {COLUMNS}
"""  # noqa: S608 - names of our own

_PUT_AWAY = """
WITH ended AS (
    SELECT * FROM unnest(
        ?::bigint[], ?::text[], ?::text[], ?::text[], ?::int[],
        ?::timestamptz[], ?::timestamptz[], ?::timestamptz[], ?::text[]
    ) AS e(id, state, result, error, tries, started_at, finished_at, expires_at, unique_text)
), gone AS (
    DELETE FROM core_queue q USING ended e WHERE q.id = e.id
    RETURNING q.run, q.entrypoint, e.state, q.limit_key, e.unique_text, q.priority, q.payload,
        e.result, e.error, e.tries, q.created, q.due_at, e.started_at, e.finished_at, e.expires_at
)
INSERT INTO core_job_done (run, job, state, key, unique_text, priority, args, result, error,
    attempts, enqueued_at, due_at, started_at, finished_at, expires_at)
SELECT * FROM gone ON CONFLICT (run) DO NOTHING
"""


async def take(db: Database, wish: Wish) -> list[Taken]:
    """Runs, taken; none also when it needs the long way to tell which."""
    jobs = list(wish.jobs)
    rows = await db.execute_returning(
        _TAKE,
        *(jobs, wish.most, wish.most, wish.worker, *[wish.moment] * 3),
        [job for job in jobs if wish.at_once(job)],
    )
    return in_order(rows_of(rows))


def nothing_special(endings: Sequence[Ending]) -> bool:
    """Whether :func:`put_away` is for these; runs that need a seat are not."""
    return all(ended.state != "failed" and not ended.scheduled for _, ended in endings)


async def put_away(db: Database, endings: Sequence[Ending]) -> None:
    """Out of the queue, and into the list of what is done."""
    values = [
        (
            *(row.id, ended.state, ended.result, ended.error, row.tries),
            *(ended.started_at, ended.finished_at, ended.expires_at, row.unique),
        )
        for row, ended in endings
    ]
    await db.execute(_PUT_AWAY, *(list(column) for column in zip(*values, strict=True)))
