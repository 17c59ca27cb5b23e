"""Indexes that Piccolo cannot express."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from relatum.db.migrate import add_statements

ID = "2026-11-22T04:50:00:000002"
VERSION = "1.38.0"
DESCRIPTION = "Indexes"


async def forwards() -> MigrationManager:
    manager = MigrationManager(
        migration_id=ID, app_name="core_interactions", description=DESCRIPTION
    )
    add_statements(
        manager,
        "CREATE INDEX core_interaction_by_customer ON core_interaction (customer_id, occurred_at, id)",
        "CREATE INDEX core_interaction_by_time ON core_interaction (occurred_at, id)",
        "CREATE INDEX core_interaction_by_kind ON core_interaction (kind, occurred_at, id)",
        "CREATE INDEX core_interaction_by_subject ON core_interaction (subject, occurred_at) WHERE subject IS NOT NULL",
        "CREATE UNIQUE INDEX core_interaction_once ON core_interaction (idempotency_key)",
    )
    return manager
