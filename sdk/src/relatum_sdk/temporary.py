"""Plugins made on the fly: small installed distributions in a folder, for tests and benchmarks.

A folder with such plugins on ``sys.path`` (or in ``PYTHONPATH``) is all it takes to install them.
"""

from __future__ import annotations

from pathlib import Path

PLUGIN_PY = '"""A plugin that implements no hook."""\n'


def make_plugin(  # noqa: PLR0913 - all by name, all with a default
    folder: Path,
    id: str,
    *,
    plugin_py: str = PLUGIN_PY,
    manifest_extra: str = "",
    manifest: str | None = None,
    version: str = "1.0",
    distribution: str | None = None,
    package: str | None = None,
    files: dict[str, str] | None = None,
) -> Path:
    """Write an installed distribution that brings one plugin.

    Args:
        folder: where it is installed; created when missing.
        id: of the plugin, and of its entry point.
        plugin_py: the source of ``plugin.py``.
        manifest_extra: lines for the end of ``plugin.toml``.
        manifest: the whole ``plugin.toml``, instead of a valid one.
        distribution: its name; by default ``relatum-<id>``.
        package: its import name; by default ``relatum_<id>``.
        files: further files of the package, or other contents for those it has, by path.

    Returns:
        The folder of the package.
    """
    distribution = distribution or f"relatum-{id.replace('_', '-')}"
    package = package or f"relatum_{id}"
    written = {
        "__init__.py": f'"""Plugin {id}."""\n',
        "plugin.py": plugin_py,
        "plugin.toml": manifest_text(id, manifest_extra) if manifest is None else manifest,
        **(files or {}),
    }
    _write(folder / package, written)
    _write(
        folder / f"{distribution.replace('-', '_')}-{version}.dist-info",
        {
            "METADATA": "Metadata-Version: 2.4\n"
            f"Name: {distribution}\nVersion: {version}\nSummary: Plugin {id}\n"
            "License-Expression: Apache-2.0\n",
            "entry_points.txt": f"[relatum.plugins]\n{id} = {package}\n",
            "RECORD": "",
        },
    )
    return folder / package


def make_idle_plugins(folder: Path, count: int) -> list[str]:
    """Install plugins ``idle_01``, ``idle_02``, … that do nothing, and return their ids."""
    ids = [f"idle_{number:02}" for number in range(1, count + 1)]
    for plugin_id in ids:
        make_plugin(folder, plugin_id)
    return ids


def manifest_text(id: str, extra: str = "") -> str:
    """A valid ``plugin.toml``."""
    return f'id = "{id}"\ncore_api = ">=1.0,<2"\nkind = "function"\n{extra}\n'


def _write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
