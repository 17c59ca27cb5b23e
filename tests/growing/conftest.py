"""Two houses on one PostgreSQL, as two processes of one installation have them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar

from relatum.app.asgi import create_app
from relatum.app.house import House
from relatum.config.settings import Limits, Settings
from relatum_sdk.people import PersonClient, client_of, make_person, make_token

on_postgres = [
    pytest.mark.postgres,
    pytest.mark.parametrize("relatum_database_kind", ["postgresql"]),
]


class Process:
    """What one process has: a house and its application."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.app: Litestar = create_app(house)
        self._listening: asyncio.Task[None] | None = None

    async def listen(self) -> None:
        """Hear of other processes from now on."""
        self._listening = asyncio.create_task(self.house.signals.run_forever())
        for _ in range(500):
            if self.house.signals._connection is not None:
                await asyncio.sleep(0.05)
                return
            await asyncio.sleep(0.01)
        raise AssertionError("expected a connection that listens within 5 s")

    async def close(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait([self._listening])

    def client(self, token: str = "", **kwargs: Any) -> PersonClient:
        """A client of this process."""
        return client_of(self.app, token=token, **kwargs)


class Pair:
    """Two processes of one installation."""

    def __init__(self, one: Process, two: Process) -> None:
        self.one = one
        self.two = two

    async def person(self, role: str, **person: Any) -> tuple[Any, PersonClient, PersonClient]:
        """Somebody with a token: their account, and a client of each process."""
        account = await make_person(self.one.house, role, **person)
        token = await make_token(self.one.house, account)
        clients = (each.client(token, account=account) for each in (self.one, self.two))
        first, second = clients
        return account, first, second


@pytest.fixture
def pair_settings(tmp_path: Path, relatum_database_url: str) -> Settings:
    """The settings of both."""
    return Settings(
        home=tmp_path / "home",
        database=relatum_database_url,
        safe_mode=True,
        limits=Limits(token=0, account=0, address=0, sign_in=0),
    )


@pytest.fixture
async def pair(pair_settings: Settings) -> AsyncIterator[Pair]:
    """Two processes that share a database and a home, and do not listen yet."""
    pair_settings.home.mkdir()
    async with contextlib.AsyncExitStack() as stack:
        houses = [
            await stack.enter_async_context(await House.open(pair_settings)) for _ in range(2)
        ]
        one, two = (Process(house) for house in houses)
        stack.push_async_callback(one.close)
        stack.push_async_callback(two.close)
        yield Pair(one, two)


@pytest.fixture
def nobody_remembered_briefly(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is remembered for a second is remembered for an hour: a signal alone helps."""
    monkeypatch.setattr("relatum.http.authentication.REMEMBERED", 3600.0)
    monkeypatch.setattr("relatum.access.sight.service.FRESH_SECONDS", 3600.0)
