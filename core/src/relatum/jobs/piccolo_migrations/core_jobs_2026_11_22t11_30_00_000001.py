"""Indexes of the queue that Piccolo cannot express; the first ones under PgQueuer's names."""

from typing import Any

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

from relatum.db.migrate import add_statements

ID = "2026-11-22T11:30:00:000001"
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
        "CREATE INDEX core_queue_ep_ea_idx ON core_queue (entrypoint, execute_after) "
        "WHERE status = 'queued'",
        "CREATE INDEX core_queue_ep_prio_id_idx ON core_queue (entrypoint, priority DESC, id) "
        "WHERE status = 'queued'",
        "CREATE INDEX core_queue_picked_heartbeat_idx ON core_queue (heartbeat) "
        "WHERE status = 'picked'",
        "CREATE INDEX core_queue_queue_manager_id_idx ON core_queue (queue_manager_id) "
        "WHERE queue_manager_id IS NOT NULL",
        "CREATE UNIQUE INDEX core_queue_unique_dedupe_key ON core_queue (dedupe_key) "
        "WHERE status IN ('queued', 'picked') AND dedupe_key IS NOT NULL",
        "CREATE UNIQUE INDEX core_queue_run ON core_queue (run)",
        "CREATE INDEX core_queue_failed ON core_queue (entrypoint) WHERE status = 'failed'",
        "CREATE UNIQUE INDEX core_job_slot_seat ON core_job_slot (job, limit_key, slot)",
        "CREATE UNIQUE INDEX core_job_slot_run ON core_job_slot (queue_id)",
        "CREATE INDEX core_job_done_by_job ON core_job_done (job, run)",
        "CREATE INDEX core_job_done_expires ON core_job_done (expires_at)",
    )
    return manager
