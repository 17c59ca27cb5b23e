"""Plugins that break while they are loaded: each is kept out whole, each for its own reason."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from piccolo.table import TABLE_REGISTRY

from relatum.hooks import specs
from relatum.hooks.dispatcher import Dispatcher
from relatum.plugins.table import PluginTable
from relatum.values.problems import ConfigurationError

OpenTable = Callable[..., PluginTable]

HEAD = "import asyncio, os, sys, time\nimport msgspec\nfrom relatum.api import *\n"
SETTINGS = {
    "settings.py": "import msgspec\n"
    "class Inner(msgspec.Struct):\n    level: int = 1\n"
    "class Settings(msgspec.Struct):\n"
    "    token: str\n    days: int = 30\n    inner: Inner = msgspec.field(default_factory=Inner)\n"
    "    def __post_init__(self):\n"
    "        if self.days == 13: raise ValueError('thirteen is unlucky')\n"
}
WITH_SETTINGS = {
    "manifest_extra": 'settings = "relatum_broken.settings:Settings"',
    "files": SETTINGS,
}


def tables(app: str) -> dict[str, Any]:
    return {
        "manifest_extra": 'piccolo_app = "relatum_broken.piccolo_app"',
        "files": {"piccolo_app.py": app},
    }


def app_with(name: str, table: str) -> str:
    return (
        "from piccolo.conf.apps import AppConfig\n"
        "from piccolo.columns import Varchar\nfrom piccolo.table import Table\n"
        f"class Thing(Table, tablename={table!r}):\n    name = Varchar()\n"
        f"APP_CONFIG = AppConfig(app_name={name!r}, migrations_folder_path='.', "
        "table_classes=[Thing])\n"
    )


#: name: (plugin.py, options of the installation, rule, words of the report)
AT_IMPORT: dict[str, tuple[str, dict[str, Any], str, str]] = {
    "raises at import": ("1 / 0", {}, "import-failed", "ZeroDivisionError"),
    "is not Python": ("def (", {}, "import-failed", "SyntaxError"),
    "misses a package": ("import surely_not_there", {}, "import-failed", "surely_not_there"),
    "exits at import": ("sys.exit(0)", {}, "exits", "ends the program"),
    "is interrupted at import": ("raise KeyboardInterrupt", {}, "import-failed", "Keyboard"),
    # Its own package: the thread that hangs keeps the import lock of the module.
    "hangs at import": ("time.sleep(2)", {"package": "slow"}, "hangs", "an import within 0.5 s"),
    "raises without words": (
        "class E(Exception):\n    def __str__(self): raise ValueError\nraise E",
        {},
        "import-failed",
        "got E (relatum_broken/plugin.py, line 6)",
    ),
    "package raises": ("", {"files": {"__init__.py": "1 / 0"}}, "import-failed", "__init__.py"),
    "settings missing": ("", WITH_SETTINGS, "missing-setting", "needs the setting token"),
    "settings are no Struct": (
        "",
        {
            "manifest_extra": 'settings = "relatum_broken.settings:Settings"',
            "files": {"settings.py": "class Settings: pass"},
        },
        "import-failed",
        "expected Settings to be a msgspec.Struct",
    ),
    "settings are not there": (
        "",
        {
            "manifest_extra": 'settings = "relatum_broken.settings:Settings"',
            "files": {"settings.py": ""},
        },
        "import-failed",
        "AttributeError",
    ),
    "tables raise": ("", tables("1 / 0"), "import-failed", "relatum_broken.piccolo_app"),
    "tables are not there": ("", tables(""), "import-failed", "APP_CONFIG"),
    "tables are something else": ("", tables("APP_CONFIG = 5"), "import-failed", "an AppConfig"),
    "app has a foreign name": (
        "",
        tables(app_with("identity", "broken_thing")),
        "foreign-table",
        "expected broken; got identity",
    ),
    "table has a foreign name": (
        "",
        tables(app_with("broken", "core_thing")),
        "foreign-table",
        "expected broken_<noun>; got core_thing",
    ),
    "table of a plugin with a longer id": (
        "",
        tables(app_with("broken", "broken_glass_thing")),
        "foreign-table",
        "got broken_glass_thing",
    ),
    "unknown hook": ("@hookimpl\ndef relatum_register_x(): ...", {}, "unknown-hook", "hook"),
    "forgotten marker": ("def relatum_register_jobs(): ...", {}, "unmarked-hook", "@hookimpl"),
}
DECLARING = {
    f"{hook} {way}": (f"@hookimpl\ndef {hook}(plugin): {body}", {}, rule, words)
    for hook in specs.DECLARING
    for way, body, rule, words in (
        ("raises", "raise ValueError('too blue')", "raised", "ValueError: too blue"),
        ("hangs", "time.sleep(2)", "hangs", "an answer within 0.5 s"),
        ("answers the wrong type", "return {'id': 'x'}", "wrong-type", "got dict"),
        ("exits", "sys.exit(0)", "raised", "SystemExit"),
    )
}
FAULTS = {**AT_IMPORT, **DECLARING}


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_keeps_the_plugin_out_and_nothing_else(
    site: Any, open_table: OpenTable, dispatcher: Dispatcher, fault: str
) -> None:
    body, options, rule, words = FAULTS[fault]
    site.install("broken_glass")
    site.install("broken", HEAD + body, version="0.9", **options)
    site.install("needs_it", manifest_extra='requires = ["broken"]')
    table = open_table()
    states = {state.id: state for state in table.states()}
    assert states["broken_glass"].state == "enabled"
    assert states["broken_glass"].problems == []
    [problem] = states["broken"].problems
    assert states["broken"].state == "quarantined"
    assert (problem.plugin, problem.version, problem.rule) == ("broken", "0.9", rule)
    assert words in problem.message
    assert problem.mend
    assert states["needs_it"].state == "quarantined"
    assert [each.rule for each in states["needs_it"].problems] == ["requirement-unavailable"]
    assert dispatcher.registry.gate.on == {"core", "broken_glass"}
    assert set(dispatcher.registry.plugins) == {"broken_glass"}
    assert set(dispatcher.registry.routes) == {"broken_glass"}


def test_faults_are_many() -> None:
    assert len(AT_IMPORT) == 19
    assert len(DECLARING) == 4 * len(specs.DECLARING)


def test_all_faults_of_one_plugin_are_reported_at_once(site: Any, open_table: OpenTable) -> None:
    site.install(
        "broken",
        HEAD + "@hookimpl\ndef relatum_register_jobs(x): ...\ndef relatum_seed_demo(): ...",
        manifest_extra=WITH_SETTINGS["manifest_extra"],
        files=SETTINGS,
    )
    table = open_table(plugin_settings={"broken": {"dais": 5, "inner": {"level": "x"}}})
    rules = sorted(problem.rule for problem in table.state("broken").problems)
    assert rules == [
        "bad-setting",
        "hook-argument",
        "missing-setting",
        "unknown-setting",
        "unmarked-hook",
    ]


@pytest.mark.parametrize(
    ("written", "rule", "words"),
    [
        ({"token": "abc", "dais": 5}, "unknown-setting", "did you mean days?"),
        ({"token": "abc", "unheard": 5}, "unknown-setting", "there are: days, inner, token"),
        ({"token": 5}, "bad-setting", "expected `str`, got `int`"),
        ({"token": "a", "inner": {"level": "x"}}, "bad-setting", "inner.level"),
        ({"token": "a", "days": 13}, "bad-setting", "thirteen is unlucky"),
    ],
)
def test_wrong_settings_keep_a_plugin_out(
    site: Any, open_table: OpenTable, written: dict[str, Any], rule: str, words: str
) -> None:
    site.install("broken", **WITH_SETTINGS)
    table = open_table(plugin_settings={"broken": written})
    [problem] = table.state("broken").problems
    assert problem.rule == rule
    assert words.lower() in str(problem).lower()


def test_values_of_settings_are_never_shown(site: Any, open_table: OpenTable) -> None:
    choices = "import msgspec, typing\nclass Settings(msgspec.Struct):\n"
    choices += "    mode: typing.Literal['a', 'b'] = 'a'\n    days: int = 1\n"
    site.install(
        "broken",
        manifest_extra=WITH_SETTINGS["manifest_extra"],
        files={"settings.py": choices},
    )
    secret = "sk-very-secret"
    table = open_table(plugin_settings={"broken": {"mode": secret, "days": secret}})
    assert len(table.state("broken").problems) == 2
    assert secret not in repr(table.states())


def test_settings_of_a_plugin_without_settings_are_refused(
    site: Any, open_table: OpenTable
) -> None:
    site.install("broken")
    table = open_table(plugin_settings={"broken": {"days": 5}})
    [problem] = table.state("broken").problems
    assert problem.rule == "unknown-setting"


def test_sound_settings_reach_the_plugin(
    site: Any, open_table: OpenTable, dispatcher: Dispatcher
) -> None:
    site.install("broken", **WITH_SETTINGS)
    open_table(plugin_settings={"broken": {"token": "abc", "inner": {"level": 3}}})
    settings = dispatcher.registry.plugins["broken"].settings
    assert (settings.token, settings.days, settings.inner.level) == ("abc", 30, 3)


def test_strict_refuses_to_start_with_everything(site: Any, open_table: OpenTable) -> None:
    site.install("broken", "1 / 0")
    site.install("worse", "2 / 0")
    site.install("off", "3 / 0")
    with pytest.raises(ConfigurationError) as caught:
        open_table(strict=True, enabled=["broken", "worse", "absent"])
    assert sorted((each.code, each.where) for each in caught.value.problems) == [
        ("import-failed", "broken 1.0"),
        ("import-failed", "worse 1.0"),
        ("not-installed", "absent"),
    ]


def test_strict_starts_when_only_switched_off_plugins_are_broken(
    site: Any, open_table: OpenTable
) -> None:
    site.install("broken", "1 / 0")
    site.install("sound")
    assert open_table(strict=True, disabled=["broken"]).state("sound").state == "enabled"


def test_safe_mode_imports_nothing(
    site: Any, open_table: OpenTable, dispatcher: Dispatcher
) -> None:
    site.install("broken", "1 / 0")
    site.install("sound")
    table = open_table(safe=True, strict=True)
    assert {state.state for state in table.states()} == {"disabled"}
    assert dispatcher.registry.gate.on == {"core"}
    assert "relatum_sound" not in sys.modules


def test_switched_off_plugin_is_not_imported(
    site: Any, open_table: OpenTable, tmp_path: Path
) -> None:
    trace = tmp_path / "trace"
    site.install("traced", f"open({str(trace)!r}, 'w').close()")
    table = open_table(disabled=["traced"])
    assert table.state("traced").state == "disabled"
    assert not trace.exists()


def test_failed_import_leaves_no_module_behind(site: Any, open_table: OpenTable) -> None:
    site.install(
        "broken",
        "from relatum_broken import inner\n1 / 0",
        files={"inner.py": ""},
    )
    open_table()
    assert not [name for name in sys.modules if name.startswith("relatum_broken")]


def test_tables_of_a_failed_plugin_are_forgotten(site: Any, open_table: OpenTable) -> None:
    site.install("broken", **tables(app_with("broken", "core_thing")))
    before = list(TABLE_REGISTRY)
    open_table()
    assert [table.__name__ for table in TABLE_REGISTRY if table not in before] == []
