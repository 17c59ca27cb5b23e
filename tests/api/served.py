"""A process of Relatum with a home of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx

COMMAND = (
    sys.executable,
    "-c",
    "import sys; from relatum.cli.main import main; sys.exit(main())",
)
SECONDS = 60.0


class Served:
    """A server process with a home of its own."""

    def __init__(self, home: Path, port: int) -> None:
        self.home = home
        self.port = port
        self.env = {
            **{name: value for name, value in os.environ.items() if "RELATUM" not in name},
            "RELATUM_HOME": str(home),
            "RELATUM_PORT": str(port),
            "PYTHONPATH": str(home / "site"),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        self.process: subprocess.Popen[str] | None = None
        self.token = ""

    def run(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *arguments],
            env={**self.env, **env},
            cwd=self.home,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def add_owner(self) -> None:
        """From now on requests carry the token of an owner."""
        arguments = ("Lan", "lan@example.com", "--role", "owner", "--token", "--json")
        made = self.run("accounts", "add", *arguments)
        assert made.returncode == 0, made.stderr
        self.token = json.loads(made.stdout)["token"]

    def start(self, command: str = "serve", **env: str) -> subprocess.Popen[str]:
        """Start and wait until it answers; a worker has to have a port."""
        self.process = subprocess.Popen(
            [*COMMAND, command],
            env={**self.env, **env},
            cwd=self.home,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        until(self._answers)
        return self.process

    def _answers(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError(f"it ended: {self.process.communicate()[0]}")
        return self.get("/health").status_code == 200

    def get(self, path: str, **options: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        url = f"http://127.0.0.1:{self.port}{path}"
        return httpx.get(url, headers=headers, timeout=10, **options)

    def beside(self, port: int) -> Served:
        """Another process to be on the same database, for the same person."""
        other = Served(self.home, port)
        other.token = self.token
        return other

    def end(self) -> None:
        """Kill it if it still runs."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.communicate()

    def stop(self) -> tuple[int, str]:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        output, _ = self.process.communicate(timeout=SECONDS)
        code, self.process = self.process.returncode, None
        return code, output


def until(condition: Any) -> None:
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        with contextlib.suppress(httpx.HTTPError):
            if condition():
                return
        time.sleep(0.05)
    raise AssertionError("it did not happen in time")


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
