"""The on/off gate: which plugins are in force at this moment.

Everything that a plugin brought asks here before it acts: routes, handlers, jobs, hooks, reports,
import targets. Closing the gate is therefore at once and touches no row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

CORE = "core"


class Gate:
    """The set of plugins that are on. ``core`` always is."""

    def __init__(self, on: Iterable[str] = ()) -> None:
        self._on = frozenset(on) | {CORE}
        self._listeners: list[Callable[[], None]] = []

    @property
    def on(self) -> frozenset[str]:
        return self._on

    def is_on(self, plugin_id: str) -> bool:
        return plugin_id in self._on

    def set(self, on: Iterable[str]) -> None:
        """Switch to exactly these (and core); listeners hear of it when something changed."""
        before, self._on = self._on, frozenset(on) | {CORE}
        if before != self._on:
            for listener in self._listeners:
                listener()

    def listen(self, listener: Callable[[], None]) -> None:
        self._listeners.append(listener)


def owner(declared_id: str) -> str:
    """The plugin a declared id belongs to: ``sales_pipeline.deal_won`` → ``sales_pipeline``."""
    return declared_id.partition(".")[0]
