"""A PostgreSQL server of our own, in a temporary folder, that may be killed.

Nothing that others use is touched: another port, other files. The server refuses to run as root;
then it runs as the account `postgres`, which its package makes.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import asyncpg

START_SECONDS = 60.0
#: what a server that starts, recovers or is gone answers with
FAULTS = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)


def server_programs() -> Path | None:
    """The folder with ``initdb`` and ``postgres``; ``None`` when there is no server here."""
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return debian[-1].parent if debian else None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Cluster:
    """One server; a context manager that starts it and leaves nothing behind."""

    def __init__(self) -> None:
        programs = server_programs()
        assert programs is not None, "expected PostgreSQL's initdb, found none"
        self._programs = programs
        # not below pytest's folder, which other accounts may not enter
        self._folder = Path(tempfile.mkdtemp(prefix="relatum-cluster-"))
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._account = "postgres" if os.geteuid() == 0 else None
        if self._account:
            owner = pwd.getpwnam(self._account)
            os.chown(self._folder, owner.pw_uid, owner.pw_gid)

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@127.0.0.1:{self._port}/{database}"

    def __enter__(self) -> Self:
        try:
            self._run("initdb", "-D", self._data, "-U", "postgres", "-A", "trust", "-E", "UTF8")
            self.start()
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._remove()

    @property
    def _data(self) -> str:
        return str(self._folder / "data")

    def _command(self, program: str, *arguments: str) -> list[str]:
        command = [str(self._programs / program), *arguments]
        if self._account:
            return ["setpriv", f"--reuid={self._account}", "--init-groups", "--", *command]
        return command

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            self._command(program, *arguments), cwd=self._folder, capture_output=True, check=False
        )
        assert done.returncode == 0, (done.stdout + done.stderr).decode()

    def start(self) -> None:
        """Start it, again after a kill, and wait until it answers."""
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            with (self._folder / "log").open("ab") as log:
                self._process = subprocess.Popen(
                    self._command(
                        *("postgres", "-D", self._data, "-p", str(self._port)),
                        *("-k", str(self._folder), "-c", "listen_addresses=127.0.0.1"),
                    ),
                    cwd=self._folder,
                    stdout=subprocess.DEVNULL,
                    stderr=log,
                    start_new_session=True,
                )
            # Children of a killed server may still hold its memory; then it ends at once.
            while self._process.poll() is None and time.monotonic() < end:
                if asyncio.run(_answers(self.url())):
                    return
                time.sleep(0.05)
            time.sleep(0.1)
        raise AssertionError(f"PostgreSQL did not start:\n{self._last_words()}")

    def kill(self) -> None:
        """SIGKILL the server and all its processes; what was acknowledged is in its log."""
        process = self._process
        assert process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(30)

    def kill_backend(self) -> None:
        """SIGKILL one process that serves a client: the server ends all others and recovers."""
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            pid = asyncio.run(_some_backend(self.url()))
            if pid is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                return
            time.sleep(0.05)
        raise AssertionError(f"nobody is connected to PostgreSQL:\n{self._last_words()}")

    def make_database(self) -> str:
        """The address of a new, empty database."""
        name = f"kill_{secrets.token_hex(6)}"
        asyncio.run(_execute(self.url(), f'CREATE DATABASE "{name}"'))
        return self.url(name)

    def _remove(self) -> None:
        if self._process is not None:
            self.kill()
        end = time.monotonic() + 10
        while self._folder.exists() and time.monotonic() < end:
            shutil.rmtree(self._folder, ignore_errors=True)
            time.sleep(0.05)

    def _last_words(self) -> str:
        return (self._folder / "log").read_text(errors="replace")[-2_000:]


async def _answers(url: str) -> bool:
    try:
        connection = await asyncpg.connect(url, timeout=5)
        await connection.close()
    except FAULTS:
        return False
    return True


async def _some_backend(url: str) -> int | None:
    """The process of some client; ``None`` when there is none, or no answer."""
    try:
        connection = await asyncpg.connect(url, timeout=5)
    except FAULTS:
        return None
    try:
        found: int | None = await connection.fetchval(
            "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' "
            "AND pid <> pg_backend_pid() ORDER BY random() LIMIT 1"
        )
    finally:
        await connection.close()
    return found


async def _execute(url: str, sql: str) -> None:
    connection = await asyncpg.connect(url, timeout=5)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()
