from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns.column_types import JSON
from piccolo.columns.indexes import IndexMethod

ID = "2026-11-22T12:05:05:699501"
VERSION = "1.38.0"
DESCRIPTION = "Progress of imports"


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="core_importing", description=DESCRIPTION)

    manager.add_column(
        table_class_name="StoredImportRequest",
        tablename="core_import_request",
        column_name="progress",
        db_column_name="progress",
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
