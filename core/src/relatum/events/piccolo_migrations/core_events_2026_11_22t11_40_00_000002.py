"""Every handler that is there has one range: all customers."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from relatum.db.migrate import add_statements

ID = "2026-11-22T11:40:00:000002"
VERSION = "1.38.0"
DESCRIPTION = "Handlers of one range"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="core_events", description=DESCRIPTION)
    add_statements(
        manager,
        "UPDATE core_handler SET handler = id",
        "CREATE UNIQUE INDEX core_handler_ranges ON core_handler (handler, lo)",
    )
    return manager
