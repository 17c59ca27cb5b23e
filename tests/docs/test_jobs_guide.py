"""The code of the guide to background work does what the guide says of it."""

from __future__ import annotations

import datetime as dt
import re
import sys
import tomllib
from collections.abc import AsyncIterator
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest

from relatum.app.house import House
from relatum.config.settings import Jobs as Limits
from relatum.config.settings import Settings
from relatum.hooks.checks import declared_problems
from relatum.hooks.context import Plugin
from relatum.hooks.declarations import Job

GUIDE = (Path(__file__).parents[2] / "docs" / "guides" / "jobs.md").read_text("utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
*PLUGIN, TESTS = BLOCKS


def test_there_is_something_to_run() -> None:
    assert len(PLUGIN) == 4


def module_of(name: str, *blocks: str) -> ModuleType:
    module = ModuleType(name)
    sys.modules[name] = module
    exec(compile("\n".join(blocks), name, "exec"), module.__dict__)  # noqa: S102 - the guide's
    return module


@pytest.fixture
async def spa(relatum_database_url: str, tmp_path: Path) -> AsyncIterator[tuple[House, Any]]:
    """A house with the plugin of the guide in it."""
    sys.modules["relatum_spa"] = ModuleType("relatum_spa")
    module: Any = module_of("relatum_spa.jobs", *PLUGIN)
    settings = Settings(home=tmp_path, database=relatum_database_url, durability="normal")
    async with await House.open(settings, discover=list) as house:
        plugin = Plugin("spa", version="1.0")
        plugin.move_in(house)
        house.registry.plugins["spa"] = plugin
        assert declared_problems("relatum_register_jobs", module.JOBS) == []
        for job in module.JOBS:
            house.registry.jobs.put(job)
        house.gate.set(["spa"])
        yield house, module
    for name in ("relatum_spa.jobs", "relatum_spa"):
        del sys.modules[name]


async def test_the_test_of_the_guide(spa: tuple[House, Any]) -> None:
    house, _ = spa
    written: Any = module_of("relatum_spa_tests", TESTS)
    del sys.modules["relatum_spa_tests"]
    await written.test_letters(house, house.registry.plugins["spa"])


async def test_it_is_booked_once(spa: tuple[House, Any]) -> None:
    house, module = spa
    await house.db.execute("CREATE TABLE spa_total (visits INTEGER)")
    await house.db.execute("INSERT INTO spa_total VALUES (0)")
    real = module.BOOKINGS.run

    async def breaks(plugin: Plugin, run: Any) -> None:
        await real(plugin, run)
        if run.attempt == 1:
            raise OSError("the machine stops")

    retry = msgspec.structs.replace(module.BOOKINGS.retry, first=dt.timedelta(0))
    job: Job = msgspec.structs.replace(module.BOOKINGS, run=breaks, retry=retry)
    house.registry.jobs.put(job)
    await house.jobs.enqueue("spa.book", module.Booking(number=1))
    assert await house.worker.drain() == 2
    assert await house.db.fetch("SELECT visits FROM spa_total") == [(1,)]


async def test_the_others_run_too(spa: tuple[House, Any]) -> None:
    house, _ = spa
    id = await house.jobs.enqueue("spa.count")
    await house.worker.drain()
    assert (await house.jobs.get(id)).result == {"reference": "500 counted"}
    for job in ("spa.remind", "spa.tidy"):
        assert await house.jobs.run_now(job)
    schedules = {status.id: status for status in await house.jobs.schedules()}
    assert schedules["spa.remind"].missed == "skip"
    assert schedules["spa.tidy"].due_at is not None


def test_settings_of_the_guide_are_the_defaults() -> None:
    (text,) = re.findall(r"^```toml\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
    assert msgspec.convert(tomllib.loads(text)["jobs"], Limits) == Limits()
