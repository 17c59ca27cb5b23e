from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns.column_types import Varchar
from piccolo.columns.indexes import IndexMethod

ID = "2026-11-22T22:13:00:000001"
VERSION = "1.38.0"
DESCRIPTION = "Stages of forecasts that are put down"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="sales_pipeline", description=DESCRIPTION)

    manager.add_column(
        table_class_name="ForecastSnapshot",
        tablename="sales_pipeline_forecast_snapshot",
        column_name="stage",
        db_column_name="stage",
        column_class_name="Varchar",
        column_class=Varchar,
        params={
            "length": 140,
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

    return manager
