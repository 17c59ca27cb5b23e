from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns.column_types import JSON
from piccolo.columns.indexes import IndexMethod

ID = "2026-11-23T05:40:00:000001"
VERSION = "1.38.0"
DESCRIPTION = "Custom fields that are bound to purposes"


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="core_customers", description=DESCRIPTION)

    manager.add_column(
        table_class_name="CustomField",
        tablename="core_customer_field",
        column_name="purposes",
        db_column_name="purposes",
        column_class_name="JSON",
        column_class=JSON,
        params={
            "default": None,
            "null": True,
            "primary_key": False,
            "unique": False,
            "index": False,
            "index_method": IndexMethod.btree,
            "choices": None,
            "db_column_name": None,
            "secret": False,
        },
        schema=None,
    )

    return manager
