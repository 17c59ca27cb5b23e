"""Indexes that Piccolo cannot express."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from relatum.db.migrate import add_statements

ID = "2026-11-22T04:50:00:000001"
VERSION = "1.38.0"
DESCRIPTION = "Indexes"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="core_customers", description=DESCRIPTION)
    add_statements(
        manager,
        "CREATE INDEX core_customer_by_name ON core_customer (sort_key, id)",
        "CREATE INDEX core_customer_by_created ON core_customer (created_at, id)",
        "CREATE INDEX core_customer_by_updated ON core_customer (updated_at, id)",
        "CREATE INDEX core_contact_point_by_value ON core_contact_point (normalised, kind)",
        "CREATE UNIQUE INDEX core_customer_role_once ON core_customer_role (customer_id, role)",
        "CREATE UNIQUE INDEX core_customer_tag_once ON core_customer_tag (tag, customer_id)",
        "CREATE UNIQUE INDEX core_external_id_once ON core_external_id (source, external_id)",
        "CREATE UNIQUE INDEX core_customer_link_once ON core_customer_link (source_id, target_id, kind)",
    )
    return manager
