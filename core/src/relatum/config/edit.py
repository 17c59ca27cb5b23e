"""Changing the settings file as a careful person would: one line, comments and order kept."""

import os
import tempfile
import tomllib
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.container import OutOfOrderTableProxy
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import Array, InlineTable, Table

from relatum.config.settings import PLUGIN_ID
from relatum.values.problems import ConfigurationError, InvalidInput, Problem


def set_plugin_enabled(path: Path, plugin_id: str, enabled: bool) -> bool:
    """Switch a plugin on or off in ``[plugins]`` of a settings file; True when the file changed.

    Off: it goes into ``disabled`` and out of ``enabled``. On: out of ``disabled``, and into
    ``enabled`` where there is such a list. A missing file is created. The file is replaced as a
    whole or not at all and keeps its permissions; a symbolic link keeps pointing to it.

    Raises:
        InvalidInput: ``plugin_id`` cannot be the id of a plugin.
        ConfigurationError: the file is not valid TOML, ``[plugins]`` has another form, or the
            folder cannot be written.
    """
    if not PLUGIN_ID.fullmatch(plugin_id):
        raise _not_an_id(plugin_id)

    def switch(document: tomlkit.TOMLDocument, path: Path) -> None:
        if enabled and "plugins" not in document:
            return
        plugins = _table(document, "plugins", path)
        _put(plugins, "disabled", plugin_id, present=not enabled, path=path)
        if "enabled" in plugins:
            _put(plugins, "enabled", plugin_id, present=enabled, path=path)

    return _edit(path, switch, table="plugins", keys=("enabled", "disabled"))


def set_values(path: Path, table: str, values: Mapping[str, str]) -> bool:
    """Set texts in one table of a settings file; True when the file changed.

    What already has its value is not touched. Otherwise as :func:`set_plugin_enabled`.

    Raises:
        ConfigurationError: as :func:`set_plugin_enabled`.
    """

    def set_them(document: tomlkit.TOMLDocument, path: Path) -> None:
        into = _table(document, table, path)
        for key, value in values.items():
            if into.get(key) != value:
                into[key] = value

    return _edit(path, set_them, table=table, keys=values)


def _edit(
    path: Path,
    change: Callable[[tomlkit.TOMLDocument, Path], None],
    *,
    table: str,
    keys: Collection[str],
) -> bool:
    """Change a file, provided that these keys of this table are all that changes."""
    path = path.resolve()
    try:
        before = path.read_bytes().decode("utf-8") if path.exists() else ""
        document = tomlkit.parse(before)
        change(document, path)
        after = tomlkit.dumps(document)
        if after == before:
            return False
        _check_nothing_else_changed(before, after, table, keys)
        _replace(path, after)
    except (TOMLKitError, UnicodeDecodeError) as refusal:
        raise _unusable(path, f"it is not valid TOML in UTF-8 ({refusal})") from None
    except OSError as refusal:
        raise _unusable(path, refusal.strerror or "it cannot be written") from None
    return True


TableLike = Table | InlineTable | OutOfOrderTableProxy


def _table(document: tomlkit.TOMLDocument, name: str, path: Path) -> TableLike:
    table = document.get(name)
    if table is None:
        document[name] = tomlkit.table()
        table = document[name]
    if not isinstance(table, TableLike):
        raise _unusable(path, f"{name} is not a table")
    return table


def _put(plugins: TableLike, key: str, plugin_id: str, *, present: bool, path: Path) -> None:
    ids = plugins.get(key)
    if ids is None and not present:
        return
    if ids is None:
        ids = tomlkit.array()
        plugins[key] = ids
        ids = plugins[key]
    if not isinstance(ids, Array):
        raise _unusable(path, f"{key} in [plugins] is not a list")
    if present and plugin_id not in ids:
        ids.append(plugin_id)
    while not present and plugin_id in ids:
        ids.remove(plugin_id)


def _check_nothing_else_changed(before: str, after: str, table: str, keys: Collection[str]) -> None:
    """A second parser must find the same settings apart from these keys."""
    if _without(before, table, keys) != _without(after, table, keys):
        raise TOMLKitError("it is written in a way that cannot be edited safely")


def _without(text: str, table: str, keys: Collection[str]) -> dict[str, Any]:
    tree = tomllib.loads(text)
    inner = tree.setdefault(table, {})
    for key in keys:
        inner.pop(key, None)
    return tree


def _replace(path: Path, text: str) -> None:
    """Write beside the file, then rename over it: a crash leaves the old or the new file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    beside = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            beside.chmod(path.stat().st_mode & 0o7777)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _not_an_id(plugin_id: str) -> InvalidInput:
    problem = Problem(
        code="not-a-plugin-id",
        message="This cannot be the id of a plugin",
        expected="small letters, digits and underscores, such as sales_pipeline",
        got=repr(plugin_id)[:80],
        mend="Run `relatum plugins list` to see the ids.",
    )
    return InvalidInput(f"{plugin_id[:80]!r} cannot be the id of a plugin.", problems=[problem])


def _unusable(path: Path, why: str) -> ConfigurationError:
    problem = Problem(
        code="unusable-configuration",
        message=f"The settings file cannot be changed: {why}",
        where=str(path),
        expected="a TOML file with lists of plugin ids in [plugins]",
        mend="Correct the file by hand, then try again.",
    )
    return ConfigurationError(f"{path} cannot be changed: {why}.", problems=[problem])
