"""Every distribution is a complete project; each rule is tried on an example that breaks it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.structure.completeness import problems
from tests.structure.repository import ROOT, distributions, report

LICENCE = "the licence\n"
PYPROJECT = """\
[project]
name = "relatum-sample"
version = "0.1.0"
description = "A sample."
readme = "README.md"
requires-python = ">=3.11"
license = "Apache-2.0"
authors = [{ name = "Somebody" }]
dependencies = ["relatum>=0.1,<0.2", "tzdata>=2025.2"]

[project.entry-points."relatum.plugins"]
sample = "relatum_sample"
"""


@pytest.mark.parametrize("distribution", distributions(), ids=lambda path: path.name)
def test_distribution_is_complete(distribution: Path) -> None:
    found = problems(distribution, (ROOT / "LICENSE").read_text(encoding="utf-8"))
    assert not found, report(found)


def test_distributions_were_found() -> None:
    assert {"core", "assets", "sdk", "sales_pipeline"} <= {path.name for path in distributions()}


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    """A plugin that lacks nothing."""
    folder = tmp_path / "plugins" / "sample"
    write(folder, "pyproject.toml", PYPROJECT)
    write(folder, "README.md", "# sample\n\n## Install\n\n## Settings\n\n## Remove\n")
    write(folder, "LICENSE", LICENCE)
    write(folder, "changes/README.md", "# Changes\n")
    write(folder, "src/relatum_sample/__init__.py", '"""A sample."""\n')
    write(folder, "src/relatum_sample/py.typed", "")
    write(folder, "src/relatum_sample/plugin.toml", 'id = "sample"\n')
    write(folder, "tests/test_sample.py", "")
    return folder


def test_complete_sample_has_no_problem(sample: Path) -> None:
    assert not problems(sample, LICENCE)


@pytest.mark.parametrize(
    ("file", "told"),
    [
        ("pyproject.toml", "has no pyproject.toml"),
        ("README.md", "README.md is missing"),
        ("LICENSE", "LICENSE is missing"),
        ("changes/README.md", "changes/README.md is missing"),
        ("src/relatum_sample/py.typed", "py.typed is missing"),
        ("src/relatum_sample/plugin.toml", "plugin.toml is missing"),
        ("src/relatum_sample/__init__.py", "holds a docstring"),
        ("tests/test_sample.py", "holds no test_*.py"),
    ],
)
def test_missing_file_is_told(sample: Path, file: str, told: str) -> None:
    (sample / file).unlink()
    assert told in report(problems(sample, LICENCE))


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("pyproject.toml", 'version = "0.1.0"', "", "does not set project.version"),
        ("pyproject.toml", "Apache-2.0", "MIT", "license is 'MIT'"),
        ("pyproject.toml", "relatum>=0.1,<0.2", "relatum<0.2", "no lower bound"),
        ("pyproject.toml", "relatum>=0.1,<0.2", "relatum>=0.1", "no upper bound"),
        ("pyproject.toml", "relatum-sample", "relatum_sample", "expected 'relatum-sample'"),
        ("pyproject.toml", "sample =", "simple =", "the entry point is"),
        ("README.md", "## Settings", "", "no section 'Settings'"),
        ("README.md", "# sample", "sample", "does not start with a title"),
        ("LICENSE", "the", "another", "differs from the one of the repository"),
        ("src/relatum_sample/plugin.toml", "sample", "simple", "says id 'simple'"),
        ("src/relatum_sample/__init__.py", "\n", "\nimport relatum\n", "and nothing else"),
    ],
)
def test_broken_file_is_told(sample: Path, file: str, old: str, new: str, told: str) -> None:
    change(sample / file, lambda text: text.replace(old, new))
    assert told in report(problems(sample, LICENCE))


def test_second_package_is_told(sample: Path) -> None:
    write(sample, "src/relatum_sample_extra/__init__.py", "")
    assert "holds one package" in report(problems(sample, LICENCE))


@pytest.mark.parametrize("name", ["utils.py", "helpers/__init__.py", "deals/common.py"])
def test_module_with_an_empty_name_is_told(sample: Path, name: str) -> None:
    write(sample, f"src/relatum_sample/{name}", "")
    assert "is named for nothing" in report(problems(sample, LICENCE))


def write(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def change(path: Path, edit: Callable[[str], str]) -> None:
    before = path.read_text(encoding="utf-8")
    after = edit(before)
    assert after != before
    path.write_text(after, encoding="utf-8")
