"""The hook implementations of a plugin's module, and everything that is wrong with them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any

import msgspec
import pluggy

from relatum.hooks import specs
from relatum.values.problems import Problem
from relatum.values.text import nearest

if TYPE_CHECKING:
    from relatum.hooks.context import Plugin

HOOKS = (*specs.DECLARING, *specs.TAKING_PART)
#: Options of pluggy that would undo the order of the house.
FORBIDDEN_OPTIONS = ("wrapper", "hookwrapper", "tryfirst", "trylast")


class Implementation(msgspec.Struct, frozen=True):
    """One function of a plugin that implements a hook, and the arguments it wants."""

    hook: str
    function: Callable[..., Any]
    argument_names: tuple[str, ...]

    def call(self, plugin: Plugin, arguments: Mapping[str, Any]) -> Any:
        """Call the function with the arguments it wants; ``plugin`` is its own."""
        return self.function(
            **{
                name: plugin if name == "plugin" else arguments[name]
                for name in self.argument_names
            }
        )


def read_implementations(
    manager: pluggy.PluginManager, module: ModuleType
) -> tuple[list[Implementation], list[Problem]]:
    """The functions of ``module`` that are marked ``@hookimpl``, and what is wrong with them."""
    implementations: dict[str, Implementation] = {}
    problems: list[Problem] = []
    for name, function in vars(module).items():
        options = manager.parse_hookimpl_opts(module, name)
        if options is None:
            problems += _forgotten_marker(name, function)
            continue
        hook = options.get("specname") or name
        if hook not in HOOKS:
            problems += [] if options.get("optionalhook") else [_unknown(hook)]
            continue
        found = [*_option_problems(hook, options), *_function_problems(hook, function)]
        if hook in implementations:
            found.append(_problem("duplicate-hook", hook, "one function for it", "two"))
        problems += found
        if not found:
            implementations[hook] = Implementation(hook, function, tuple(_arguments(function)))
    return list(implementations.values()), problems


def argument_names(hook: str) -> list[str]:
    """The arguments that a hook offers; an implementation may leave some out."""
    return _arguments(getattr(specs, hook))


def _arguments(function: Callable[..., Any]) -> list[str]:
    return list(inspect.signature(function).parameters)


def _forgotten_marker(name: str, function: object) -> Iterator[Problem]:
    if name in HOOKS and inspect.isfunction(function):
        yield _problem(
            "unmarked-hook",
            name,
            "@hookimpl above the function",
            "no marker",
            "write `from relatum.api import hookimpl` and put @hookimpl above the function",
        )


def _unknown(hook: str) -> Problem:
    near = nearest(hook, HOOKS)
    return _problem(
        "unknown-hook",
        hook,
        "the name of a hook",
        hook,
        f"did you mean {near}?" if near else f"there are: {', '.join(HOOKS)}",
    )


def _option_problems(hook: str, options: Mapping[str, Any]) -> Iterator[Problem]:
    for option in FORBIDDEN_OPTIONS:
        if options.get(option):
            yield _problem(
                "hook-option",
                hook,
                "a plain @hookimpl",
                f"{option}=True",
                "order comes from `requires` and `after` in plugin.toml; there are no wrappers",
            )


def _function_problems(hook: str, function: Callable[..., Any]) -> Iterator[Problem]:
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        yield _problem("hook-generator", hook, "a function that returns", "a generator")
        return
    wanted = inspect.iscoroutinefunction(getattr(specs, hook))
    if inspect.iscoroutinefunction(function) != wanted:
        words = ("async def", "def") if wanted else ("def", "async def")
        yield _problem("hook-kind", hook, words[0], words[1], f"write {words[0]} {hook}(…)")
    offered = argument_names(hook)
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            yield _problem("hook-argument", hook, "arguments by name", str(parameter))
        elif name not in offered:
            near = nearest(name, offered)
            mend = f"did you mean {near}?" if near else "leave it out"
            yield _problem("hook-argument", hook, f"some of: {', '.join(offered)}", name, mend)


def _problem(code: str, hook: str, expected: str, got: str, mend: str = "") -> Problem:
    return Problem(
        code=code,
        message=f"{hook} cannot be used",
        where=hook,
        expected=expected,
        got=got,
        mend=mend or "the page of the hook shows an example",
    )
