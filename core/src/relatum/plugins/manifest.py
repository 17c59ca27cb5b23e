"""The manifest of a plugin, ``plugin.toml``: data, read without importing the package."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, get_args

import msgspec
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from relatum.config.settings import PLUGIN_ID
from relatum.plugins.processing import Processing, read_processing
from relatum.values.problems import Problem
from relatum.values.text import nearest

FILE_NAME = "plugin.toml"
LARGEST_FILE = 64 * 1024
LONGEST_ID = 40
Kind = Literal["model", "channel", "function", "trade"]

#: The rooms of core, and the words that stand beside plugin ids in settings and addresses.
RESERVED = frozenset(
    {"access", "api", "app", "assets", "cli", "config", "contact", "core", "customers", "db"}
    | {"disabled", "enabled", "events", "hooks", "http", "import", "importing", "interactions"}
    | {"jobs", "models", "person", "plugin", "plugins", "relatum", "reports", "system"}
    | {"values", "web"}
)
_FROM_METADATA = {"title", "name", "version", "licence", "license", "description", "summary"}
_DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")
_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9_.-]+)\s*(.*?)\s*")


class Requirement(msgspec.Struct, frozen=True):
    """Another plugin that must be there: ``identity``, ``identity>=1.2``."""

    id: str
    versions: str = ""

    def __str__(self) -> str:
        return f"{self.id}{self.versions}"

    def accepts(self, version: str) -> bool:
        """Whether this version is within the range. Pre-releases count like releases."""
        return SpecifierSet(self.versions).contains(version, prereleases=True)


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a plugin says about itself.

    Attributes:
        core_api: the versions of the hook API it works with, such as ``>=1.0,<2``.
        requires: plugins without which it cannot run.
        after: plugins that are called before it where they are there.
        piccolo_app: the module with its ``APP_CONFIG``; empty when it has no tables.
        settings: the Struct of its settings, ``module:Name``; empty when it has none.
        processing: what it does with personal data, for the register.
    """

    id: str
    core_api: str
    kind: Kind
    requires: tuple[Requirement, ...] = ()
    after: tuple[str, ...] = ()
    piccolo_app: str = ""
    settings: str = ""
    processing: tuple[Processing, ...] = ()

    def fits(self, core_api: str) -> bool:
        """Whether the plugin works with this version of the hook API."""
        return SpecifierSet(self.core_api).contains(core_api, prereleases=True)


def read_manifest(path: Path, package: str) -> tuple[Manifest | None, list[Problem]]:
    """Read a ``plugin.toml``.

    Args:
        path: the file.
        package: the package it belongs to; its modules must be of that package.

    Returns:
        The manifest, and everything that is wrong with it; one of both is empty.
    """
    try:
        if path.stat().st_size > LARGEST_FILE:
            return None, [_unreadable(path, f"it is larger than {LARGEST_FILE} bytes")]
        table = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except tomllib.TOMLDecodeError as refusal:
        return None, [_unreadable(path, f"it is not valid TOML: {refusal}")]
    except UnicodeDecodeError as refusal:
        return None, [_unreadable(path, f"it is not UTF-8 at byte {refusal.start}")]
    except OSError as refusal:
        return None, [_unreadable(path, refusal.strerror or "it cannot be opened")]
    return manifest_of(table, package)


def manifest_of(table: Mapping[str, Any], package: str) -> tuple[Manifest | None, list[Problem]]:
    """As :func:`read_manifest`, from the values of the file."""
    reading = _Reading(table, package)
    values = {name: reading.value(name, read) for name, read in _FIELDS.items()}
    reading.unknown_keys()
    if reading.problems:
        return None, reading.problems
    return Manifest(**values), []


class _Reading:
    """A manifest being read; what is wrong with it is collected."""

    def __init__(self, table: Mapping[str, Any], package: str) -> None:
        self.table = table
        self.package = package
        self.problems: list[Problem] = []

    def value(self, name: str, read: Callable[[_Reading, str, Any], Any]) -> Any:
        """The value of one field, or its default."""
        if name in self.table:
            return read(self, name, self.table[name])
        if name in _REQUIRED:
            self.report(name, "missing-key", _REQUIRED[name], "nothing", f"add {name} = …")
            return None
        return () if name in ("requires", "after", "processing") else ""

    def unknown_keys(self) -> None:
        for key in self.table:
            if key in _FIELDS:
                continue
            near = nearest(key, _FIELDS)
            mend = f"did you mean {near}?" if near else f"known are {', '.join(_FIELDS)}"
            if key in _FROM_METADATA:
                mend = "remove it; it is read from the distribution's metadata (pyproject.toml)"
            self.report(key, "unknown-key", "the name of a manifest field", key, mend)

    def report(self, name: str, code: str, expected: str, got: object, mend: str) -> None:
        self.problems.append(
            Problem(
                code=code,
                message=f"{name} cannot be used",
                where=FILE_NAME,
                expected=expected,
                got=str(got)[:80],
                mend=mend,
            )
        )


def _id(reading: _Reading, name: str, value: Any) -> Any:
    expected = f"small letters, digits and single _, at most {LONGEST_ID}, such as call_center"
    if not isinstance(value, str) or not PLUGIN_ID.fullmatch(value) or len(value) > LONGEST_ID:
        reading.report(name, "bad-id", expected, repr(value), "choose another id")
    elif value in RESERVED or value.startswith("core_"):
        reading.report(
            name, "reserved-id", "an id that core does not use", value, "choose another id"
        )
    return value


def _core_api(reading: _Reading, name: str, value: Any) -> Any:
    if not isinstance(value, str) or not value.strip() or _range_problem(value):
        reading.report(
            name,
            "bad-range",
            "a version range such as >=1.0,<2",
            repr(value),
            'write core_api = ">=1.0,<2"',
        )
    return value


def _kind(reading: _Reading, name: str, value: Any) -> Any:
    kinds = get_args(Kind)
    if value not in kinds:
        near = nearest(value, kinds) if isinstance(value, str) else None
        mend = f"did you mean {near}?" if near else f"write one of {', '.join(kinds)}"
        reading.report(name, "bad-kind", f"one of {', '.join(kinds)}", repr(value), mend)
    return value


def _requires(reading: _Reading, name: str, value: Any) -> tuple[Requirement, ...]:
    found = []
    for text in _texts(reading, name, value):
        parts = _REQUIREMENT.fullmatch(text)
        plugin_id, versions = parts.groups() if parts else ("", "")
        if not PLUGIN_ID.fullmatch(plugin_id):
            mend = f"write {_id_like(plugin_id)}" if plugin_id else "write the id of a plugin"
            reading.report(name, "bad-requirement", "an id such as identity>=1.2", text, mend)
        elif versions and _range_problem(versions):
            mend = f"write {plugin_id}>=1.2"
            reading.report(name, "bad-requirement", "an id such as identity>=1.2", text, mend)
        else:
            found.append(Requirement(plugin_id, versions.replace(" ", "")))
    return tuple(found)


def _after(reading: _Reading, name: str, value: Any) -> tuple[str, ...]:
    texts = _texts(reading, name, value)
    for text in texts:
        if not PLUGIN_ID.fullmatch(text):
            mend = "write the id alone; versions belong into requires"
            reading.report(name, "bad-requirement", "the id of a plugin", text, mend)
    return tuple(texts)


def _module(reading: _Reading, name: str, value: Any) -> Any:
    if value == "":
        return value
    package = reading.package
    if not isinstance(value, str) or not _DOTTED.fullmatch(value):
        expected = f"a module such as {package}.piccolo_app"
        reading.report(name, "bad-module", expected, repr(value), "correct it, or leave it out")
    elif not value.startswith(f"{package}."):
        expected = f"a module of the plugin's own package, {package}.…"
        reading.report(name, "foreign-module", expected, value, f"write {package}.piccolo_app")
    return value


def _settings(reading: _Reading, name: str, value: Any) -> Any:
    if value == "":
        return value
    if isinstance(value, str) and ":" not in value:
        value = ":".join(value.rpartition(".")[::2])
    module, _, struct = value.partition(":") if isinstance(value, str) else ("", "", "")
    expected = f"a Struct such as {reading.package}.settings:Settings"
    if not _DOTTED.fullmatch(module) or not struct.isidentifier():
        reading.report(name, "bad-module", expected, repr(value), "correct it, or leave it out")
    elif not f"{module}.".startswith(f"{reading.package}."):
        mend = f"write {reading.package}.settings:{struct}"
        reading.report(name, "foreign-module", expected, value, mend)
    return value


def _processing(reading: _Reading, name: str, value: Any) -> tuple[Processing, ...]:
    return read_processing(name, value, reading.report)


def _texts(reading: _Reading, name: str, value: Any) -> list[str]:
    if isinstance(value, list) and all(isinstance(text, str) for text in value):
        return value
    reading.report(name, "bad-list", "a list of texts", repr(value), f'write {name} = ["identity"]')
    return []


def _range_problem(text: str) -> bool:
    try:
        SpecifierSet(text)
    except InvalidSpecifier:
        return True
    return False


def _id_like(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")


def _unreadable(path: Path, why: str) -> Problem:
    return Problem(
        code="unreadable-manifest",
        message=f"the manifest cannot be read: {why}",
        where=path.name,
        expected="a TOML file in UTF-8",
        mend="correct the file, or install the plugin anew",
    )


_FIELDS: dict[str, Callable[[_Reading, str, Any], Any]] = {
    "id": _id,
    "core_api": _core_api,
    "kind": _kind,
    "requires": _requires,
    "after": _after,
    "piccolo_app": _module,
    "settings": _settings,
    "processing": _processing,
}
_REQUIRED = {
    "id": "the id of the plugin, the same as its entry point",
    "core_api": "the versions of the hook API, such as >=1.0,<2",
    "kind": f"one of {', '.join(get_args(Kind))}",
}
