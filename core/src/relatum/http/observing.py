"""What is noted of every request when it is over: its figures, its line in the log, its span."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any

from relatum.telemetry import traces
from relatum.telemetry.access import ACCESS

if TYPE_CHECKING:
    from relatum.telemetry.metrics import Metrics

#: Of requests that no route was found for, or that did not get that far.
NO_ROUTE = "none"
_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
_CLASSES = ("", "1xx", "2xx", "3xx", "4xx", "5xx")
#: What a part of an address may be to stand in the log as it came: an id that somebody else would
#: have to look up. Names, numbers and codes may tell of people, or be secrets.
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_LENGTH = 36
#: A route that one id fills, in its parts.
_FILLED = re.compile(r"([^{}]*)\{\w+_id\}([^{}]*)")


def observe(
    metrics: Metrics, scope: Any, *, method: str, status: int, seconds: float, sent: int
) -> None:
    """Note one request.

    Args:
        method: as the caller said it.
        status: 0 when the caller left before there was one.
        sent: bytes of the answer's body.
    """
    method = method if method in _METHODS else "other"
    route = scope.get("path_template") or NO_ROUTE
    metrics.http_seconds.observe((method, route, _CLASSES[status // 100]), seconds)
    if ACCESS.on:
        what = (method, route, shown_path(scope["path"], route))
        ACCESS.write(scope["state"]["request_id"], what, status, seconds, sent)
    if traces.is_on():
        traces.rename(f"{method} {route}", failed=status >= 500 or not status)
        traces.note(
            http__request__method=method, http__route=route, http__response__status_code=status
        )


def shown_path(path: str, route: str) -> str:
    """The address of a request as the log may show it: filled in where only ids fill it, else as
    the route declares it. Never the query.
    """
    around = _around(route)
    if around is None:
        return route
    before, after = around
    if len(path) != before + _LENGTH + after:
        return route
    return path if _ID.fullmatch(path, before, before + _LENGTH) else route


@functools.lru_cache(maxsize=4_096)
def _around(route: str) -> tuple[int, int] | None:
    """How much of an address stands before and after the one id that fills a route."""
    found = _FILLED.fullmatch(route)
    return None if found is None else (len(found[1]), len(found[2]))
