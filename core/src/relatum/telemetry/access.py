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
from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from relatum.telemetry.traces import ids_of_trace, is_on

if TYPE_CHECKING:
    from relatum.config.settings import Log
    from relatum.telemetry.process import Process

NAME = "relatum.access"
_Noted = tuple[float, str, tuple[str, str, str], int, float, int, Mapping[str, str]]
_NO_TRACE: Mapping[str, str] = {}

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
        self._lines: list[_Noted] = []
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
        self, request: str, what: tuple[str, str, str], status: int, seconds: float, sent: int
    ) -> None:
        """Note one request.

        Args:
            request: its id.
            what: method, route, address (all as they may be shown).
            status: 0 when the caller left before there was one.
            sent: bytes of the answer's body.
        """
        trace = ids_of_trace() if is_on() else _NO_TRACE
        lines = self._lines
        lines.append((time.time(), request, what, status, seconds * 1000, sent, trace))
        if len(lines) >= MOST_LINES:
            self.flush()
        elif len(lines) == 1 or self._waiting is None:
            self._arrange()

    def flush(self) -> None:
        """Write down what is there."""
        if self._lines:
            lines, self._lines = self._lines, []
            form = self._as_json if self._json else self._as_text
            sys.stderr.write("".join([form(*line) for line in lines]))
            sys.stderr.flush()

    def _arrange(self) -> None:
        loop = asyncio.get_running_loop()
        if self._waiting is not loop:
            self._waiting = loop
            loop.call_later(FLUSH_SECONDS, self._flush_late)

    def _flush_late(self) -> None:
        self._waiting = None
        self.flush()

    def _as_text(
        self,
        moment: float,
        request: str,
        what: tuple[str, str, str],
        status: int,
        ms: float,
        sent: int,
        trace: Mapping[str, str],
    ) -> str:
        ids = "".join([f" {name}={id}" for name, id in trace.items()]) if trace else ""
        return (
            f"{self._moment(moment)} {self._level.upper()} {NAME}: {what[0]} {what[2]} "
            f"{status or 'left'} {ms:.2f} ms {sent} bytes [request={request}{ids}]\n"
        )

    def _as_json(
        self,
        moment: float,
        request: str,
        what: tuple[str, str, str],
        status: int,
        ms: float,
        sent: int,
        trace: Mapping[str, str],
    ) -> str:
        method, route, path = what
        line = Line(
            time=self._moment(moment),
            level=self._level,
            logger=NAME,
            message=f"{method} {path} {status or 'left'} {ms:.2f} ms {sent} bytes",
            request=request,
            method=method,
            route=route,
            path=path,
            status=status,
            ms=round(ms, 2),
            bytes=sent,
            role=self._role,
            process=self._process,
            trace_id=trace.get("trace_id", ""),
            span_id=trace.get("span_id", ""),
        )
        return _encode(line).decode() + "\n"

    def _moment(self, moment: float) -> str:
        """ISO 8601, UTC; the part down to the second is worked out once a second."""
        second = int(moment)
        if second != self._second:
            self._second = second
            self._shown_second = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        return f"{self._shown_second}.{int((moment - second) * 1000):03d}+00:00"


_encode = msgspec.json.Encoder().encode

ACCESS = AccessLog()
atexit.register(ACCESS.flush)
