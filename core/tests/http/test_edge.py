"""What every request meets first: hosts, origins, sizes, times, and an answer in any case."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from core.tests.http.asgi import HOST, ask
from relatum.config.settings import Server
from relatum.http.edge import Edge
from relatum.http.reach import Reach
from relatum.values.problems import Unavailable

JSON = (b"content-type", b"application/json")


async def well(scope: Any, receive: Any, send: Any) -> None:
    """Answer with the size of the body."""
    size = 0
    while scope["method"] != "GET":
        message = await receive()
        size += len(message.get("body", b""))
        if not message.get("more_body"):
            break
    body = str(size).encode()
    headers = [JSON, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def edge(app: Any = well, *, most_bytes: int = 100, seconds: float = 5.0) -> Edge:
    return Edge(app, most_bytes=most_bytes, seconds=seconds, idempotency=None)


def raising(error: BaseException) -> Any:
    async def app(*_: Any) -> None:
        raise error

    return app


async def test_what_every_answer_says() -> None:
    answer = await ask(edge())
    assert (answer.status, answer.body) == (200, b"0")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert answer.headers["server"] == "relatum"
    assert answer.headers["x-request-id"]


async def test_request_ids_differ_and_sane_ones_are_kept() -> None:
    app = edge()
    first, second = await ask(app), await ask(app)
    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    kept = await ask(app, headers=[HOST, (b"x-request-id", b"trace-1.A_b")])
    assert kept.headers["x-request-id"] == "trace-1.A_b"
    for insane in (b"a b", b"x" * 65, b"<script>", b"", b"-", "é".encode(), b"a-rlt_Qm9nd"):
        answer = await ask(app, headers=[HOST, (b"x-request-id", insane)])
        assert answer.headers["x-request-id"].encode() != insane


@pytest.mark.parametrize(
    "host", [b"127.0.0.1:8000", b"localhost", b"LOCALHOST:9", b"[::1]:8000", b"127.1.2.3"]
)
async def test_this_machine_is_served(host: bytes) -> None:
    assert (await ask(edge(), headers=[(b"host", host)])).status == 200


@pytest.mark.parametrize(
    "host",
    [
        b"evil.example",
        b"127.0.0.1.evil.example",
        b"localhost.evil.example:8000",
        b"10.0.0.1",
        b"a@127.0.0.1",
    ],
)
async def test_foreign_hosts_are_refused(host: bytes) -> None:
    answer = await ask(edge(), headers=[(b"host", host)])
    assert (answer.status, answer.json()["code"]) == (421, "foreign-host")


@pytest.mark.parametrize(
    "headers",
    [
        [(b"origin", b"https://evil.example")],
        [(b"origin", b"null")],
        [(b"origin", b"http://127.0.0.1:9999")],
        [(b"sec-fetch-site", b"cross-site")],
        [(b"sec-fetch-site", b"same-site")],
    ],
)
async def test_writes_for_other_sites_are_refused(headers: list[tuple[bytes, bytes]]) -> None:
    for method in ("POST", "PATCH", "PUT", "DELETE"):
        answer = await ask(edge(), method, headers=[HOST, *headers])
        assert (answer.status, answer.json()["code"]) == (403, "refused")
    assert (await ask(edge(), headers=[HOST, *headers])).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"origin", b"http://127.0.0.1:8000")],
        [(b"sec-fetch-site", b"same-origin"), (b"origin", b"http://127.0.0.1:8000")],
        [(b"sec-fetch-site", b"none")],
    ],
)
async def test_writes_from_here_are_let_through(headers: list[tuple[bytes, bytes]]) -> None:
    assert (await ask(edge(), "POST", headers=[HOST, *headers])).status == 200


async def test_bodies_have_a_largest_size() -> None:
    assert (await ask(edge(), "POST", body=[b"x" * 50, b"x" * 50])).body == b"100"
    said = await ask(edge(), "POST", headers=[HOST, (b"content-length", b"101")])
    chunked = await ask(edge(), "POST", body=[b"x" * 60, b"x" * 60])
    huge = await ask(edge(), "POST", headers=[HOST, (b"content-length", b"9" * 400)])
    for answer in (said, chunked, huge):
        assert (answer.status, answer.json()["code"]) == (413, "too-large")


async def test_a_slow_answer_is_given_up() -> None:
    async def slow(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await asyncio.sleep(60)

    for method in ("GET", "POST"):
        answer = await ask(edge(slow, seconds=0.1), method)
        assert (answer.status, answer.json()["code"]) == (503, "unavailable")
        assert answer.headers["retry-after"] == "1"


async def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    answer = await ask(edge(seconds=0.1), "POST", body=[b"x"], stalls=lambda: asyncio.sleep(60))
    assert (answer.status, answer.json()["code"]) == (408, "request-timeout")


async def test_a_request_that_is_cancelled_from_outside_is_cancelled() -> None:
    started = asyncio.Event()

    async def slow(*_: Any) -> None:
        started.set()
        await asyncio.sleep(60)

    task = asyncio.create_task(ask(edge(slow)))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_time_limits_are_each_requests_own() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(float(scope["path"][1:]))
        await well(scope, receive, send)

    both = edge(app, seconds=0.4)
    answers = await asyncio.gather(*(ask(both, path=path) for path in ("/9", "/0", "/0.1", "/8")))
    assert [answer.status for answer in answers] == [503, 200, 200, 503]
    assert (await ask(both, path="/0.1")).status == 200


@pytest.mark.parametrize(
    "error",
    [ValueError("SELECT secret FROM t"), SystemExit(3), RecursionError(), MemoryError()],
)
async def test_anything_unexpected_becomes_a_500_without_a_trace(
    error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        answer = await ask(edge(raising(error)))
    assert (answer.status, answer.json()["code"]) == (500, "internal-error")
    assert b"secret" not in answer.body
    assert b"Traceback" not in answer.body
    assert answer.headers["x-request-id"] in caplog.text
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


async def test_an_answer_that_breaks_off_is_not_completed() -> None:
    async def breaks(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ValueError("half way")

    with pytest.raises(ValueError, match="half way"):
        await ask(edge(breaks))


async def test_unavailable_says_when_to_come_back() -> None:
    answer = await ask(edge(raising(Unavailable("expected a database, got none"))))
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")


async def test_head_is_get_without_its_body() -> None:
    get, head = await ask(edge()), await ask(edge(), "HEAD")
    assert head.status == get.status
    assert head.body == b""
    assert head.headers["content-length"] == get.headers["content-length"]
    refused = await ask(edge(), "HEAD", headers=[(b"host", b"evil.example")])
    assert (refused.status, refused.body) == (421, b"")
    assert int(refused.headers["content-length"]) > 0


async def test_control_characters_in_addresses_are_refused() -> None:
    for path in ("/a\0b", "/a\nb", "/\ud800"):
        messages = await ask(edge(), path=path) if path.isascii() else None
        if messages is not None:
            assert (messages.status, messages.json()["code"]) == (400, "malformed-request")


async def test_pages_have_the_policy_of_pages() -> None:
    async def page(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-type", b"text/html; charset=utf-8"), (b"cache-control", b"public")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    answer = await ask(edge(page))
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "public"


async def test_over_https_the_browser_is_told_to_stay_there() -> None:
    reach = Reach(Server(public_url="https://crm.example.com"))
    outside = Edge(well, most_bytes=100, seconds=5.0, reach=reach)
    answer = await ask(outside, headers=[(b"host", b"crm.example.com")])
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
    assert "strict-transport-security" not in (await ask(outside)).headers


async def test_sockets_of_foreign_pages_are_closed() -> None:
    seen: list[Any] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        seen.append(message)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append("let in")

    for origin, expected in ((b"http://127.0.0.1:8000", "let in"), (b"https://evil.example", 4403)):
        scope = {"type": "websocket", "headers": [HOST, (b"origin", origin)], "state": {}}
        await edge(app)(scope, receive, send)  # type: ignore[arg-type]
        last = seen.pop()
        assert (last if isinstance(last, str) else last["code"]) == expected


async def test_a_long_answer_has_time_as_long_as_it_comes_on() -> None:
    async def long(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(6):
            await asyncio.sleep(0.1)
            await send({"type": "http.response.body", "body": b"x", "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    assert (await ask(edge(long, seconds=0.4))).body == b"xxxxxx"

    async def stalls(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"x", "more_body": True})
        await asyncio.sleep(60)

    with pytest.raises(Unavailable):
        await ask(edge(stalls, seconds=0.2))


async def test_requests_that_go_on_are_answered_when_the_process_ends() -> None:
    began, both = asyncio.Event(), []

    async def slow(*_: Any) -> None:
        began.set()
        await asyncio.sleep(60)

    app = edge(slow, seconds=30)
    both = [asyncio.create_task(ask(app)), asyncio.create_task(ask(app, "POST", body=[b"x"]))]
    await began.wait()
    await asyncio.sleep(0)
    assert app.watch.end() == 2
    assert app.watch.end() == 0
    for answer in await asyncio.gather(*both):
        assert answer.status == 503
        assert "before this server ends" in answer.json()["detail"]


async def test_every_request_is_counted_once_whatever_comes_of_it() -> None:
    apps = {"2xx": edge(), "5xx": edge(raising(ZeroDivisionError()))}
    for status, app in apps.items():
        await ask(app)
        assert app.metrics.http_seconds.count("GET", "none", status) == 1
    foreign = edge()
    await ask(foreign, headers=[(b"host", b"evil.example")])
    assert foreign.metrics.http_seconds.count("GET", "none", "4xx") == 1
    await ask(foreign, "BREW")
    assert foreign.metrics.http_seconds.count("other", "none", "2xx") == 1
