"""Something outside of the database that is called by jobs: it counts what came, by key.

Some calls are not answered in time, half of them after they had their effect, as a provider's
time-outs are.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from zlib import crc32

STALL_SECONDS = 1.5


class Receiver:
    """A server on a free port.

    Attributes:
        calls: how often each pair of key and text came and had its effect.
        stalled: how many calls were not answered in time.
    """

    def __init__(self, *, stalls: float = 0.02) -> None:
        """``stalls``: the share of calls that get no answer in time."""
        self.calls: Counter[tuple[str, str]] = Counter()
        self.stalled = 0
        self._stalls = stalls
        self._tries: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def take(self, key: str, text: str) -> bool:
        """One call; false when it is not to be answered in time."""
        with self._lock:
            self._tries[text] += 1
            # the same calls in every run, whatever their keys are
            fate = crc32(f"{text}#{self._tries[text]}".encode()) % 10_000
            stalls = fate < self._stalls * 10_000
            if not stalls or fate % 2:
                self.calls[key, text] += 1
            self.stalled += stalls
            return not stalls


def _handler_of(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers["Content-Length"])).decode()
            if not receiver.take(self.headers["Idempotency-Key"], text):
                time.sleep(STALL_SECONDS)
            try:
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()
            except OSError:
                return  # nobody waits any more

        def log_message(self, *args: object) -> None:
            return

    return Handler
