"""Searching, exactly typed names first: what SQLite reads for a search has the names as well."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-22T18:30:00:000001"
VERSION = "1.38.0"
DESCRIPTION = "Names in the indexes for searches"

BEFORE = ("search, id", "search_name, id")
AFTER = ("search, display_name, id", "search_name, display_name, id")


async def make_indexes(columns: tuple[str, str]) -> None:
    engine = engine_finder()
    if engine is None or engine.engine_type != "sqlite":
        return  # PostgreSQL looks into the rows it finds by trigrams
    for name, each in zip(("core_customer_searched", "core_customer_named"), columns, strict=True):
        await engine.run_ddl(f"DROP INDEX IF EXISTS {name}")
        await engine.run_ddl(f"CREATE INDEX {name} ON core_customer ({each})")


async def with_names() -> None:
    await make_indexes(AFTER)


async def without_names() -> None:
    await make_indexes(BEFORE)


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="core_customers", description=DESCRIPTION)
    manager.add_raw(with_names)
    manager.add_raw_backwards(without_names)
    return manager
