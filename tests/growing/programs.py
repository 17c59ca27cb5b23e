"""The programs around Relatum as processes of their own: PostgreSQL, PgBouncer, HAProxy.

Where one is not installed a test is skipped, unless ``RELATUM_TEST_POSTGRES`` is set, as it always
is where changes are checked before they land: there it fails and says what to install.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest

from relatum_sdk.pytest_plugin import SERVER_VARIABLE

START_SECONDS = 30.0
#: Debian keeps the programs of each version of PostgreSQL apart.
_FOLDERS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
#: Neither PostgreSQL nor PgBouncer runs as root.
_SERVICE = "postgres"


def program(name: str, package: str) -> str:
    """The path of a program; without it the test is skipped or fails."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", *map(str, _FOLDERS)])
    found = shutil.which(name, path=path)
    if found is not None:
        return found
    message = f"expected the program {name}, which is not installed: apt-get install {package}"
    if os.environ.get(SERVER_VARIABLE):
        pytest.fail(message)
    pytest.skip(message)


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def as_service(command: Sequence[str]) -> list[str]:
    """The same command, as an account that is not root."""
    if os.geteuid() != 0:
        return list(command)
    return ["runuser", "-u", _SERVICE, "--", *command]


@contextlib.contextmanager
def folder_of_service() -> Iterator[Path]:
    """A folder with a short name (of sockets), of the account that servers run as."""
    folder = Path(tempfile.mkdtemp(prefix="rlt"))
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, _SERVICE)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def at(url: str, *, port: int, host: str = "127.0.0.1") -> str:
    """The same database behind another address."""
    parts = urlsplit(url)
    login = parts.netloc.rpartition("@")[0]
    return urlunsplit(
        parts._replace(netloc=f"{login}@{host}:{port}" if login else f"{host}:{port}")
    )


class Running:
    """A process that a test started.

    Attributes:
        log: the file that it writes to.
    """

    def __init__(self, command: Sequence[str], log: Path, **options: object) -> None:
        self.log = log
        with log.open("ab") as stream:
            self.process = subprocess.Popen(
                list(command),
                stdout=stream,
                stderr=stream,
                start_new_session=True,
                **options,  # type: ignore[call-overload]
            )

    def wait_for_port(self, port: int) -> None:
        """Wait until somebody listens there."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.said()
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.5):
                return
            time.sleep(0.02)
        raise AssertionError(f"nobody listens on {port} after {START_SECONDS} s: {self.said()}")

    def said(self) -> str:
        """The end of what it wrote."""
        return self.log.read_text(encoding="utf-8", errors="replace")[-4_000:]

    def signal(self, number: int) -> None:
        """Send a signal to the process and those that it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def kill(self) -> None:
        """End it at once, whatever it does."""
        self.signal(signal.SIGKILL)
        self.process.wait(10)

    def stop(self, seconds: float = 30) -> int:
        """Tell it to end and wait; returns its exit code."""
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()
        return int(self.process.returncode)


class Cluster:
    """A PostgreSQL server of a test's own."""

    def __init__(self, folder: Path, *, port: int = 0) -> None:
        self.folder = folder
        self.port = port or free_port()
        self.data = folder / "data"

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def make(self, *settings: str) -> None:
        """Make its files."""
        self.run("initdb", "-D", str(self.data), "-A", "trust", "-U", "postgres", "--no-sync")
        self.configure("fsync = off", "max_connections = 60", *settings)

    def configure(self, *settings: str) -> None:
        """Settings for its next start."""
        common = (
            f"port = {self.port}",
            "listen_addresses = '127.0.0.1'",
            f"unix_socket_directories = '{self.folder}'",
            "shared_buffers = 32MB",
        )
        with (self.data / "postgresql.conf").open("a") as file:
            file.write("\n" + "\n".join([*common, *settings]) + "\n")

    def start(self) -> None:
        """Start it and wait until it answers."""
        log = str(self.folder / "server.log")
        self.run("pg_ctl", "-D", str(self.data), "-l", log, "-w", "-t", "30", "start")

    def stop(self, how: str = "fast") -> None:
        """Stop it: ``smart``, ``fast`` or ``immediate`` (as a crash)."""
        self.run("pg_ctl", "-D", str(self.data), "-m", how, "-w", "stop")

    def copy_to(self, other: Cluster) -> None:
        """Make the other one a replica of this."""
        self.run(
            "pg_basebackup",
            *("-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-D", str(other.data)),
            *("-R", "-X", "stream", "-c", "fast", "--no-sync"),
        )
        other.configure()

    def run(self, name: str, *arguments: str) -> None:
        """One of PostgreSQL's programs, to its end."""
        command = as_service([program(name, "postgresql"), *arguments])
        log = self.folder / f"{name}.{os.getpid()}.log"
        with log.open("wb") as stream:
            code = subprocess.call(command, stdout=stream, stderr=stream, cwd=self.folder)
        said = log.read_text(encoding="utf-8", errors="replace")[-2_000:]
        assert code == 0, f"{name} ended with {code}: {said}"


@contextlib.contextmanager
def cluster(*settings: str) -> Iterator[Cluster]:
    """A running server, gone afterwards."""
    with folder_of_service() as folder:
        made = Cluster(folder)
        made.make(*settings)
        made.start()
        try:
            yield made
        finally:
            with contextlib.suppress(AssertionError):
                made.stop("immediate")


GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guides" / "growing"


def configuration(name: str, *changes: tuple[str, str]) -> str:
    """A file of the guide with some lines changed, as its reader would.

    Raises:
        AssertionError: one of them is not in the file, or more than once.
    """
    text = (GUIDE / name).read_text(encoding="utf-8")
    for before, after in changes:
        assert text.count(before) == 1, f"expected {before!r} once in {name}"
        text = text.replace(before, after)
    return text


@contextlib.contextmanager
def pgbouncer(server: str, *, pool: int = 4) -> Iterator[int]:
    """PgBouncer in front of the server at an address; yields its port.

    Args:
        pool: connections to the server for all clients together.
    """
    path = program("pgbouncer", "pgbouncer")
    parts = urlsplit(server)
    port = free_port()
    with folder_of_service() as folder:
        text = configuration(
            "pgbouncer.ini",
            ("host=10.0.0.20 port=5432", f"host={parts.hostname} port={parts.port or 5432}"),
            ("listen_port = 6432", f"listen_port = {port}\nunix_socket_dir ="),
            ("auth_type = scram-sha-256", "auth_type = trust"),
            ("/etc/pgbouncer/users.txt", f"{folder}/users.txt"),
            ("default_pool_size = 20", f"default_pool_size = {pool}\nserver_idle_timeout = 5"),
        )
        (folder / "pgbouncer.ini").write_text(text)
        (folder / "users.txt").write_text(f'"{parts.username}" "{parts.password or ""}"\n')
        running = Running(
            as_service([path, str(folder / "pgbouncer.ini")]), folder / "pgbouncer.log", cwd=folder
        )
        try:
            running.wait_for_port(port)
            yield port
        finally:
            running.stop()


@contextlib.contextmanager
def haproxy(ports: Sequence[int], folder: Path) -> Iterator[int]:
    """HAProxy in front of two web processes on this machine; yields its port."""
    path = program("haproxy", "haproxy")
    port = free_port()
    certificate = "bind :443 ssl crt /etc/haproxy/crm.example.com.pem alpn h2,http/1.1"
    text = configuration(
        "haproxy.cfg",
        (certificate, f"bind 127.0.0.1:{port}"),
        ("10.0.0.11:8000", f"127.0.0.1:{ports[0]}"),
        ("10.0.0.12:8000", f"127.0.0.1:{ports[1]}"),
    )
    (folder / "haproxy.cfg").write_text(text)
    running = Running([path, "-f", str(folder / "haproxy.cfg"), "-db"], folder / "haproxy.log")
    try:
        running.wait_for_port(port)
        yield port
    finally:
        running.kill()
