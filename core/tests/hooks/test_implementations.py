"""Mistakes in the hook functions themselves, each found for its own reason."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from relatum.hooks.dispatcher import Dispatcher
from relatum.values.problems import Problem

Bring = Callable[..., list[Problem]]

MISTAKES = {
    "unknown hook": (
        "@hookimpl\ndef relatum_register_route(plugin): return []",
        "unknown-hook",
        "did you mean relatum_register_routes?",
    ),
    "hook nobody ever heard of": (
        "@hookimpl\ndef completely_different(plugin): return []",
        "unknown-hook",
        "there are: relatum_register_permissions",
    ),
    "unknown argument": (
        "@hookimpl\nasync def relatum_validate_interactions(plugin, draft): return []",
        "hook-argument",
        "did you mean drafts?",
    ),
    "any arguments": (
        "@hookimpl\ndef relatum_register_jobs(*everything): return []",
        "hook-argument",
        "the page of the hook",
    ),
    "declaring with async": (
        "@hookimpl\nasync def relatum_register_jobs(plugin): return []",
        "hook-kind",
        "write def relatum_register_jobs",
    ),
    "taking part without async": (
        "@hookimpl\ndef relatum_validate_interactions(drafts): return []",
        "hook-kind",
        "write async def relatum_validate_interactions",
    ),
    "generator": (
        "@hookimpl\ndef relatum_register_jobs(plugin): yield 1",
        "hook-generator",
        "the page of the hook",
    ),
    "asynchronous generator": (
        "@hookimpl\nasync def relatum_validate_interactions(drafts): yield 1",
        "hook-generator",
        "the page of the hook",
    ),
    "first": (
        "@hookimpl(tryfirst=True)\ndef relatum_register_jobs(plugin): return []",
        "hook-option",
        "`after` in plugin.toml",
    ),
    "last": (
        "@hookimpl(trylast=True)\ndef relatum_register_jobs(plugin): return []",
        "hook-option",
        "`after` in plugin.toml",
    ),
    "wrapper": (
        "@hookimpl(wrapper=True)\ndef relatum_register_jobs(plugin): return (yield)",
        "hook-option",
        "no wrappers",
    ),
    "forgotten marker": (
        "def relatum_register_jobs(plugin): return []",
        "unmarked-hook",
        "put @hookimpl above",
    ),
    "two functions": (
        (
            "@hookimpl\ndef relatum_register_jobs(plugin): return []\n"
            '@hookimpl(specname="relatum_register_jobs")\ndef jobs(plugin): return []'
        ),
        "duplicate-hook",
        "the page of the hook",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistake_is_found(dispatcher: Dispatcher, bring: Bring, mistake: str) -> None:
    source, code, mend = MISTAKES[mistake]
    problems = bring("a", source)
    assert code in [problem.code for problem in problems]
    assert mend in " ".join(problem.mend for problem in problems)
    assert dispatcher.registry.plugins == {}
    assert bring("a", "") == [], "nothing of the refused plugin was left"


def test_mistakes_are_many() -> None:
    assert len(MISTAKES) == 13


def test_all_mistakes_are_reported_at_once(bring: Bring) -> None:
    source = "\n".join(MISTAKES[each][0] for each in ("unknown hook", "forgotten marker", "first"))
    source = source.replace("tryfirst=True)\ndef relatum_register_jobs", "tryfirst=True)\ndef x")
    assert {problem.code for problem in bring("a", source)} >= {"unknown-hook", "unmarked-hook"}


def test_hook_of_a_later_core_may_be_optional(dispatcher: Dispatcher, bring: Bring) -> None:
    source = "@hookimpl(optionalhook=True)\ndef relatum_register_moons(plugin): return []"
    assert bring("a", source) == []
    assert "a" in dispatcher.registry.plugins


def test_function_may_have_a_name_of_its_own(dispatcher: Dispatcher, bring: Bring) -> None:
    source = (
        '@hookimpl(specname="relatum_register_permissions")\ndef rights(plugin):\n'
        '    return [Permission(id="a.x.read", title=Text(en="X", vi="X"))]'
    )
    assert bring("a", source) == []
    assert dispatcher.registry.permissions.ids() == ["a.x.read"]
