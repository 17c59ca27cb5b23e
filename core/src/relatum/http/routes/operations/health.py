"""``/health``, ``/ready`` and ``/metrics``: what other programs look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from litestar import get

from relatum.access.viewer import PUBLIC
from relatum.http.answers import Answer
from relatum.http.calls import Call
from relatum.http.measuring import Measured
from relatum.http.readiness import Readiness
from relatum.http.routes.operations.names import READ, TAGS

if TYPE_CHECKING:
    from relatum.app.asgi import Application


class Health(msgspec.Struct, frozen=True):
    """The process lives."""

    status: str = "ok"


@get("/health", opt={"permission": PUBLIC}, tags=TAGS)
async def health(request: Call) -> Answer[Health]:
    """200 as long as the process lives; touches no database."""
    return Answer(Health())


@get("/ready", opt={"permission": PUBLIC}, tags=TAGS)
async def ready(request: Call) -> Answer[Readiness]:
    """200 when the database answers, core is migrated and the process is not about to end; else
    503 with the reasons."""
    app: Application = request.scope["litestar_app"]  # type: ignore[assignment]
    return app.readiness.answer(await app.readiness.reasons())


@get("/metrics", opt={"permission": READ}, tags=TAGS, media_type="text/plain")
async def metrics(request: Call) -> Answer[bytes]:
    """The figures of this process and of the queues, for Prometheus."""
    request.refuse_query()
    app: Application = request.scope["litestar_app"]  # type: ignore[assignment]
    return Measured(await app.measuring.written())


ROUTES = [health, ready, metrics]
