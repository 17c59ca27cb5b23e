"""Searching: what each database looks through for a part of a name, a number or an address."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-22T15:20:00:000001"
VERSION = "1.38.0"
DESCRIPTION = "Indexes for searches"

# SQLite reads them from end to end, which is a part of the table and in one piece.
EMBEDDED = (
    "CREATE INDEX core_customer_searched ON core_customer (search, id)",
    "CREATE INDEX core_customer_named ON core_customer (search_name, id)",
)
# A B-tree of PostgreSQL holds no text of many contact points; trigrams need no end of a word.
SERVER = (
    "CREATE INDEX core_customer_searched ON core_customer USING gin (search gin_trgm_ops)",
    "CREATE INDEX core_customer_named ON core_customer USING gin (search_name gin_trgm_ops)",
)
# Trusted since PostgreSQL 13: whoever may create things in the database may add it.
MAY_ADD = """
SELECT EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'pg_trgm') AS there,
  EXISTS (SELECT 1 FROM pg_available_extension_versions
          WHERE name = 'pg_trgm' AND trusted)
  AND has_database_privilege(current_database(), 'CREATE') AS addable
"""


ROLES = "CREATE INDEX core_customer_role_held ON core_customer_role (role, customer_id)"


async def make_indexes() -> None:
    """Those of the database in use; a server that does not allow trigrams searches without."""
    engine = engine_finder()
    if engine is None:
        return
    await engine.run_ddl(ROLES)
    if engine.engine_type == "sqlite":
        for statement in EMBEDDED:
            await engine.run_ddl(statement)
        return
    [(there, addable)] = await engine.fetch(MAY_ADD, ())
    if not there:
        if not addable:
            return
        await engine.run_ddl("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    for statement in SERVER:
        await engine.run_ddl(statement)


async def drop_indexes() -> None:
    engine = engine_finder()
    if engine is not None:
        for name in ("core_customer_role_held", "core_customer_searched", "core_customer_named"):
            await engine.run_ddl(f"DROP INDEX IF EXISTS {name}")


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="core_customers", description=DESCRIPTION)
    manager.add_raw(make_indexes)
    manager.add_raw_backwards(drop_indexes)
    return manager
