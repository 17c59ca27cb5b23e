"""An index by which the purchases of a customer are found among everything else."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from relatum.db.migrate import add_statements

ID = "2026-11-22T15:58:00:000001"
VERSION = "1.38.0"
DESCRIPTION = "Purchases of customers"


async def forwards() -> MigrationManager:
    manager = MigrationManager(
        migration_id=ID, app_name="core_interactions", description=DESCRIPTION
    )
    # Few interactions are purchases: the others cost this index nothing.
    add_statements(
        manager,
        "CREATE INDEX core_interaction_purchases ON core_interaction (customer_id, occurred_at) WHERE kind = 'core.purchase'",
    )
    return manager
