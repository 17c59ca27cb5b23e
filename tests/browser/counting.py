"""A relay between a browser and a server that counts the bytes which the browser is sent."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

from tests.growing.programs import free_port

CHUNK = 65_536


class Relay:
    """Counts everything that goes to the browser: heads, bodies, live updates.

    Attributes:
        received: bytes since the last :meth:`reset`.
    """

    def __init__(self, port: int) -> None:
        self._target = port
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.received = 0
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listening = socket.create_server(("127.0.0.1", self.port))

    def reset(self) -> None:
        """Count from nothing again."""
        with self._lock:
            self.received = 0

    @contextlib.contextmanager
    def running(self) -> Iterator[Relay]:
        """While it relays."""
        threading.Thread(target=self._accept, daemon=True).start()
        try:
            yield self
        finally:
            for each in (self._listening, *self._open):
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
                each.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                browser, _ = self._listening.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
                self._open |= {browser, server}
                for pair in ((browser, server, False), (server, browser, True)):
                    threading.Thread(target=self._pump, args=pair, daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, counted: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(CHUNK):
                if counted:
                    with self._lock:
                        self.received += len(data)
                sink.sendall(data)
        for each in (source, sink):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
