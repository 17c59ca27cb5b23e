"""A Relatum that runs, with a demo company in it, and somebody who owns it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import httpx

from relatum.access.accounts.types import InvitationDraft
from relatum.app.house import House
from relatum.config.load import load_settings
from tests.growing.programs import Running, free_port

T = TypeVar("T")

COMMAND = (sys.executable, "-m", "relatum.cli.main")
READY_SECONDS = 60.0
OWNER = "lan@example.com"
PASSWORD = "mưa rào trên phố cổ 1986"
COMPANY = '[company]\nname = "Acme Việt Nam"\nlanguage = "vi"\n'
#: Browsers of one machine must not be told to wait.
LIMITS = "[limits]\ntoken = 0\naccount = 0\naddress = 0\nsign_in = 0\n"


class Site:
    """One installation and its server.

    Args:
        plugins: a folder of plugins that are not installed.
        settings: more of its file of settings.
        like: the home of another one that does not run: this one begins as its copy.

    Attributes:
        url: where it answers.
        home: its folder.
    """

    def __init__(
        self,
        folder: Path,
        *,
        plugins: Path | None = None,
        settings: str = "",
        like: Path | None = None,
    ) -> None:
        self.folder = folder
        self.home = folder / "home"
        if like is None:
            self.home.mkdir(parents=True)
            (self.home / "relatum.toml").write_text(f"{COMPANY}\n{LIMITS}\n{settings}")
        else:
            shutil.copytree(like, self.home)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        kept = {k: v for k, v in os.environ.items() if not k.startswith("RELATUM_")}
        self.environment = kept | {"RELATUM_HOME": str(self.home), "RELATUM_PORT": str(self.port)}
        if plugins is not None:
            self.environment["PYTHONPATH"] = str(plugins)
        self._running: Running | None = None

    def command(self, *arguments: str) -> str:
        """Run the ``relatum`` command here; what it says."""
        ran = subprocess.run(
            [*COMMAND, *arguments],
            cwd=self.home,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout

    def fill(self, *, demo: bool = True) -> None:
        """Make the tables, the demo company and the owner."""
        self.command("migrate", "--apply")
        if demo:
            self.command("demo")
        self.add_person(OWNER, "owner", name="Nguyễn Thị Lan")

    def add_person(self, email: str, role: str, *, name: str) -> UUID:
        """Somebody who can sign in with ``PASSWORD``."""
        draft = InvitationDraft(name=name, email=email, roles=[role])

        async def add(house: House) -> UUID:
            account = await house.accounts.add(draft, password=PASSWORD, by="system")
            return account.id

        return self.inside(add)

    def inside(self, work: Any) -> Any:
        """Do something with the house of this installation, beside the server."""

        async def run() -> Any:
            async with await House.open(load_settings(env=self.environment)) as house:
                return await work(house)

        return _beside(run())

    @contextlib.contextmanager
    def running(self) -> Iterator[Site]:
        """Its server."""
        self.start()
        try:
            yield self
        finally:
            self.stop()

    def start(self) -> None:
        """Start the server and wait until it is ready."""
        command = [*COMMAND, "serve"]
        log = self.folder / "serve.log"
        self._running = Running(command, log, cwd=self.home, env=self.environment)
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            assert self._running.process.poll() is None, self._running.said()
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"{self.url}/ready", timeout=5).status_code == 200:
                    return
            time.sleep(0.05)
        raise AssertionError(f"not ready after {READY_SECONDS} s: {self._running.said()}")

    def stop(self) -> None:
        """End the server."""
        if self._running is not None:
            self._running.stop()
            self._running = None

    def said(self) -> str:
        """The log of the server."""
        return (self.folder / "serve.log").read_text()


def _beside(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine, in a loop and a thread of its own."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(asyncio.run, coroutine).result()
