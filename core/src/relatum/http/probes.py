"""What a worker answers on its port: ``/health``, ``/ready`` and ``/metrics``, nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from relatum.http.answers import Answer, Sent
from relatum.http.authentication import Authentication
from relatum.http.edge import Edge
from relatum.http.measuring import Measured, Measuring
from relatum.http.permissions import refuse_without, viewer_in
from relatum.http.problems import MethodNotAllowed
from relatum.http.reach import Reach
from relatum.http.readiness import ReadinessCheck
from relatum.http.routes.operations.names import READ
from relatum.values.problems import NotFound, Unauthenticated

if TYPE_CHECKING:
    from litestar.types import Receive, Send

    from relatum.app.house import House

MOST_BYTES = 64 * 1024
PATHS = ("/health", "/ready", "/metrics")


def probes(house: House) -> Edge:
    """The application of a worker's port, behind the same edge as everything else."""
    settings = house.settings
    server = msgspec.structs.replace(settings.server, host=settings.worker.host)
    return Edge(
        _Probes(house),
        most_bytes=MOST_BYTES,
        seconds=server.request_timeout,
        reach=Reach(server),
        authentication=Authentication(house),
        metrics=house.metrics,
    )


class _Probes:
    def __init__(self, house: House) -> None:
        self._house = house
        self._readiness = ReadinessCheck(house)
        self._measuring = Measuring(house)

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise NotFound("expected a request, got a socket; a worker answers none")
        if scope["method"] != "GET":
            raise MethodNotAllowed(f"expected GET, got {scope['method']}; ask with GET")
        scope["path_template"] = scope["path"] if scope["path"] in PATHS else None
        answer = await self._answer(scope)
        await answer(scope, receive, send)

    async def _answer(self, scope: Any) -> Sent:
        path = scope["path"]
        if path == "/health":
            return _sent(Answer({"status": "ok"}))
        if path == "/ready":
            return _sent(self._readiness.answer(await self._readiness.reasons()))
        if path == "/metrics":
            viewer = viewer_in(scope)
            if viewer.kind == "anonymous":
                raise Unauthenticated(
                    "expected an API token with Authorization: Bearer rlt_…, got none; make one "
                    f"whose scope is {READ}"
                )
            refuse_without(viewer, READ)
            return _sent(Measured(await self._measuring.written()))
        raise NotFound(
            f"expected /health, /ready or /metrics, got {path[:80]!r}; this is a worker, "
            "everything else is where `relatum web` or `relatum serve` listens"
        )


def _sent(answer: Answer[Any]) -> Sent:
    made: Sent = answer.to_asgi_response()
    return made
