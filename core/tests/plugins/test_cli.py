"""``relatum plugins`` and ``relatum doctor``, against plugins that would betray being imported."""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from relatum.app.house import House
from relatum.cli import doctor, plugins
from relatum.plugins import table as table_module
from relatum.values.problems import RelatumError

#: Leaves a file behind when it is imported.
TRACED = "import pathlib\npathlib.Path(__file__).with_suffix('.ran').touch()\n"
SETTINGS = (
    TRACED + "import msgspec\nfrom typing import Annotated\nclass Settings(msgspec.Struct):\n"
    "    api_token: str\n    '''Where to get it.'''\n    days: Annotated[int, 5] = 30\n"
    "    names: list = msgspec.field(default_factory=list)\n"
)


class Ran(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Relatum = Callable[..., Ran]


@pytest.fixture
def relatum(
    site: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Relatum:
    """Run one of the two commands on the plugins installed here."""
    for name in [name for name in os.environ if name.startswith("RELATUM_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("RELATUM_HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    everything = table_module.discover
    here = lambda: [each for each in everything() if each.id in site.ids]  # noqa: E731
    for function in (table_module.PluginTable.__init__, House.open.__func__):
        monkeypatch.setitem(function.__kwdefaults__, "discover", here)

    def relatum(*words: str) -> Ran:
        parser = argparse.ArgumentParser()
        subparsers = parser.add_subparsers()
        plugins.add(subparsers)
        doctor.add(subparsers)
        arguments = parser.parse_args(words)
        try:
            code = arguments.run(arguments)
        except RelatumError as error:
            code = 1
            sys.stderr.write(str(error))
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return relatum


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "home" / "relatum.toml"


def install_traced(site: Any, plugin_id: str, extra: str = "") -> None:
    site.install(
        plugin_id,
        TRACED,
        manifest_extra=f'settings = "relatum_{plugin_id}.settings:Settings"\n{extra}',
        files={"__init__.py": TRACED, "settings.py": SETTINGS},
    )


@pytest.mark.parametrize(
    "words",
    [
        ["list"],
        ["list", "--json"],
        ["show", "spa"],
        ["show", "spa", "--json"],
        ["check"],
        ["check", "spa", "--json"],
        ["disable", "spa"],
        ["disable", "spa", "--json"],
        ["enable", "spa"],
    ],
    ids=" ".join,
)
def test_no_code_of_a_plugin_is_imported(site: Any, relatum: Relatum, words: list[str]) -> None:
    install_traced(site, "spa")
    assert relatum("plugins", *words).code == 0
    assert not list(site.folder.rglob("*.ran"))
    assert "relatum_spa" not in sys.modules


def test_loading_it_would_have_left_a_trace(site: Any, open_table: Any) -> None:
    """The proof of the test above: the same plugin, loaded."""
    install_traced(site, "spa")
    open_table()
    assert len(list(site.folder.rglob("*.ran"))) == 3


def test_list(site: Any, relatum: Relatum, file: Path) -> None:
    file.write_text('[plugins]\ndisabled = ["off"]\n')
    for plugin_id in ("on", "off"):
        site.install(plugin_id)
    site.install("broken", manifest_extra='requires = ["nobody"]')
    ran = relatum("plugins", "list", "--json")
    assert ran.code == 0
    assert {item["id"]: item["state"] for item in ran.json["items"]} == {
        "broken": "quarantined",
        "off": "disabled",
        "on": "enabled",
    }
    assert ran.json["items"][0]["problems"][0]["rule"] == "missing-requirement"
    shown = relatum("plugins", "list").out
    assert "quarantined" in shown
    assert "error  broken 1.0: a requirement is not met" in shown


def test_list_of_nothing(relatum: Relatum) -> None:
    assert relatum("plugins", "list").out == "No plugin is installed.\n"


def test_show_names_settings_and_hides_secrets(site: Any, relatum: Relatum, file: Path) -> None:
    install_traced(site, "spa")
    site.install("needs_spa", manifest_extra='requires = ["spa"]')
    file.write_text('[plugins.spa]\napi_token = "s3cr3t"\ndays = 5\nunheard = 1\n')
    ran = relatum("plugins", "show", "spa", "--json")
    settings = {each["name"]: each for each in ran.json["settings"]}
    assert list(settings) == ["api_token", "days", "names", "unheard"]
    assert settings["api_token"]["value"] == "***"
    assert settings["api_token"]["description"] == "Where to get it."
    assert (settings["days"]["type"], settings["days"]["default"]) == ("int", "30")
    assert settings["days"]["value"] == 5
    assert settings["names"]["value"] is None
    assert ran.json["required_by"] == ["needs_spa"]
    shown = relatum("plugins", "show", "spa").out
    assert "days: int = 5 (set; else 30)" in shown
    assert "s3cr3t" not in shown + ran.out


def test_show_proposes_the_nearest(site: Any, relatum: Relatum) -> None:
    site.install("loyalty")
    ran = relatum("plugins", "show", "loyality")
    assert ran.code == 1
    assert "Did you mean loyalty?" in ran.err


def test_check_fails_when_something_is_wrong(site: Any, relatum: Relatum, file: Path) -> None:
    site.install("sound")
    assert relatum("plugins", "check").code == 0
    site.install("broken", manifest="id = 5")
    site.install("circle_a", manifest_extra='requires = ["circle_b"]')
    site.install("circle_b", manifest_extra='requires = ["circle_a"]')
    file.write_text('[plugins]\ndisabled = ["gone"]\n')
    ran = relatum("plugins", "check", "--json")
    assert ran.code == 1
    assert ran.json["checked"] == 4
    rules = sorted(problem["rule"] for problem in ran.json["problems"])
    assert rules == ["bad-id", "cycle", "cycle", "missing-key", "missing-key", "not-installed"]
    assert relatum("plugins", "check", "sound").code == 0
    assert relatum("plugins", "check", "broken").code == 1
    assert "4 plugin(s) checked: 5 error(s), 1 note(s)." in relatum("plugins", "check").out


def test_disable_and_enable_edit_the_file(site: Any, relatum: Relatum, file: Path) -> None:
    site.install("spa")
    site.install("needs_spa", manifest_extra='requires = ["spa"]')
    file.write_text("# ours\n[server]\nport = 8100 # not 8000\n")
    ran = relatum("plugins", "disable", "spa")
    assert ran.code == 0
    assert f"switched off in {file}" in ran.out
    assert "Off with it, because they require it: needs_spa." in ran.out
    text = file.read_text()
    assert 'disabled = ["spa"]' in text
    assert text.startswith("# ours\n[server]\nport = 8100 # not 8000\n")

    again = relatum("plugins", "disable", "spa", "--json")
    assert again.json == {
        "plugin": "spa",
        "on": False,
        "changed": False,
        "effective": True,
        "file": str(file),
        "also_off": [],
    }
    assert relatum("plugins", "enable", "spa").code == 0
    assert "disabled = []" in file.read_text()
    assert "was already switched on" in relatum("plugins", "enable", "spa").out


def test_enable_refuses_what_cannot_run(site: Any, relatum: Relatum, file: Path) -> None:
    file.write_text('[plugins]\ndisabled = ["spa", "needs_spa", "broken"]\n')
    before = file.read_bytes()
    site.install("spa")
    site.install("needs_spa", manifest_extra='requires = ["spa"]')
    site.install("broken", manifest_extra='core_apy = "x"')
    ran = relatum("plugins", "enable", "needs_spa")
    assert ran.code == 1
    assert "relatum plugins enable spa" in ran.err
    assert relatum("plugins", "enable", "broken").code == 1
    assert file.read_bytes() == before
    assert relatum("plugins", "enable", "spa").code == 0
    assert relatum("plugins", "enable", "needs_spa").code == 0


def test_broken_and_uninstalled_plugins_can_be_switched_off(
    site: Any, relatum: Relatum, file: Path
) -> None:
    site.install("broken", manifest="id = ")
    file.write_text('[plugins]\nenabled = ["broken", "gone"]\n')
    assert relatum("plugins", "disable", "broken").code == 0
    assert relatum("plugins", "disable", "gone").code == 0
    assert "enabled = []" in file.read_text()
    assert relatum("plugins", "disable", "never_heard").code == 1


def test_environment_that_says_otherwise_is_told(
    site: Any, relatum: Relatum, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.install("spa")
    monkeypatch.setenv("RELATUM_PLUGINS__ENABLED", "spa")
    monkeypatch.setenv("RELATUM_PLUGINS__DISABLED", "nobody")
    ran = relatum("plugins", "disable", "spa")
    assert ran.code == 1
    assert "in the environment says otherwise" in ran.err.replace("\n", " ")


def test_doctor_finds_nothing_wrong(site: Any, relatum: Relatum, tmp_path: Path) -> None:
    site.install("spa")
    migrate(tmp_path / "home")
    ran = relatum("doctor", "--json")
    assert {each["result"] for each in ran.json["findings"]} <= {"ok", "note"}, ran.out
    assert (ran.code, ran.json["ok"]) == (0, True)
    assert {each["check"] for each in ran.json["findings"]} == {
        "configuration",
        "data folder",
        "keys",
        "database",
        "migrations",
        "plugins",
        "handlers",
        "jobs",
        "schedules",
        "archive",
        "backups",
    }


def migrate(home: Path) -> None:
    import asyncio

    from relatum.config.load import load_settings

    async def run() -> None:
        async with await House.open(load_settings(), discover=list) as house:
            await house.migrate_apply()

    assert home.is_dir()
    asyncio.run(run())


def no_database(site: Any, home: Path) -> None:
    (home / "relatum.sqlite3").unlink()


def damaged_database(site: Any, home: Path) -> None:
    with (home / "relatum.sqlite3").open("r+b") as file:
        file.write(b"this is not a database, nor was it ever")


def damaged_page(site: Any, home: Path) -> None:
    path = home / "relatum.sqlite3"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE filler (x TEXT)")
        connection.execute("CREATE INDEX filler_x ON filler (x)")
        connection.executemany(
            "INSERT INTO filler VALUES (?)", [(f"{n:0400}",) for n in range(200)]
        )
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_schema SET rootpage = 2 WHERE name = 'filler_x'")
    connection.close()


def pending_migration(site: Any, home: Path) -> None:
    with sqlite3.connect(home / "relatum.sqlite3") as connection:
        connection.execute("DELETE FROM migration WHERE app_name = 'core_events'")
    connection.close()


def broken_plugin(site: Any, home: Path) -> None:
    site.install("broken", "1 / 0")


def unknown_setting(site: Any, home: Path) -> None:
    (home / "relatum.toml").write_text("prot = 5\n[server]\nprot = 80\n")


def strict(site: Any, home: Path) -> None:
    (home / "relatum.toml").write_text("strict_plugins = true\n")
    site.install("broken", "1 / 0")


DISEASES: dict[Callable[[Any, Path], None], tuple[str, str]] = {
    no_database: ("database", "relatum migrate --apply"),
    damaged_database: ("database", "database"),
    damaged_page: ("database", "damaged"),
    pending_migration: ("migrations", "core_events"),
    broken_plugin: ("plugins", "ZeroDivisionError"),
    unknown_setting: ("configuration", "port"),
    strict: ("plugins", "ZeroDivisionError"),
}


@pytest.mark.parametrize("disease", DISEASES, ids=lambda disease: disease.__name__)
def test_doctor_names_the_disease_and_the_mend(
    site: Any, relatum: Relatum, tmp_path: Path, disease: Callable[[Any, Path], None]
) -> None:
    check, word = DISEASES[disease]
    migrate(tmp_path / "home")
    disease(site, tmp_path / "home")
    ran = relatum("doctor", "--json")
    wrong = [each for each in ran.json["findings"] if each["result"] == "error"]
    assert (ran.code, ran.json["ok"]) == (1, False)
    assert check in {each["check"] for each in wrong}, wrong
    assert word in str(wrong)
    assert all(each["mend"] for each in wrong)
    assert relatum("doctor").code == 1


def test_doctor_does_not_make_a_database(site: Any, relatum: Relatum, tmp_path: Path) -> None:
    assert relatum("doctor").code == 1
    assert list((tmp_path / "home").iterdir()) == []


def test_doctor_hides_the_password(relatum: Relatum, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELATUM_DATABASE", "postgresql://ann:s3cr3t@127.0.0.1:1/relatum")
    ran = relatum("doctor")
    assert ran.code == 1
    assert "s3cr3t" not in ran.out + ran.err
    assert "ann:***@127.0.0.1" in ran.out


@pytest.mark.parametrize("words", [["plugins", "--help"], ["doctor", "--help"]], ids=" ".join)
def test_help_shows_examples(
    relatum: Relatum, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    with pytest.raises(SystemExit):
        relatum(*words)
    assert f"examples:\n  relatum {words[0]}" in capsys.readouterr().out
