"""Every hook has a page that is true, a docstring that says enough, and a plugin that uses it."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from relatum.hooks import specs
from relatum.hooks.dispatcher import Dispatcher
from relatum.hooks.implementations import HOOKS
from relatum.values.problems import Problem

Bring = Callable[..., list[Problem]]

ROOT = Path(__file__).resolve().parents[3]
PAGES = ROOT / "docs" / "hooks"
PARTS = ("When", "Order", "Transaction", "Arguments", "Result", "Errors", "Since")
EXAMPLE = re.compile(r"^## Example\n\n```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def page(hook: str) -> str:
    return (PAGES / f"{hook}.md").read_text(encoding="utf-8")


def signature(hook: str) -> str:
    return f"{hook}{inspect.signature(getattr(specs, hook))}".replace("'", "")


def test_there_are_hooks_and_no_page_of_another() -> None:
    assert len(HOOKS) >= 10
    marked = [name for name, value in vars(specs).items() if hasattr(value, "relatum_spec")]
    assert sorted(marked) == sorted(HOOKS)
    assert {path.stem for path in PAGES.glob("*.md")} == {*HOOKS, "README"}


@pytest.mark.parametrize("hook", HOOKS)
def test_title_of_the_page_is_the_signature(hook: str) -> None:
    assert page(hook).splitlines()[0] == f"# `{signature(hook)}`"


@pytest.mark.parametrize("hook", HOOKS)
def test_page_says_everything_there_is_to_say(hook: str) -> None:
    text = page(hook)
    missing = [part for part in PARTS if not re.search(rf"^\*\*{part}", text, re.MULTILINE)]
    assert not missing
    for argument in inspect.signature(getattr(specs, hook)).parameters:
        assert f"* `{argument}` (" in text, argument


@pytest.mark.parametrize("hook", HOOKS)
def test_hook_is_in_the_index(hook: str) -> None:
    index = (PAGES / "README.md").read_text(encoding="utf-8")
    assert f"[{hook}]({hook}.md)" in index


def test_index_lists_declaring_hooks_in_their_order() -> None:
    index = (PAGES / "README.md").read_text(encoding="utf-8")
    assert tuple(re.findall(r"^\d+\. \[(\w+)\]", index, re.MULTILINE)) == specs.DECLARING


@pytest.mark.parametrize("hook", HOOKS)
def test_example_of_the_page_loads(hook: str, bring: Bring, dispatcher: Dispatcher) -> None:
    found = EXAMPLE.search(page(hook))
    assert found is not None
    tree = ast.parse(found[1])
    functions = {node.name for node in tree.body if isinstance(node, FUNCTIONS)}
    assert hook in functions
    assert bring("spa", found[1]) == []
    if hook in specs.TAKING_PART:
        assert dispatcher.participants(hook) == ["spa"]


FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@pytest.mark.parametrize("hook", HOOKS)
def test_docstring_says_when_and_since(hook: str) -> None:
    text = inspect.getdoc(getattr(specs, hook)) or ""
    first, *rest = text.splitlines()
    assert first.endswith("."), "one sentence on the first line"
    assert re.search(r"\bCalled\b", text), "when it is called"
    assert re.search(r"^Since core_api \d+\.\d+\.$", text, re.MULTILINE)
    assert len(" ".join(rest).split()) >= 8
    if hook in specs.TAKING_PART:
        assert "transaction" in text


@pytest.mark.parametrize("hook", HOOKS)
def test_plugin_of_the_repository_uses_the_hook(hook: str) -> None:
    modules = sorted(ROOT.glob("plugins/*/src/*/plugin.py"))
    assert modules
    users = [
        path.parent.name
        for path in modules
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, FUNCTIONS) and node.name == hook
    ]
    assert users, f"no plugin implements {hook}: a hook that nobody uses is not kept"
