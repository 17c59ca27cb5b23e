"""Serving the house: one process, one event loop, background work beside the requests."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from relatum.access.accounts.addresses import url_of
from relatum.app.asgi import create_app
from relatum.app.house import House
from relatum.config.load import find_file, load_settings
from relatum.config.redaction import redact_log
from relatum.values.problems import ConfigurationError, RelatumError, Unavailable

if TYPE_CHECKING:
    from litestar import Litestar

    from relatum.access.accounts.types import OneTimeSecret
    from relatum.app.asgi import Application
    from relatum.config.settings import Log, Settings
    from relatum.config.settings import Server as Address

log = logging.getLogger("relatum.serve")

WATCH_SECONDS = 1.0
RESTART_SECONDS = 5.0
SEAL_SECONDS = 5.0
WAITING_CONNECTIONS = 1024


def serve(settings: Settings) -> int:
    """Serve until a signal says stop; returns the exit code.

    Raises:
        ConfigurationError: others could reach a server that nobody owns yet, or migrations have
            not run.
        Unavailable: the address is taken, or the database does not answer.
    """
    configure_logging(settings.log)
    run = _runner()
    run(_serve(settings))
    return 0


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def refuse_open_address(server: Address, *, owned: bool) -> None:
    """Refuse an address that others could reach while nobody owns the installation.

    Raises:
        ConfigurationError: it is not a loopback address, nobody is an owner yet, and no
            ``server.public_url`` says that this is meant.
    """
    if owned or server.public_url or is_loopback(server.host):
        return
    raise ConfigurationError(
        f"expected server.host 127.0.0.1, ::1 or localhost while there is no owner, got "
        f"{server.host!r}; make the first owner with `relatum accounts first-link` (or `relatum "
        "accounts add … --role owner`), or set server.public_url to where people will find it"
    )


def configure_logging(settings: Log) -> None:
    """Send the log to standard error, one line (or one JSON object) an entry; no secrets in it."""
    redact_log()
    handler = logging.StreamHandler()
    if settings.format == "json":
        handler.setFormatter(_JsonLines())
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=settings.level.upper(), handlers=[handler], force=True)
    logging.getLogger("piccolo").setLevel(logging.WARNING)


@contextlib.asynccontextmanager
async def background(app: Litestar) -> AsyncIterator[None]:
    """Handlers, jobs and the watch over the configuration, as long as the server runs."""
    house: House = app.house  # type: ignore[attr-defined]
    works: dict[str, Callable[[], Awaitable[None]]] = {
        "handlers": house.handlers.run_forever,
        "jobs": house.jobs.run_forever,
        "exports": house.exports.run_forever,
        "imports": house.import_requests.run_forever,
        "configuration": lambda: follow_configuration(house),
    }
    tasks = [asyncio.create_task(_keep_running(name, work)) for name, work in works.items()]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await _seal_last(house)


async def _seal_last(house: House) -> None:
    """Leave no event unsealed; what is too much for the time is sealed after the next start."""
    try:
        async with asyncio.timeout(SEAL_SECONDS):
            await house.seals.seal()
    except Exception:
        log.exception("the last events are not sealed yet")


async def follow_configuration(house: House) -> None:
    """Apply the settings file whenever it changes: plugins go on and off while the server runs."""
    seen = _state_of_file()
    while True:
        await asyncio.sleep(WATCH_SECONDS)
        state = _state_of_file()
        if state != seen:
            seen = state
            await _apply(house)


async def _apply(house: House) -> None:
    try:
        await house.apply_settings(await asyncio.to_thread(load_settings))
    except RelatumError as error:
        log.error("the changed configuration is not applied: %s", error)
    else:
        configure_logging(house.settings.log)
        log.info("the changed configuration is in force; on: %s", _plugins_on(house))


def _state_of_file() -> tuple[str, int, int] | None:
    try:
        file = find_file(None, os.environ)
        if file is None:
            return None
        stat = file.stat()
    except (OSError, ConfigurationError):
        # an editor that replaces the file leaves a moment without one
        return None
    return str(file), stat.st_mtime_ns, stat.st_size


async def _keep_running(name: str, work: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await work()
        except Exception:
            log.exception("%s stopped and starts again in %g s", name, RESTART_SECONDS)
        await asyncio.sleep(RESTART_SECONDS)


def _runner() -> Callable[[Awaitable[None]], None]:
    """uvloop's runner where there is uvloop: handing work to threads costs half as much with it."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run  # type: ignore[return-value]
    return uvloop.run  # type: ignore[return-value]


async def _serve(settings: Settings) -> None:
    async with await House.open(settings) as house:
        # again: what was imported with the plugins may have set the log up its own way
        configure_logging(settings.log)
        await _refuse_pending(house)
        # before a new key is made in the place of a lost one
        await house.seals.expect_keys()
        owned = await house.roles.has_active_owner()
        refuse_open_address(house.settings.server, owned=owned)
        app = create_app(house, lifespan=[background])
        async with app.lifespan():
            await _listen(app, house, await house.accounts.first_link())


async def _refuse_pending(house: House) -> None:
    pending = await house.core_pending()
    if pending:
        apps = ", ".join(sorted({step.app for step in pending}))
        raise ConfigurationError(
            f"expected a database that is up to date, got one with {len(pending)} migrations "
            f"that have not run ({apps}); look at them with `relatum migrate` and run them with "
            "`relatum migrate --apply`"
        )


async def _listen(app: Application, house: House, link: OneTimeSecret | None) -> None:
    from granian.constants import HTTPModes, Interfaces
    from granian.server.embed import Server

    address = house.settings.server
    _refuse_taken(address.host, address.port)
    server = Server(
        app,
        address=address.host,
        port=address.port,
        # the lifespan is ours: an error at the start reaches the person who started
        interface=Interfaces.ASGINL,
        http=HTTPModes.http1,
        backlog=WAITING_CONNECTIONS,
        log_enabled=False,
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.stop)
    server.on_startup(lambda: _announce(house, link))
    try:
        await server.serve()
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


def _refuse_taken(host: str, port: int) -> None:
    """Granian shares a port with whoever asks for it; two servers would take turns unnoticed."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Unavailable(
                f"expected the free address {host}:{port}, got {error.strerror}; stop what listens "
                "there, or choose another port (RELATUM_PORT or server.port)"
            ) from error


def _announce(house: House, link: OneTimeSecret | None) -> None:
    settings = house.settings
    server = settings.server
    host = f"[{server.host}]" if ":" in server.host else server.host
    lines = [
        f"Relatum at http://{host}:{server.port}",
        f"  database  {_shown_database(settings)}",
        f"  plugins   {_plugins_on(house)}",
    ]
    if is_loopback(server.host):
        lines.append("  reachable  from this machine")
    if link is not None:
        lines.append(f"  first owner: open {url_of(link, server)}")
        lines.append(f"  (good once, until {link.expires_at:%Y-%m-%d %H:%M} UTC)")
    lines += [f"  {problem.weight:<8}  {problem}" for problem in house.plugins.problems()]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def _shown_database(settings: Settings) -> str:
    path = settings.sqlite_path
    return settings.redacted_database() if path is None else str(_short(path))


def _short(path: Path) -> Path:
    try:
        return path.resolve().relative_to(Path.cwd())
    except ValueError:
        return path


def _plugins_on(house: House) -> str:
    return ", ".join(sorted(house.gate.on - {"core"})) or "none"


class _JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["trace"] = record.exc_text or self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)
