"""What is checked of a plugin's routes before they may join the application.

Litestar looks at the signature of every handler when the application is built and stops at the
first one it cannot use. So a plugin's routes are built once alone, where only they can fail.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any

from relatum.hooks.context import Plugin
from relatum.hooks.declarations import PUBLIC, SIGNED_IN
from relatum.hooks.gate import owner
from relatum.hooks.isolation import describe
from relatum.values.problems import Problem

if TYPE_CHECKING:
    from litestar.handlers import BaseRouteHandler

HOOK = "relatum_register_routes"


def route_problems(plugin_id: str, routes: Sequence[Any]) -> list[Problem]:
    """Everything that is wrong with the routes of one plugin."""
    problems = []
    for index, route in enumerate(routes):
        handlers = handlers_of(route)
        if handlers is None:
            problems.append(_not_a_route(index, route))
            continue
        for handler, opt in handlers:
            problems += _handler_problems(plugin_id, handler, opt)
    return problems or [*_twice(routes), *_trial(plugin_id, routes)]


def handlers_of(route: Any) -> list[tuple[BaseRouteHandler, dict[str, Any]]] | None:
    """The handlers of one declared route with their options; ``None`` when it is no route.

    A route is a Litestar handler or a ``Controller`` class, whose ``opt`` its handlers inherit.
    """
    from litestar import Controller
    from litestar.handlers import BaseRouteHandler

    if isinstance(route, BaseRouteHandler):
        return [(route, dict(route.opt))]
    if not (isinstance(route, type) and issubclass(route, Controller)):
        return None
    own = getattr(route, "opt", None)
    inherited = dict(own) if isinstance(own, Mapping) else {}  # else the slot of Controller
    members = (getattr(route, name) for name in dir(route) if not hasattr(Controller, name))
    return [(m, {**inherited, **m.opt}) for m in members if isinstance(m, BaseRouteHandler)]


def permissions_of(routes: Sequence[Any]) -> set[str]:
    """The permissions that these (checked) routes ask for."""
    return {opt["permission"] for route in routes for _, opt in handlers_of(route) or ()}


def _not_a_route(index: int, route: object) -> Problem:
    return Problem(
        code="wrong-type",
        message="the hook answered with something that is not a route",
        where=f"{HOOK}, item {index}",
        expected="Litestar handlers made by @get, @post, … or Controller classes",
        got=type(route).__name__,
        mend="put the decorated function itself into the list",
    )


def _handler_problems(
    plugin_id: str, handler: BaseRouteHandler, opt: dict[str, Any]
) -> Iterator[Problem]:
    place = f"{HOOK}, {_name(handler)} at {', '.join(sorted(handler.paths))}"
    permission = opt.get("permission")
    dotted = isinstance(permission, str) and permission.count(".") > 1
    if not dotted and permission not in (PUBLIC, SIGNED_IN):
        yield Problem(
            code="no-permission",
            message="a route asks for no permission",
            where=place,
            expected=f'opt={{"permission": "{plugin_id}.<noun>.<verb>"}}',
            got=repr(permission)[:80],
            mend="name one, and declare it in relatum_register_permissions",
        )
    for field in ("name", "operation_id"):
        named = getattr(handler, field, None)
        if isinstance(named, str) and owner(named) != plugin_id:
            yield Problem(
                code="foreign-id",
                message=f"the {field} of a route belongs to no plugin",
                where=place,
                expected=f"a {field} that begins with {plugin_id}.",
                got=repr(named)[:80],
                mend=f"write {field}={plugin_id + '.' + named!r}, or leave it out",
            )


def _twice(routes: Sequence[Any]) -> Iterator[Problem]:
    """Litestar lets the last of two handlers win without a word."""
    from litestar.utils import join_paths

    counts = Counter(
        f"{method} {join_paths([_base(route), path])}"
        for route in routes
        for handler, _ in handlers_of(route) or ()
        for path in handler.paths
        for method in sorted(getattr(handler, "http_methods", ()))
    )
    for address, count in counts.items():
        if count > 1:
            yield Problem(
                code="duplicate-route",
                message=f"{address} is declared {count} times",
                where=HOOK,
                expected="each path and method once",
                got=f"{count} times",
                mend="remove one, or give it another path",
            )


def _base(route: Any) -> str:
    path = getattr(route, "path", None)
    return path if isinstance(path, str) else "/"  # a Controller without one has a slot there


def _name(handler: BaseRouteHandler) -> str:
    return str(getattr(handler.fn, "__name__", "a handler"))


def _trial(plugin_id: str, routes: Sequence[Any]) -> Iterator[Problem]:
    """Build the routes once, alone; their description is made, and isolated, when asked for."""
    from litestar import Router
    from litestar.di import Provide

    from relatum.hooks.plain import PlainLitestar

    async def no_plugin() -> None:
        raise NotImplementedError

    if not routes:
        return
    try:
        router = Router(
            path=f"/api/v1/plugins/{plugin_id}",
            # Litestar notes on a handler whose it is; the trial must leave no trace.
            route_handlers=[each if isinstance(each, type) else copy(each) for each in routes],
            dependencies={"plugin": Provide(no_plugin)},
        )
        # Nothing of this application serves: no logging of its own, no description.
        PlainLitestar([router], openapi_config=None, logging_config=None, signature_types=[Plugin])
    except BaseException as error:  # noqa: BLE001 - Litestar runs decorators of the plugin here
        yield Problem(
            code="unusable-routes",
            message="the routes cannot be built",
            where=HOOK,
            expected="handlers that Litestar can serve",
            got=describe(error),
            mend="types of arguments and results must be importable at run time",
        )
