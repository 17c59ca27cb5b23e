"""Indexes that Piccolo cannot express."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from relatum.db.migrate import add_statements

ID = "2026-11-22T04:50:00:000003"
VERSION = "1.38.0"
DESCRIPTION = "Indexes"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="core_events", description=DESCRIPTION)
    add_statements(
        manager,
        "CREATE UNIQUE INDEX core_parked_event_once ON core_parked_event (handler, seq)",
        "CREATE INDEX core_parked_event_by_customer ON core_parked_event (handler, customer_id, seq)",
    )
    return manager
