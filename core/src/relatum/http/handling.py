"""What Litestar calls when a route raises: one problem document for every exception."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec
from litestar.exceptions import NotFoundException

from relatum.http.answers import Answer, Headers, Sent, address, length_of
from relatum.http.calls import header
from relatum.http.mounting import why_nothing
from relatum.http.problems import MEDIA_TYPE, Failure, body_of, failure_of, record
from relatum.telemetry.logs import about
from relatum.values.problems import NotFound, Unauthenticated

if TYPE_CHECKING:
    from litestar import Request

    from relatum.http.calls import Call

SIGN_IN_PATH = "/sign-in"


class ProblemAnswer(Answer[bytes]):
    """A problem document that is encoded already."""

    __slots__ = ()

    def to_asgi_response(self, *_: Any, **__: Any) -> Any:
        """Send it as it is."""
        kind = (b"content-type", MEDIA_TYPE.encode())
        return Sent(self.status, [kind, length_of(self.content), *self.raw], self.content)


class SignInFirst(Answer[None]):
    """On to the page where people sign in, and from there back to this one."""

    __slots__ = ()

    def __init__(self, scope: Any) -> None:
        query = scope["query_string"].decode("latin-1")
        there = address(scope) + (f"?{query}" if query else "")
        location = f"{SIGN_IN_PATH}?next={quote(there, safe='/')}"
        super().__init__(None, status=303, headers=[(b"location", location.encode())])

    def to_asgi_response(self, *_: Any, **__: Any) -> Any:
        """No body: the browser goes on."""
        return Sent(self.status, [length_of(b""), *self.raw], b"")


def answer_failure(
    request: Request[Any, Any, Any], error: Exception
) -> ProblemAnswer | SignInFirst:
    """The problem document of an exception; what the caller cannot mend goes to the log.

    A page that needs somebody who is signed in leads to the page where people sign in.
    """
    scope = request.scope
    handler = scope.get("route_handler")
    page = handler is not None and handler.opt.get("page") and scope["method"] == "GET"
    if page and isinstance(error, Unauthenticated) and not header(scope, b"hx-request"):
        return SignInFirst(scope)
    plugin = str(handler.opt.get("plugin", "")) if handler is not None else ""
    failure = failure_of(error, plugin=plugin)
    if isinstance(error, NotFoundException):
        failure = _explained(request, failure)
    request_id = str(scope["state"].get("request_id", ""))
    place = f"{scope['method']} {scope['path']}"
    place = f"{place} ({plugin})" if plugin else place
    with about(plugin=plugin.partition(" ")[0]):
        record(failure, error, request_id=request_id, place=place)
    body = body_of(failure.error, instance=scope["path"], request_id=request_id)
    headers: Headers = failure.headers
    return ProblemAnswer(body, status=failure.error.status, headers=headers)


def _explained(request: Request[Any, Any, Any], failure: Failure) -> Failure:
    """An address of a plugin that does not run says so."""
    call: Call = request  # type: ignore[assignment]
    reason = why_nothing(call.scope["path"], call.house.plugins)
    return msgspec.structs.replace(failure, error=NotFound(reason)) if reason else failure
