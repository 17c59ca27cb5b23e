"""Reading the settings: the file, the environment over it, every problem in one error."""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from relatum.config.checks import proposal, settings_problems
from relatum.config.settings import PLUGIN_ID, Plugins, Settings
from relatum.values.problems import ConfigurationError, Problem

FILE_NAME = "relatum.toml"
PREFIX = "RELATUM_"

_NOT_SETTINGS = ("RELATUM_TEST_", "RELATUM_BENCH_")
_CONFIG = "RELATUM_CONFIG"
_SHORT_NAMES = {
    "host": ("server", "host"),
    "port": ("server", "port"),
    "oidc_client_secret": ("oidc", "client_secret"),
}
_TRUTH = dict.fromkeys(("1", "true", "yes", "on"), True)
_TRUTH |= dict.fromkeys(("0", "false", "no", "off"), False)

Names = tuple[str, ...]


def load_settings(path: Path | None = None, env: Mapping[str, str] = os.environ) -> Settings:
    """Settings from the defaults, the file over them, the environment over both.

    The file is the one :func:`find_file` finds. ``home`` is what the environment or the file says
    (a relative one in the file counts from the file's folder), else the folder of the file, else
    ``./var``. In the environment ``RELATUM_LOG__LEVEL`` is ``level`` in ``[log]``; lists are
    written with commas; settings of plugins as TOML values, or plain text where that is no TOML;
    an empty variable counts as not set.

    Raises:
        ConfigurationError: with every problem found, each with its place and how to mend it.
    """
    problems: list[Problem] = []
    file = find_file(path, env)
    tree: dict[str, Any] = {}
    if file is not None:
        tree = _Reading(str(file), problems).table(_parsed(file), Settings, ())
        if "home" in tree:
            tree["home"] = file.parent / tree["home"].expanduser()
    _merge(tree, _environment(env, problems))
    default_home = file.parent if file is not None else _usual_home(env)
    tree["home"] = tree.get("home", default_home).expanduser().absolute()
    if not problems:
        settings: Settings = _built(Settings, tree)
        problems += settings_problems(settings)
        if not problems:
            return settings
    source = f"{file} and the environment" if file is not None else "the environment"
    raise ConfigurationError(
        f"The settings of {source} cannot be used: {len(problems)} to mend.", problems=problems
    )


def find_file(path: Path | None = None, env: Mapping[str, str] = os.environ) -> Path | None:
    """The settings file: ``path``, else ``RELATUM_CONFIG``, else ``relatum.toml`` in
    ``RELATUM_HOME`` (by default ``./var``), else ``./relatum.toml``; None when there is none.

    Raises:
        ConfigurationError: the file that was asked for is not there.
    """
    asked = path if path is not None else env.get(_CONFIG, "")
    if str(asked):
        file = Path(asked).expanduser().absolute()
        if not file.is_file():
            raise _unreadable(file, "there is no such file")
        return file
    for folder in (_usual_home(env), Path()):
        if (folder / FILE_NAME).is_file():
            return (folder / FILE_NAME).absolute()
    return None


def variable_names() -> list[str]:
    """Every environment variable that is a setting of core."""
    return sorted(
        [
            *(f"{PREFIX}{name.upper()}" for name in _SHORT_NAMES),
            *map(_variable, _leaves(Settings, ())),
        ]
    )


class _Reading:
    """One source of settings being read; what is wrong is added to ``problems``."""

    def __init__(self, source: str, problems: list[Problem]) -> None:
        self.source = source
        self.problems = problems

    def table(self, table: Mapping[str, Any], kind: type, path: Names) -> dict[str, Any]:
        """The values of a table of the file, converted, as far as they are good."""
        fields = {field.name: field.type for field in msgspec.structs.fields(kind)}
        read: dict[str, Any] = {}
        if kind is Plugins:
            table = self._plugin_tables(table, read, path)
            del fields["plugin_settings"]
        for key, value in table.items():
            here = (*path, key)
            if key not in fields:
                self._unknown(here, proposal(key, fields, f"Known are {', '.join(fields)}."))
            elif not _is_struct(fields[key]):
                self.value(value, fields[key], here, read)
            elif isinstance(value, Mapping):
                read[key] = self.table(value, fields[key], here)
            else:
                self._wrong(here, f"a table [{'.'.join(here)}]", value)
        return read

    def value(self, value: object, kind: Any, path: Names, into: dict[str, Any]) -> None:
        """Convert one value and put it into ``into`` under the last name of ``path``."""
        try:
            if kind is Path:
                into[path[-1]] = Path(msgspec.convert(value, str))
            else:
                into[path[-1]] = msgspec.convert(value, kind)
        except msgspec.ValidationError as refusal:
            self._wrong(path, _expected(kind, refusal), value)

    def _plugin_tables(
        self, table: Mapping[str, Any], read: dict[str, Any], path: Names
    ) -> dict[str, Any]:
        """Take ``[plugins.<id>]`` out of ``[plugins]``; what is left are settings of core."""
        left = {}
        read["plugin_settings"] = settings = {}
        for key, value in table.items():
            if not isinstance(value, Mapping) or key in ("enabled", "disabled"):
                left[key] = value
            elif PLUGIN_ID.fullmatch(key):
                settings[key] = dict(value)
            else:
                mend = f"Write {key.lower().replace('-', '_')} if that is the plugin's id."
                self._unknown((*path, key), mend)
        return left

    def _unknown(self, path: Names, mend: str) -> None:
        name = ".".join(path)
        self.problems.append(
            Problem(
                code="unknown-setting",
                message=f"There is no setting {name}",
                where=f"{self.source}, {name}",
                expected="the name of a setting",
                got=path[-1],
                mend=mend,
            )
        )

    def _wrong(self, path: Names, expected: str, value: object) -> None:
        name = ".".join(path)
        # The address of a database may hold a password, whatever form it came in.
        secret = path[-1] in ("database", "listen") or "secret" in path[-1]
        shown = type(value).__name__ if secret else repr(value)[:80]
        self.problems.append(
            Problem(
                code="bad-setting",
                message=f"The setting {name} cannot be used",
                where=f"{self.source}, {name}",
                expected=expected,
                got=shown,
                mend=f"Correct {name}.",
            )
        )


def _parsed(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except tomllib.TOMLDecodeError as refusal:
        raise _unreadable(file, f"it is not valid TOML: {refusal}") from None
    except UnicodeDecodeError as refusal:
        raise _unreadable(file, f"it is not UTF-8 at byte {refusal.start}") from None
    except OSError as refusal:
        raise _unreadable(file, refusal.strerror or "it cannot be opened") from None


def _environment(env: Mapping[str, str], problems: list[Problem]) -> dict[str, Any]:
    """The settings of the environment as a tree like the file's."""
    leaves = _leaves(Settings, ())
    tree: dict[str, Any] = {}
    for name in sorted(env):
        text = env[name]
        if not name.startswith(PREFIX) or name == _CONFIG or name.startswith(_NOT_SETTINGS):
            continue
        parts = tuple(name.removeprefix(PREFIX).lower().split("__"))
        path = _SHORT_NAMES.get(parts[0], parts) if len(parts) == 1 else parts
        if path in leaves:
            into = _branch(tree, path[:-1])
            kind = leaves[path]
            if text.strip():
                _Reading(f"environment variable {name}", problems).value(
                    _from_text(text, kind), kind, path, into
                )
        elif len(path) == 3 and path[0] == "plugins" and PLUGIN_ID.fullmatch(path[1]):
            if text.strip():
                _branch(tree, ("plugins", "plugin_settings", path[1]))[path[2]] = _toml(text)
        else:
            problems.append(_unknown_variable(name))
    return tree


def _from_text(text: str, kind: Any) -> object:
    """The text of a variable as the value it stands for; unchanged when it stands for none."""
    text = text.strip()
    if kind in (bool, bool | None):
        return _TRUTH.get(text.lower(), text)
    if kind in (int, float):
        try:
            return int(text) if kind is int else float(text)
        except ValueError:
            return text
    if kind in (str, Path) or "list" not in str(kind):
        return text
    return [part.strip() for part in text.split(",") if part.strip()]


def _toml(text: str) -> object:
    try:
        read = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    return read["value"] if len(read) == 1 else text


def _leaves(kind: type, path: Names) -> dict[Names, Any]:
    """Path and type of every setting that is not a table."""
    found: dict[Names, Any] = {}
    for field in msgspec.structs.fields(kind):
        here = (*path, field.name)
        if _is_struct(field.type):
            found |= _leaves(field.type, here)
        elif field.name != "plugin_settings":
            found[here] = field.type
    return found


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _variable(path: Names) -> str:
    return PREFIX + "__".join(path).upper()


def _branch(tree: dict[str, Any], path: Names) -> dict[str, Any]:
    for name in path:
        tree = tree.setdefault(name, {})
    return tree


def _merge(tree: dict[str, Any], over: Mapping[str, Any]) -> None:
    for key, value in over.items():
        if isinstance(value, dict) and isinstance(tree.get(key), dict):
            _merge(tree[key], value)
        else:
            tree[key] = value


def _built(kind: type, tree: Mapping[str, Any]) -> Any:
    fields = {field.name: field.type for field in msgspec.structs.fields(kind)}
    return kind(
        **{
            name: _built(fields[name], value) if _is_struct(fields[name]) else value
            for name, value in tree.items()
        }
    )


def _usual_home(env: Mapping[str, str]) -> Path:
    return Path(env.get("RELATUM_HOME", "").strip() or "var").expanduser()


def _expected(kind: Any, refusal: msgspec.ValidationError) -> str:
    choices = getattr(kind, "__args__", ())
    if choices and all(isinstance(choice, str) for choice in choices):
        return " or ".join(choices)
    names = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
    if kind is Path:
        return "the path of a folder"
    return names.get(kind) or ("a list of texts" if "list" in str(kind) else str(refusal))


def _unknown_variable(name: str) -> Problem:
    known = variable_names()
    return Problem(
        code="unknown-setting",
        message=f"There is no setting {name}",
        where=f"environment variable {name}",
        expected="the name of a setting",
        got=name,
        mend=proposal(name, known, "Remove it; the names are in the guide to configuration."),
    )


def _unreadable(file: Path, why: str) -> ConfigurationError:
    problem = Problem(
        code="unreadable-configuration",
        message=f"The settings file cannot be read: {why}",
        where=str(file),
        expected="a TOML file in UTF-8",
        mend="Correct the file, or name another one in RELATUM_CONFIG.",
    )
    return ConfigurationError(f"{file} cannot be read: {why}.", problems=[problem])
