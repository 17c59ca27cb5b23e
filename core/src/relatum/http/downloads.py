"""Files as answers: read in pieces, always as an attachment."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from relatum.http.answers import Answer, Headers

if TYPE_CHECKING:
    from pathlib import Path

    from litestar.types import HTTPScope, Receive, Scope, Send

PIECE = 256 * 1024
_UNSAFE = re.compile(r'[^A-Za-z0-9 ._+()-]|["\\]')
_TYPES = {
    ".csv": b"text/csv; charset=utf-8",
    ".jsonl": b"application/jsonl",
    ".xlsx": b"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class Download(Answer[None]):
    """A file to be saved, never to be shown by the browser itself.

    Args:
        path: where it lies.
        name: what it is saved as.
    """

    __slots__ = ("name", "path")

    def __init__(self, path: Path, name: str) -> None:
        super().__init__(None)
        self.path = path
        self.name = name

    def to_asgi_response(self, *_: Any, **__: Any) -> Any:
        """The file, piece by piece."""
        return _SentFile(self.path, self.name)


class _SentFile:
    __slots__ = ("_name", "_path")

    def __init__(self, path: Path, name: str) -> None:
        self._path = path
        self._name = name

    async def __call__(self, scope: Scope | HTTPScope, receive: Receive, send: Send) -> None:
        stream = await asyncio.to_thread(self._path.open, "rb")
        with stream:
            size = (await asyncio.to_thread(self._path.stat)).st_size
            headers = self._headers(size)
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            while piece := await asyncio.to_thread(stream.read, PIECE):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    def _headers(self, size: int) -> Headers:
        plain, coded = _UNSAFE.sub("_", self._name), quote(self._name, safe="")
        disposition = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{coded}"
        media = _TYPES.get(self._path.suffix, b"application/octet-stream")
        return [
            (b"content-type", media),
            (b"content-length", b"%d" % size),
            (b"content-disposition", disposition.encode("ascii")),
            # an export opened in the browser must not run anything, whatever is in it
            (b"content-security-policy", b"sandbox; default-src 'none'"),
        ]
