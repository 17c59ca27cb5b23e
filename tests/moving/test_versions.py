"""AC-MIG-3: up across every version that there was, and back, with data that its code wrote."""

from __future__ import annotations

import lzma
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from relatum.app.house import House
from relatum.app.relocation import copy, open_source
from relatum.app.restoring import bring_back
from relatum.app.versions import go_back, way_back
from relatum.config.settings import Settings
from relatum.customers.types import CustomerDraft
from relatum.moving.checksums import Checksum, Columns, columns_of
from relatum.moving.embedded_end import EmbeddedSource
from relatum.values.problems import InvalidInput

pytestmark = pytest.mark.long

STATES = Path(__file__).parent / "states"
#: The newest migration of each state.
NEWEST = {"first": "2026-11-22T05:30", "second": "2026-11-22T08:12"}
#: Tables that say how far the schema is.
OF_THE_SCHEMA = {"migration"}

Contents = Mapping[str, tuple[Columns, Checksum]]


def unpacked(state: str, path: Path) -> Path:
    text = lzma.decompress((STATES / f"{state}.sql.xz").read_bytes()).decode()
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(text)
    return path


@pytest.fixture(params=sorted(NEWEST))
def state(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def url(relatum_database_kind: str, request: pytest.FixtureRequest) -> Iterator[str]:
    databases = request.getfixturevalue(f"_relatum_{relatum_database_kind}")
    found = databases.empty()
    yield found
    databases.drop(found)


@pytest.fixture
async def settings(state: str, url: str, relatum_home: Path, tmp_path: Path) -> Settings:
    """An installation with a database of an earlier state."""
    settings = Settings(home=relatum_home, database=url, durability="normal")
    path = settings.sqlite_path
    if path is not None:
        unpacked(state, path)
        return settings
    source = EmbeddedSource(unpacked(state, tmp_path / "state.sqlite3"))
    try:
        await copy(settings, source, to=url, identity="the state", older=True)
    finally:
        await source.close()
    return settings


async def contents(settings: Settings, before: Contents | None = None) -> Contents:
    """Every table, or those of ``before`` with the columns that they had then."""
    source = await open_source(settings)
    try:
        there = {name: columns_of(each) for name, each in (await source.layouts()).items()}
        asked = there if before is None else {name: before[name][0] for name in before}
        return {
            name: (columns, await source.checksum(name, columns))
            for name, columns in asked.items()
            if name not in OF_THE_SCHEMA
        }
    finally:
        await source.close()


async def upgrade(settings: Settings) -> int:
    async with await House.open(settings) as house:
        steps = await house.migrate_apply()
        assert not await house.migrate_plan()
    return len(steps)


async def test_upwards_and_back_without_loss(state: str, settings: Settings) -> None:
    before = await contents(settings)
    assert before["core_customer"][1].rows == 200
    assert before["core_interaction"][1].rows == 1708
    assert before["sales_pipeline_deal"][1].sums["amount"] > 0
    ran = await upgrade(settings)
    assert ran >= 9
    assert await contents(settings, before) == before
    way = await go_back(settings, NEWEST[state])
    assert len(way.steps) == ran
    after = await contents(settings)
    assert after == before
    # and once more
    assert await upgrade(settings) == ran
    assert await contents(settings, before) == before


async def test_what_is_done_in_the_new_version_stays_as_far_as_the_old_one_holds_it(
    state: str, settings: Settings
) -> None:
    before = await contents(settings)
    await upgrade(settings)
    async with await House.open(settings) as house:
        [customer] = await house.customers.create(
            [CustomerDraft(display_name="Khách Mới")], by="system"
        )
        await house.jobs.enqueue("core.audit_seal")
    planned = await way_back(settings, NEWEST[state])
    lost = {(each.table, each.column): each.rows for each in planned.losses}
    assert lost["core_queue", ""] == 1
    way = await go_back(settings, NEWEST[state])
    assert way.losses == planned.losses
    after = await contents(settings)
    assert set(after) == set(before)
    assert after["core_customer"][1].rows == before["core_customer"][1].rows + 1
    # what the old schema has no place for is in the backup
    assert way.backup is not None
    home = settings.home / "elsewhere"
    elsewhere = Settings(home=home, durability="normal")
    if settings.sqlite_path is not None:
        await bring_back(elsewhere, Path(way.backup.file))
        async with await House.open(elsewhere) as house:
            assert (await house.customers.get(customer)).display_name == "Khách Mới"
            assert len((await house.jobs.find(job="core.audit_seal")).items) == 1


async def test_the_first_state_goes_through_the_second(relatum_home: Path, tmp_path: Path) -> None:
    """Three versions: first, second, newest, and the same way back, by the second's backup."""
    settings = Settings(home=relatum_home, durability="normal")
    path = settings.sqlite_path
    assert path is not None
    unpacked("first", path)
    first = await contents(settings)
    await upgrade(settings)
    await go_back(settings, NEWEST["second"])
    second = await contents(settings)
    with closing(sqlite3.connect(unpacked("second", tmp_path / "second.sqlite3"))) as connection:
        names = {
            row[0]
            for row in connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
            )
        }
    assert set(second) | OF_THE_SCHEMA == names
    assert await contents(settings, first) == first
    await upgrade(settings)
    await go_back(settings, NEWEST["second"])
    assert await contents(settings) == second
    await go_back(settings, NEWEST["first"])
    assert await contents(settings) == first


async def test_a_state_that_never_was_is_refused(settings: Settings) -> None:
    with pytest.raises(InvalidInput, match="expected the id of a migration that has run"):
        await way_back(settings, "2031-01-01")


async def test_looking_changes_nothing(state: str, settings: Settings) -> None:
    await upgrade(settings)
    before = await contents(settings)
    assert (await way_back(settings, NEWEST[state])).steps
    assert await contents(settings) == before
    assert not list(settings.home.glob("backups/*"))
    msgspec.json.encode((await way_back(settings, NEWEST[state])).losses)
