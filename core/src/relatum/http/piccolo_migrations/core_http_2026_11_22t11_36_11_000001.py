"""Limits change with every request and may be forgotten: PostgreSQL need not log them."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

from relatum.db.migrate import add_statements

ID = "2026-11-22T11:36:11:000001"
VERSION = "1.38.0"
DESCRIPTION = "Limits are not logged"


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="core_http", description=DESCRIPTION)
    engine = engine_finder()
    if engine is not None and engine.engine_type == "postgres":
        add_statements(manager, "ALTER TABLE core_rate SET UNLOGGED")
    return manager
