"""The HTTP server of a process: granian on an address, until it is told to end."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from relatum.values.problems import ConfigurationError, Unavailable

if TYPE_CHECKING:
    from relatum.http.edge import Edge

log = logging.getLogger("relatum.serve")

WAITING_CONNECTIONS = 1024
#: For requests that ran out of time to be answered that they did.
LAST_ANSWERS_SECONDS = 2.0


class Listener:
    """One address on which an application answers.

    Args:
        app: what answers.
        edge: the layer around it that knows which requests are going on.
        where: name of the settings, ``server`` or ``worker``, for messages.
    """

    def __init__(self, app: Any, edge: Edge, *, host: str, port: int, where: str) -> None:
        refuse_taken(host, port, where)
        from granian.constants import HTTPModes, Interfaces
        from granian.server.embed import Server

        self._edge = edge
        self._server = Server(
            app,
            address=host,
            port=port,
            # the lifespan is ours: an error at the start reaches the person who started
            interface=Interfaces.ASGINL,
            http=HTTPModes.http1,
            backlog=WAITING_CONNECTIONS,
            log_enabled=False,
        )
        self._task: asyncio.Task[None] | None = None

    def start(self, on_start: Callable[[], None]) -> asyncio.Task[None]:
        """Begin to listen; the task ends with the server."""
        self._server.on_startup(on_start)
        self._task = asyncio.create_task(self._server.serve(), name="http")
        return self._task

    async def stop(self, seconds: float) -> None:
        """Accept nothing more and answer what is there.

        Args:
            seconds: in which requests may come to their end; the rest is answered with 503.
        """
        if self._task is None:
            return
        self._server.stop()  # type: ignore[no-untyped-call]
        _, late = await asyncio.wait({self._task}, timeout=seconds)
        if late:
            count = self._edge.watch.end()
            log.warning("%d requests did not come to an end within %g s", count, seconds)
            _, late = await asyncio.wait({self._task}, timeout=LAST_ANSWERS_SECONDS)
        if late:
            log.warning("connections that stay open are broken off")
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def refuse_open_address(host: str, public_url: str, *, owned: bool, where: str = "server") -> None:
    """Refuse an address that others could reach while nobody owns the installation.

    Raises:
        ConfigurationError: it is not a loopback address, nobody is an owner yet, and no
            ``server.public_url`` says that this is meant.
    """
    if owned or public_url or is_loopback(host):
        return
    raise ConfigurationError(
        f"expected {where}.host 127.0.0.1, ::1 or localhost while there is no owner, got "
        f"{host!r}; make the first owner with `relatum accounts first-link` (or `relatum "
        "accounts add … --role owner`), or set server.public_url to where people will find it"
    )


def refuse_taken(host: str, port: int, where: str = "server") -> None:
    """Granian shares a port with whoever asks for it; two servers would take turns unnoticed.

    Raises:
        Unavailable: somebody listens there, or the address is none of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            variable = "RELATUM_PORT" if where == "server" else "RELATUM_WORKER__PORT"
            raise Unavailable(
                f"expected the free address {host}:{port}, got {error.strerror}; stop what listens "
                f"there, or choose another port ({variable} or {where}.port)"
            ) from error


def shown_address(host: str, port: int) -> str:
    """An address as it stands in a URL."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
