"""Answers: a status, headers and a body that msgspec encodes once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlencode

import msgspec
from litestar import Response

from relatum.http.queries import pairs_of
from relatum.values.problems import MalformedRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from litestar.types import HTTPScope, Receive, Scope, Send

    from relatum.db.pages import Page
    from relatum.http.calls import Call

T = TypeVar("T")

Headers = list[tuple[bytes, bytes]]

JSON_TYPE = (b"content-type", b"application/json")
HTML_TYPE = (b"content-type", b"text/html; charset=utf-8")
_WITHOUT_BODY = (204, 304)
_ENCODER = msgspec.json.Encoder()
_VERSION = re.compile(r'"v(\d{1,18})"')
_ENTITY_TAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"')


class Sent:
    """A whole answer as an ASGI application."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, headers: Headers, body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    async def __call__(self, scope: Scope | HTTPScope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": False})


class Answer(Response[T]):
    """Content of a known type, encoded by msgspec and sent as it is.

    Litestar's own response looks the encoder up, merges headers and cookies of every layer and
    checks the media type; this one knows all that.
    """

    __slots__ = ("raw", "status")

    def __init__(self, content: T, *, status: int = 200, headers: Headers | None = None) -> None:
        self.content = content
        self.status = self.status_code = status
        self.raw: Headers = headers or []

    def to_asgi_response(self, *_: Any, **__: Any) -> Any:
        """Encode and stop; nothing of the layers above is added."""
        if self.status in _WITHOUT_BODY:
            return Sent(self.status, self.raw, b"")
        body = encoded(self.content)
        return Sent(self.status, [JSON_TYPE, length_of(body), *self.raw], body)


class Html(Answer[str]):
    """A rendered page."""

    __slots__ = ()

    def to_asgi_response(self, *_: Any, **__: Any) -> Any:
        """Send the text as it is."""
        body = self.content.encode()
        return Sent(self.status, [HTML_TYPE, length_of(body), *self.raw], body)


def encoded(content: Any) -> bytes:
    """Any content of ours as JSON."""
    return _ENCODER.encode(content)


def length_of(body: bytes) -> tuple[bytes, bytes]:
    """The header that says how long a body is."""
    return (b"content-length", b"%d" % len(body))


def versioned(
    request: Call, content: T, version: int, *, status: int = 200, headers: Headers | None = None
) -> Answer[T]:
    """Content with its version as ``ETag``; 304 when the caller has it already."""
    tag = b'"v%d"' % version
    raw = [(b"etag", tag), *(headers or [])]
    seen = request.header(b"if-none-match")
    if seen is not None and status == 200 and _is_among(tag.decode(), seen):
        return Answer(content, status=304, headers=raw)
    return Answer(content, status=status, headers=raw)


def expected_version(request: Call) -> int | None:
    """The version that ``If-Match`` names; ``None`` when the caller does not care.

    A tag that no version of ours could have names version 0, which nothing has.

    Raises:
        MalformedRequest: not one entity tag.
    """
    said = request.header(b"if-match")
    if said is None or said.strip() == "*":
        return None
    version = _VERSION.fullmatch(said.strip())
    if version is not None:
        return int(version[1])
    if _ENTITY_TAG.fullmatch(said.strip()):
        return 0
    raise MalformedRequest(
        f'expected If-Match with one entity tag such as "v3", got {said[:80]!r}; send the ETag of '
        "the answer that you changed"
    )


def paged(request: Call, page: Page[T]) -> Answer[Page[T]]:
    """One page, with the address of the next one in ``Link``."""
    if page.next is None:
        return Answer(page)
    scope = request.scope
    pairs = [pair for pair in pairs_of(scope["query_string"]) if pair[0] != "cursor"]
    query = urlencode([*pairs, ("cursor", page.next)])
    return Answer(page, headers=[(b"link", f'<{address(scope)}?{query}>; rel="next"'.encode())])


def address(scope: Mapping[str, Any]) -> str:
    """The path of a request, percent-encoded."""
    raw: bytes = scope.get("raw_path") or b""
    path = raw.partition(b"?")[0].decode("ascii", errors="ignore")
    return path if path.startswith("/") else str(scope["path"])


def _is_among(tag: str, said: str) -> bool:
    return said.strip() == "*" or tag in [
        each.strip().removeprefix("W/") for each in said.split(",")
    ]
