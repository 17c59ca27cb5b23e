"""One line for each request, at a cost that every request can bear.

The log proper looks through each of its entries for secrets, which takes longer than many a request
does. A line here is put together from parts that cannot hold any (a method, the route as it is
declared, an address in which only ids stand, a checked request id, numbers), and some hundred of
them are written at once.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import sys
import time
from typing import TYPE_CHECKING

import msgspec

from relatum.telemetry.traces import ids_of_trace, is_on

if TYPE_CHECKING:
    from relatum.config.settings import Log
    from relatum.telemetry.process import Process

NAME = "relatum.access"
#: Lines are written at the latest after so many seconds, or when there are so many.
FLUSH_SECONDS = 0.25
MOST_LINES = 200


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """One request that is over, as it is written with ``log.format = "json"``."""

    time: str
    level: str
    logger: str
    message: str
    request: str
    method: str
    route: str
    path: str
    status: int
    ms: float
    bytes: int
    role: str = ""
    process: str = ""
    trace_id: str = ""
    span_id: str = ""


class AccessLog:
    """Of one process; does nothing until it is told the settings.

    Attributes:
        on: whether requests are written down.
    """

    def __init__(self) -> None:
        self.on = False
        self._json = False
        self._level = "info"
        self._role = self._process = ""
        self._lines: list[str] = []
        #: where the next flush is arranged
        self._waiting: asyncio.AbstractEventLoop | None = None
        self._second = 0
        self._shown_second = ""

    def follow(self, settings: Log, process: Process | None) -> None:
        """Take over what the settings say."""
        self.flush()
        level = settings.access
        levels = logging.getLevelNamesMapping()
        self.on = level != "off" and levels[level.upper()] >= levels[settings.level.upper()]
        self._level = level
        self._json = settings.format == "json"
        self._role = process.role if process is not None else ""
        self._process = process.id if process is not None else ""

    def write(
        self,
        request: str,
        what: tuple[str, str, str],
        status: int,
        seconds: float,
        sent: int,
    ) -> None:
        """Note one request.

        Args:
            request: its id.
            what: method, route, address (all as they may be shown).
            status: 0 when the caller left before there was one.
            sent: bytes of the answer's body.
        """
        method, route, path = what
        milliseconds = round(seconds * 1000, 2)
        message = f"{method} {path} {status or 'left'} {milliseconds} ms {sent} bytes"
        moment = self._moment()
        if self._json:
            ids = ids_of_trace() if is_on() else {}
            line = Line(
                *(moment, self._level, NAME, message, request, method, route, path),
                *(status, milliseconds, sent, self._role, self._process),
                *(ids.get("trace_id", ""), ids.get("span_id", "")),
            )
            self._lines.append(_encode(line).decode())
        else:
            self._lines.append(
                f"{moment} {self._level.upper()} {NAME}: {message} [request={request}]"
            )
        if len(self._lines) >= MOST_LINES:
            self.flush()
        elif self._waiting is not (loop := asyncio.get_running_loop()):
            self._waiting = loop
            loop.call_later(FLUSH_SECONDS, self._flush_late)

    def flush(self) -> None:
        """Write down what is there."""
        if self._lines:
            lines, self._lines = self._lines, []
            sys.stderr.write("\n".join(lines) + "\n")
            sys.stderr.flush()

    def _flush_late(self) -> None:
        self._waiting = None
        self.flush()

    def _moment(self) -> str:
        """Now; the part down to the second is worked out once a second."""
        moment = time.time()
        second = int(moment)
        if second != self._second:
            self._second = second
            self._shown_second = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        return f"{self._shown_second}.{int((moment - second) * 1000):03d}+00:00"


_encode = msgspec.json.Encoder().encode

ACCESS = AccessLog()
atexit.register(ACCESS.flush)
