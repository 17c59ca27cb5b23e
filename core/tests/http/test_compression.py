"""Compressed pages: taken by whoever takes them, the same inside, never of one length alone."""

from __future__ import annotations

import gzip
from typing import Any

import brotli
import pytest

from relatum.http.compression import (
    LARGE,
    MOST_PADDING,
    SMALLEST,
    Coding,
    Compression,
    coding_of,
    compressed,
)

HTML = (b"content-type", b"text/html; charset=utf-8")
CODINGS: list[Coding] = ["br", "gzip"]
OPENED = {"br": brotli.decompress, "gzip": gzip.decompress}


@pytest.mark.parametrize(
    ("said", "taken"),
    [
        ("gzip", "gzip"),
        ("gzip, deflate, br, zstd", "br"),
        ("br;q=0.4, gzip", "br"),
        ("br;q=0, gzip;q=0.5", "gzip"),
        ("deflate, GZIP", "gzip"),
        ("*", "br"),
        ("br;q=0, *", "gzip"),
        ("gzip;q=0, *", "br"),
        ("gzip;q=0", None),
        ("gzip; q=0.000", None),
        ("gzip; q=1.0", "gzip"),
        ("*;q=0", None),
        ("zstd", None),
        ("", None),
        (None, None),
        ("xgzip", None),
    ],
)
def test_what_a_browser_takes(said: str | None, taken: str | None) -> None:
    assert coding_of(said) == taken


async def answered(
    body: bytes, *headers: tuple[bytes, bytes], accept: bytes = b"gzip", parts: int = 1
) -> tuple[dict[bytes, bytes], bytes]:
    """What comes out of the layer for an answer of the application."""
    size = -(-len(body) // parts)
    chunks = [body[at : at + size] for at in range(0, len(body), size)] or [b""]

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        start = [*headers, (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": start})
        for number, chunk in enumerate(chunks, start=1):
            more = number < len(chunks)
            await send({"type": "http.response.body", "body": chunk, "more_body": more})

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope: Any = {"type": "http", "headers": [(b"accept-encoding", accept)]}
    await Compression(app)(scope, None, send)  # type: ignore[arg-type]
    return dict(sent[0]["headers"]), b"".join(each["body"] for each in sent[1:])


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("size", [SMALLEST, LARGE - 1, LARGE, 20 * LARGE])
async def test_a_page_goes_out_compressed(size: int, coding: Coding) -> None:
    page = (b"<p>Xin ch\xc3\xa0o " * size)[:size]
    headers, body = await answered(page, HTML, accept=coding.encode())
    assert headers[b"content-encoding"] == coding.encode()
    assert headers[b"vary"] == b"accept-encoding"
    assert headers[b"content-length"] == b"%d" % len(body)
    assert OPENED[coding](body) == page
    assert len(body) < size


@pytest.mark.parametrize(
    ("headers", "more"),
    [
        ([(b"content-type", b"application/json")], {}),
        ([HTML], {"accept": b"zstd"}),
        ([HTML], {"parts": 2}),
        ([HTML, (b"content-encoding", b"zstd")], {}),
    ],
)
async def test_other_answers_pass_as_they_are(
    headers: list[tuple[bytes, bytes]], more: dict[str, Any]
) -> None:
    page = b"x" * 4_000
    told, body = await answered(page, *headers, **more)
    assert body == page
    assert told.get(b"content-encoding") != b"gzip"
    assert told[b"content-length"] == b"4000"


async def test_a_small_page_passes_as_it_is() -> None:
    told, body = await answered(b"x" * (SMALLEST - 1), HTML)
    assert body == b"x" * (SMALLEST - 1)
    assert b"content-encoding" not in told


@pytest.mark.parametrize("coding", CODINGS)
def test_the_length_of_a_compressed_page_holds_chance(coding: Coding) -> None:
    page = b"<p>the same page</p>" * 200
    made = [compressed(page, coding) for _ in range(300)]
    lengths = {len(each) for each in made}
    assert len(lengths) > 50
    # the end of a name is a byte as well, and a block has a head of two
    assert max(lengths) - min(lengths) <= MOST_PADDING + 2
    assert all(OPENED[coding](each) == page for each in made)
