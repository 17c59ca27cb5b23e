"""An open house (of the SDK) whose company counts in US dollars, and the plugin in it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from relatum.api import Plugin
from relatum.app.house import House
from relatum.config.settings import Company, Settings

COMPANY = Company(currency="USD")


@pytest.fixture
def house_settings(house_settings: Settings) -> Settings:
    """Those of the SDK, with another currency."""
    return msgspec.structs.replace(house_settings, company=COMPANY)


@pytest.fixture
def plugin(house: House) -> Plugin:
    """The sales pipeline as it is loaded in the house."""
    assert house.gate.is_on("sales_pipeline"), house.plugins.states()
    return house.registry.plugins["sales_pipeline"]


@pytest.fixture(scope="session")
def settings_of_copy(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Settings]:
    """Makes settings of a house of its own in a folder, on a copy of a migrated SQLite database.

    For tests that need many houses: Hypothesis runs one for each example.
    """
    migrated = tmp_path_factory.mktemp("migrated")

    def settings_at(home: Path) -> Settings:
        return Settings(home=home, durability="normal", company=COMPANY)

    async def migrate() -> None:
        async with await House.open(settings_at(migrated)) as house:
            await house.migrate_apply()

    def copy(to: Path) -> Settings:
        shutil.copytree(migrated, to / "home")
        return settings_at(to / "home")

    asyncio.run(migrate())
    return copy
