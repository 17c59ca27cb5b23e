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
        # back to one row for each handler, at the place that all its customers have passed
        backwards=(
            "UPDATE core_handler SET position = (SELECT min(o.position) FROM core_handler o WHERE o.handler = core_handler.handler)",
            "DELETE FROM core_handler WHERE lo > 0",
            "UPDATE core_handler SET id = handler",
        ),
    )
    return manager
