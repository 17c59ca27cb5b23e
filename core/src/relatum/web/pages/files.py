"""The files that pages load."""

from __future__ import annotations

from typing import Any

from litestar import get
from litestar.params import FromPath

from relatum.access.viewer import PUBLIC
from relatum.http.answers import Answer, Headers, Sent, length_of
from relatum.http.calls import Call
from relatum.values.problems import NotFound
from relatum.web.rendering import STATIC_PATH, static_files, static_url

FOR_EVER = (b"cache-control", b"public, max-age=31536000, immutable")
BRIEFLY = (b"cache-control", b"no-cache")


class Raw(Answer[bytes]):
    """Bytes with a media type of their own."""

    __slots__ = ("kind",)

    def __init__(self, content: bytes, kind: bytes, headers: Headers) -> None:
        super().__init__(content, headers=headers)
        self.kind = kind

    def to_asgi_response(self, *_: Any, **__: Any) -> Any:
        """Send the bytes as they are."""
        head = [(b"content-type", self.kind), length_of(self.content), *self.raw]
        return Sent(self.status, head, self.content)


@get(STATIC_PATH + "/{name:str}", opt={"permission": PUBLIC}, include_in_schema=False)
async def static(request: Call, name: FromPath[str]) -> Raw:
    """A file that pages load."""
    request.refuse_query(("v",))
    found = static_files().get(name)
    if found is None:
        raise NotFound(f"expected the name of a file that pages load, got {name[:80]!r}")
    kind, content = found
    current = request.scope["query_string"] == static_url(name).partition("?")[2].encode()
    return Raw(content, kind, [FOR_EVER if current else BRIEFLY])


ROUTES = [static]
