"""Putting the routes of plugins under an address of theirs while the application runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from litestar._openapi.plugin import OpenAPIPlugin
from litestar.di import Provide
from litestar.routes import HTTPRoute

from relatum.http.permissions import refuse_open_routes
from relatum.http.queries import refuse_parameters
from relatum.http.registering import Rooms, read_signatures
from relatum.values.problems import NotFound, PluginError, RelatumError

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable

    from litestar import Litestar, Router
    from litestar.connection import ASGIConnection
    from litestar.handlers import BaseRouteHandler
    from litestar.types import (
        ASGIApp,
        ControllerRouterHandler,
        Guard,
        Middleware,
        Receive,
        Scope,
        Send,
    )

    from relatum.hooks.context import Plugin
    from relatum.hooks.gate import Gate
    from relatum.plugins.table import PluginTable

#: Where their routes are, and their pages.
PREFIX = "/api/v1/plugins/"
PAGES = "/p/"
#: Handlers that take one of these read the query string themselves.
_OWN_READERS = frozenset({"request", "query", "scope"})


class Mounting:
    """The routes of plugins in one application.

    Args:
        app: where they go.
        gate: who is on.
        rebuilt: called when routes had to be taken out and the application's router is a new one.
        permissions: those that the routes of a plugin may ask for.
        prefix: of the addresses; the id of the plugin follows.
    """

    def __init__(
        self,
        app: Litestar,
        gate: Gate,
        rebuilt: Callable[[], None],
        permissions: Callable[[str], Container[str]],
        prefix: str = PREFIX,
    ) -> None:
        self._app = app
        self._prefix = prefix
        self._gate = gate
        self._rebuilt = rebuilt
        self._permissions = permissions

    def mount(self, plugin: Plugin, routes: Iterable[ControllerRouterHandler]) -> None:
        """Put the routes of one plugin in place of those it may have had.

        Raises:
            PluginError: Litestar cannot take them, or one asks for no declared permission; then
                none is there, and the routes of others are as they were.
        """
        prefix = f"{self._prefix}{plugin.id}"
        before = [route for route in self._app.routes if not _is_under(route.path, prefix)]
        if len(before) < len(self._app.routes):
            self._restore(before)
        try:
            self._app.register(self._router(plugin, prefix, routes))
            mounted = [route for route in self._app.routes if _is_under(route.path, prefix)]
            refuse_open_routes(mounted, self._permissions(plugin.id))
        except Exception as error:
            self._restore(before)
            raise PluginError(
                f"The routes of {plugin.id} {plugin.version} cannot be mounted: {error}"
            ) from error
        for route in mounted:
            _learn_parameters(route)

    def _router(
        self, plugin: Plugin, prefix: str, routes: Iterable[ControllerRouterHandler]
    ) -> Router:
        handlers = list(routes)
        read_signatures(handlers)
        return Rooms(
            path=prefix,
            route_handlers=handlers,
            dependencies={"plugin": Provide(lambda: plugin, sync_to_thread=False)},
            guards=[self._guard()],
            middleware=[_at_work(plugin)],
            opt={"plugin": f"{plugin.id} {plugin.version}", "plugin_id": plugin.id},
            tags=[plugin.id],
        )

    def _guard(self) -> Guard:
        """Litestar copies handlers deeply, and a bound method with its ``self``: so no method."""
        gate = self._gate

        async def guard(
            connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler
        ) -> None:
            plugin_id = handler.opt["plugin_id"]
            if not gate.is_on(plugin_id):
                raise NotFound(off(plugin_id))
            query = connection.scope.get("query_string", b"")
            known = handler.opt.get("parameters") if query else None
            if known is not None:
                refuse_parameters(query, known=known)

        return guard

    def _restore(self, routes: list[Any]) -> None:
        """Back to these routes; Litestar can only add, so its router is built anew."""
        app = self._app
        kept = {route.path for route in routes}
        described = app.plugins.get(OpenAPIPlugin).included_routes
        for path in [path for path in described if path not in kept]:
            del described[path]
        app.routes = routes
        app.asgi_router = type(app.asgi_router)(app=app)
        app.asgi_router.construct_routing_trie()
        self._rebuilt()


def _at_work(plugin: Plugin) -> Middleware:
    """Lets the plugin be at work until its route has answered."""

    def around(app: ASGIApp) -> ASGIApp:
        async def run(scope: Scope, receive: Receive, send: Send) -> None:
            async with plugin.at_work():
                await app(scope, receive, send)

        return run

    return around


def off(plugin_id: str) -> str:
    """What to say of the routes of a plugin that does not run."""
    return (
        f"The plugin {plugin_id} is switched off; its data is kept. Switch it on with "
        f"`relatum plugins enable {plugin_id}` or in relatum.toml."
    )


def why_nothing(path: str, plugins: PluginTable) -> str | None:
    """Why a plugin's address does not answer; ``None`` for any other address."""
    prefix = next((each for each in (PREFIX, PAGES) if path.startswith(each)), None)
    if prefix is None:
        return None
    plugin_id = path.removeprefix(prefix).partition("/")[0]
    try:
        state = plugins.state(plugin_id)
    except RelatumError as error:
        return error.detail
    if state.state == "disabled":
        return off(plugin_id)
    if state.state != "enabled":
        return f"The plugin {plugin_id} does not run ({state.state}); {PREFIX[:-1]} says why."
    return None


def _learn_parameters(route: Any) -> None:
    """Note on each handler which query parameters its signature names."""
    if not isinstance(route, HTTPRoute):
        return
    for handler, model in route.route_handler_map.values():
        if not _OWN_READERS & set(model.expected_reserved_kwargs):
            names = sorted(each.field_alias for each in model.expected_query_params)
            handler.opt["parameters"] = names


def _is_under(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(f"{prefix}/")
