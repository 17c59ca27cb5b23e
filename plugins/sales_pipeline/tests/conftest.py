"""An open house (of the SDK) whose company counts in US dollars, and the plugin in it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import msgspec
import pytest

from relatum.api import Plugin
from relatum.app.house import House
from relatum.config.settings import Company, Settings
from relatum.events.runner import HandlerRunner

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


Work = Callable[[House], Awaitable[Any]]


@pytest.fixture(scope="session")
def in_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Work], Any]]:
    """Runs work in one house of SQLite and takes back everything it wrote.

    For laws by Hypothesis, whose examples would need a house each.
    """
    settings = Settings(home=tmp_path_factory.mktemp("laws"), durability="normal", company=COMPANY)
    with asyncio.Runner() as runner:
        house = runner.run(House.open(settings))
        runner.run(house.migrate_apply())

        async def taken_back(work: Work) -> Any:
            answer: Any = None
            # A runner remembers how far it has read a log that was taken back meanwhile.
            house.handlers = HandlerRunner(house.db, house.events, house.registry)
            with contextlib.suppress(_TakeBack):
                async with house.db.transaction():
                    answer = await work(house)
                    raise _TakeBack
            return answer

        yield lambda work: runner.run(taken_back(work))
        runner.run(house.close())


class _TakeBack(Exception):
    """Ends a transaction that is not to be kept."""
