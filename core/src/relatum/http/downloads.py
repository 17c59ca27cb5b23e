"""Files as answers: read in pieces, always as an attachment."""

from __future__ import annotations

import asyncio
import csv
import io
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from relatum.http.answers import Answer, Headers
from relatum.importing import watermark
from relatum.importing.formulas import guard

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from litestar.types import HTTPScope, Receive, Scope, Send

    from relatum.importing.watermark import Watermark

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


class Streamed(Answer[None]):
    """A file to be saved that is made while it is sent.

    Args:
        pieces: what is in it; reads as whoever asked.
        name: what it is saved as; its ending says what it is.
    """

    __slots__ = ("name", "pieces")

    def __init__(self, pieces: AsyncIterator[bytes], name: str) -> None:
        super().__init__(None)
        self.pieces = pieces
        self.name = name

    def to_asgi_response(self, *_: Any, **__: Any) -> Any:
        """The file, as it comes."""
        return self._send_all

    async def _send_all(self, scope: Scope | HTTPScope, receive: Receive, send: Send) -> None:
        headers = _saved_as(self.name)
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        async for piece in self.pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


class CsvDownload(Streamed):
    """Rows as a CSV file that is sent while they are read.

    Cells that a spreadsheet would take for formulas get an apostrophe, and every row has the mark.
    A list that holds no customers' data needs none.

    Args:
        name: what it is saved as, without its ending.
        heads: what stands above the columns.
        batches: rows of texts, as many at a time as are read together.
        mark: as ``house.exports.take_at_once`` gave it; ``None`` where no customers' data goes out.
    """

    __slots__ = ()

    def __init__(
        self,
        name: str,
        heads: Sequence[str],
        batches: AsyncIterator[Sequence[Sequence[str]]],
        mark: Watermark | None,
    ) -> None:
        super().__init__(_csv_pieces(heads, batches, mark), f"{name}.csv")


async def _csv_pieces(
    heads: Sequence[str], batches: AsyncIterator[Sequence[Sequence[str]]], mark: Watermark | None
) -> AsyncIterator[bytes]:
    head, end = ((), ()) if mark is None else ((watermark.COLUMN,), (str(mark),))
    # begins with the mark by which spreadsheets know UTF-8
    yield _csv_lines([[*heads, *head]]).encode("utf-8-sig")
    async for rows in batches:
        yield _csv_lines([[*row, *end] for row in rows]).encode()


def _csv_lines(rows: Sequence[Sequence[str]]) -> str:
    stream = io.StringIO(newline="")
    csv.writer(stream).writerows([guard(cell) for cell in row] for row in rows)
    return stream.getvalue()


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
        length = (b"content-length", b"%d" % size)
        return [*_saved_as(self._name, self._path.suffix), length]


def _saved_as(name: str, suffix: str = "") -> Headers:
    """Never shown by the browser itself."""
    plain, coded = _UNSAFE.sub("_", name), quote(name, safe="")
    disposition = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{coded}"
    media = _TYPES.get(suffix or name[name.rfind(".") :], b"application/octet-stream")
    return [
        (b"content-type", media),
        (b"content-disposition", disposition.encode("ascii")),
        # an export opened in the browser must not run anything, whatever is in it
        (b"content-security-policy", b"sandbox; default-src 'none'"),
    ]
