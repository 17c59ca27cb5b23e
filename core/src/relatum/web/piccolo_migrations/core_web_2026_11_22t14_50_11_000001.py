"""Indexes that Piccolo cannot express."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from relatum.db.migrate import add_statements

ID = "2026-11-22T14:50:11:000001"
VERSION = "1.38.0"
DESCRIPTION = "Indexes"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="core_web", description=DESCRIPTION)
    add_statements(
        manager,
        "CREATE UNIQUE INDEX core_view_choice_once ON core_view_choice (account_id, view_id)",
    )
    return manager
