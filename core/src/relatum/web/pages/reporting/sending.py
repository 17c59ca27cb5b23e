"""Small files as answers, from memory; always to be saved, never shown by the browser itself."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from relatum.http.answers import Answer, Headers, Sent, length_of
from relatum.reports.files import MEDIA

_UNSAFE = re.compile(r'[^A-Za-z0-9 ._+()-]|["\\]')


class FileAnswer(Answer[bytes]):
    """A file.

    Args:
        name: what it is saved as; its ending says what it is.
    """

    __slots__ = ("name",)

    def __init__(self, content: bytes, name: str) -> None:
        super().__init__(content)
        self.name = name

    def to_asgi_response(self, *_: Any, **__: Any) -> Any:
        """The whole of it."""
        plain, coded = _UNSAFE.sub("_", self.name), quote(self.name, safe="")
        media = MEDIA.get(self.name.rpartition(".")[2], "application/octet-stream")
        headers: Headers = [
            (b"content-type", media.encode()),
            length_of(self.content),
            (
                b"content-disposition",
                f"attachment; filename=\"{plain}\"; filename*=UTF-8''{coded}".encode("ascii"),
            ),
            (b"content-security-policy", b"sandbox; default-src 'none'"),
        ]
        return Sent(self.status, headers, self.content)
