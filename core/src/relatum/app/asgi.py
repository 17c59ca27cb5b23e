"""The house as an ASGI application."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from importlib.metadata import version
from typing import TYPE_CHECKING

from litestar import Litestar, Router

from relatum.hooks.context import Plugin
from relatum.hooks.gate import CORE
from relatum.hooks.plain import PlainLitestar
from relatum.http.authentication import Authentication
from relatum.http.calls import Call
from relatum.http.edge import Edge
from relatum.http.handling import answer_failure
from relatum.http.idempotency import Idempotency
from relatum.http.live import LiveUpdates
from relatum.http.measuring import Measuring
from relatum.http.mounting import Mounting
from relatum.http.openapi import Description
from relatum.http.permissions import permission_guard, refuse_open_routes
from relatum.http.reach import Reach
from relatum.http.readiness import ReadinessCheck
from relatum.http.routes import (
    accounts,
    audit,
    customers,
    exports,
    imports,
    interactions,
    live,
    me,
    operations,
    reports,
    roles,
    session,
    uploads,
)
from relatum.values.problems import PluginError, Problem
from relatum.web import pages
from relatum.web.failures import FailurePages

if TYPE_CHECKING:
    from relatum.app.house import House

Lifespan = Callable[[Litestar], AbstractAsyncContextManager[None]]


class Application(PlainLitestar):
    """Litestar with the house it serves.

    Attributes:
        house: the services; routes find them here.
        description: the OpenAPI document of what is mounted.
        edge: the layer that every request passes first.
        measuring: the figures for Prometheus.
        readiness: whether requests can be served.
        live: open streams of what changes.
    """

    __slots__ = ("description", "edge", "house", "live", "measuring", "readiness")

    house: House
    description: Description
    edge: Edge
    measuring: Measuring
    readiness: ReadinessCheck
    live: LiveUpdates


def create_app(house: House, *, lifespan: Sequence[Lifespan] = ()) -> Application:
    """Build the application of an open house.

    Args:
        lifespan: what lives as long as the server runs (background work).

    Raises:
        ConfigurationError: a route of core asks for no declared permission.
    """
    app = Application(
        route_handlers=[
            Router(
                path="/api/v1",
                route_handlers=[
                    *customers.ROUTES,
                    *interactions.ROUTES,
                    *live.ROUTES,
                    *reports.ROUTES,
                    *roles.ROUTES,
                    *accounts.ROUTES,
                    *audit.ROUTES,
                    *me.ROUTES,
                    *session.ROUTES,
                    *exports.ROUTES,
                    *uploads.ROUTES,
                    *imports.ROUTES,
                ],
            ),
            *operations.ROUTES,
            *pages.ROUTES,
        ],
        exception_handlers={Exception: answer_failure},
        guards=[permission_guard(house.gate)],
        lifespan=list(lifespan),
        logging_config=None,
        openapi_config=None,
        request_class=Call,
        # the edge counts bytes, also of bodies that say nothing of their length
        request_max_body_size=None,
        signature_types=[Plugin],
    )
    app.house = house
    app.live = LiveUpdates(house)
    app.description = Description(app, version=version("relatum"))
    app.readiness = ReadinessCheck(house)
    app.measuring = Measuring(house)
    permissions = house.registry.permissions
    refuse_open_routes(app.routes, permissions.ids_of(CORE))
    app.edge = edge = _edge(house, app)
    mounting = Mounting(
        app,
        house.gate,
        lambda: edge.lead_to(app._create_asgi_handler()),
        lambda plugin_id: permissions.ids_of(CORE, plugin_id),
    )
    _mount_plugins(house, mounting)
    return app


def _edge(house: House, app: Application) -> Edge:
    server = house.settings.server
    edge = Edge(
        app.asgi_handler,
        most_bytes=server.max_body_bytes,
        seconds=server.request_timeout,
        reach=Reach(server),
        authentication=Authentication(house),
        idempotency=Idempotency(house.db, house.secrets),
        metrics=house.metrics,
    )
    # Around the router, and not a middleware of routes: an address that does not exist or a wrong
    # method has no route.
    app.asgi_handler = FailurePages(edge, house)
    return edge


def _mount_plugins(house: House, mounting: Mounting) -> None:
    def mount(plugin: Plugin) -> None:
        routes = house.registry.routes.get(plugin.id)
        if routes:
            mounting.mount(plugin, routes)

    for plugin_id, plugin in list(house.registry.plugins.items()):
        try:
            mount(plugin)
        except PluginError as error:
            house.plugins.quarantine(plugin_id, _not_mounted(error))
    house.plugins.listen(mount)


def _not_mounted(error: PluginError) -> Problem:
    return Problem(
        code="not-mounted",
        message=error.detail,
        expected="routes that fit the application",
        mend="mend the plugin, or switch it off",
    )
