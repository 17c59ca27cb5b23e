"""What becomes of each installed plugin, from everything that is known about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from relatum.plugins.discovery import Found
from relatum.plugins.graph import Plan, unmet
from relatum.plugins.states import Status
from relatum.values.problems import Problem


class Verdict(msgspec.Struct, frozen=True):
    """The status of one plugin, and what keeps it from a better one."""

    status: Status
    errors: list[Problem] = []


def verdicts(
    plan: Plan,
    installed: Mapping[str, Found],
    *,
    wanted: Callable[[str], bool],
    load_errors: Mapping[str, Sequence[Problem]],
    pending: Mapping[str, int],
) -> dict[str, Verdict]:
    """One verdict for each plugin, dependencies first: what requires one that is out is out too.

    Args:
        wanted: whether the configuration switches a plugin on.
        load_errors: why plugins could not be loaded, by id.
        pending: how many migrations of a plugin have not run, by id.
    """
    given: dict[str, Verdict] = {}
    for plugin_id in plan.order:
        errors = [*plan.errors.get(plugin_id, ()), *load_errors.get(plugin_id, ())]
        if not wanted(plugin_id):
            given[plugin_id] = Verdict("disabled", errors)
            continue
        manifest = installed[plugin_id].manifest
        in_circle = any(error.code == "cycle" for error in errors)
        if manifest is not None and not in_circle:
            errors += unmet(manifest, {key: _REASONS[each.status] for key, each in given.items()})
        if errors:
            given[plugin_id] = Verdict("quarantined", errors)
        elif pending.get(plugin_id):
            given[plugin_id] = Verdict("installed", [_not_migrated(pending[plugin_id])])
        else:
            given[plugin_id] = Verdict("enabled")
    return given


_REASONS: dict[Status, str] = {
    "installed": "waiting for its migrations",
    "enabled": "",
    "disabled": "disabled",
    "quarantined": "quarantined",
}


def _not_migrated(count: int) -> Problem:
    return Problem(
        code="pending-migrations",
        message="its tables are not up to date",
        expected="no pending migrations",
        got=f"{count} pending",
        mend="run `relatum migrate --apply`",
    )
