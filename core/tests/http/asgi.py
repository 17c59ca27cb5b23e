"""Speaking ASGI by hand: requests that an HTTP client would never send."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

HOST = (b"host", b"127.0.0.1:8000")

App = Callable[..., Awaitable[None]]


class Answered:
    """What came back."""

    def __init__(self, messages: list[dict[str, Any]]) -> None:
        self.messages = messages
        start = next(each for each in messages if each["type"] == "http.response.start")
        self.status: int = start["status"]
        self.headers = {name.decode(): value.decode() for name, value in start["headers"]}
        self.body = b"".join(each.get("body", b"") for each in messages)

    def json(self) -> Any:
        return json.loads(self.body)


async def ask(
    app: App,
    method: str = "GET",
    path: str = "/",
    *,
    headers: Iterable[tuple[bytes, bytes]] = (HOST,),
    body: Iterable[bytes] = (b"",),
    query: bytes = b"",
    stalls: Callable[[], Awaitable[Any]] | None = None,
) -> Answered:
    """Send one request; the parts of the body come one by one, then ``stalls`` is awaited."""
    parts = list(body)
    messages: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if parts:
            part = parts.pop(0)
            more = bool(parts) or stalls is not None
            return {"type": "http.request", "body": part, "more_body": more}
        if stalls is not None:
            await stalls()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        messages.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query,
        "headers": list(headers),
        "scheme": "http",
        "http_version": "1.1",
        "root_path": "",
        "server": ("127.0.0.1", 8000),
        "client": ("127.0.0.1", 1),
        "state": {},
    }
    await app(scope, receive, send)
    return Answered(messages)
