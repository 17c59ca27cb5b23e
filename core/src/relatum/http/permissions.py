"""What a route asks of whoever calls it: ``opt={"permission": …}``, checked before it runs.

``opt={"limit": "sign_in"}`` marks routes by which people come in (passwords, codes, links).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from relatum.access.viewer import ANONYMOUS, PUBLIC, SIGNED_IN, Viewer
from relatum.values.problems import ConfigurationError, Refused, Unauthenticated

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping

    from litestar.connection import ASGIConnection
    from litestar.handlers import BaseRouteHandler
    from litestar.types import Guard

    from relatum.hooks.gate import Gate

SIGN_IN = "sign_in"


def viewer_in(scope: Mapping[str, Any]) -> Viewer:
    """Who sent a request; nobody in particular where no layer has found out."""
    viewer: Viewer = scope["state"].get("viewer", ANONYMOUS)
    return viewer


def permission_guard(gate: Gate) -> Guard:
    """A guard for the whole application.

    Litestar copies handlers deeply, and a bound method with its ``self``: so no method.
    """

    async def guard(
        connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler
    ) -> None:
        scope, opt = connection.scope, handler.opt
        limit = scope["state"].get("sign_in_limit") if opt.get("limit") == SIGN_IN else None
        if limit is not None:
            await limit.take(scope["state"].get("address", ""))
        permission = opt.get("permission")
        if not isinstance(permission, str):
            raise Refused("expected a route that asks for a permission, got one that does not")
        viewer = viewer_in(scope)
        if viewer.may(permission):
            return
        if viewer.kind == "anonymous":
            raise Unauthenticated(_who_are_you(scope))
        plugin_id = opt.get("plugin_id")
        if plugin_id is None or gate.is_on(plugin_id):  # else its own guard says that it is off
            refuse_without(viewer, permission)

    return guard


def refuse_without(viewer: Viewer, permission: str) -> None:
    """Refuse somebody who does not hold a permission.

    Raises:
        Refused: naming the permission.
    """
    if not viewer.may(permission):
        raise Refused(
            f"expected the permission {permission}, which none of your roles gives"
            + (" to this token" if viewer.token else "")
            + "; ask an owner of this installation",
            extra={"permission": permission},
        )


def refuse_open_routes(routes: Iterable[Any], declared: Container[str]) -> None:
    """Refuse an application in which a route asks for no permission, or for one that is none.

    Args:
        declared: the permissions there are; ``public`` and ``signed-in`` are always among them.

    Raises:
        ConfigurationError: naming each such route.
    """
    wrong = [
        f"{', '.join(sorted(getattr(handler, 'http_methods', ['WEBSOCKET'])))} {route.path} "
        f"({handler.opt.get('permission')!r})"
        for route in routes
        for handler in getattr(route, "route_handlers", [getattr(route, "route_handler", None)])
        if not _is_automatic(handler) and not _is_known(handler.opt.get("permission"), declared)
    ]
    if wrong:
        raise ConfigurationError(
            'expected opt={"permission": …} with a declared permission on every route, got '
            f"{'; '.join(wrong)}; name one and declare it, or say that the route is public"
        )


def _is_known(permission: object, declared: Container[str]) -> bool:
    known = permission in (PUBLIC, SIGNED_IN) or permission in declared
    return isinstance(permission, str) and known


def _is_automatic(handler: Any) -> bool:
    """Litestar answers OPTIONS by itself."""
    return set(getattr(handler, "http_methods", ())) == {"OPTIONS"}


def _who_are_you(scope: Mapping[str, Any]) -> str:
    if scope["state"].get("session_ended"):
        return "expected a session that is still good, got one that has ended; sign in again"
    return (
        "expected somebody who is signed in, got nobody; sign in, or send an API token with "
        "Authorization: Bearer rlt_…"
    )
