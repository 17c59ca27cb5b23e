"""Everything that can be asked for asks who asks: routes, pages, reports, import targets."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from litestar import get

from relatum.access.viewer import PUBLIC, SIGNED_IN
from relatum.app.asgi import create_app
from relatum.app.house import House
from relatum.hooks.declarations import RoleName
from relatum.hooks.gate import owner
from relatum.http.permissions import refuse_open_routes
from relatum.values.problems import ConfigurationError

#: What anybody may call, and why: nothing else, unless it is added here on purpose.
OPEN = {
    "/health": "says that the process lives",
    "/ready": "says whether it can serve",
    "/schema": "describes what the source code says anyway",
    "/schema/openapi.json": "as /schema",
    "/schema/problems": "explains codes",
    "/static/{owner}/{path}": "files that the sign-in page loads",
    "/sw.js": "a file that pages load: it holds addresses of files alone",
    "/manifest.webmanifest": "says what the sign-in page says: the name of the company",
    "/api/v1/session": "signing in",
    "/api/v1/session/second-factor": "signing in",
    "/sign-in": "signing in",
    "/sign-in/second-factor": "signing in",
    "/sign-in/oidc": "signing in",
    "/sign-in/oidc/callback": "signing in",
    "/sign-out": "ends the session there is, and says nothing where there is none",
    "/setup": "the first owner's link",
    "/setup/owner": "the first owner's link",
    "/invitation": "an invitation's link",
    "/password-reset": "a reset link",
    "/unsubscribe/{token}": "a customer's own link to take one consent back",
    "/p/consent/preferences/{token}": "a customer's own link to what they agreed to",
}
#: By these people come in: attempts are counted.
COMING_IN = {
    ("POST", path)
    for path in OPEN
    if path.startswith(("/api/v1/session", "/sign-in"))
    or path in ("/setup", "/setup/owner", "/invitation", "/password-reset")
    or path == "/p/consent/preferences/{token}"
}


@pytest.fixture
async def handlers(house: House) -> list[tuple[str, str, Any]]:
    """Method, path and handler of everything that is mounted, of core and every plugin here."""
    routes: list[Any] = create_app(house).routes
    return [
        (method, route.path_format, handler)
        for route in routes
        for handler in route.route_handlers
        for method in sorted(handler.http_methods)
        if method != "OPTIONS"
    ]


async def test_every_route_asks_for_a_declared_permission(
    house: House, handlers: list[tuple[str, str, Any]]
) -> None:
    assert len(handlers) > 100
    plugins = {handler.opt.get("plugin_id") for _, _, handler in handlers}
    assert plugins >= {None, "sales_pipeline"}
    for method, path, handler in handlers:
        permission = handler.opt.get("permission")
        place = f"{method} {path}: {permission}"
        if permission in (PUBLIC, SIGNED_IN):
            continue
        house.registry.permissions.get(permission)
        assert owner(permission) in ("core", handler.opt.get("plugin_id")), place


async def test_only_what_is_listed_here_is_open_to_anybody(
    handlers: list[tuple[str, str, Any]],
) -> None:
    found = {path for _, path, handler in handlers if handler.opt["permission"] == PUBLIC}
    assert found == set(OPEN)


async def test_ways_in_are_limited(handlers: list[tuple[str, str, Any]]) -> None:
    limited = {
        (method, path)
        for method, path, handler in handlers
        if handler.opt.get("limit") == "sign_in" and method == "POST"
    }
    mounted = {(method, path) for method, path, _ in handlers}
    assert limited == COMING_IN & mounted
    assert len(limited) >= 7


async def test_pages_lead_to_the_sign_in(handlers: list[tuple[str, str, Any]]) -> None:
    """What is no data, asks for somebody, and answers GET, is a page."""
    for method, path, handler in handlers:
        page = not path.startswith(("/api/", "/static", "/health", "/ready", "/metrics", "/schema"))
        if page and method == "GET" and handler.opt["permission"] != PUBLIC:
            assert handler.opt.get("page"), path


async def test_reports_and_import_targets_ask_too(house: House) -> None:
    reports = list(house.registry.reports)
    targets = list(house.registry.import_targets)
    assert len(reports) > 3
    assert len(targets) > 3
    for report in reports:
        house.registry.permissions.get(report.permission)
    for target in targets:
        house.registry.permissions.get(target.permission)
        house.registry.permissions.get(target.write_permission)


async def test_permissions_have_titles_and_known_roles(house: House) -> None:
    permissions = list(house.registry.permissions)
    assert len(permissions) > 20
    for permission in permissions:
        assert permission.title.en != permission.title.vi
        assert set(permission.roles) <= set(get_args(RoleName)), permission.id
        verb = permission.id.rpartition(".")[2]
        assert verb == "read" or "read_only" not in permission.roles, permission.id


@get("/nobody-asked", opt={"permission": "core.nobody.asked"})
async def careless() -> None: ...


async def test_the_check_finds_a_careless_route(house: House) -> None:
    app = create_app(house)
    declared = house.registry.permissions.ids()
    refuse_open_routes(app.routes, declared)
    app.register(careless)
    with pytest.raises(ConfigurationError, match="GET /nobody-asked"):
        refuse_open_routes(app.routes, declared)
