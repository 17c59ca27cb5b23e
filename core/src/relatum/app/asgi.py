"""The house as an ASGI application."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from litestar import Litestar

from relatum.hooks.context import Plugin
from relatum.hooks.gate import CORE, owner
from relatum.hooks.plain import PlainLitestar
from relatum.http.authentication import Authentication
from relatum.http.calls import Call
from relatum.http.compression import Compression
from relatum.http.edge import Edge
from relatum.http.handling import answer_failure
from relatum.http.idempotency import Idempotency
from relatum.http.live import CUSTOMERS, LiveUpdates
from relatum.http.marks import marking_guard
from relatum.http.measuring import Measuring
from relatum.http.mounting import PAGES, PREFIX, Mounting
from relatum.http.openapi import Description
from relatum.http.permissions import permission_guard, refuse_open_routes
from relatum.http.reach import Reach
from relatum.http.readiness import ReadinessCheck
from relatum.http.registering import Registered, Rooms, read_signatures
from relatum.http.routes import (
    accounts,
    addresses,
    audit,
    contact,
    customers,
    erasing,
    exports,
    imports,
    interactions,
    live,
    me,
    merges,
    messages,
    operations,
    reports,
    roles,
    session,
    subject,
    uploads,
)
from relatum.values.problems import PluginError, Problem
from relatum.web import pages
from relatum.web.failures import FailurePages
from relatum.web.plugin_pages import routes_of
from relatum.web.reading import reading_guard

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

    @property
    def route_handler_method_map(self) -> Any:
        """What Litestar asks, for every route that it registers, about the address of that one."""
        return Registered(self.routes)


def create_app(house: House, *, lifespan: Sequence[Lifespan] = ()) -> Application:
    """Build the application of an open house.

    Args:
        lifespan: what lives as long as the server runs (background work).

    Raises:
        ConfigurationError: a route of core asks for no declared permission.
    """
    updates = LiveUpdates(house)
    app = _routed(house, updates, lifespan)
    app.house = house
    app.live = updates
    app.description = Description(app, version=version("relatum"))
    app.readiness = ReadinessCheck(house)
    app.measuring = Measuring(house)
    refuse_open_routes(app.routes, house.registry.permissions.ids_of(CORE))
    app.edge = _edge(house, app)
    _mount_plugins(house, app)
    return app


#: Routes of core that answer programs, below ``/api/v1``.
API_ROUTES = [
    *contact.ROUTES,
    *messages.ROUTES,
    *customers.ROUTES,
    *merges.ROUTES,
    *erasing.ROUTES,
    *subject.ROUTES,
    *addresses.ROUTES,
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
]


def _routed(house: House, updates: LiveUpdates, lifespan: Sequence[Lifespan]) -> Application:
    """Litestar with the routes of core and what every route passes."""
    others = [*operations.ROUTES, *pages.ROUTES]
    read_signatures([*API_ROUTES, *others])
    api = Rooms(path="/api/v1", route_handlers=API_ROUTES)
    return Application(
        route_handlers=[api, Rooms(path="/", route_handlers=others)],
        exception_handlers={Exception: answer_failure},
        guards=[
            permission_guard(house.gate),
            marking_guard(updates.marks, CUSTOMERS),
            reading_guard(house),
        ],
        lifespan=list(lifespan),
        logging_config=None,
        openapi_config=None,
        request_class=Call,
        # the edge counts bytes, also of bodies that say nothing of their length
        request_max_body_size=None,
        signature_types=[Plugin],
    )


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
    app.asgi_handler = Compression(FailurePages(edge, house))
    return edge


def _mount_plugins(house: House, app: Application) -> None:
    """Put routes and pages of plugins where they belong, now and whenever one comes on."""
    registry = house.registry
    routes, shown = _mounting(house, app, PREFIX), _mounting(house, app, PAGES)

    def mount(plugin: Plugin) -> None:
        if registry.routes.get(plugin.id):
            routes.mount(plugin, registry.routes[plugin.id])
        of_plugin = [page for page in registry.pages.declared() if owner(page.id) == plugin.id]
        if of_plugin:
            shown.mount(plugin, routes_of(of_plugin))

    for plugin_id, plugin in list(registry.plugins.items()):
        try:
            mount(plugin)
        except PluginError as error:
            house.plugins.quarantine(plugin_id, _not_mounted(error))
    house.plugins.listen(mount)


def _mounting(house: House, app: Application, prefix: str) -> Mounting:
    permissions = house.registry.permissions
    return Mounting(
        app,
        house.gate,
        lambda: app.edge.lead_to(app._create_asgi_handler()),
        lambda plugin_id: permissions.ids_of(CORE, plugin_id),
        prefix,
    )


def _not_mounted(error: PluginError) -> Problem:
    return Problem(
        code="not-mounted",
        message=error.detail,
        expected="routes that fit the application",
        mend="mend the plugin, or switch it off",
    )
