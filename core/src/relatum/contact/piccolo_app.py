"""Piccolo's description of the tables of this room."""

from pathlib import Path

from piccolo.conf.apps import AppConfig, table_finder

APP_CONFIG = AppConfig(
    app_name="core_contact",
    migrations_folder_path=Path(__file__).parent / "piccolo_migrations",
    table_classes=table_finder(
        ["relatum.contact.tables", "relatum.contact.outbox.tables"], exclude_imported=True
    ),
)
