"""Giving Litestar many routes without the work that it would repeat for each of them.

For every route that it registers Litestar makes a map of all routes anew, checks the tree of all
addresses again, and reads the signature of every copy of a handler. An application of some hundred
routes takes a third of that time when its routes come in :class:`Rooms`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from litestar import Router
from litestar.handlers import HTTPRouteHandler
from litestar.routes import ASGIRoute, BaseRoute, HTTPRoute, WebSocketRoute

from relatum.hooks.context import Plugin


class Rooms(Router):
    """Routes made for one application, which therefore may have them without a copy."""

    def __deepcopy__(self, memo: object) -> Rooms:
        return self

    @property
    def route_handler_method_map(self) -> Any:
        """What Litestar asks when it registers a route."""
        return Registered(self.routes)


class Registered:
    """Routes by their address, as they are at the moment when somebody asks."""

    def __init__(self, routes: Sequence[BaseRoute]) -> None:
        self._routes = routes

    def get(self, path: str, default: object) -> object:
        """HTTP method → handler of one address."""
        return _handlers(route for route in self._routes if route.path == path) or default

    def items(self) -> list[tuple[str, object]]:
        """Every address with those."""
        of_path: dict[str, list[BaseRoute]] = {}
        for route in self._routes:
            of_path.setdefault(route.path, []).append(route)
        return [(path, _handlers(routes)) for path, routes in of_path.items()]


def _handlers(routes: Iterable[BaseRoute]) -> dict[str, object]:
    handlers: dict[str, object] = {}
    for route in routes:
        if isinstance(route, HTTPRoute):
            handlers |= {method: one for one in route.route_handlers for method in one.http_methods}
        elif isinstance(route, (ASGIRoute, WebSocketRoute)):
            kind = "asgi" if isinstance(route, ASGIRoute) else "websocket"
            handlers[kind] = route.route_handler
    return handlers


def read_signatures(handlers: Iterable[object]) -> None:
    """Read them where every application of this process finds them: it gets copies of handlers."""
    for each in handlers:
        if isinstance(each, HTTPRouteHandler):
            each.signature_namespace.setdefault(Plugin.__name__, Plugin)
            _ = each.parsed_fn_signature
