"""An index by which figures find with whom somebody was in contact, and when."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from relatum.db.migrate import add_statements

ID = "2026-11-22T18:40:00:000001"
VERSION = "1.38.0"
DESCRIPTION = "Contacts with customers"


async def forwards() -> MigrationManager:
    manager = MigrationManager(
        migration_id=ID, app_name="core_interactions", description=DESCRIPTION
    )
    # Purchases, notes and what is only observed cost this index nothing.
    add_statements(
        manager,
        "CREATE INDEX core_interaction_contacts ON core_interaction (customer_id, occurred_at) WHERE direction IN ('in', 'out') AND kind NOT IN ('core.purchase', 'core.cancellation', 'core.note')",
    )
    return manager
