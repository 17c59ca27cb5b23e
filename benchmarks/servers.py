"""Servers as processes of their own: started, waited for, stopped, and their memory."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.houses import RELATUM, TOKEN, Installation

START_SECONDS = 60.0


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Server:
    """A running server."""

    process: subprocess.Popen[bytes]
    port: int
    #: seconds from starting the process to its first answer
    first_answer: float
    #: seconds of processor time until then; says more than the former on a busy machine
    busy: float
    #: whose token requests carry; the reference knows nobody
    token: str = ""

    def get(self, path: str) -> bytes:
        """The body of an answer with status 200."""
        return fetch(self.port, path, token=self.token)

    def post(self, path: str, content: object) -> bytes:
        """The body of the answer to something new."""
        return fetch(self.port, path, json.dumps(content).encode(), token=self.token)

    def busy_now(self) -> float:
        """Seconds of processor time so far."""
        return processor_time(self.process.pid)

    def memory(self) -> tuple[float, float]:
        """Megabytes (10⁶ bytes) of the process and all its children: resident, and proportional.

        The proportional set size counts a page that several processes share only once; where it
        cannot be read it is the resident one again.
        """
        resident = proportional = 0
        root = psutil.Process(self.process.pid)
        for each in [root, *root.children(recursive=True)]:
            full = each.memory_full_info()
            resident += full.rss
            proportional += getattr(full, "pss", 0) or full.rss
        return resident / 1e6, proportional / 1e6


def fetch(port: int, path: str, body: bytes | None = None, *, token: str = "") -> bytes:
    """One request (POST when there is a body) on a connection of its own.

    Raises:
        RuntimeError: it is answered with something else than 200 or 201.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        if body is None:
            connection.request("GET", path, headers=headers)
        else:
            headers["Content-Type"] = "application/json"
            connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        said = answer.read()
    finally:
        connection.close()
    if answer.status not in {200, 201}:
        raise RuntimeError(f"expected 200 for {path}, got {answer.status}: {said[:500]!r}")
    return said


def processor_time(pid: int) -> float:
    """Seconds that a process has used, its threads together."""
    used = psutil.Process(pid).cpu_times()
    return float(used.user + used.system)


@contextmanager
def relatum(made: Installation, port: int, *, first: str = "/health") -> Iterator[Server]:
    """``relatum serve`` on an installation whose environment names ``port``."""
    with _running([*RELATUM, "serve"], made.home, made.environment, port, first) as server:
        yield server


@contextmanager
def bare(database: Path, environment: dict[str, str], port: int) -> Iterator[Server]:
    """The reference: bare Litestar routes that run the same SQL through ``sqlite3``."""
    command = [sys.executable, "-m", "benchmarks.bare_server", str(database), str(port)]
    unknown = {name: value for name, value in environment.items() if name != TOKEN}
    with _running(command, database.parent, unknown, port, "/customers") as server:
        yield server


@contextmanager
def _running(
    command: Sequence[str], folder: Path, environment: dict[str, str], port: int, first: str
) -> Iterator[Server]:
    started = time.perf_counter()
    with (folder / f"server-{port}.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    try:
        _wait(process, port, first, folder / f"server-{port}.log", environment.get(TOKEN, ""))
        clock, busy = time.perf_counter() - started, processor_time(process.pid)
        yield Server(process, port, clock, busy, environment.get(TOKEN, ""))
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def _wait(process: subprocess.Popen[bytes], port: int, first: str, log: Path, token: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            fetch(port, first, token=token)
        except (OSError, http.client.HTTPException):
            time.sleep(0.005)
        else:
            return
    said = log.read_text(encoding="utf-8", errors="replace")[-2_000:]
    raise RuntimeError(
        f"expected an answer at port {port} within {START_SECONDS:g} s, got:\n{said}"
    )
