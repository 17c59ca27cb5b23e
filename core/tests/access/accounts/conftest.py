"""People with passwords that are cheap to check, and a clock that can be moved."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from argon2 import PasswordHasher

from core.tests.access.accounts.people import PASSWORD, Add, Clock
from relatum.access.accounts.types import Account, InvitationDraft
from relatum.app.asgi import create_app
from relatum.app.house import House


@pytest.fixture
def house(core_house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """Core alone; hashing costs next to nothing."""
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(core_house.accounts._passwords, "_hasher", cheap)
    return core_house


@pytest.fixture
def clock(house: House, monkeypatch: pytest.MonkeyPatch) -> Clock:
    moved = Clock()
    monkeypatch.setattr(house.sign_in._throttle, "clock", moved)
    monkeypatch.setattr(house.second_factor, "_clock", moved)
    return moved


@pytest.fixture
def add(house: House) -> Add:
    """Make an active person; the first is an owner, so that there always is one."""

    async def add(
        email: str = "lan@example.com",
        *,
        name: str = "Nguyễn Thị Lan",
        role: str = "owner",
        password: str | None = PASSWORD,
    ) -> Account:
        draft = InvitationDraft(name=name, email=email, roles=[role])
        return await house.accounts.add(draft, password=password, by="system")

    return add


@pytest.fixture
async def owner(add: Add) -> Account:
    return await add()


@pytest.fixture
async def browser(house: House) -> AsyncIterator[httpx.AsyncClient]:
    """A client that keeps cookies and says where its writes come from, as browsers do."""
    app: Any = create_app(house)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    base = "http://127.0.0.1:8000"
    headers = {"origin": base, "user-agent": "Firefox on the reception's computer"}
    async with httpx.AsyncClient(transport=transport, base_url=base, headers=headers) as opened:
        yield opened
