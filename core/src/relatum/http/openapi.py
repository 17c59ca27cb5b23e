"""The description of the API: Litestar's, completed by what only we know.

Litestar describes paths, bodies and results. Added here: query parameters that come from a Struct,
batch bodies, headers that every route understands, the permission each route asks for, how one says
who one is, and the problem document that every route may answer.
"""

from __future__ import annotations

import asyncio
import inspect as inspect_module
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec
from litestar._openapi.plugin import OpenAPIPlugin
from litestar.openapi import OpenAPIConfig
from litestar.routes import HTTPRoute
from msgspec import inspect

from relatum.access.viewer import PUBLIC, SIGNED_IN
from relatum.http.authentication import SESSION_COOKIE
from relatum.http.idempotency import is_kept
from relatum.http.mounting import PREFIX
from relatum.values.problems import Problem

if TYPE_CHECKING:
    from litestar import Litestar
    from litestar.handlers import HTTPRouteHandler

log = logging.getLogger("relatum.http")

COMPONENT = "#/components/schemas/{name}"
UNSAFE = frozenset({"POST", "PATCH", "PUT", "DELETE"})
DESCRIPTION = (
    "The API of this installation: core and the plugins that run. Every failure is a problem "
    "document (RFC 9457, `application/problem+json`) that lists what is wrong, where, what was "
    "expected and how to mend it. Every operation asks for a permission, and answers only what "
    "whoever asks may see. Lists are read page by page: follow `next`, or the `Link` header."
)


class ProblemDocument(msgspec.Struct, kw_only=True):
    """What every failure is answered with."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    instance: str
    request_id: str
    problems: list[Problem] = []


class Description:
    """The OpenAPI document of an application, made when it is first asked for."""

    def __init__(self, app: Litestar, *, version: str) -> None:
        self._app = app
        self._version = version
        self._lock = asyncio.Lock()
        self._made: tuple[int, dict[str, Any], bytes] | None = None

    async def document(self) -> dict[str, Any]:
        """The document as plain data."""
        return (await self._current())[1]

    async def encoded(self) -> bytes:
        """The document as JSON."""
        return (await self._current())[2]

    async def _current(self) -> tuple[int, dict[str, Any], bytes]:
        routes = len(self._app.routes)
        async with self._lock:
            if self._made is None or self._made[0] != routes:
                document = await asyncio.to_thread(describe, self._app, self._version)
                self._made = (routes, document, msgspec.json.encode(document))
            return self._made


def describe(app: Litestar, version: str) -> dict[str, Any]:
    """The OpenAPI 3.1 document of everything that is mounted now."""
    plugin = app.plugins.get(OpenAPIPlugin)
    # The application is built without a configuration, which would bring Litestar's own pages with
    # scripts of foreign hosts; describing needs one.
    plugin._openapi_config = OpenAPIConfig(
        title="Relatum",
        version=version,
        description=DESCRIPTION,
        use_handler_docstrings=True,
        operation_id_creator=_operation_id,
    )
    document = _described_by_litestar(plugin)
    document["openapi"] = "3.1.0"
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    document["components"]["securitySchemes"] = SECURITY
    for path, method, handler in _operations(app):
        operation = document["paths"].get(path, {}).get(method.lower())
        if operation is not None:
            _complete(operation, handler, method, schemas)
            operation.setdefault("parameters", []).extend(_header_parameters(method, path, handler))
            if not operation["parameters"]:
                del operation["parameters"]
    _add_components(schemas, [ProblemDocument])
    return _renamed(document)


def _described_by_litestar(plugin: OpenAPIPlugin) -> dict[str, Any]:
    """Litestar's document; a plugin whose routes cannot be described is left out of it."""
    routes = plugin.included_routes
    try:
        return _provided(plugin, routes)
    except Exception:
        log.exception("the API cannot be described with every plugin; looking for the one to blame")
    good = {path: route for path, route in routes.items() if not path.startswith(PREFIX)}
    for plugin_id in sorted({path.split("/")[4] for path in routes.keys() - good.keys()}):
        prefix = f"{PREFIX}{plugin_id}/"
        own = {path: route for path, route in routes.items() if f"{path}/".startswith(prefix)}
        try:
            _provided(plugin, {**good, **own})
        except Exception:
            log.exception("the routes of %s cannot be described and are left out", plugin_id)
        else:
            good |= own
    return _provided(plugin, good)


def _provided(plugin: OpenAPIPlugin, routes: dict[str, HTTPRoute]) -> dict[str, Any]:
    kept, plugin.included_routes, plugin._openapi = plugin.included_routes, routes, None
    try:
        document: dict[str, Any] = plugin.provide_openapi().to_schema()
    finally:
        plugin.included_routes, plugin._openapi = kept, None
    return document


def _operations(app: Litestar) -> Iterator[tuple[str, str, HTTPRouteHandler]]:
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                for method in handler.http_methods:
                    yield route.path_format or "/", method, handler


def _complete(
    operation: dict[str, Any], handler: HTTPRouteHandler, method: str, schemas: dict[str, Any]
) -> None:
    opt = handler.opt
    operation.pop("deprecated", None)
    operation["summary"], _, operation["description"] = _told(handler)
    operation["x-permission"] = opt.get("permission")
    parameters = operation.setdefault("parameters", [])
    if (query := opt.get("query")) is not None:
        parameters += _query_parameters(query, set(opt.get("fixed", ())))
    parameters += [_flag(name) for name in opt.get("flags", ())]
    if (body := opt.get("body")) is not None:
        _add_components(schemas, [body])
        content = {"application/json": {"schema": {"$ref": _reference(body)}}}
        operation["requestBody"] = {"content": content, "required": True}
    problem = {"application/problem+json": {"schema": {"$ref": _reference(ProblemDocument)}}}
    responses = operation.setdefault("responses", {})
    responses.pop("400", None)
    for status, response in responses.items():
        response["description"] = _MEANINGS.get(status, response.get("description", ""))
        if not response.get("headers"):
            response.pop("headers", None)
    permission = opt.get("permission")
    operation["security"] = [] if permission == PUBLIC else [{"token": []}, {"session": []}]
    for status in _refusals(permission):
        responses[status] = {"description": _MEANINGS[status], "content": problem}
    responses["default"] = {"description": _MEANINGS["default"], "content": problem}


def _refusals(permission: object) -> Iterator[str]:
    """How a request may be refused before the route looks at it."""
    if permission != PUBLIC:
        yield "401"
        if permission != SIGNED_IN:
            yield "403"
    yield "429"


def _query_parameters(kind: type[msgspec.Struct], fixed: set[str]) -> Iterator[dict[str, Any]]:
    info = inspect.type_info(kind)
    (schema,), components = msgspec.json.schema_components([kind])
    properties = components[schema["$ref"].rpartition("/")[2]]["properties"]
    for field in info.fields if isinstance(info, inspect.StructType) else ():
        if field.name in fixed:
            continue
        shape = _without_null(_resolved(properties[field.encode_name], components))
        name = field.encode_name
        if shape.get("type") == "object":
            name, shape = f"{name.removesuffix('s')}.<key>", {"type": "string"}
        if "prefixItems" in str(shape):
            shape = {"type": "string", "description": "source:id"}
        yield {"name": name, "in": "query", "required": field.required, "schema": shape}


def _without_null(shape: Any) -> Any:
    """A query parameter is there or it is not; it is never null."""
    kinds = [each for each in shape.get("anyOf", ()) if each.get("type") != "null"]
    if len(kinds) != 1:
        return shape
    rest = {name: value for name, value in shape.items() if name != "anyOf"}
    if rest.get("default", ...) is None:
        del rest["default"]
    return {**kinds[0], **rest}


def _resolved(shape: Any, components: dict[str, Any]) -> Any:
    """A shape without references: parameters are small enough to be written out."""
    if isinstance(shape, list):
        return [_resolved(each, components) for each in shape]
    if not isinstance(shape, dict):
        return shape
    if "$ref" in shape:
        return _resolved(components[shape["$ref"].rpartition("/")[2]], components)
    return {name: _resolved(value, components) for name, value in shape.items()}


def _operation_id(handler: HTTPRouteHandler, method: Any, path: Any) -> str:
    owner = handler.opt.get("plugin_id")
    name = str(getattr(handler.fn, "__name__", "handle"))
    return f"{owner}.{name}" if owner else name


def _told(handler: HTTPRouteHandler) -> tuple[str, str, str]:
    """The first sentence of a docstring as the summary, the rest as the description."""
    said = handler.summary or " ".join((inspect_module.getdoc(handler.fn) or "").split())
    return (said or str(handler.fn.__name__)).partition(". ")


def _renamed(document: dict[str, Any]) -> dict[str, Any]:
    """Pages named for what they hold: ``CustomerPage`` instead of a path of modules."""
    schemas = document["components"]["schemas"]
    text = msgspec.json.encode(document).decode()
    for name in [name for name in schemas if name.startswith("Page_")]:
        text = text.replace(name, f"{name.strip('_').rpartition('.')[2].rpartition('_')[2]}Page")
    renamed: dict[str, Any] = msgspec.json.decode(text)
    return renamed


_MEANINGS = {
    "200": "The answer",
    "201": "It was created",
    "204": "It was done; nothing to add",
    "401": "Nobody is signed in, or the token is no good",
    "403": "The permission is missing; `permission` names it",
    "429": "Too many requests; `Retry-After` says how many seconds to wait",
    "default": "What went wrong and how to mend it",
}
#: How somebody says who they are.
SECURITY = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "rlt_…",
        "description": "A personal API token or one of a service account. It acts as its owner.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": SESSION_COOKIE,
        "description": "The session of a person. Writes also need `Origin`, `Sec-Fetch-Site` or "
        "`X-Relatum-CSRF`, so that no other site can send them.",
    },
}


def _flag(name: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": {"type": "boolean", "default": False}}


def _header_parameters(
    method: str, path: str, handler: HTTPRouteHandler
) -> Iterator[dict[str, Any]]:
    names = ["X-Relatum-Reason"] if method in UNSAFE else []
    if method in UNSAFE and is_kept(path):
        names.append("Idempotency-Key")
    if handler.opt.get("versioned"):
        names.append("If-None-Match" if method == "GET" else "If-Match")
    for name in names:
        yield {
            "name": name,
            "in": "header",
            "required": False,
            "schema": {"type": "string"},
            "description": _HEADERS[name],
        }


_HEADERS = {
    "X-Relatum-Reason": "Why, at most 300 characters; the audit trail keeps it.",
    "Idempotency-Key": "Sent again with the same key within a day, the request is answered again "
    "and not done again.",
    "If-Match": "The ETag of the version that is being changed; 409 when somebody else was faster.",
    "If-None-Match": "The ETag that the caller has; 304 when it is still the current one.",
}


def _reference(kind: type[msgspec.Struct]) -> str:
    return COMPONENT.format(name=kind.__name__)


def _add_components(schemas: dict[str, Any], kinds: list[type[msgspec.Struct]]) -> None:
    _, components = msgspec.json.schema_components(kinds, ref_template=COMPONENT)
    for name, schema in components.items():
        schemas.setdefault(name, schema)
