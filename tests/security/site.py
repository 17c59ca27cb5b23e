"""A served copy of the world, and people who visit it."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sqlite3
from collections.abc import AsyncIterator, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
import httpx
import msgspec

from relatum.app.asgi import create_app
from relatum.app.house import House
from relatum.config.settings import Exports, Limits, Settings
from relatum_sdk.databases import Databases
from tests.security.addresses import Address, addresses
from tests.security.desk import APPROVAL_ABOVE, lay_out
from tests.security.hiring import Staff, hire
from tests.security.people import OWN_ROLES, PEOPLE, Person
from tests.security.staff_cases import OTHER_PASSWORD, PASSWORD
from tests.security.world import Belonging, World, build

BASE = "http://127.0.0.1"
#: Guessing is throttled however fast a test asks; how many requests a minute is another matter.
UNLIMITED = Limits(token=0, account=0, address=0, sign_in=0)

T = TypeVar("T")


@dataclass(frozen=True)
class Template:
    """The world as it was built once; every test gets a copy of its database and its folder."""

    url: str
    home: Path
    world: World
    staff: Staff

    @classmethod
    def build(cls, databases: Databases, folder: Path) -> Template:
        """Build it in an event loop of its own."""
        home = folder / "home"
        home.mkdir(parents=True)
        url = databases.migrated()
        world, staff = apart(_built(url, home, folder))
        return cls(url, home, world, staff)

    @classmethod
    def alone(cls, folder: Path) -> Template:
        """On SQLite, for whoever has no fixtures: everything is in the folder."""
        home = folder / "home"
        home.mkdir(parents=True)
        url = f"sqlite:///{folder / 'template.sqlite'}"
        world, staff = apart(_built(url, home, folder))
        return cls(url, home, world, staff)

    def copy(self, folder: Path) -> tuple[str, Path]:
        """The address of a new database and a new home, both as the template's."""
        home = folder / "home"
        shutil.copytree(self.home, home, dirs_exist_ok=True)
        if not self.url.startswith("sqlite"):
            return apart(_clone(self.url)), home
        path = folder / f"{uuid4().hex}.sqlite"
        with (
            closing(sqlite3.connect(self.url.removeprefix("sqlite:///"))) as source,
            closing(sqlite3.connect(path)) as target,
        ):
            source.backup(target)
        return f"sqlite:///{path}", home


def apart(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end in a thread of its own: the caller's may have a running loop."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(asyncio.run, work).result()


async def _built(url: str, home: Path, folder: Path) -> tuple[World, Staff]:
    async with await House.open(_settings(url, home)) as house:
        await house.migrate_apply()
        staff = await hire(house)
        world = await build(house, Belonging(staff.people, staff.teams), folder)
        async with _mounted(house) as (_, client):
            asks = {name: _visitor(client, staff, name).ask for name in ("owner", "manager")}
            await lay_out(house, world.canaries, list(world.customers), asks)
    return world, staff


def _settings(url: str, home: Path) -> Settings:
    return Settings(
        home=home,
        database=url,
        durability="normal",
        limits=UNLIMITED,
        exports=Exports(approval_above=APPROVAL_ABOVE),
    )


@contextlib.asynccontextmanager
async def _mounted(house: House) -> AsyncIterator[tuple[Any, httpx.AsyncClient]]:
    app: Any = create_app(house)
    app.live.lasts = 0.0  # answers are read to their end here
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
        yield app, client


async def _clone(url: str) -> str:
    parts = urlsplit(url)
    name = f"{parts.path.removeprefix('/')[:30]}_{uuid4().hex[:16]}"
    connection = await asyncpg.connect(urlunsplit(parts._replace(path="/postgres")))
    try:
        template = parts.path.removeprefix("/")
        await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    finally:
        await connection.close()
    return urlunsplit(parts._replace(path=f"/{name}"))


class Visitor:
    """Somebody who asks over HTTP, with a token of their own or with none."""

    def __init__(self, client: httpx.AsyncClient, name: str, headers: dict[str, str]) -> None:
        self._client = client
        self.name = name
        self.headers = headers

    @property
    def person(self) -> Person:
        """What is expected of them."""
        return PEOPLE[self.name]

    async def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """One request; `headers` are added to the visitor's own."""
        headers = {**self.headers, **options.pop("headers", {})}
        answer = await self._client.request(method, path, headers=headers, **options)
        self._client.cookies.clear()  # every visitor brings their own, and the client is shared
        return answer

    async def get(self, path: str, **options: Any) -> httpx.Response:
        return await self.ask("GET", path, **options)

    async def json(self, path: str, **options: Any) -> Any:
        """The body of an answer that has to be a success."""
        answer = await self.get(path, **options)
        assert answer.status_code == 200, f"{self.name}: GET {path}: {answer.text}"
        return answer.json()


def _visitor(client: httpx.AsyncClient, staff: Staff, name: str) -> Visitor:
    return Visitor(client, name, {"authorization": f"Bearer {staff.tokens[name]}"})


@dataclass(frozen=True)
class Site:
    """One copy of the world, open and mounted."""

    house: House
    app: Any
    world: World
    staff: Staff
    client: httpx.AsyncClient

    def visitor(self, name: str) -> Visitor:
        """One of the people of the world."""
        return _visitor(self.client, self.staff, name)

    @property
    def stranger(self) -> Visitor:
        """Nobody in particular."""
        return Visitor(self.client, "stranger", {})

    async def signed_in(self, name: str) -> Visitor:
        """One of the people in a browser: with a session instead of a token."""
        answer = await self.sign_in(name, PASSWORD)
        if answer.status_code == 401:
            answer = await self.sign_in(name, OTHER_PASSWORD)
        assert answer.status_code == 200, answer.text
        cookie = answer.headers["set-cookie"].partition(";")[0]
        heads = {"cookie": cookie, "x-relatum-csrf": answer.json()["csrf"]}
        return Visitor(self.client, name, heads)

    async def sign_in(self, name: str, password: str) -> httpx.Response:
        """One attempt to come in."""
        credentials = {"email": f"{name}@example.com", "password": password}
        return await self.stranger.ask("POST", "/api/v1/session", json=credentials)

    @property
    def addresses(self) -> list[Address]:
        return addresses(self.app)

    def holds(self, name: str, permission: str) -> bool:
        """Whether the declarations give a permission to somebody's role."""
        role = PEOPLE[name].role
        role, added = OWN_ROLES.get(role, (role, ()))
        if permission in {"public", "signed-in", *added} or role == "owner":
            return True
        return role in self.house.registry.permissions.get(permission).roles


@contextlib.asynccontextmanager
async def served(url: str, home: Path, template: Template, **settings: Any) -> AsyncIterator[Site]:
    """Open a copy of the template and mount it."""
    chosen = msgspec.structs.replace(_settings(url, home), **settings)
    async with await House.open(chosen) as house, _mounted(house) as (app, client):
        yield Site(house, app, template.world, template.staff, client)
