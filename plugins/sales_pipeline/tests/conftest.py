"""An open house with the plugin, on a fresh database."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from relatum.api import Plugin
from relatum.app.house import House
from relatum.config.settings import Company, Settings


def settings_at(home: Path, database: str = "") -> Settings:
    """Settings of a company that counts in US dollars by the clock of Ho Chi Minh City."""
    return Settings(
        home=home,
        database=database,
        durability="normal",
        company=Company(currency="USD"),
    )


@pytest.fixture
async def house(relatum_empty_database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    """A migrated house."""
    async with await House.open(settings_at(tmp_path, relatum_empty_database_url)) as house:
        await house.migrate_apply()
        assert house.gate.is_on("sales_pipeline"), house.plugins.states()
        yield house


@pytest.fixture
def plugin(house: House) -> Plugin:
    """The sales pipeline as it is loaded in the house."""
    return house.registry.plugins["sales_pipeline"]


@pytest.fixture(scope="session")
def settings_of_copy(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Settings]:
    """Makes settings of a house of its own in a folder, on a copy of a migrated SQLite database.

    For tests that need many houses: Hypothesis runs one for each example.
    """
    migrated = tmp_path_factory.mktemp("migrated")

    async def migrate() -> None:
        async with await House.open(settings_at(migrated)) as house:
            await house.migrate_apply()

    def copy(to: Path) -> Settings:
        shutil.copytree(migrated, to / "home")
        return settings_at(to / "home")

    asyncio.run(migrate())
    return copy
