"""Names by which customers are found without their contact data; indexes for what belongs to whom."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

from relatum.db.migrate import add_statements
from relatum.values.text import fold

ID = "2026-11-22T08:00:00:000001"
VERSION = "1.38.0"
DESCRIPTION = "Search by name alone; lists of owners and teams"

AT_ONCE = 1000


async def fill_search_names() -> None:
    """For customers that are there already."""
    engine = engine_finder()
    if engine is None:
        return
    after = "00000000-0000-0000-0000-000000000000"
    one, two = ("?", "?") if engine.engine_type == "sqlite" else ("$1", "$2")
    while True:
        rows = await engine.fetch(
            f"SELECT id, display_name FROM core_customer WHERE id > {one} ORDER BY id LIMIT {AT_ONCE}",  # noqa: S608 - a mark
            (after,),
        )
        if not rows:
            return
        await engine.execute_many(
            f"UPDATE core_customer SET search_name = {one} WHERE id = {two}",  # noqa: S608 - marks
            [(fold(name), id) for id, name in rows],
        )
        after = str(rows[-1][0])


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="core_customers", description=DESCRIPTION)
    manager.add_raw(fill_search_names)
    # Most customers of an imported list belong to nobody: they cost these indexes nothing.
    add_statements(
        manager,
        "CREATE INDEX core_customer_owner_by_name ON core_customer (owner_id, sort_key, id) WHERE owner_id IS NOT NULL",
        "CREATE INDEX core_customer_owner_by_created ON core_customer (owner_id, created_at, id) WHERE owner_id IS NOT NULL",
        "CREATE INDEX core_customer_owner_by_updated ON core_customer (owner_id, updated_at, id) WHERE owner_id IS NOT NULL",
        "CREATE INDEX core_customer_team_by_name ON core_customer (team_id, sort_key, id) WHERE team_id IS NOT NULL",
        "CREATE INDEX core_customer_team_by_created ON core_customer (team_id, created_at, id) WHERE team_id IS NOT NULL",
        "CREATE INDEX core_customer_team_by_updated ON core_customer (team_id, updated_at, id) WHERE team_id IS NOT NULL",
    )
    return manager
