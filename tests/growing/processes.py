"""Web and worker processes of one installation, behind a proxy."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from relatum.access.accounts.types import InvitationDraft
from relatum.app.house import House
from relatum.config.settings import Settings
from relatum_sdk.people import token_in
from tests.growing.programs import Running, free_port, haproxy

COMMAND = (sys.executable, "-m", "relatum.cli.main")
READY_SECONDS = 60.0


class Web:
    """One `relatum web` that can be ended and started again at the same port."""

    def __init__(self, place: Installation, name: str) -> None:
        self._place = place
        self._name = name
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.running: Running | None = None

    def start(self) -> None:
        self.running = self._place.start("web", self._name, RELATUM_PORT=str(self.port))

    def wait(self) -> None:
        """Until it is ready."""
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            assert self.running is not None
            assert self.running.process.poll() is None, self.running.said()
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"{self.url}/ready", timeout=5).status_code == 200:
                    return
            time.sleep(0.05)
        raise AssertionError(f"not ready after {READY_SECONDS} s: {self.running.said()}")

    def kill(self) -> None:
        assert self.running is not None
        self.running.kill()

    def stop(self) -> int:
        assert self.running is not None
        return self.running.stop()


class Installation:
    """Two web and two worker processes on one database and one home.

    Attributes:
        url: where the proxy answers.
        token: of an owner.
    """

    def __init__(self, folder: Path, database: str, **environment: str) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.home.mkdir()
        self.file = self.home / "relatum.toml"
        self.file.write_text('[plugins]\nenabled = ["sales_pipeline"]\n')
        self.settings = Settings(home=self.home, database=database)
        kept = {k: v for k, v in os.environ.items() if not k.startswith("RELATUM_")}
        self.environment = kept | {
            "RELATUM_HOME": str(self.home),
            "RELATUM_DATABASE": database,
            "RELATUM_SERVER__TRUSTED_PROXIES": "127.0.0.1",
            "RELATUM_SHUTDOWN__DELAY": "1.5",
            "RELATUM_POSTGRESQL__POOL_SIZE": "5",
            **environment,
        }
        self.token = token_in(self.settings)
        self.webs = [Web(self, f"web{number}") for number in (1, 2)]
        self.workers: list[Running] = []
        self.url = ""

    def start(self, role: str, name: str, **environment: str) -> Running:
        """A process of this installation."""
        return Running(
            [*COMMAND, role],
            self.folder / f"{name}.log",
            cwd=self.home,
            env=self.environment | environment,
        )

    @contextlib.contextmanager
    def running(self) -> Iterator[Installation]:
        """All of them, and the proxy."""
        for web in self.webs:
            web.start()
        self.workers = [self.start("worker", f"worker{number}") for number in (1, 2)]
        try:
            for web in self.webs:
                web.wait()
            with haproxy([web.port for web in self.webs], self.folder) as port:
                self.url = f"http://127.0.0.1:{port}"
                yield self
        finally:
            for running in [*self.workers, *(web.running for web in self.webs)]:
                if running is not None:
                    running.signal(signal.SIGKILL)
                    running.process.wait(10)

    def add_person(self, email: str, password: str, role: str) -> None:
        """Somebody who can sign in."""
        draft = InvitationDraft(name="Lan", email=email, roles=[role])

        async def add() -> None:
            async with await House.open(self.settings) as house:
                await house.accounts.add(draft, password=password, by="system")

        with ThreadPoolExecutor(max_workers=1) as thread:
            thread.submit(asyncio.run, add()).result()

    def fetch(self, sql: str) -> list[tuple[Any, ...]]:
        """What the database holds."""

        async def read() -> list[tuple[Any, ...]]:
            connection = await asyncpg.connect(self.settings.database)
            try:
                return [tuple(row) for row in await connection.fetch(sql)]
            finally:
                await connection.close()

        with ThreadPoolExecutor(max_workers=1) as thread:
            return thread.submit(asyncio.run, read()).result()

    def client(self, url: str = "", *, address: str = "127.0.0.1", token: str = "") -> httpx.Client:
        """A client of the proxy (or of one process) that calls from an address of this machine."""
        headers = {"authorization": f"Bearer {token}"} if token else {}
        transport = httpx.HTTPTransport(local_address=address)
        return httpx.Client(
            base_url=url or self.url, headers=headers, transport=transport, timeout=30
        )

    def owner(self, url: str = "") -> httpx.Client:
        """A client with the owner's token."""
        return self.client(url, token=self.token)
