"""The Piccolo apps of plugins: reading them, and refusing tables that are not the plugin's own."""

from __future__ import annotations

import importlib
import runpy
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from relatum.db.columns import CustomerRef, CustomerTrace
from relatum.hooks.isolation import attempt, describe
from relatum.plugins.discovery import Found
from relatum.values.problems import Problem

if TYPE_CHECKING:
    from piccolo.conf.apps import AppConfig

IMPORT_LIMIT = 10.0
#: Code of a problem that holds a thread until the process ends, so that trying again is no use.
HANGS = "hangs"


def apps_of(
    found: Iterable[Found], *, installed: Iterable[str] = (), limit: float = IMPORT_LIMIT
) -> tuple[list[AppConfig], dict[str, list[Problem]]]:
    """The apps of these plugins, in the same order, and what is wrong with the others, by id.

    Runs ``piccolo_app`` and the migration files of each plugin, ``limit`` seconds at most, so that
    a plan of migrations can be made of what is returned.

    Args:
        installed: ids of all installed plugins; each keeps its prefix for itself.
    """
    apps: list[AppConfig] = []
    problems: dict[str, list[Problem]] = {}
    installed = set(installed)
    for plugin in found:
        if plugin.manifest is None or not plugin.manifest.piccolo_app:
            continue
        module = plugin.manifest.piccolo_app
        outcome = attempt(partial(_read, module), seconds=limit, name=f"relatum-tables-{plugin.id}")
        if outcome.value is None:
            why = describe(outcome.error) if outcome.error else f"no answer within {limit:g} s"
            code = HANGS if outcome.hung else "unreadable-tables"
            problems[plugin.id] = [_unreadable(code, module, why)]
        elif wrong := app_problems(plugin.id, outcome.value, installed):
            problems[plugin.id] = wrong
        else:
            apps.append(outcome.value)
    return apps, problems


def _read(module: str) -> AppConfig:
    from piccolo.conf.apps import AppConfig
    from piccolo.table import TABLE_REGISTRY

    app = importlib.import_module(module).APP_CONFIG
    if not isinstance(app, AppConfig):
        raise TypeError(f"expected APP_CONFIG to be an AppConfig, got {app!r}")
    for path in sorted(Path(app.resolved_migrations_folder_path).glob("*.py")):
        if path.name != "__init__.py" and "ID" not in runpy.run_path(str(path)):
            raise LookupError(f"expected ID = … in the migration {path.name}, got none")
    # Copies of tables that the migrations made: whoever looks through all tables would look at
    # them again after each reload of a plugin.
    TABLE_REGISTRY[:] = [each for each in TABLE_REGISTRY if each.__module__ != "<run_path>"]
    return app


def app_problems(plugin_id: str, app: AppConfig, installed: Iterable[str]) -> list[Problem]:
    """Where an app claims names that are not its plugin's."""
    return list(_app_problems(plugin_id, app, installed))


def points_at_customers(app: AppConfig) -> bool:
    """Whether a table of the app names customers, those who may be gone included."""
    return any(
        isinstance(column, CustomerRef | CustomerTrace)
        for table in app.table_classes
        for column in table._meta.columns
    )


def _app_problems(plugin_id: str, app: AppConfig, installed: Iterable[str]) -> Iterator[Problem]:
    if app.app_name != plugin_id:
        yield _foreign("app_name of APP_CONFIG", plugin_id, app.app_name)
    longer = [f"{each}_" for each in installed if each.startswith(f"{plugin_id}_")]
    for table in app.table_classes:
        name = table._meta.tablename
        if not name.startswith(f"{plugin_id}_") or name.startswith(tuple(longer)):
            yield _foreign(f"table {table.__name__}", f"{plugin_id}_<noun>", name)


def _foreign(what: str, expected: str, got: str) -> Problem:
    return Problem(
        code="foreign-table",
        message=f"the {what} has a name that belongs to somebody else",
        expected=expected,
        got=got,
        mend=f"rename it to {expected}; plugins are kept apart by prefix",
    )


def _unreadable(code: str, module: str, why: str) -> Problem:
    return Problem(
        code=code,
        message="the tables or migrations of the plugin cannot be read",
        where=module,
        expected="a module with APP_CONFIG, and migrations, that can be imported",
        got=why,
        mend="mend the plugin, or uninstall it with pip",
    )
