"""Reading a body before the application does, and handing it on as if it came now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from relatum.values.problems import MalformedRequest

if TYPE_CHECKING:
    from litestar.types import Receive


async def whole(receive: Receive) -> bytes:
    """The whole body.

    Raises:
        MalformedRequest: the connection was closed before its end.
    """
    parts: list[bytes] = []
    while True:
        message: Any = await receive()
        if message["type"] != "http.request":
            raise MalformedRequest("expected the whole body, got a closed connection; try again")
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def again(body: bytes, receive: Receive) -> Receive:
    """A body that was read already, as if it came now."""
    waiting = [body]

    async def replay() -> Any:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return replay


async def beginning(receive: Receive, least: int) -> tuple[bytes, Receive]:
    """The first bytes of a body, and the whole of it as if it came now; the rest is not held.

    Args:
        least: so many bytes are waited for, unless the body has fewer.

    Raises:
        MalformedRequest: as :func:`whole`.
    """
    messages: list[Any] = []
    held = b""
    while len(held) < least:
        message: Any = await receive()
        if message["type"] != "http.request":
            raise MalformedRequest("expected the whole body, got a closed connection; try again")
        messages.append(message)
        held += message.get("body", b"")
        if not message.get("more_body", False):
            break
    messages.reverse()

    async def replay() -> Any:
        return messages.pop() if messages else await receive()

    return held, replay
