from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns.column_types import UUID
from piccolo.columns.column_types import Timestamptz
from piccolo.columns.column_types import Varchar
from piccolo.columns.indexes import IndexMethod
from relatum.api import CustomerRef

ID = "2026-11-22T22:15:00:000001"
VERSION = "1.38.0"
DESCRIPTION = "Models by kind, and customers that wait for a sweep"

_PLAIN = {
    "default": None,
    "null": False,
    "primary_key": False,
    "unique": False,
    "index": False,
    "index_method": IndexMethod.btree,
    "choices": None,
    "db_column_name": None,
    "secret": False,
}
_TABLE = {"table_class_name": "StoredChange", "tablename": "identity_waiting", "schema": None}


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="identity", description=DESCRIPTION)
    manager.add_table(
        class_name="StoredChange", tablename="identity_waiting", schema=None, columns=None
    )
    manager.add_column(
        **_TABLE,
        column_name="id",
        db_column_name="id",
        column_class_name="UUID",
        column_class=UUID,
        params={**_PLAIN, "primary_key": True},
    )
    manager.add_column(
        **_TABLE,
        column_name="customer",
        db_column_name="customer_id",
        column_class_name="CustomerRef",
        column_class=CustomerRef,
        params={
            "default": None,
            "null": False,
            "primary_key": False,
            "unique": False,
            "index": True,
            "index_method": IndexMethod.btree,
            "choices": None,
            "db_column_name": "customer_id",
            "secret": False,
            "on_erase": "delete",
        },
    )
    manager.add_column(
        **_TABLE,
        column_name="since",
        db_column_name="since",
        column_class_name="Timestamptz",
        column_class=Timestamptz,
        params=_PLAIN,
    )
    manager.add_column(
        table_class_name="StoredModel",
        tablename="identity_model",
        column_name="kind",
        db_column_name="kind",
        column_class_name="Varchar",
        column_class=Varchar,
        params={**_PLAIN, "length": 20, "default": "person"},
        schema=None,
    )
    return manager
