"""The plugin's tables and migrations, as Piccolo wants to know them."""

from pathlib import Path

from piccolo.conf.apps import AppConfig, table_finder

APP_CONFIG = AppConfig(
    app_name="data_quality",
    migrations_folder_path=str(Path(__file__).parent / "piccolo_migrations"),
    table_classes=table_finder(["relatum_data_quality.tables"], exclude_imported=True),
    migration_dependencies=["relatum.customers.piccolo_app"],
)
