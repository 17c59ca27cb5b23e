"""``python -m benchmarks.client``: a small HTTP client for where there is no wrk.

Keep-alive connections that each wait for their answer before they ask again; raw bytes, so that it
costs less than the servers it drives. Prints the same line of JSON as ``press.lua``.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import sys
import time
from pathlib import Path

from benchmarks.houses import TOKEN
from benchmarks.rounds import percentile


class Connection(asyncio.Protocol):
    """One connection: asks, takes the answer apart as far as needed, asks again until ``until``."""

    def __init__(self, requests: itertools.cycle[bytes], until: float) -> None:
        self.latencies: list[float] = []
        self.bad = 0
        self.ended = asyncio.get_running_loop().create_future()
        self._requests = requests
        self._until = until
        self._buffer = b""
        self._asked = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._ask()

    def _ask(self) -> None:
        self._asked = time.perf_counter()
        if self._asked >= self._until:
            self._transport.close()
            return
        self._transport.write(next(self._requests))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head_end = self._buffer.find(b"\r\n\r\n")
        if head_end < 0:
            return
        head = self._buffer[:head_end].lower()
        if len(self._buffer) < head_end + 4 + length_of(head):
            return
        self.latencies.append(time.perf_counter() - self._asked)
        self.bad += not head.startswith(b"http/1.1 2")
        self._buffer = b""
        self._ask()

    def connection_lost(self, error: Exception | None) -> None:
        if time.perf_counter() < self._until:
            self.bad += 1
        self.ended.set_result(None)


def length_of(head: bytes) -> int:
    """The length of the body, from the (lower-case) head of an answer."""
    at = head.find(b"\r\ncontent-length:")
    if at < 0:
        raise ValueError("expected an answer with Content-Length")
    return int(head[at + 17 :].split(b"\r\n", 1)[0])


def request_of(port: int, path: str, body: bytes | None, token: str = "") -> bytes:
    """The bytes of one request."""
    named = f"Host: 127.0.0.1:{port}\r\n"
    if token:
        named += f"Authorization: Bearer {token}\r\n"
    if body is None:
        return f"GET {path} HTTP/1.1\r\n{named}\r\n".encode()
    named += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return f"POST {path} HTTP/1.1\r\n{named}\r\n".encode() + body


async def press(
    port: int, paths: list[str], body: bytes | None, *, seconds: float, connections: int
) -> dict[str, float]:
    """Press for a while; what came of it, times in milliseconds."""
    token = os.environ.get(TOKEN, "")
    requests = itertools.cycle([request_of(port, path, body, token) for path in paths])
    started = time.perf_counter()
    loop = asyncio.get_running_loop()
    made = [
        (
            await loop.create_connection(
                lambda: Connection(requests, started + seconds), "127.0.0.1", port
            )
        )[1]
        for _ in range(connections)
    ]
    await asyncio.gather(*(each.ended for each in made))
    latencies = [latency * 1e3 for each in made for latency in each.latencies]
    return {
        "requests": len(latencies),
        "seconds": time.perf_counter() - started,
        "bad": sum(each.bad for each in made),
        "p50": percentile(latencies, 0.50),
        "p95": percentile(latencies, 0.95),
        "p99": percentile(latencies, 0.99),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("paths", type=Path)
    parser.add_argument("body", type=Path, nargs="?")
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--connections", type=int, default=16)
    given = parser.parse_args()
    paths = given.paths.read_text(encoding="utf-8").split()
    body = given.body.read_bytes() if given.body else None
    result = asyncio.run(
        press(given.port, paths, body, seconds=given.seconds, connections=given.connections)
    )
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
