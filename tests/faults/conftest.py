"""An application with broken plugins beside a good one, on a fresh migrated database."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import pytest_asyncio

from relatum.app.asgi import create_app
from relatum.app.house import House
from relatum.config.settings import Plugins, Settings
from relatum.hooks.dispatcher import Dispatcher
from relatum.plugins import tables
from relatum.plugins.discovery import Found, discover
from relatum.plugins.loading import Loader
from relatum_sdk.people import client_of, make_person, make_token
from relatum_sdk.temporary import make_plugin

HEAD = (
    "import asyncio, sys, time\nimport msgspec\n"
    "from litestar import get\nfrom relatum.api import *\n"
)
GOOD = HEAD + (
    '@get("/ping", opt={"permission": "good.ping.read"})\n'
    'async def ping() -> dict[str, str]: return {"answer": "pong"}\n'
    "@hookimpl\ndef relatum_register_routes(plugin): return [ping]\n"
    "@hookimpl\nasync def relatum_validate_interactions(drafts): return []\n"
    "class Empty(msgspec.Struct, forbid_unknown_fields=True): pass\n"
    "@hookimpl\ndef relatum_register_interaction_kinds(plugin):\n"
    '    return [InteractionKind(id="good.wave", title=Text(en="Wave", vi="Vẫy"), payload=Empty)]\n'
    "@hookimpl\ndef relatum_register_permissions(plugin):\n"
    '    return [Permission(id="good.ping.read", title=Text(en="Ping", vi="Ping"))]\n'
)
#: Limits of this test run, in seconds: long enough for sound plugins, short enough to wait for.
IMPORT_LIMIT, HOOK_LIMIT = 2.0, 1.0


class Site:
    """A folder on ``sys.path`` with the plugins of one test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ids: set[str] = set()

    def install(self, plugin_id: str, plugin_py: str, **options: Any) -> Path:
        self.ids.add(plugin_id)
        return make_plugin(self.folder, plugin_id, plugin_py=plugin_py, **options)

    def discover(self) -> list[Found]:
        return [found for found in discover() if found.id in self.ids]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setitem(Loader.__init__.__kwdefaults__, "import_limit", IMPORT_LIMIT)
    monkeypatch.setitem(tables.apps_of.__kwdefaults__, "limit", IMPORT_LIMIT)
    monkeypatch.setitem(Dispatcher.__init__.__kwdefaults__, "limit", HOOK_LIMIT)
    before = set(sys.modules)
    yield Site(folder)
    for name in set(sys.modules) - before:
        file = getattr(sys.modules[name], "__file__", None) or ""
        if file.startswith(str(folder)):
            del sys.modules[name]


class Running:
    """The application, its house, and requests to it."""

    def __init__(self, house: House, client: httpx.AsyncClient) -> None:
        self.house = house
        self.client = client

    async def states(self) -> dict[str, dict[str, Any]]:
        """What ``GET /api/v1/plugins`` says, by id."""
        answer = await self.client.get("/api/v1/plugins")
        assert answer.status_code == 200
        return {item["id"]: item for item in answer.json()["items"]}

    async def configure(self, **plugins: Any) -> None:
        """What a running server does when the settings file changed."""
        settings = msgspec.structs.replace(self.house.settings, plugins=Plugins(**plugins))
        await self.house.apply_settings(settings)

    async def assert_core_answers(self) -> None:
        """Core's routes and the good plugin's do what they always do."""
        client = self.client
        for path in ("/health", "/", "/schema", "/api/v1/customers", "/api/v1/interactions"):
            assert (await client.get(path)).status_code == 200, path
        made = await client.post("/api/v1/customers", json={"display_name": "Nguyễn Thị Hoa"})
        assert made.status_code == 201, made.text
        read = await client.get(f"/api/v1/customers/{made.json()['id']}")
        assert read.json()["display_name"] == "Nguyễn Thị Hoa"
        assert (await client.get("/api/v1/plugins/good/ping")).json() == {"answer": "pong"}


Run = Callable[..., Awaitable[Running]]


@pytest_asyncio.fixture
async def run(site: Site, relatum_database_url: str, tmp_path: Path) -> AsyncIterator[Run]:
    """Start the application with the plugins of the site; options are those of ``[plugins]``."""
    async with AsyncExitStack() as stack:

        async def run(*, strict: bool = False, safe: bool = False, **plugins: Any) -> Running:
            settings = Settings(
                home=tmp_path,
                database=relatum_database_url,
                durability="normal",
                strict_plugins=strict,
                safe_mode=safe,
                plugins=Plugins(**plugins),
            )
            house = await stack.enter_async_context(
                await House.open(settings, discover=site.discover)
            )
            token = await make_token(house, await make_person(house))
            client = client_of(create_app(house), token=token)
            return Running(house, await stack.enter_async_context(client))

        site.install("good", GOOD)
        yield run
