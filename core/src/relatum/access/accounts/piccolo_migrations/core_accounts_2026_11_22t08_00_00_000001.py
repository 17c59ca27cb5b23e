"""Indexes that Piccolo cannot express."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from relatum.db.migrate import add_statements

ID = "2026-11-22T08:00:00:000001"
VERSION = "1.38.0"
DESCRIPTION = "Indexes"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="core_accounts", description=DESCRIPTION)
    add_statements(
        manager,
        "CREATE INDEX core_account_by_name ON core_account (sort_key, id)",
        "CREATE UNIQUE INDEX core_identity_once ON core_identity (issuer, subject)",
    )
    return manager
