"""What makes a distribution a complete project of its own."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

from tests.structure.repository import Problem, package, read_toml

FIELDS = ("name", "version", "description", "readme", "requires-python", "license", "authors")
PLUGIN_SECTIONS = ("Install", "Settings", "Remove")
#: Their newest version is always the right one: data that must stay current, or no major releases.
UNBOUNDED = {"tzdata", "packaging"}
#: Names that say nothing about what a module holds.
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "common", "misc"}


def problems(distribution: Path, licence: str) -> list[Problem]:
    """Everything that a distribution lacks; for a plugin also what only plugins have."""
    if not (distribution / "pyproject.toml").is_file():
        return [Problem(str(distribution), "has no pyproject.toml")]
    project = read_toml(distribution / "pyproject.toml").get("project", {})
    checks: list[Callable[[], Iterator[str]]] = [
        lambda: _metadata(project),
        lambda: _requirements(project),
        lambda: _texts(distribution, project, licence),
        lambda: _code(distribution),
    ]
    if distribution.parent.name == "plugins":
        checks.append(lambda: _plugin(distribution, project))
    return [Problem(str(distribution), rule) for check in checks for rule in check()]


def _metadata(project: dict[str, Any]) -> Iterator[str]:
    for field in FIELDS:
        if not project.get(field):
            yield f"pyproject.toml does not set project.{field}"
    if project.get("license") != "Apache-2.0":
        yield f"license is {project.get('license')!r}, expected 'Apache-2.0'"


def _requirements(project: dict[str, Any]) -> Iterator[str]:
    for text in project.get("dependencies", []):
        requirement = Requirement(text)
        operators = {each.operator for each in requirement.specifier}
        if not operators & {">=", "~=", "=="}:
            yield f"dependency {text!r} has no lower bound"
        if requirement.name not in UNBOUNDED and not operators & {"<", "~=", "=="}:
            yield f"dependency {text!r} has no upper bound"


def _texts(distribution: Path, project: dict[str, Any], licence: str) -> Iterator[str]:
    readme = distribution / str(project.get("readme", "README.md"))
    if not readme.is_file() or not readme.read_text(encoding="utf-8").startswith("# "):
        yield f"{readme.name} is missing or does not start with a title"
    copy = distribution / "LICENSE"
    if not copy.is_file() or copy.read_text(encoding="utf-8") != licence:
        yield "LICENSE is missing or differs from the one of the repository"
    if not (distribution / "changes" / "README.md").is_file():
        yield "changes/README.md is missing (where the change log's fragments go)"


def _code(distribution: Path) -> Iterator[str]:
    try:
        source = package(distribution)
    except LookupError as error:
        yield str(error)
        return
    if not (source / "py.typed").is_file():
        yield f"{source.name}/py.typed is missing"
    for module in sorted(source.rglob("*.py")):
        if EMPTY_NAMES & {module.stem, module.parent.name}:
            yield f"{module.relative_to(source)} is named for nothing that it holds"
    if not any((distribution / "tests").rglob("test_*.py")):
        yield "tests/ holds no test_*.py"


def _plugin(distribution: Path, project: dict[str, Any]) -> Iterator[str]:
    plugin, module = distribution.name, f"relatum_{distribution.name}"
    if project.get("name") != f"relatum-{plugin.replace('_', '-')}":
        yield f"the name is {project.get('name')!r}, expected 'relatum-{plugin.replace('_', '-')}'"
    declared = project.get("entry-points", {}).get("relatum.plugins")
    if declared != {plugin: module}:
        yield f"the entry point is {declared}, expected {{'{plugin}': '{module}'}}"
    yield from _manifest(distribution / "src" / module / "plugin.toml", plugin)
    yield from _quiet_package(distribution / "src" / module / "__init__.py")
    yield from _readme_sections(distribution / "README.md")


def _manifest(manifest: Path, plugin: str) -> Iterator[str]:
    if not manifest.is_file():
        yield "plugin.toml is missing from the package"
    elif read_toml(manifest).get("id") != plugin:
        yield f"plugin.toml says id {read_toml(manifest).get('id')!r}, expected {plugin!r}"


def _quiet_package(init: Path) -> Iterator[str]:
    body = ast.parse(init.read_text(encoding="utf-8")).body if init.is_file() else []
    documented = bool(body) and isinstance(body[0], ast.Expr)
    if not documented or len(body) > 1:
        yield "__init__.py holds a docstring and nothing else (discovery may import it)"


def _readme_sections(readme: Path) -> Iterator[str]:
    text = readme.read_text(encoding="utf-8") if readme.is_file() else ""
    titles = [line for line in text.splitlines() if line.startswith("## ")]
    for section in PLUGIN_SECTIONS:
        if not any(section in title for title in titles):
            yield f"README.md has no section {section!r}"
