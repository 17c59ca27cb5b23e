"""Indexes that Piccolo cannot express."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from relatum.api import add_statements

ID = "2026-11-22T16:10:00:000001"
VERSION = "1.38.0"
DESCRIPTION = "One target of a team for each month and currency"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="sales_pipeline", description=DESCRIPTION)
    add_statements(
        manager,
        "CREATE UNIQUE INDEX sales_pipeline_target_once ON sales_pipeline_target (team_id, month, currency)",
    )
    return manager
