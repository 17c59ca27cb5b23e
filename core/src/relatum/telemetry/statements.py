"""What a database engine tells of its statements and transactions."""

from __future__ import annotations

import re
from time import perf_counter
from typing import TYPE_CHECKING, Literal

from relatum.telemetry import traces

if TYPE_CHECKING:
    from relatum.telemetry.metrics import Metrics

_TABLE = re.compile(r"\b(?:FROM|INTO|UPDATE|TABLE)\s+\"?(\w+)", re.IGNORECASE)

#: When something began, for the calls below.
began = perf_counter


class Statements:
    """One for each engine; counts nothing until it is told where.

    Args:
        system: name of the database in spans.
    """

    __slots__ = ("_metrics", "_system")

    def __init__(self, system: Literal["sqlite", "postgresql"]) -> None:
        self._system = system
        self._metrics: Metrics | None = None

    def tell(self, metrics: Metrics) -> None:
        """Count there from now on."""
        self._metrics = metrics

    def ran(self, kind: Literal["read", "write"], since: float, sql: object) -> None:
        """A statement is over, well or not."""
        if self._metrics is None:
            return
        seconds = perf_counter() - since
        self._metrics.statement_seconds.observe((kind,), seconds)
        if traces.is_on():
            traces.past(_name(sql), seconds, kind="client", db__system__name=self._system)

    def waited(self, resource: Literal["writer", "connection"], since: float) -> None:
        """The writer, or a connection, is there."""
        if self._metrics is not None:
            self._metrics.waiting_seconds.observe((resource,), perf_counter() - since)

    def ended(self, *, committed: bool) -> None:
        """A transaction is over."""
        if self._metrics is not None:
            self._metrics.transactions.add("committed" if committed else "undone")


def _name(sql: object) -> str:
    """What a statement does and to which table; no more of it, it may hold values."""
    if not isinstance(sql, str):
        return "statements"
    verb = sql.split(None, 1)[0].upper() if sql.strip() else "statement"
    table = _TABLE.search(sql)
    return f"{verb} {table[1]}" if table is not None else verb
