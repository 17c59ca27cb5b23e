"""A queue on each database, and a clock that only moves when told to."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from core.tests.jobs.engine.world import World
from relatum.db.database import Database


@pytest.fixture
async def world(relatum_database_url: str) -> AsyncIterator[World]:
    database = await Database.open(relatum_database_url, durability="normal")
    world = World(database)
    yield world
    world.close()
    await database.close()
