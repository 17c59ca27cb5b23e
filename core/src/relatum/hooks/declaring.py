"""Asking one plugin for all it declares: first collect and check, then put on the shelves."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from relatum.hooks import specs
from relatum.hooks.checks import declared_problems
from relatum.hooks.declarations import PUBLIC, SIGNED_IN
from relatum.hooks.gate import CORE, owner
from relatum.hooks.isolation import describe
from relatum.hooks.routes import HOOK as ROUTES
from relatum.hooks.routes import permissions_of, route_problems
from relatum.hooks.screen_checks import SCREENS
from relatum.values.problems import Problem

if TYPE_CHECKING:
    from relatum.hooks.context import Plugin
    from relatum.hooks.implementations import Implementation
    from relatum.hooks.registry import Registry, Shelf


class Declared(msgspec.Struct):
    """What one plugin declares, by hook, and what is wrong with it. On no shelf yet."""

    plugin: Plugin
    items: dict[str, list[Any]] = {}
    problems: list[Problem] = []
    #: the hook that is being asked; the last one asked when it does not come back
    asking: str = ""


def collect(
    declared: Declared, implementations: Iterable[Implementation], registry: Registry
) -> None:
    """Call the declaring hooks of a plugin, each though another failed, and check what comes."""
    by_hook = {each.hook: each for each in implementations}
    for hook in specs.DECLARING:
        if hook not in by_hook:
            continue
        declared.asking = hook
        try:
            answer = by_hook[hook].call(declared.plugin, {})
            problems = declared_problems(hook, answer)
            problems = problems or _place_problems(registry, declared.plugin.id, hook, answer)
        except BaseException as error:  # noqa: BLE001 - nothing of it may reach the house
            problems = [raised(hook, error)]
        else:
            declared.items[hook] = answer
        declared.problems += problems
    if not declared.problems:
        declared.problems += undeclared_permissions(declared, registry)


def fill(declared: Declared, registry: Registry) -> None:
    """Put what a plugin declares, checked and without problems, on the shelves."""
    for hook, items in declared.items.items():
        shelf = registry.shelf_of(hook)
        if shelf is not None:
            for item in items:
                shelf.put(item)
    registry.plugins[declared.plugin.id] = declared.plugin
    registry.routes[declared.plugin.id] = declared.items.get(ROUTES, [])


def empty(plugin_id: str, registry: Registry) -> None:
    """Take everything of a plugin from the shelves."""
    for hook in specs.DECLARING:
        shelf = registry.shelf_of(hook)
        if shelf is not None:
            shelf.remove_all_of(plugin_id)
    registry.routes.pop(plugin_id, None)
    registry.plugins.pop(plugin_id, None)


def undeclared_permissions(declared: Declared, registry: Registry) -> list[Problem]:
    """Permissions that what a plugin declares asks for, but neither it nor core declares."""
    known = {item.id for item in declared.items.get("relatum_register_permissions", ())}
    known |= {id for id in registry.permissions.ids() if owner(id) == CORE}
    asked = permissions_of(declared.items.get(ROUTES, []))
    asked |= {report.permission for report in declared.items.get("relatum_register_reports", ())}
    for target in declared.items.get("relatum_register_import_targets", ()):
        asked |= {target.permission, target.write_permission}
    for hook in SCREENS:
        asked |= {item.permission for item in declared.items.get(hook, ())}
    for page in declared.items.get("relatum_register_pages", ()):
        asked |= {page.act_permission} - {""}
    return [
        Problem(
            code="undeclared-permission",
            message=f"the permission {permission!r} is asked for but not declared",
            expected="a permission of core, or one declared in relatum_register_permissions",
            got=permission,
            mend="declare it; no role could hold it otherwise",
        )
        for permission in sorted(asked - known - {PUBLIC, SIGNED_IN})
    ]


def raised(hook: str, error: BaseException) -> Problem:
    return Problem(
        code="raised",
        message="the hook failed",
        where=hook,
        expected="a list",
        got=describe(error),
        mend="mend the plugin, or switch it off",
    )


def hangs(hook: str, seconds: float) -> Problem:
    return Problem(
        code="hangs",
        message="the hook does not come back",
        where=hook,
        expected=f"an answer within {seconds:g} s",
        got="none",
        mend="declaring hooks do no I/O: move slow work into a job, then restart the server",
    )


def _place_problems(
    registry: Registry, plugin_id: str, hook: str, items: list[Any]
) -> list[Problem]:
    """Why items may not stand where they want to: foreign or taken ids, unusable routes."""
    shelf = registry.shelf_of(hook)
    if shelf is None:
        return route_problems(plugin_id, items)
    problems = [found for item in items if (found := shelf.check(plugin_id, item))]
    problems += [*_twice(shelf, plugin_id, items)]
    return [*problems, *_same_path(items)] if hook == PAGES else problems


PAGES = "relatum_register_pages"


def _same_path(pages: list[Any]) -> Iterator[Problem]:
    """Pages that would answer at one address, whatever their parameters are called."""
    paths = [re.sub(r"\{[^}]*\}", "{}", page.path) for page in pages]
    for path in sorted({each for each in paths if paths.count(each) > 1}):
        yield Problem(
            code="duplicate-page",
            message=f"{path} is the path of {paths.count(path)} pages",
            where=PAGES,
            expected="each path once",
            got=f"{paths.count(path)} times",
            mend="give one of them another path; one page has both load and act",
        )


def _twice(shelf: Shelf[Any], plugin_id: str, items: list[Any]) -> Iterator[Problem]:
    ids = [item.id for item in items]
    for item_id in sorted({each for each in ids if ids.count(each) > 1}):
        yield Problem(
            code="duplicate-id",
            message=f"{shelf.noun} {item_id!r} is declared twice by {plugin_id!r}",
            expected="each id once",
            got=f"{ids.count(item_id)} times",
            mend="rename one of them",
        )
