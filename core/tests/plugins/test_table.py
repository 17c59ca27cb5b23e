from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from relatum.config.settings import Settings
from relatum.db.migrate import Step
from relatum.hooks.context import Plugin
from relatum.hooks.dispatcher import Dispatcher
from relatum.plugins.states import PluginState
from relatum.plugins.table import PluginTable
from relatum.values.problems import NotFound, Problem

OpenTable = Callable[..., PluginTable]
SettingsWith = Callable[..., Settings]

VALIDATE = "relatum_validate_interactions"
AGREES = f"from relatum.api import *\n@hookimpl\nasync def {VALIDATE}(drafts): return []\n"
DECLARES = AGREES + (
    "@hookimpl\ndef relatum_register_permissions(plugin):\n"
    '    return [Permission(id=f"{plugin.id}.x.read", title=Text(en="X", vi="X"))]\n'
)
APP = (
    "from pathlib import Path\n"
    "from piccolo.conf.apps import AppConfig\n"
    "FOLDER = str(Path(__file__).parent / 'piccolo_migrations')\n"
    "APP_CONFIG = AppConfig(app_name={!r}, migrations_folder_path=FOLDER, table_classes=[])\n"
)


def with_tables(plugin_id: str) -> dict[str, Any]:
    return {
        "manifest_extra": f'piccolo_app = "relatum_{plugin_id}.piccolo_app"',
        "files": {"piccolo_app.py": APP.format(plugin_id)},
    }


def statuses(table: PluginTable) -> dict[str, str]:
    return {state.id: state.state for state in table.states()}


def test_survey_imports_nothing(site: Any, settings_with: SettingsWith) -> None:
    site.install("one", "1 / 0")
    site.install("two", manifest_extra='requires = ["three"]')
    site.install("off")
    table = PluginTable(settings_with(disabled=["off"]), discover=site.discover)
    assert statuses(table) == {"one": "enabled", "two": "quarantined", "off": "disabled"}
    assert [problem.rule for problem in table.problems()] == ["missing-requirement"]
    assert not [name for name in sys.modules if name in ("relatum_one", "relatum_two")]


def test_plugins_are_loaded_in_order_and_announced(site: Any, open_table: OpenTable) -> None:
    site.install("a", manifest_extra='requires = ["z"]')
    site.install("m")
    site.install("z", manifest_extra='after = ["m"]')
    table = open_table(load=False)
    announced: list[Plugin] = []
    table.listen(announced.append)
    table.load()
    assert [plugin.id for plugin in announced] == ["m", "z", "a"]
    assert [each.id for each in table.found] == ["m", "z", "a"]
    assert table.dependents("z") == ["a"]


def test_state_says_everything(site: Any, open_table: OpenTable) -> None:
    site.install("spa", version="2.1", manifest_extra='requires = ["base>=1"]\nafter = ["x"]')
    site.install("base")
    state = open_table().state("spa")
    assert msgspec.to_builtins(state) == {
        "id": "spa",
        "version": "2.1",
        "title": "Plugin spa",
        "licence": "Apache-2.0",
        "distribution": "relatum-spa",
        "kind": "function",
        "core_api": ">=1.0,<2",
        "requires": ["base>=1"],
        "after": ["x"],
        "state": "enabled",
        "pending_migrations": None,
        "problems": [],
        "overruns": [],
    }
    assert msgspec.json.decode(msgspec.json.encode(state), type=PluginState) == state


def test_unknown_plugin_proposes_the_nearest(site: Any, open_table: OpenTable) -> None:
    site.install("loyalty")
    with pytest.raises(NotFound, match="Did you mean loyalty"):
        open_table().state("loyality")


def test_configuration_of_plugins_that_are_not_there(site: Any, open_table: OpenTable) -> None:
    site.install("loyalty")
    table = open_table(
        enabled=["loyalty", "gone"], disabled=["loyality"], plugin_settings={"old": {"a": 1}}
    )
    found = {problem.plugin: (problem.rule, problem.weight) for problem in table.problems()}
    assert found == {
        "gone": ("not-installed", "error"),
        "loyality": ("not-installed", "note"),
        "old": ("not-installed", "note"),
    }
    assert "Did you mean loyalty?" in str(table.problems()[1])


async def test_switching_off_and_on_again(
    site: Any, open_table: OpenTable, dispatcher: Dispatcher, settings_with: SettingsWith
) -> None:
    site.install("spa", DECLARES)
    site.install("needs_spa", manifest_extra='requires = ["spa"]')
    table = open_table()
    gate, permissions = dispatcher.registry.gate, dispatcher.registry.permissions
    assert permissions.ids() == ["spa.x.read"]

    await table.follow(settings_with(disabled=["spa"]))
    assert statuses(table) == {"spa": "disabled", "needs_spa": "quarantined"}
    assert gate.on == {"core"}
    assert permissions.ids() == []
    assert dispatcher.participants(VALIDATE) == []
    [problem] = table.state("needs_spa").problems
    assert problem.rule == "requirement-unavailable"
    assert "relatum plugins enable spa" in problem.mend

    await table.follow(settings_with())
    assert statuses(table) == {"spa": "enabled", "needs_spa": "enabled"}
    assert gate.on == {"core", "spa", "needs_spa"}
    assert permissions.ids() == ["spa.x.read"]
    assert dispatcher.participants(VALIDATE) == ["spa"]


async def test_plugin_switched_on_later_is_loaded_announced_and_only_then_in_force(
    site: Any, open_table: OpenTable, dispatcher: Dispatcher, settings_with: SettingsWith
) -> None:
    site.install("late", f"import threading\nTHREAD = threading.current_thread()\n{AGREES}")
    site.install("zeta", AGREES)
    table = open_table(disabled=["late"])
    gate = dispatcher.registry.gate
    seen: list[tuple[str, bool, threading.Thread]] = []
    table.listen(
        lambda plugin: seen.append((plugin.id, gate.is_on(plugin.id), threading.current_thread()))
    )
    await table.follow(settings_with())
    assert seen == [("late", False, threading.main_thread())]
    assert gate.on == {"core", "late", "zeta"}
    assert dispatcher.participants(VALIDATE) == ["late", "zeta"], "in order, not by arrival"
    imported = sys.modules["relatum_late.plugin"]
    assert imported.THREAD is not threading.main_thread()


async def test_loop_goes_on_while_a_plugin_is_imported(
    site: Any, open_table: OpenTable, settings_with: SettingsWith
) -> None:
    site.install("heavy", "import time\ntime.sleep(0.3)")
    table = open_table(disabled=["heavy"])
    following = asyncio.create_task(table.follow(settings_with()))
    turns = 0
    while not following.done():
        await asyncio.sleep(0.01)
        turns += 1
    assert turns > 5
    assert statuses(table) == {"heavy": "enabled"}


async def test_plugin_installed_while_running_is_loaded(
    site: Any, open_table: OpenTable, settings_with: SettingsWith
) -> None:
    site.install("one")
    table = open_table()
    site.install("two")
    await table.follow(settings_with())
    assert statuses(table) == {"one": "enabled", "two": "enabled"}


async def test_upgrade_on_disk_waits_for_a_restart(
    site: Any, open_table: OpenTable, settings_with: SettingsWith
) -> None:
    site.install("spa", version="1.0")
    table = open_table()
    (site.folder / "relatum_spa-1.0.dist-info").rename(site.folder / "old")
    site.install("spa", version="1.1")
    await table.follow(settings_with())
    state = table.state("spa")
    assert (state.version, state.state) == ("1.0", "enabled")
    assert [(each.rule, each.weight) for each in state.problems] == [("restart-needed", "note")]


async def test_uninstalled_plugin_goes_off(
    site: Any, open_table: OpenTable, dispatcher: Dispatcher, settings_with: SettingsWith
) -> None:
    site.install("spa", AGREES)
    table = open_table()
    (site.folder / "relatum_spa-1.0.dist-info").rename(site.folder / "old")
    await table.follow(settings_with())
    assert statuses(table) == {}
    assert dispatcher.registry.gate.on == {"core"}
    assert dispatcher.participants(VALIDATE) == []


async def test_mended_plugin_is_tried_again_after_off_and_on(
    site: Any, open_table: OpenTable, settings_with: SettingsWith
) -> None:
    folder = site.install("spa", "1 / 0")
    table = open_table()
    (folder / "plugin.py").write_text("# mended, and of another length\n")
    await table.follow(settings_with())
    assert statuses(table) == {"spa": "quarantined"}, "nothing asked for another attempt"
    await table.follow(settings_with(disabled=["spa"]))
    assert table.state("spa").problems == []
    await table.follow(settings_with())
    assert statuses(table) == {"spa": "enabled"}


async def test_settings_follow_the_configuration(
    site: Any, open_table: OpenTable, dispatcher: Dispatcher, settings_with: SettingsWith
) -> None:
    site.install(
        "spa",
        manifest_extra='settings = "relatum_spa.settings:Settings"',
        files={"settings.py": "import msgspec\nclass Settings(msgspec.Struct):\n    days: int\n"},
    )
    table = open_table()
    assert [each.rule for each in table.state("spa").problems] == ["missing-setting"]

    await table.follow(settings_with(plugin_settings={"spa": {"days": 3}}))
    plugin = dispatcher.registry.plugins["spa"]
    assert (table.state("spa").state, plugin.settings.days) == ("enabled", 3)

    await table.follow(settings_with(plugin_settings={"spa": {"days": 4}}))
    assert plugin.settings.days == 4

    await table.follow(settings_with(plugin_settings={"spa": {"days": "x"}}))
    assert plugin.settings.days == 4
    [note] = table.state("spa").problems
    assert (note.rule, note.weight) == ("settings-not-applied", "note")
    assert table.state("spa").state == "enabled"

    await table.follow(settings_with(plugin_settings={"spa": {"days": 5}}))
    assert (plugin.settings.days, table.state("spa").problems) == (5, [])


async def test_hanging_import_is_not_tried_again(
    site: Any, open_table: OpenTable, settings_with: SettingsWith
) -> None:
    site.install("stuck", "import time\ntime.sleep(3)", package="relatum_stuck_once")
    table = open_table()
    await table.follow(settings_with(disabled=["stuck"]))
    await asyncio.wait_for(table.follow(settings_with()), 0.4)
    assert statuses(table) == {"stuck": "quarantined"}
    assert [each.rule for each in table.state("stuck").problems] == ["hangs"]


def test_plugin_waits_for_its_migrations_and_those_that_need_it_too(
    site: Any, open_table: OpenTable, dispatcher: Dispatcher
) -> None:
    site.install("spa", **with_tables("spa"))
    site.install("needs_spa", manifest_extra='requires = ["spa"]')
    table = open_table()
    step = Step("spa", "2026-01-01T00:00:00", "", Path("x.py"))
    table.note_pending([step, step, Step("core_events", "1", "", Path("y.py"))])
    assert statuses(table) == {"spa": "installed", "needs_spa": "quarantined"}
    state = table.state("spa")
    assert state.pending_migrations == 2
    assert state.problems[0].rule == "pending-migrations"
    assert "relatum migrate --apply" in state.problems[0].mend
    assert dispatcher.registry.gate.on == {"core"}
    table.note_pending([])
    assert statuses(table) == {"spa": "enabled", "needs_spa": "enabled"}
    assert table.state("spa").pending_migrations == 0


async def test_plugin_that_came_after_the_last_look_waits_for_the_next(
    site: Any, open_table: OpenTable, settings_with: SettingsWith
) -> None:
    table = open_table()
    table.note_pending([])
    site.install("spa", **with_tables("spa"))
    site.install("plain")
    await table.follow(settings_with())
    assert statuses(table) == {"plain": "enabled", "spa": "installed"}
    table.note_pending([])
    assert statuses(table) == {"plain": "enabled", "spa": "enabled"}


def test_apps_of_all_installed_plugins_in_order(site: Any, open_table: OpenTable) -> None:
    site.install("a", **with_tables("a"))
    site.install("plain")
    site.install("broken", **(with_tables("broken") | {"files": {"piccolo_app.py": "1 / 0"}}))
    site.install("z", **with_tables("z"))
    site.install("off", "1 / 0", **with_tables("off"))
    table = open_table(disabled=["off"])
    assert [app.app_name for app in table.apps()] == ["a", "off", "z"]
    assert table.state("broken").state == "quarantined"
    assert "unreadable-tables" in [each.rule for each in table.state("broken").problems]


def test_listener_that_fails_quarantines_the_plugin(
    site: Any, open_table: OpenTable, dispatcher: Dispatcher
) -> None:
    site.install("bad", DECLARES)
    site.install("good", DECLARES)
    table = open_table(load=False)

    def mount(plugin: Plugin) -> None:
        if plugin.id == "bad":
            raise ValueError("two routes of one name")

    table.listen(mount)
    table.load()
    assert statuses(table) == {"bad": "quarantined", "good": "enabled"}
    assert "two routes of one name" in table.state("bad").problems[0].message
    assert dispatcher.registry.permissions.ids() == ["good.x.read"]


def test_quarantine_takes_everything_that_needs_it(
    site: Any, open_table: OpenTable, dispatcher: Dispatcher
) -> None:
    site.install("spa", DECLARES)
    site.install("needs_spa", AGREES, manifest_extra='requires = ["spa"]')
    table = open_table()
    table.quarantine("spa", Problem(code="on-fire", message="it burns", mend="water"))
    assert statuses(table) == {"spa": "quarantined", "needs_spa": "quarantined"}
    assert dispatcher.participants(VALIDATE) == []
    assert "spa" not in dispatcher.registry.plugins


async def test_over_budget_is_reported_in_the_state(
    site: Any, open_table: OpenTable, dispatcher: Dispatcher
) -> None:
    slow = AGREES.replace("return []", "\n    import asyncio; await asyncio.sleep(0.1); return []")
    site.install("slow", slow)
    table = open_table()
    await dispatcher.take_part(VALIDATE, drafts=())
    state = table.state("slow")
    assert (state.state, state.overruns[0].count) == ("enabled", 1)
    [note] = state.problems
    assert (note.rule, note.weight) == ("over-budget", "note")
    assert VALIDATE in note.message
