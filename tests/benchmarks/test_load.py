"""Load on a server that counts: what the tools report is what arrived."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import load
from benchmarks.client import length_of, request_of
from benchmarks.http_reads import comparable, refuse_different
from benchmarks.load import load_of, press


@contextlib.contextmanager
def closed(writer: asyncio.StreamWriter) -> Iterator[None]:
    try:
        yield
    finally:
        writer.transport.abort()


class Server:
    """A small HTTP server in a thread of its own."""

    def __init__(self, *, status: str = "200 OK") -> None:
        self.status = status
        self.asked: Counter[str] = Counter()
        self.bodies: set[bytes] = set()
        self.bearers: set[str] = set()
        self.port = 0
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._run(),))

    def __enter__(self) -> Server:
        self._thread.start()
        self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        self._loop.close()

    async def _run(self) -> None:
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        answering = asyncio.all_tasks() - {asyncio.current_task()}
        for task in answering:
            task.cancel()
        await asyncio.gather(*answering, return_exceptions=True)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError), closed(writer):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                body = b""
                if "content-length:" in head:
                    body = await reader.readexactly(length_of(head.encode()))
                self.asked[head.split(" ", 2)[1]] += 1
                self.bodies.add(body)
                self.bearers.add(head.partition("authorization: bearer ")[2].partition("\r\n")[0])
                # In two pieces, so that a client has to put an answer together.
                writer.write(f"HTTP/1.1 {self.status}\r\nContent-Length: 4\r\n\r\nab".encode())
                await writer.drain()
                writer.write(b"cd")
                await writer.drain()


@pytest.fixture(params=["wrk", "benchmarks.client"])
def tool(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "wrk" and shutil.which("wrk") is None:
        pytest.skip("wrk is not installed")
    if request.param != "wrk":
        monkeypatch.setattr(load.shutil, "which", lambda name: None)
    return request.param


def test_every_path_is_asked_for_and_counted(tool: str, tmp_path: Path) -> None:
    assert load.tool() == tool
    paths = tmp_path / "paths.txt"
    paths.write_text("/a\n/b\n/c")
    with Server() as server:
        found = press(server.port, paths, seconds=1, connections=4)
    assert set(server.asked) == {"/a", "/b", "/c"}
    assert max(server.asked.values()) <= min(server.asked.values()) + 8
    # Some answers are still under way when the time is up.
    assert found.rate == pytest.approx(server.asked.total(), rel=0.25)
    assert 0 < found.p50 <= found.p95 <= found.p99 < 1_000


def test_a_body_is_posted(tool: str, tmp_path: Path) -> None:
    paths, body = tmp_path / "paths.txt", tmp_path / "body.json"
    paths.write_text("/new")
    body.write_bytes(b'{"text": "x"}')
    with Server(status="201 Created") as server:
        press(server.port, paths, body, seconds=1, connections=2)
    assert server.bodies == {b'{"text": "x"}'}


@pytest.mark.parametrize("token", ["", "rlt_x"])
def test_every_request_carries_the_token(tool: str, tmp_path: Path, token: str) -> None:
    paths, body = tmp_path / "paths.txt", tmp_path / "body.json"
    paths.write_text("/a")
    body.write_text("{}")
    for sent in (None, body):
        with Server() as server:
            press(server.port, paths, sent, seconds=1, connections=2, token=token)
        assert server.bearers == {token}


def test_a_burst_with_bad_answers_is_refused(tool: str, tmp_path: Path) -> None:
    paths = tmp_path / "paths.txt"
    paths.write_text("/a")
    with Server(status="500 Oops") as server, pytest.raises(RuntimeError, match="good answers"):
        press(server.port, paths, seconds=1, connections=2)


def test_a_burst_without_any_answer_is_refused() -> None:
    nothing = {"requests": 0, "seconds": 1, "bad": 0, "p50": 0, "p95": 0, "p99": 0}
    with pytest.raises(RuntimeError):
        load_of(json.dumps(nothing))


def test_requests_say_how_long_they_are() -> None:
    assert request_of(80, "/a", None).startswith(b"GET /a HTTP/1.1\r\nHost: 127.0.0.1:80\r\n")
    assert b"content-length: 2\r\n" in request_of(80, "/a", b"{}").lower()
    with pytest.raises(ValueError, match="Content-Length"):
        length_of(b"http/1.1 200 ok\r\ntransfer-encoding: chunked")


# -- the reference must do the same work ---------------------------------------------------------

ANSWER = {
    "items": [{"id": "x", "created_at": "2026-11-22T08:00:00.5Z", "primary": True}],
    "next": "abc",
}


def test_the_same_answer_in_another_spelling_is_the_same() -> None:
    other = {
        "next": "another cursor",
        "items": [{"created_at": "2026-11-22 08:00:00.500+00:00", "id": "x", "primary": True}],
    }
    refuse_different(json.dumps(ANSWER).encode(), json.dumps(other).encode())


@pytest.mark.parametrize(
    "other",
    [
        {**ANSWER, "next": None},
        {**ANSWER, "items": []},
        {**ANSWER, "items": [{**ANSWER["items"][0], "id": "y"}]},  # type: ignore[dict-item]
        {**ANSWER, "items": [{"id": "x", "primary": True}]},
        {**ANSWER, "more": 1},
    ],
)
def test_another_answer_is_refused(other: object) -> None:
    with pytest.raises(RuntimeError, match="same answer"):
        refuse_different(json.dumps(ANSWER).encode(), json.dumps(other).encode())


def test_texts_that_are_no_times_stay_texts() -> None:
    assert comparable({"name": "2026", "note": "20 bottles"}) == {
        "name": "2026",
        "note": "20 bottles",
    }
