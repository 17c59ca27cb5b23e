"""Core derives the same from the types of columns that was said by hand about every table."""

from __future__ import annotations

from relatum.db.database import Database
from relatum.db.guarded import guarded_tables
from tests.security.ownership import ACROSS, HOUSE, OWNERS, tables
from tests.security.site import Site


async def test_every_table_is_spoken_for(site: Site) -> None:
    there = await tables(site.house.db)
    assert there - OWNERS.keys() - ACROSS - HOUSE == set(), (
        "say in ownership.py whose rows these are"
    )
    assert OWNERS.keys() | ACROSS <= there


async def test_core_guards_what_belongs_to_customers(site: Site) -> None:
    """In a process that has migrated and looked at migrations, as this one has."""
    guarded = {each.name: each for each in guarded_tables() if each.hides_rows}
    there = await tables(site.house.db)
    assert guarded.keys() & there == OWNERS.keys() | ACROSS
    across = {name for name, each in guarded.items() if each.across_customers}
    assert across & there == ACROSS


async def test_columns_that_are_shadowed_are_all_that_there_are(site: Site) -> None:
    """A column that a shadow leaves out would fail; one that it invents as well."""
    for each in guarded_tables():
        if each.name in await tables(site.house.db):
            assert set(each.columns) == await _columns(site.house.db, each.name), each.name


async def _columns(db: Database, table: str) -> set[str]:
    if db.kind == "sqlite":
        return {str(row[1]) for row in await db.fetch(f"PRAGMA table_info({table})")}
    rows = await db.fetch(
        "SELECT column_name FROM information_schema.columns WHERE table_name = ? "
        "AND table_schema = current_schema()",
        table,
    )
    return {str(name) for (name,) in rows}
