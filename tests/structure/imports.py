"""Which modules a plugin may import, read from its syntax tree without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.structure.repository import Problem

DYNAMIC = {"import_module", "__import__", "find_spec"}


@dataclass(frozen=True)
class Import:
    """One imported module; `name` is set by `from module import name`."""

    line: int
    module: str
    name: str = ""

    @property
    def full(self) -> str:
        return f"{self.module}.{self.name}" if self.name else self.module


def plugin_problems(package: Path) -> tuple[int, list[Problem]]:
    """Check every module of a plugin's package.

    Returns:
        The number of modules read, and one problem for each import of core other than
        `relatum.api` and of another plugin other than its `api`.
    """
    modules = sorted(package.rglob("*.py"))
    problems = [
        Problem(f"{path}:{found.line}", f"imports {found.full}; {rule}")
        for path in modules
        for found in imports(path.read_text(encoding="utf-8"))
        if (rule := _broken_rule(found, package.name))
    ]
    return len(modules), problems


def imports(source: str) -> Iterator[Import]:
    """Every import of a module that is carried out at run time, at any depth of the code."""
    yield from _Finder().find(ast.parse(source))


def _broken_rule(found: Import, own: str) -> str:
    top = found.module.partition(".")[0]
    if top == own or not (top == "relatum" or top.startswith("relatum_")):
        return ""
    if top == "relatum_sdk":
        return "the SDK is for tests, it is not installed where the plugin runs"
    if _is_within(found, f"{top}.api"):
        return ""
    if top == "relatum":
        return "a plugin imports relatum.api and nothing else of core"
    return f"of another plugin only {top}.api may be imported"


def _is_within(found: Import, allowed: str) -> bool:
    return allowed in {found.module, found.full}


class _Finder:
    def find(self, node: ast.AST) -> Iterator[Import]:
        if isinstance(node, ast.Import):
            yield from (Import(node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from self._from(node)
        elif isinstance(node, ast.Call):
            yield from self._dynamic(node)
        for child in self._run_children(node):
            yield from self.find(child)

    @staticmethod
    def _from(node: ast.ImportFrom) -> Iterator[Import]:
        if node.level == 0 and node.module:
            yield from (Import(node.lineno, node.module, alias.name) for alias in node.names)

    @staticmethod
    def _dynamic(node: ast.Call) -> Iterator[Import]:
        called = node.func.attr if isinstance(node.func, ast.Attribute) else node.func
        name = called.id if isinstance(called, ast.Name) else called
        if name in DYNAMIC and node.args and isinstance(node.args[0], ast.Constant):
            yield Import(node.lineno, str(node.args[0].value))

    @staticmethod
    def _run_children(node: ast.AST) -> Iterator[ast.AST]:
        """Children, without the body of `if TYPE_CHECKING:`, which never runs."""
        if isinstance(node, ast.If) and _names_type_checking(node.test):
            yield from node.orelse
        else:
            yield from ast.iter_child_nodes(node)


def _names_type_checking(test: ast.expr) -> bool:
    name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", "")
    return name == "TYPE_CHECKING"
