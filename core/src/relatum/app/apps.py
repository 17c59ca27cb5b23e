"""The Piccolo apps of the house: those of core's rooms and of every installed plugin.

Installed plugins are migrated whether they are on or off, so that switching one on never runs DDL.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from relatum.hooks.isolation import describe
from relatum.values.problems import Problem

if TYPE_CHECKING:
    from piccolo.conf.apps import AppConfig

    from relatum.plugins.discovery import Found

#: In the order of their references: what points at customers comes after them.
CORE_APPS = (
    "relatum.events.piccolo_app",
    "relatum.jobs.piccolo_app",
    "relatum.customers.piccolo_app",
    "relatum.interactions.piccolo_app",
)


def core_apps() -> list[AppConfig]:
    """The apps of core's rooms, in the order in which they migrate."""
    return [importlib.import_module(module).APP_CONFIG for module in CORE_APPS]


def plugin_apps(found: Sequence[Found]) -> tuple[list[AppConfig], dict[str, Problem]]:
    """The apps of installed plugins, and why some could not be imported, by plugin id."""
    apps: list[AppConfig] = []
    problems: dict[str, Problem] = {}
    for plugin in found:
        if plugin.manifest is None or not plugin.manifest.piccolo_app:
            continue
        try:
            app: AppConfig = importlib.import_module(plugin.manifest.piccolo_app).APP_CONFIG
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a plugin does, the others migrate
            problems[plugin.id] = _broken_app(plugin, describe(error))
            continue
        wrong = _foreign_names(plugin, app)
        if wrong is None:
            apps.append(app)
        else:
            problems[plugin.id] = wrong
    return apps, problems


def _broken_app(plugin: Found, what: str) -> Problem:
    return Problem(
        code="broken-tables",
        message=f"the tables of {plugin.id} {plugin.version} cannot be read",
        expected="a module with APP_CONFIG that can be imported",
        got=what,
        mend="Mend the plugin, or uninstall it with pip.",
    )


def _foreign_names(plugin: Found, app: AppConfig) -> Problem | None:
    tables = [table._meta.tablename for table in app.table_classes]
    foreign = [name for name in tables if not name.startswith(f"{plugin.id}_")]
    if app.app_name == plugin.id and not foreign:
        return None
    return Problem(
        code="foreign-table",
        message=f"{plugin.id} {plugin.version} names tables that are not its own",
        expected=f"an app called {plugin.id} with tables {plugin.id}_…",
        got=f"{app.app_name}: {', '.join(foreign)}",
        mend="Rename them; separation is by prefix.",
    )
