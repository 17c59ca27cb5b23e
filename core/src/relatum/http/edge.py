"""The one layer around the application: who may speak to it, for how long, and what is always said.

* Only this machine and the names of the configuration are served: a foreign ``Host`` (DNS
  rebinding) and writes that a browser sends for another site are refused.
* Every request has an id, a time limit, and an answer, whatever happens inside.
* ``HEAD`` is ``GET`` without the body.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import re
import secrets
from collections.abc import Awaitable
from time import perf_counter
from typing import TYPE_CHECKING, Any

from litestar.enums import ScopeType

from relatum.http.answers import length_of
from relatum.http.authentication import HEADERS, SAFE_METHODS, Authentication
from relatum.http.idempotency import is_kept
from relatum.http.observing import observe
from relatum.http.problems import (
    MEDIA_TYPE,
    TimedOut,
    body_of,
    failure_of,
    record,
)
from relatum.http.reach import Reach
from relatum.http.watch import Watch
from relatum.telemetry.logs import reset_about, set_about
from relatum.telemetry.metrics import Metrics
from relatum.telemetry.traces import span
from relatum.values.problems import MalformedRequest, RelatumError, TooLarge, Unavailable

if TYPE_CHECKING:
    from litestar.types import ASGIApp, Receive, Scope, Send

    from relatum.http.idempotency import Idempotency

CONTENT_SECURITY_POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    b"font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; "
    b"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    # granian would say which server this is
    (b"server", b"relatum"),
)
PAGE_POLICY = (b"content-security-policy", CONTENT_SECURITY_POLICY)
#: A service worker asks for what its own answer allows.
WORKER_POLICY = (
    b"content-security-policy",
    b"default-src 'none'; script-src 'self'; connect-src 'self'; frame-ancestors 'none'",
)
DATA_POLICY = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
NO_STORE = (b"cache-control", b"no-store")
#: Over https, the browser asks by nothing else from now on.
STRICT = (b"strict-transport-security", b"max-age=31536000")
#: What is not for everybody depends on who asks.
VARY = (b"vary", b"authorization, cookie")

#: Litestar knows no HEAD, and answers OPTIONS for one of several handlers only; asked for a method
#: that nothing has, it says which ones there are.
_ASKED_FOR = {"HEAD": "GET", "OPTIONS": "TRACE"}
#: As an id of a request; what looks like a token of ours is none, because ids are logged.
_SANE_ID = re.compile(r"(?!.*rlt_)[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class Edge:
    """Wraps the application; every request passes it once.

    Args:
        app: Litestar's own handler.
        most_bytes: of a body.
        seconds: in which a request must be answered.
        reach: who may speak to the server.
        authentication: finds out who asks.
        idempotency: answers writes that carry a key.
        metrics: where requests are counted.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        most_bytes: int,
        seconds: float,
        reach: Reach | None = None,
        authentication: Authentication | None = None,
        idempotency: Idempotency | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        self.metrics = metrics or Metrics()
        self.reach = reach or Reach()
        self.most_bytes = most_bytes
        self.seconds = seconds
        self.watch = Watch(seconds)
        self._app = app
        self._authentication = authentication
        self._idempotency = idempotency
        self._prefix = secrets.token_hex(6)
        self._count = itertools.count(1)

    def lead_to(self, app: ASGIApp) -> None:
        """Wrap another application from now on."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP:
            await _Passage(self, scope, receive, send).go()
        else:
            await self._open_socket(scope, receive, send)

    async def _open_socket(self, scope: Any, receive: Receive, send: Send) -> None:
        headers = _headers_of(scope)
        scope.setdefault("state", {})
        scheme = self.note_caller(scope, headers)
        error: RelatumError | None = self.reach.refusal(headers, writes=True, scheme=scheme)
        if error is None:
            try:
                await self.run(scope, receive, send, headers)
            except RelatumError as raised:
                error = raised
        if error is not None:
            await receive()
            close: Any = {"type": "websocket.close", "code": 4000 + error.status}
            close["reason"] = error.title
            await send(close)

    def note_caller(self, scope: Any, headers: dict[bytes, str]) -> str:
        """Note the address of the caller and the scheme they use; returns the scheme."""
        state = scope["state"]
        state["address"] = self.reach.address(scope, headers)
        state["scheme"] = scheme = self.reach.scheme(scope, headers)
        return scheme

    def run(
        self, scope: Any, receive: Receive, send: Send, headers: dict[bytes, str]
    ) -> Awaitable[None]:
        """Let the application answer as whoever asks, once for each ``Idempotency-Key``."""
        app = self._once(headers.get(b"idempotency-key"), scope)
        if self._authentication is None:
            return app(scope, receive, send)
        return self._authentication.run(scope, receive, send, headers, app)

    def _once(self, key: str | None, scope: Any) -> ASGIApp:
        idempotency, app = self._idempotency, self._app
        if key is None or idempotency is None or scope.get("method", "GET") in SAFE_METHODS:
            return app
        if not is_kept(scope["path"]):
            return app

        async def once(scope: Scope, receive: Receive, send: Send) -> None:
            await idempotency.run(key, app, scope, receive, send)

        return once

    def new_request_id(self) -> str:
        """Unique among the requests of this and (very probably) any other process."""
        return f"{self._prefix}-{next(self._count):x}"


class _Passage:
    """One request on its way through the edge."""

    __slots__ = (
        "_bytes",
        "_edge",
        "_headers",
        "_method",
        "_receive",
        "_received",
        "_scheme",
        "_scope",
        "_send",
        "_sent",
        "_status",
        "id",
    )

    def __init__(self, edge: Edge, scope: Any, receive: Receive, send: Send) -> None:
        self._edge = edge
        self._scope = scope
        self._receive = receive
        self._send = send
        self._sent = False
        self._status = 0
        self._bytes = 0
        self._method: str = scope["method"]
        self._received = 0
        self._headers = _headers_of(scope)
        said = self._headers.get(b"x-request-id")
        sane = said is not None and _SANE_ID.fullmatch(said) is not None
        self.id: str = said if said is not None and sane else edge.new_request_id()
        scope["state"]["request_id"] = self.id
        self._scheme = edge.note_caller(scope, self._headers)

    async def go(self) -> None:
        """Let the request through, and note what came of it."""
        began, method = perf_counter(), self._method
        reset = set_about({"request": self.id})
        try:
            with span("HTTP", kind="server", parent=self._headers.get(b"traceparent", "")):
                try:
                    await self._pass()
                finally:
                    observe(
                        self._edge.metrics,
                        self._scope,
                        method=method,
                        status=self._status,
                        seconds=perf_counter() - began,
                        sent=self._bytes,
                    )
        finally:
            reset_about(reset)

    async def _pass(self) -> None:
        error: BaseException | None = self._refusal()
        if error is None:
            error = await self._run()
        if error is not None:
            await self._answer(error)

    async def _run(self) -> BaseException | None:
        """Let the application answer; returns what it left unanswered."""
        scope, method = self._scope, self._method
        scope["state"]["asked"] = method
        scope["method"] = _ASKED_FOR.get(method, method)
        send = {"HEAD": self.send_head, "OPTIONS": self.send_allowed}.get(method, self.send)
        receive = self._receive if method == "GET" else self.receive
        watch = self._edge.watch
        task = watch.enter()
        error: BaseException | None = None
        try:
            await self._edge.run(scope, receive, send, self._headers)
        except asyncio.CancelledError as cancelled:
            error = cancelled
        except (Exception, SystemExit) as raised:  # noqa: BLE001 - a plugin may raise anything, also exit
            error = raised
        if watch.leave(task):
            return None if error is None else self._too_late()
        if isinstance(error, asyncio.CancelledError):
            raise error
        return error

    async def receive(self) -> Any:
        """The next part of the body, as long as there are not too many."""
        message = await self._receive()
        if message["type"] == "http.request":
            self._received += len(message.get("body", b""))
            if self._received > self._edge.most_bytes:
                raise self._too_large()
            if not message.get("more_body", False):
                self._scope["state"]["body_complete"] = True
        return message

    async def send(self, message: Any) -> None:
        """Send on, with what every answer says."""
        if message["type"] == "http.response.start":
            self._sent = True
            self._status = message["status"]
            message["headers"] = self._completed(message["headers"], message["status"])
        else:
            self._bytes += len(message.get("body", b""))
        await self._send(message)
        if message.get("more_body"):
            self._edge.watch.renew()

    async def send_head(self, message: Any) -> None:
        """As :meth:`send`, without any body."""
        if message["type"] == "http.response.body":
            if not message.get("more_body", False):
                await self._send({"type": "http.response.body", "body": b"", "more_body": False})
        else:
            await self.send(message)

    async def send_allowed(self, message: Any) -> None:
        """A refusal of the method names those that are allowed: the answer to ``OPTIONS``."""
        if message["type"] == "http.response.start" and message["status"] == 405:
            allowed = [header for header in message["headers"] if header[0] == b"allow"]
            message = {**message, "status": 204, "headers": allowed}
            self._method = "OPTIONS answered"
        elif message["type"] == "http.response.body" and self._method == "OPTIONS answered":
            message = {**message, "body": b""}
        await self.send(message)

    def _completed(self, headers: Any, status: int) -> list[tuple[bytes, bytes]]:
        cache, policy = NO_STORE, DATA_POLICY
        for name, value in headers:
            if name == b"cache-control":
                cache = (name, value)
            elif name == b"content-type" and value.startswith(b"text/html"):
                policy = PAGE_POLICY
        if WORKER_POLICY not in headers:
            headers = [*headers, policy]
        complete = [*headers, *ALWAYS, (b"x-request-id", self.id.encode())]
        if cache is NO_STORE:
            complete += (NO_STORE, VARY)
        if self._scheme == "https":
            complete.append(STRICT)
        if status in (204, 405):
            return [_with_head(header) for header in complete]
        return complete

    def _refusal(self) -> RelatumError | None:
        scope = self._scope
        if not scope["path"].isprintable():
            return MalformedRequest(
                "expected an address of printable characters, got control characters; mend it"
            )
        length = self._headers.get(b"content-length")
        if length is not None and length.isdigit() and int(length[:20]) > self._edge.most_bytes:
            return self._too_large()
        writes = self._method not in SAFE_METHODS
        return self._edge.reach.refusal(self._headers, writes=writes, scheme=self._scheme)

    def _too_large(self) -> TooLarge:
        mebibytes = self._edge.most_bytes / 1024 / 1024
        return TooLarge(
            f"expected a body of at most {mebibytes:g} MiB, got a larger one; send it in parts or "
            "raise server.max_body_bytes in the configuration"
        )

    def _too_late(self) -> RelatumError:
        if self._edge.watch.ended:
            return Unavailable(
                "expected an answer before this server ends, got none; try again in a moment. "
                "Send a write with an Idempotency-Key, so that trying again never does it twice"
            )
        seconds = f"{self._edge.seconds:g} s"
        if self._method not in SAFE_METHODS and "body_complete" not in self._scope["state"]:
            return TimedOut(f"expected the whole body within {seconds}, got a part; send it again")
        return Unavailable(
            f"expected an answer within {seconds}, got none; try again later. Send a write with "
            "an Idempotency-Key, so that trying again never does it twice"
        )

    async def _answer(self, error: BaseException) -> None:
        failure = failure_of(error)
        place = f"{self._method} {self._scope['path']}"
        record(failure, error, request_id=self.id, place=place)
        if self._sent:
            # half an answer is out already: only breaking off tells the caller so
            raise error
        body = body_of(failure.error, instance=self._scope["path"], request_id=self.id)
        headers = [(b"content-type", MEDIA_TYPE.encode()), length_of(body), *failure.headers]
        start: Any = {"type": "http.response.start", "status": failure.error.status}
        with contextlib.suppress(ConnectionError):
            await self.send({**start, "headers": headers})
            part = b"" if self._method == "HEAD" else body
            self._bytes = len(part)
            await self._send({"type": "http.response.body", "body": part, "more_body": False})


def _headers_of(scope: Any) -> dict[bytes, str]:
    return {name: value.decode("latin-1") for name, value in scope["headers"] if name in _LOOKED_AT}


_LOOKED_AT = HEADERS | {
    b"x-request-id",
    b"x-forwarded-for",
    b"x-forwarded-proto",
    b"content-length",
    b"idempotency-key",
    b"traceparent",
}


def _with_head(header: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
    name, value = header
    if name != b"allow":
        return header
    methods = [each.strip() for each in value.split(b",")]
    if b"GET" in methods and b"HEAD" not in methods:
        methods.append(b"HEAD")
    return (name, b", ".join(sorted(methods)))
