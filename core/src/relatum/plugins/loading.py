"""Importing plugins, each so that it cannot take the others with it.

A plugin comes in as a whole or not at all: module, settings, tables and declarations are read and
checked first; only what is sound afterwards is put where others can see it.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import msgspec

from relatum.hooks.context import Plugin
from relatum.hooks.declaring import Declared
from relatum.hooks.isolation import Outcome, attempt, describe
from relatum.plugins.manifest import Manifest
from relatum.plugins.settings import read_settings
from relatum.plugins.tables import HANGS, IMPORT_LIMIT, app_problems
from relatum.values.problems import Problem

if TYPE_CHECKING:
    from piccolo.conf.apps import AppConfig

    from relatum.hooks.dispatcher import Dispatcher
    from relatum.plugins.discovery import Found


class _Imported(msgspec.Struct):
    """What importing a plugin brought: its hooks, the type of its settings, its tables."""

    asking: str = ""
    module: ModuleType | None = None
    settings: type[msgspec.Struct] | None = None
    app: AppConfig | None = None


class Loader:
    """Brings plugins into a dispatcher.

    Args:
        import_limit: seconds that importing one plugin may take.
    """

    def __init__(self, dispatcher: Dispatcher, *, import_limit: float = IMPORT_LIMIT) -> None:
        self.dispatcher = dispatcher
        self.import_limit = import_limit
        self._settings_types: dict[str, type[msgspec.Struct] | None] = {}

    def prepare(
        self, found: Found, table: Mapping[str, object], installed: Iterable[str]
    ) -> tuple[Declared | None, list[Problem]]:
        """Import a plugin, read its settings, ask what it declares. Slow; safe in another thread.

        Args:
            table: its settings, ``[plugins.<id>]``.
            installed: ids of all installed plugins.

        Returns:
            What it declares, ready for :meth:`Dispatcher.fill`, or everything that is wrong.
        """
        self.dispatcher.remove(found.id)
        before = set(sys.modules)
        declared, problems = self._prepared(found, table, installed)
        if problems:
            self.dispatcher.remove(found.id)
            _forget_modules(found.module, before)
        return (None, problems) if problems else (declared, [])

    def settings(self, plugin_id: str, table: Mapping[str, object]) -> tuple[Any, list[Problem]]:
        """New settings of a plugin that was prepared before."""
        return read_settings(plugin_id, self._settings_types.get(plugin_id), table)

    def _prepared(
        self, found: Found, table: Mapping[str, object], installed: Iterable[str]
    ) -> tuple[Declared | None, list[Problem]]:
        if found.manifest is None:
            return None, list(found.problems)
        imported, problems = self._imported(found.module, found.manifest)
        if problems or imported.module is None:
            return None, problems
        self._settings_types[found.id] = imported.settings
        settings, problems = read_settings(found.id, imported.settings, table)
        if imported.app is not None:
            problems += app_problems(found.id, imported.app, installed)
        folder = found.folder or _folder_of(imported.module)
        plugin = Plugin(found.id, version=found.version, settings=settings, folder=folder)
        problems += self.dispatcher.add(plugin, imported.module)
        if problems:
            return None, problems
        declared = self.dispatcher.collect(plugin)
        return declared, declared.problems

    def _imported(self, package: str, manifest: Manifest) -> tuple[_Imported, list[Problem]]:
        imported = _Imported()
        outcome = attempt(
            lambda: _import(imported, package, manifest),
            seconds=self.import_limit,
            name=f"relatum-import-{manifest.id}",
        )
        problem = self._import_problem(imported.asking, outcome)
        return imported, [] if problem is None else [problem]

    def _import_problem(self, module: str, outcome: Outcome[None]) -> Problem | None:
        if outcome.hung:
            return Problem(
                code=HANGS,
                message="the import does not come back",
                where=module,
                expected=f"an import within {self.import_limit:g} s",
                got="none",
                mend="no work at import time; mend the plugin, then restart the server",
            )
        if outcome.error is None:
            return None
        exits = isinstance(outcome.error, SystemExit)
        return Problem(
            code="exits" if exits else "import-failed",
            message="the plugin ends the program" if exits else "the plugin cannot be imported",
            where=module,
            expected="a module that can be imported",
            got=describe(outcome.error),
            mend="mend the plugin or install what it needs, or switch it off",
        )


def _folder_of(module: ModuleType) -> Path | None:
    return Path(module.__file__).parent if module.__file__ else None


def _import(imported: _Imported, package: str, manifest: Manifest) -> None:
    imported.asking = f"{package}.plugin"
    module = importlib.import_module(imported.asking)
    if manifest.settings:
        imported.asking, _, name = manifest.settings.partition(":")
        settings = getattr(importlib.import_module(imported.asking), name)
        if not (isinstance(settings, type) and issubclass(settings, msgspec.Struct)):
            raise TypeError(f"expected {name} to be a msgspec.Struct, got {settings!r}")
        imported.settings = settings
    if manifest.piccolo_app:
        from piccolo.conf.apps import AppConfig

        imported.asking = manifest.piccolo_app
        app = importlib.import_module(imported.asking).APP_CONFIG
        if not isinstance(app, AppConfig):
            raise TypeError(f"expected APP_CONFIG to be an AppConfig, got {app!r}")
        imported.app = app
    imported.module = module


def _forget_modules(package: str, before: set[str]) -> None:
    """Let the next attempt read the files anew instead of half-imported modules."""
    top = package.partition(".")[0]
    forgotten = {
        name for name in set(sys.modules) - before if name == top or name.startswith(f"{top}.")
    }
    for name in forgotten:
        sys.modules.pop(name, None)
    if "piccolo.table" in sys.modules:
        from piccolo.table import TABLE_REGISTRY

        # Core looks there for references to customers.
        TABLE_REGISTRY[:] = [each for each in TABLE_REGISTRY if each.__module__ not in forgotten]
