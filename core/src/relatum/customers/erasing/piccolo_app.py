"""Piccolo's description of the tables of erasures."""

from pathlib import Path

from piccolo.conf.apps import AppConfig, table_finder

APP_CONFIG = AppConfig(
    app_name="core_erasing",
    migrations_folder_path=Path(__file__).parent / "piccolo_migrations",
    table_classes=table_finder(["relatum.customers.erasing.tables"], exclude_imported=True),
)
