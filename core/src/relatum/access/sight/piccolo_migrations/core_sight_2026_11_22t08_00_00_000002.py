"""Indexes that Piccolo cannot express: the members of a rule in the orders of lists."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from relatum.db.migrate import add_statements

ID = "2026-11-22T08:00:00:000002"
VERSION = "1.38.0"
DESCRIPTION = "Indexes"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="core_sight", description=DESCRIPTION)
    add_statements(
        manager,
        "CREATE UNIQUE INDEX core_rule_member_once ON core_rule_member (rule_id, customer_id)",
        "CREATE INDEX core_rule_member_by_name ON core_rule_member (rule_id, sort_key, customer_id)",
        "CREATE INDEX core_rule_member_by_created ON core_rule_member (rule_id, created_at, customer_id)",
        "CREATE INDEX core_rule_member_by_updated ON core_rule_member (rule_id, updated_at, customer_id)",
    )
    return manager
