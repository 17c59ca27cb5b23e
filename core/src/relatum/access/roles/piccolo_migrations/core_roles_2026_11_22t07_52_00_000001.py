"""Indexes that Piccolo cannot express."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from relatum.db.migrate import add_statements

ID = "2026-11-22T07:52:00:000001"
VERSION = "1.38.0"
DESCRIPTION = "Indexes"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="core_roles", description=DESCRIPTION)
    add_statements(
        manager,
        "CREATE UNIQUE INDEX core_role_permission_once ON core_role_permission (role, permission)",
        "CREATE UNIQUE INDEX core_account_role_once ON core_account_role (account_id, role)",
        "CREATE INDEX core_account_role_by_role ON core_account_role (role)",
        "CREATE UNIQUE INDEX core_team_member_once ON core_team_member (account_id, team_id)",
        "CREATE INDEX core_team_member_by_team ON core_team_member (team_id)",
    )
    return manager
