"""The services of core on a fresh, migrated database of each kind."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from relatum.app.house import House
from relatum.config.settings import Settings


@pytest.fixture
async def core_house(relatum_database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    """Core alone, without plugins."""
    settings = Settings(
        home=tmp_path, database=relatum_database_url, safe_mode=True, durability="normal"
    )
    async with await House.open(settings) as house:
        yield house
