from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns.column_types import Timestamptz
from piccolo.columns.column_types import Varchar
from piccolo.columns.indexes import IndexMethod

ID = "2026-11-22T11:36:10:104512"
VERSION = "1.38.0"
DESCRIPTION = "Limits of requests that several processes share"


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="core_http", description=DESCRIPTION)

    manager.add_table(
        class_name="RateTaken",
        tablename="core_rate",
        schema=None,
        columns=None,
    )

    manager.add_column(
        table_class_name="RateTaken",
        tablename="core_rate",
        column_name="id",
        db_column_name="id",
        column_class_name="Varchar",
        column_class=Varchar,
        params={
            "length": 64,
            "default": None,
            "null": False,
            "primary_key": True,
            "unique": False,
            "index": False,
            "index_method": IndexMethod.btree,
            "choices": None,
            "db_column_name": None,
            "secret": False,
        },
        schema=None,
    )

    manager.add_column(
        table_class_name="RateTaken",
        tablename="core_rate",
        column_name="spent_until",
        db_column_name="spent_until",
        column_class_name="Timestamptz",
        column_class=Timestamptz,
        params={
            "default": None,
            "null": False,
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
