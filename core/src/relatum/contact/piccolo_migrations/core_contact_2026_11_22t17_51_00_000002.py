"""Indexes by which the gate finds what it counts, and one verdict for each reference."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from relatum.db.migrate import add_statements

ID = "2026-11-22T17:51:00:000002"
VERSION = "1.38.0"
DESCRIPTION = "Indexes of consent and contact"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="core_contact", description=DESCRIPTION)
    add_statements(
        manager,
        "CREATE INDEX core_contact_verdict_of_address ON core_contact_verdict (address_hash, at) WHERE outcome = 'allow'",
        "CREATE INDEX core_contact_verdict_of_customer ON core_contact_verdict (customer_id, at)",
        "CREATE UNIQUE INDEX core_contact_verdict_reference ON core_contact_verdict (plugin, reference) WHERE reference IS NOT NULL",
    )
    return manager
