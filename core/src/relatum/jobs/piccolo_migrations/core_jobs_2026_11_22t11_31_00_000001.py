"""Indexes of the queue that Piccolo cannot express."""

from typing import Any

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

from relatum.db.migrate import add_statements

ID = "2026-11-22T11:31:00:000001"
VERSION = "1.38.0"
DESCRIPTION = "Indexes of the queue"


async def never_reuse_ids() -> None:
    """A worker keeps what it runs by id: on SQLite the id of a row that is gone would come again."""
    engine: Any = engine_finder()
    if engine.engine_type != "sqlite":
        return
    table = await engine.run_ddl("SELECT sql FROM sqlite_master WHERE name = 'core_queue'")
    await engine.run_ddl("DROP TABLE core_queue")
    await engine.run_ddl(table[0]["sql"].replace("PRIMARY KEY", "PRIMARY KEY AUTOINCREMENT", 1))


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="core_jobs", description=DESCRIPTION)
    manager.add_raw(never_reuse_ids)
    add_statements(
        manager,
        "CREATE INDEX core_queue_ready ON core_queue (entrypoint, priority DESC, id) "
        "WHERE status = 'queued' AND stage = 0",
        "CREATE INDEX core_queue_later ON core_queue (execute_after) "
        "WHERE status = 'queued' AND stage = 1",
        "CREATE INDEX core_queue_parked ON core_queue (entrypoint, limit_key, priority DESC, id) "
        "WHERE status = 'queued' AND stage = 2",
        "CREATE INDEX core_queue_picked ON core_queue (entrypoint, limit_key) "
        "WHERE status = 'picked'",
        "CREATE INDEX core_queue_failed ON core_queue (entrypoint) WHERE status = 'failed'",
        "CREATE UNIQUE INDEX core_queue_unique_dedupe_key ON core_queue (dedupe_key) "
        "WHERE status IN ('queued', 'picked') AND dedupe_key IS NOT NULL",
        "CREATE UNIQUE INDEX core_queue_run ON core_queue (run)",
        "CREATE INDEX core_job_done_by_job ON core_job_done (job, run)",
        "CREATE INDEX core_job_done_expires ON core_job_done (expires_at)",
    )
    return manager
