from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar import get

from relatum.config.settings import Plugins, Settings
from relatum.hooks.dispatcher import Dispatcher
from relatum.hooks.gate import Gate
from relatum.hooks.registry import Registry
from relatum.hooks.routes import route_problems
from relatum.plugins.discovery import Found, discover
from relatum.plugins.loading import Loader
from relatum.plugins.table import PluginTable
from relatum_sdk.temporary import make_plugin


class Site:
    """A folder on ``sys.path`` in which plugins are installed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ids: set[str] = set()

    def install(self, plugin_id: str, plugin_py: str = "", **options: Any) -> Path:
        """Install a plugin; options as for ``relatum_sdk.temporary.make_plugin``."""
        self.ids.add(plugin_id)
        return make_plugin(self.folder, plugin_id, plugin_py=plugin_py, **options)

    def discover(self) -> list[Found]:
        """The plugins installed here, without those of the environment."""
        return [found for found in discover() if found.id in self.ids]

    def find(self, plugin_id: str) -> Found:
        return next(found for found in self.discover() if found.id == plugin_id)


@pytest.fixture(scope="session", autouse=True)
def _warm_litestar() -> None:
    """Its first application imports a lot, which is not the plugins' time."""

    @get("/", opt={"permission": "public"})
    async def route() -> None: ...

    assert route_problems("warm", [route]) == []


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    before = set(sys.modules)
    yield Site(folder)
    for name in set(sys.modules) - before:
        file = getattr(sys.modules[name], "__file__", None) or ""
        if file.startswith(str(folder)):
            del sys.modules[name]


@pytest.fixture
def dispatcher() -> Dispatcher:
    return Dispatcher(Registry(Gate()), budget=0.05, limit=0.5)


@pytest.fixture
def settings_with(tmp_path: Path) -> Callable[..., Settings]:
    """Settings of this test's home; options are those of ``[plugins]``."""

    def settings_with(*, strict: bool = False, safe: bool = False, **plugins: Any) -> Settings:
        return Settings(
            home=tmp_path, strict_plugins=strict, safe_mode=safe, plugins=Plugins(**plugins)
        )

    return settings_with


OpenTable = Callable[..., PluginTable]


@pytest.fixture
def open_table(
    site: Site, dispatcher: Dispatcher, settings_with: Callable[..., Settings]
) -> OpenTable:
    """A table of the plugins installed here, loaded; options are those of ``[plugins]``."""

    def open_table(*, load: bool = True, **plugins: Any) -> PluginTable:
        loader = Loader(dispatcher, import_limit=0.5)
        table = PluginTable(
            settings_with(**plugins), dispatcher, discover=site.discover, loader=loader
        )
        if load:
            table.load()
        return table

    return open_table
