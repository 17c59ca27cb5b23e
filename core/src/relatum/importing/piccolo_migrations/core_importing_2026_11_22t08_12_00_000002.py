"""Indexes over what people ask for."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from relatum.db.migrate import add_statements

ID = "2026-11-22T08:12:00:000002"
VERSION = "1.38.0"
DESCRIPTION = "Indexes over what people ask for"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="core_importing", description=DESCRIPTION)
    add_statements(
        manager,
        "CREATE INDEX core_upload_by_account ON core_upload (account_id, created_at)",
        "CREATE INDEX core_import_request_by_state ON core_import_request (state, created_at)",
        "CREATE INDEX core_export_by_state ON core_export (state, created_at)",
        "CREATE INDEX core_export_by_account ON core_export (account_id, created_at)",
    )
    return manager
