"""Indexes that Piccolo cannot express."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from relatum.db.migrate import add_statements

ID = "2026-11-22T18:00:00:000001"
VERSION = "1.38.0"
DESCRIPTION = "Indexes of merges"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="core_merging", description=DESCRIPTION)
    add_statements(
        manager,
        "CREATE UNIQUE INDEX core_merge_once ON core_merge (absorbed_id) WHERE undone_at IS NULL",
        "CREATE INDEX core_merge_row_by_step ON core_merge_row (merge_id, step)",
        "CREATE INDEX core_merge_row_by_row ON core_merge_row (table_name, key)",
        "CREATE INDEX core_merge_row_by_twin ON core_merge_row (table_name, after) WHERE act = 'aside'",
    )
    return manager
