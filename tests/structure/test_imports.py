"""Import directions: the contracts of import-linter as configured, and every plugin's modules.

Both checkers are tried on broken examples first; a checker that passes everything checks nothing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.structure.imports import Import, imports, plugin_problems
from tests.structure.repository import ROOT, package, plugins, read_toml, report

LINTER = Path(sys.executable).with_name("lint-imports")
ROOMS, ONLY_API = "Rooms of core import only downwards", "Plugins import relatum.api and nothing"
TYPING_ONLY = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:"


@pytest.mark.parametrize("plugin", plugins(), ids=lambda path: path.name)
def test_plugin_imports_only_the_api(plugin: Path) -> None:
    read, problems = plugin_problems(package(plugin))
    assert read > 0
    assert not problems, report(problems)


def test_plugins_were_found() -> None:
    assert "sales_pipeline" in [path.name for path in plugins()]


@pytest.mark.parametrize(
    "line",
    [
        "import relatum",
        "import relatum.customers",
        "from relatum import customers",
        "from relatum.customers import Customers",
        "from relatum.apiary import bee",
        "from relatum import api, customers",
        "if True:\n    import relatum.db.tables as tables",
        "def late():\n    from relatum.hooks.specs import hookimpl",
        "import importlib\nimportlib.import_module('relatum.db')",
        "from importlib import import_module\nimport_module('relatum.db')",
        "__import__('relatum.db')",
        "import relatum_other.services",
        "from relatum_other.tables import Deal",
        "import relatum_sdk.databases",
        f"{TYPING_ONLY}\n    pass\nelse:\n    import relatum.db",
    ],
)
def test_forbidden_import_is_found(tmp_path: Path, line: str) -> None:
    read, problems = plugin_problems(plugin_with(tmp_path, line))
    assert read == 1
    assert len(problems) == 1, report(problems)


@pytest.mark.parametrize(
    "line",
    [
        "import relatum.api",
        "from relatum import api",
        "from relatum.api import hookimpl, Plugin",
        "import relatum_other.api",
        "from relatum_other import api",
        "from relatum_sample.services import add",
        "from . import tables",
        "from .relatum import tables",
        "import relational.db",
        f"{TYPING_ONLY}\n    import relatum.db",
        "import typing\nif typing.TYPE_CHECKING:\n    from relatum.db import Engine",
    ],
)
def test_allowed_import_is_not_reported(tmp_path: Path, line: str) -> None:
    read, problems = plugin_problems(plugin_with(tmp_path, line))
    assert read == 1
    assert not problems, report(problems)


def test_line_and_name_of_an_import_are_told() -> None:
    assert list(imports("\n\nfrom relatum.db import Engine")) == [
        Import(line=3, module="relatum.db", name="Engine")
    ]


def test_every_plugin_is_known_to_the_tools() -> None:
    settings = read_toml(ROOT / "pyproject.toml")["tool"]
    packages = {package(plugin).name for plugin in plugins()}
    sources = {str((plugin / "src").relative_to(ROOT)) for plugin in plugins()}
    contracts = {each["id"]: each for each in settings["importlinter"]["contracts"]}
    assert packages <= set(settings["importlinter"]["root_packages"])
    assert packages <= set(contracts["plugins"]["source_modules"])
    assert sources <= set(settings["mypy"]["mypy_path"].split(":"))


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of core's and the plugins' packages beside the settings of the linter."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for distribution in [ROOT / "core", *plugins()]:
        source = package(distribution)
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(source, tmp_path / source.name, ignore=ignore)
    return tmp_path


def test_contracts_hold(copy: Path) -> None:
    code, printed = lint(copy)
    assert code == 0, printed
    assert "2 kept, 0 broken" in printed


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("relatum/values/broken.py", "import relatum.db", ROOMS),
        ("relatum/db/broken.py", "def late():\n    from relatum import hooks", ROOMS),
        ("relatum/customers/broken.py", "import relatum.api", ROOMS),
        ("relatum/misplaced/__init__.py", "", "misplaced"),
        ("relatum_sales_pipeline/broken.py", "import relatum.customers", ONLY_API),
    ],
)
def test_broken_contract_is_found(copy: Path, module: str, line: str, contract: str) -> None:
    for room in ("db", "hooks", "customers", "values", "api"):
        add_room(copy / "relatum", room)
    add_module(copy / module, line)
    code, printed = lint(copy)
    assert code != 0
    assert contract in printed


def test_import_for_type_checking_is_exempt(copy: Path) -> None:
    add_room(copy / "relatum", "db")
    add_module(copy / "relatum/values/typed.py", f"{TYPING_ONLY}\n    import relatum.db")
    code, printed = lint(copy)
    assert code == 0, printed


def lint(folder: Path) -> tuple[int, str]:
    """Run import-linter with the settings and the packages of a folder."""
    done = subprocess.run(
        [LINTER, "--config", "pyproject.toml", "--no-cache"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def plugin_with(folder: Path, line: str) -> Path:
    add_module(folder / "relatum_sample" / "plugin.py", line)
    return folder / "relatum_sample"


def add_room(core: Path, room: str) -> None:
    if not (core / room).exists() and not (core / f"{room}.py").exists():
        add_module(core / room / "__init__.py", "")


def add_module(path: Path, source: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{source}\n", encoding="utf-8")
