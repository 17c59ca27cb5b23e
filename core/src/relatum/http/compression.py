"""Pages go out compressed when the browser takes that: by Brotli, else by gzip.

Compression lets somebody who can have a person's browser fetch a page again and again, with guesses
of their own in it, read secrets off its length (BREACH, 2013). The one lasting secret in our pages,
the proof of their origin, is therefore another one in each answer (:mod:`relatum.http.forgery`),
and every compressed page has a length with chance in it, as Taylor and others proposed ("Heal the
Breach", 2022): up to a hundred bytes that nobody reads, in a block of metadata of Brotli's or as a
file name in gzip's head.
"""

from __future__ import annotations

import asyncio
import gzip
import io
import secrets
from typing import TYPE_CHECKING, Any, Literal

import brotli
from litestar.enums import ScopeType

from relatum.http.answers import length_of
from relatum.http.calls import header

if TYPE_CHECKING:
    from litestar.types import ASGIApp, Receive, Scope, Send

Coding = Literal["br", "gzip"]

#: Below this a page fits into one packet anyway.
SMALLEST = 1024
#: From this on, compressing takes a millisecond or more: beside the event loop.
LARGE = 32 * 1024
GZIP_LEVEL = 6
#: As fast as gzip's 6 and 14 % smaller on our pages; 9 takes ten times as long for 1 % more.
BROTLI_LEVEL = 7
MOST_PADDING = 100
#: Besides static files, which are compressed once, and data for programs.
_COMPRESSED = (b"text/html", b"text/javascript", b"application/manifest+json")
_REPLACED = frozenset({b"content-length", b"content-encoding"})
#: In the order that we would like them.
_CODINGS: tuple[Coding, ...] = ("br", "gzip")


class Compression:
    """Wraps the application; what is no page passes as it is.

    Attributes:
        inner: what is wrapped.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.inner = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP:
            coding = coding_of(header(scope, b"accept-encoding"))
            if coding is not None:
                send = _Compressing(send, coding)
        await self.inner(scope, receive, send)


def coding_of(said: str | None) -> Coding | None:
    """The best of ours that an ``Accept-Encoding`` takes (RFC 9110, 12.5.3)."""
    taken = {}
    for part in (said or "").lower().split(","):
        coding, _, parameters = part.strip().partition(";")
        quality = parameters.replace(" ", "").removeprefix("q=")
        taken[coding.strip()] = quality.strip("0.") != "" if quality else True
    others = taken.get("*", False)
    return next((coding for coding in _CODINGS if taken.get(coding, others)), None)


def compressed(page: bytes, coding: Coding) -> bytes:
    """A page with a length that holds chance."""
    return _by_brotli(page) if coding == "br" else _by_gzip(page)


def _by_brotli(page: bytes) -> bytes:
    made = brotli.Compressor(quality=BROTLI_LEVEL)
    # what is flushed ends with a whole byte, so that a block of our own can follow
    parts = [made.process(page), made.flush(), _metadata(secrets.randbelow(MOST_PADDING + 1))]
    return b"".join([*parts, made.finish()])


def _metadata(length: int) -> bytes:
    """A block of bytes that readers pass over (RFC 7932, 9.2)."""
    if not length:
        return b""
    # not the last one, no data, one byte of length
    head = 0b01_0_11_0 | (length - 1) << 6
    return head.to_bytes(2, "little") + bytes(length)


def _by_gzip(page: bytes) -> bytes:
    held = io.BytesIO()
    # the bytes of the name must not compress: they come after gzip's head, outside the data
    name = secrets.token_hex(MOST_PADDING // 2)[: secrets.randbelow(MOST_PADDING + 1)]
    with gzip.GzipFile(name, "wb", GZIP_LEVEL, held, mtime=0) as file:
        file.write(page)
    return held.getvalue()


class _Compressing:
    """Sends one answer on; a whole page compressed."""

    def __init__(self, send: Send, coding: Coding) -> None:
        self._send = send
        self._coding: Coding = coding
        self._start: Any = None

    async def __call__(self, message: Any) -> None:
        if message["type"] == "http.response.start" and _is_page(message["headers"]):
            self._start = message
        elif self._start is None:
            await self._send(message)
        else:
            await self._finish(message)

    async def _finish(self, message: Any) -> None:
        start, self._start = self._start, None
        body = message.get("body", b"")
        if not message.get("more_body", False) and len(body) >= SMALLEST:
            body = await self._compressed(body)
            start = {**start, "headers": _told(start["headers"], body, self._coding)}
            message = {**message, "body": body}
        await self._send(start)
        await self._send(message)

    async def _compressed(self, body: bytes) -> bytes:
        if len(body) < LARGE:
            return compressed(body, self._coding)
        return await asyncio.to_thread(compressed, body, self._coding)


def _is_page(headers: Any) -> bool:
    said = dict(headers)
    return (
        said.get(b"content-type", b"").startswith(_COMPRESSED) and b"content-encoding" not in said
    )


def _told(headers: Any, body: bytes, coding: Coding) -> list[tuple[bytes, bytes]]:
    kept = [pair for pair in headers if pair[0] not in _REPLACED]
    said = (b"content-encoding", coding.encode())
    return [*kept, length_of(body), said, (b"vary", b"accept-encoding")]
