"""What the API and the command line say about plugins."""

from __future__ import annotations

from typing import Literal

import msgspec

from relatum.hooks.dispatcher import Overrun
from relatum.values.problems import Problem

Status = Literal["installed", "enabled", "disabled", "quarantined"]


class PluginProblem(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with a plugin and how to mend it.

    Attributes:
        plugin: its id; empty when the problem is of the installation, not of one plugin.
        version: of its distribution; empty when it is not installed.
        rule: the rule that is broken, such as ``missing-requirement``.
        weight: an ``error`` keeps the plugin out; a ``note`` should be mended.
    """

    plugin: str
    version: str
    rule: str
    message: str
    mend: str
    weight: Literal["error", "note"] = "error"

    def __str__(self) -> str:
        """Plugin and version, the rule, what is wrong, how to mend it, on one line."""
        who = " ".join(part for part in (self.plugin, self.version) if part)
        text = f"{who}: {self.message} [{self.rule}]" if who else f"{self.message} [{self.rule}]"
        return f"{text}. {self.mend}" if self.mend else text

    def as_problem(self) -> Problem:
        """The same as a finding that an error can carry."""
        who = " ".join(part for part in (self.plugin, self.version) if part)
        return Problem(code=self.rule, message=self.message, where=who, mend=self.mend)


class PluginState(msgspec.Struct, frozen=True, kw_only=True):
    """One installed plugin: what it is, whether it runs, what is wrong with it.

    Attributes:
        title: the summary of its distribution.
        state: ``installed`` (switched on, but its tables are not there yet), ``enabled``,
            ``disabled``, or ``quarantined`` (switched on, but an error keeps it out).
        pending_migrations: how many have not run; ``None`` when nobody looked.
        overruns: where it was over its time budget since the start.
    """

    id: str
    version: str
    title: str
    licence: str
    distribution: str
    kind: str
    core_api: str
    requires: list[str]
    after: list[str]
    state: Status
    pending_migrations: int | None
    problems: list[PluginProblem]
    overruns: list[Overrun]


def plugin_problem(
    plugin: str, version: str, problem: Problem, weight: Literal["error", "note"] = "error"
) -> PluginProblem:
    """A finding of core, said of a plugin."""
    message = f"{problem.where}: {problem.message}" if problem.where else problem.message
    if problem.expected:
        message += f"; expected {problem.expected}"
    if problem.got:
        message += f"; got {problem.got}"
    return PluginProblem(
        plugin=plugin,
        version=version,
        rule=problem.code,
        message=message,
        mend=problem.mend,
        weight=weight,
    )
