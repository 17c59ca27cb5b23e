"""This process: what it does here, since when, and whether it is about to end."""

from __future__ import annotations

import datetime as dt
import logging
import os
import secrets
import socket
from collections.abc import Callable
from typing import Literal

log = logging.getLogger("relatum.process")

#: ``serve`` does both, ``web`` answers requests, ``worker`` does background work; everything else
#: that opens the house is a ``command`` (also a test).
Role = Literal["serve", "web", "worker", "command"]


class Process:
    """One per house.

    Attributes:
        role: what it does.
        host: name of the machine.
        id: unlike that of any other process, also after a restart: ``<host>-<pid>-<random>``.
        stopping: it was told to end and takes nothing new.
        restarts: how often each of its works had to be started again, by name.
        failing: why those works that are not going on now ended, by name.
    """

    def __init__(self, role: Role = "command") -> None:
        self.role: Role = role
        self.host = socket.gethostname()[:100]
        self.pid = os.getpid()
        self.id = f"{self.host}-{self.pid}-{secrets.token_hex(3)}"
        self.started_at = dt.datetime.now(dt.UTC)
        self.stopping = False
        self.restarts: dict[str, int] = {}
        self.failing: dict[str, str] = {}
        self._listeners: list[Callable[[], None]] = []

    @property
    def answers(self) -> bool:
        """Whether it serves requests."""
        return self.role in ("serve", "web")

    @property
    def works(self) -> bool:
        """Whether it runs jobs and handlers."""
        return self.role in ("serve", "worker")

    def on_stop(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call this in the event loop when the process is told to end; the answer undoes it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def stop(self) -> None:
        """It was told to end. Listeners that fail are logged and do not keep it from that."""
        if self.stopping:
            return
        self.stopping = True
        for listener in list(self._listeners):
            try:
                listener()
            except Exception:
                log.exception("something did not take notice of the end")
