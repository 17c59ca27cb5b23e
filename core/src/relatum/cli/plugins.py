"""``relatum plugins``: what is installed, what is wrong with it, switching it on and off.

Nothing here imports the code of a plugin, so that a broken one can always be seen and switched off.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relatum.config.settings import Settings
    from relatum.plugins.settings_source import SettingState
    from relatum.plugins.states import PluginProblem
    from relatum.plugins.table import PluginTable

EXAMPLES = """examples:
  relatum plugins list
  relatum plugins show sales_pipeline
  relatum plugins check
  relatum plugins disable sales_pipeline
  relatum plugins enable sales_pipeline

A running server follows the settings file; nothing has to be restarted. Switching a plugin off or
on touches no row of the database."""


def add(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "plugins",
        help="list and check plugins; switch them on and off",
        description="See what is installed and what is wrong with it, and switch it on and off.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, (text, count) in _ACTIONS.items():
        action = actions.add_parser(name, help=text, description=f"{text.capitalize()}.")
        if count != 0:
            action.add_argument("id", nargs=count, help="for example sales_pipeline")
        action.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Do one of the actions."""
    from relatum.config.load import load_settings
    from relatum.plugins.table import PluginTable

    settings = load_settings()
    table = PluginTable(settings)
    if arguments.action == "list":
        return _list(table, arguments)
    if arguments.action == "show":
        return _show(settings, table, arguments)
    if arguments.action == "check":
        return _check(table, arguments)
    return _switch(settings, table, arguments)


#: What each action does, and how many ids it takes.
_ACTIONS: dict[str, tuple[str, str | int | None]] = {
    "list": ("every installed plugin and its state", 0),
    "show": ("everything about one plugin, with its settings", None),
    "check": ("manifests, versions and requirements; exit code 1 when something is wrong", "?"),
    "enable": ("switch a plugin on", None),
    "disable": ("switch a plugin off; its data stays", None),
}


def _list(table: PluginTable, arguments: argparse.Namespace) -> int:
    from relatum.cli.printing import print_json, print_rows

    states = table.states()
    if arguments.json:
        print_json({"items": states, "problems": table.installation_problems()})
        return 0
    if not states:
        _say("No plugin is installed.")
    else:
        columns = ["plugin", "version", "kind", "state", "title"]
        print_rows(columns, [[s.id, s.version, s.kind, s.state, s.title] for s in states])
    _say_problems(table.problems())
    return 0


def _show(settings: Settings, table: PluginTable, arguments: argparse.Namespace) -> int:
    from relatum.cli.printing import print_json
    from relatum.plugins.settings_source import setting_states

    state = table.state(arguments.id)
    found = next(each for each in table.found if each.id == arguments.id)
    own = setting_states(found, settings.plugin_settings.get(arguments.id, {}))
    if arguments.json:
        print_json({"plugin": state, "settings": own, "required_by": table.dependents(state.id)})
        return 0
    _say(f"{state.id} {state.version}  {state.state}\n{state.title}\n")
    for label, value in (
        ("kind", state.kind),
        ("distribution", f"{state.distribution} ({state.licence or 'licence unknown'})"),
        ("folder", str(found.folder or "not found")),
        ("core_api", state.core_api),
        ("requires", ", ".join(state.requires)),
        ("after", ", ".join(state.after)),
        ("required by", ", ".join(table.dependents(state.id))),
    ):
        _say(f"  {label:<14}{value or '–'}")
    _say_settings(state.id, own)
    _say_problems(state.problems)
    return 0


def _check(table: PluginTable, arguments: argparse.Namespace) -> int:
    from relatum.cli.printing import print_json

    if arguments.id is None:
        problems, count = table.problems(), len(table.found)
    else:
        problems, count = table.state(arguments.id).problems, 1
    errors = sum(problem.weight == "error" for problem in problems)
    if arguments.json:
        print_json({"checked": count, "problems": problems})
    else:
        _say_problems(problems)
        notes = len(problems) - errors
        _say(f"{count} plugin(s) checked: {errors} error(s), {notes} note(s).")
    return 1 if errors else 0


def _switch(settings: Settings, table: PluginTable, arguments: argparse.Namespace) -> int:
    from relatum.config.edit import set_plugin_enabled

    on = arguments.action == "enable"
    if on or arguments.id not in (settings.plugins.enabled or ()):
        table.state(arguments.id)  # an unknown id is refused, with the nearest one
    if on and (problems := _refusals(settings, arguments.id)):
        _say(f"{arguments.id} cannot run; nothing was changed.", sys.stderr)
        _say_problems(problems, sys.stderr)
        return 1
    file = _settings_file(settings)
    changed = set_plugin_enabled(file, arguments.id, on)
    return _report_switch(table, arguments, file, changed=changed)


def _refusals(settings: Settings, plugin_id: str) -> list[PluginProblem]:
    """What keeps a plugin from running once it is switched on."""
    import msgspec

    from relatum.plugins.effects import switched
    from relatum.plugins.table import PluginTable

    switched_on = msgspec.structs.replace(switched(settings, plugin_id, on=True), safe_mode=False)
    problems = PluginTable(switched_on).state(plugin_id).problems
    return [problem for problem in problems if problem.weight == "error"]


def _settings_file(settings: Settings) -> Path:
    from relatum.config.load import FILE_NAME, find_file

    return find_file() or settings.home / FILE_NAME


def _report_switch(
    table: PluginTable, arguments: argparse.Namespace, file: Path, *, changed: bool
) -> int:
    from relatum.cli.printing import print_json
    from relatum.config.load import load_settings

    plugin_id, on = arguments.id, arguments.action == "enable"
    word = "on" if on else "off"
    settings = load_settings()
    effective = settings.plugins.allows(plugin_id) == on
    running = {state.id for state in table.states() if state.state == "enabled"}
    too = [] if on else [each for each in table.dependents(plugin_id) if each in running]
    if arguments.json:
        result = {"plugin": plugin_id, "on": on, "changed": changed, "effective": effective}
        print_json({**result, "file": str(file), "also_off": too})
        return 0 if effective else 1
    _say(f"{plugin_id} {'is' if changed else 'was already'} switched {word} in {file}.")
    if too:
        _say(f"Off with it, because they require it: {', '.join(too)}.")
    if not effective:
        _say(
            "It has no effect: RELATUM_PLUGINS__ENABLED or RELATUM_PLUGINS__DISABLED in the "
            "environment says otherwise. Change or unset it.",
            sys.stderr,
        )
        return 1
    if settings.safe_mode:
        _say("Safe mode is on: no plugin runs until it is off (RELATUM_SAFE_MODE, safe_mode).")
    elif changed:
        _say("A running server follows within seconds; no row of the database changes.")
    return 0


def _say(text: str, stream: Any = None) -> None:
    (stream or sys.stdout).write(f"{text}\n")


def _say_settings(plugin_id: str, settings: Sequence[SettingState]) -> None:
    if settings:
        _say(f"\nSettings, in [plugins.{plugin_id}] of relatum.toml:")
    for setting in settings:
        default = setting.default or ("required" if setting.type else "unknown to the plugin")
        value = default if setting.value is None else f"{setting.value!r} (set; else {default})"
        _say(f"  {setting.name}: {setting.type} = {value}".replace(":  =", " ="))
        if setting.description:
            _say(f"      {setting.description}")


def _say_problems(problems: Sequence[PluginProblem], stream: Any = None) -> None:
    for problem in problems:
        _say(f"{problem.weight}  {problem}", stream)
