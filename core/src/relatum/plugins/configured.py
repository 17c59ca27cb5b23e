"""What the configuration says about plugins that are not there."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Literal

from relatum.plugins.states import PluginProblem
from relatum.values.text import nearest

if TYPE_CHECKING:
    from relatum.config.settings import Settings


def configuration_problems(settings: Settings, installed: Collection[str]) -> list[PluginProblem]:
    """Ids in ``[plugins]`` that no installed plugin has.

    Being told to run a plugin that is not there is an error. A switched-off plugin, or settings of
    one, may stay behind after it was uninstalled; that is worth a note, because of misspellings.
    """
    plugins = settings.plugins
    problems = [
        _problem(each, "enabled in [plugins]", "error", installed)
        for each in plugins.enabled or ()
        if each not in installed
    ]
    problems += [
        _problem(each, "disabled in [plugins]", "note", installed)
        for each in plugins.disabled
        if each not in installed
    ]
    problems += [
        _problem(each, f"[plugins.{each}]", "note", installed)
        for each in plugins.plugin_settings
        if each not in installed
    ]
    return problems


def _problem(
    plugin_id: str, where: str, weight: Literal["error", "note"], installed: Collection[str]
) -> PluginProblem:
    near = nearest(plugin_id, installed)
    remove = "remove it from the configuration"
    return PluginProblem(
        plugin=plugin_id,
        version="",
        rule="not-installed",
        message=f"{where} names a plugin that is not installed",
        mend=f"Did you mean {near}? Else {remove}." if near else f"Install it, or {remove}.",
        weight=weight,
    )
