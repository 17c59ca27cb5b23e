"""Indexes that Piccolo cannot express."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from relatum.db.migrate import add_statements

ID = "2026-11-22T05:30:00:000001"
VERSION = "1.38.0"
DESCRIPTION = "Indexes"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="core_importing", description=DESCRIPTION)
    add_statements(
        manager,
        "CREATE INDEX core_import_by_digest ON core_import (digest, state)",
        "CREATE UNIQUE INDEX core_import_batch_once ON core_import_batch (import_id, number)",
    )
    return manager
