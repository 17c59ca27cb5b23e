from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns.column_types import Varchar
from piccolo.columns.indexes import IndexMethod

ID = "2026-11-22T18:10:00:104512"
VERSION = "1.38.0"
DESCRIPTION = "How moments and numbers are written"


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="core_accounts", description=DESCRIPTION)

    manager.add_column(
        table_class_name="StoredPreferences",
        tablename="core_preferences",
        column_name="time_zone",
        db_column_name="time_zone",
        column_class_name="Varchar",
        column_class=Varchar,
        params={
            "length": 60,
            "default": "",
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

    manager.add_column(
        table_class_name="StoredPreferences",
        tablename="core_preferences",
        column_name="dates",
        db_column_name="dates",
        column_class_name="Varchar",
        column_class=Varchar,
        params={
            "length": 20,
            "default": "language",
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

    manager.add_column(
        table_class_name="StoredPreferences",
        tablename="core_preferences",
        column_name="clock",
        db_column_name="clock",
        column_class_name="Varchar",
        column_class=Varchar,
        params={
            "length": 20,
            "default": "language",
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

    manager.add_column(
        table_class_name="StoredPreferences",
        tablename="core_preferences",
        column_name="numbers",
        db_column_name="numbers",
        column_class_name="Varchar",
        column_class=Varchar,
        params={
            "length": 20,
            "default": "language",
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
