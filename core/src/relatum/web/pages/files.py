"""The files that pages load."""

from __future__ import annotations

import asyncio
from typing import Any

from litestar import get
from litestar.params import FromPath

from relatum.access.viewer import PUBLIC
from relatum.http.answers import Answer, Headers, Sent, length_of
from relatum.http.calls import Call
from relatum.http.compression import Coding, coding_of
from relatum.values.problems import NotFound
from relatum.web.static_files import PREFIX, StaticFile

FOR_EVER = (b"cache-control", b"public, max-age=31536000, immutable")
BRIEFLY = (b"cache-control", b"no-cache")
VARY = (b"vary", b"accept-encoding")


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


@get(PREFIX + "/{owner:str}/{path:path}", opt={"permission": PUBLIC}, include_in_schema=False)
async def static(request: Call, owner: FromPath[str], path: FromPath[str]) -> Raw:
    """A file that pages load."""
    request.refuse_query()
    found, lasts = request.house.renderer.static.find(owner, path.lstrip("/"))
    if found is None:
        raise NotFound(f"expected the name of a file that pages load, got {path[:80]!r}")
    headers = [FOR_EVER if lasts else BRIEFLY, VARY]
    coding = coding_of(request.header(b"accept-encoding"))
    packed = None if coding is None else await _compressed(found, coding)
    if coding is not None and packed is not None:
        return Raw(packed, found.media_type, [*headers, (b"content-encoding", coding.encode())])
    return Raw(found.content, found.media_type, headers)


async def _compressed(file: StaticFile, coding: Coding) -> bytes | None:
    """Compressed once, beside the event loop."""
    if coding in file.compressed:
        return file.compressed[coding]
    return await asyncio.to_thread(file.compress, coding)


ROUTES = [static]
