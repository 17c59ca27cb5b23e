"""Calling the hooks: in dependency order, each plugin isolated, behind the on/off gate.

pluggy stores the implementations and knows their arguments; the calls are ours, because pluggy
stops at the first exception, calls in reverse order of registration and knows no ``async``.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

import msgspec
import pluggy

from relatum.hooks import specs
from relatum.hooks.checks import answer_problem
from relatum.hooks.declaring import (
    Declared,
    collect,
    empty,
    fill,
    hangs,
    raised,
)
from relatum.hooks.gate import CORE
from relatum.hooks.implementations import Implementation, read_implementations
from relatum.hooks.isolation import NoAnswerError, attempt, describe, within
from relatum.values.problems import PluginError, Problem

if TYPE_CHECKING:
    from relatum.hooks.context import Plugin
    from relatum.hooks.registry import Registry

#: Hooks that nobody waits for at a screen, with the seconds they may take.
PATIENT = {"relatum_seed_demo": 300.0, "relatum_send": 60.0}
LOG_EVERY = 60.0


class Overrun(msgspec.Struct, kw_only=True):
    """How often a plugin was over its time budget in one hook. Times in seconds."""

    hook: str
    budget: float
    count: int = 0
    worst: float = 0.0


class _Call(msgspec.Struct, frozen=True):
    """A plugin and its implementation of one hook."""

    plugin: Plugin
    implementation: Implementation

    @property
    def hook(self) -> str:
        return self.implementation.hook


class Dispatcher:
    """The plugins' hooks, ready to be called.

    Args:
        registry: where declarations go; its gate decides who is called.
        budget: seconds after which a call is reported.
        limit: seconds after which a call is cut off; also for all declaring hooks of one plugin.
    """

    def __init__(self, registry: Registry, *, budget: float = 0.25, limit: float = 5.0) -> None:
        self.registry = registry
        self.budget = budget
        self.limit = limit
        self._manager = pluggy.PluginManager(specs.PROJECT)
        self._manager.add_hookspecs(specs)
        self._plugins: dict[str, Plugin] = {}
        self._implementations: dict[str, list[Implementation]] = {}
        self._order: list[str] = [CORE]
        self._calls: dict[str, tuple[_Call, ...]] = dict.fromkeys(specs.TAKING_PART, ())
        self._overruns: dict[tuple[str, str], Overrun] = {}
        self._logged: dict[tuple[str, str], float] = {}
        registry.gate.listen(self._refresh)

    def add(self, plugin: Plugin, module: ModuleType) -> list[Problem]:
        """Take in the hook implementations of a plugin's module.

        Returns:
            What is wrong with them; unless the list is empty nothing was taken in.
        """
        if plugin.id in self._plugins:
            raise ValueError(f"expected a plugin that is not there yet, got {plugin.id!r} again")
        implementations, problems = read_implementations(self._manager, module)
        if problems:
            return problems
        try:
            self._manager.register(module, name=plugin.id)
            self._manager.check_pending()
        except (pluggy.PluginValidationError, ValueError) as error:
            self._manager.unregister(name=plugin.id)
            return [_refused_by_pluggy(error)]
        self._plugins[plugin.id] = plugin
        self._implementations[plugin.id] = implementations
        if plugin.id not in self._order:
            self._order.append(plugin.id)
        return []

    def arrange(self, order: Sequence[str]) -> None:
        """Call plugins in this order from now on; core always comes first."""
        late = [plugin_id for plugin_id in self._plugins if plugin_id not in order]
        self._order = list(dict.fromkeys([CORE, *order, *late]))
        self._refresh()

    def declare(self, plugin: Plugin) -> list[Problem]:
        """Call every declaring hook of a plugin and put what it declares on the shelves.

        Returns:
            What is wrong with it; unless the list is empty nothing was put on any shelf.
        """
        declared = self.collect(plugin)
        if not declared.problems:
            self.fill(declared)
        return declared.problems

    def collect(self, plugin: Plugin) -> Declared:
        """The first half of :meth:`declare`: ask and check. Slow, and safe in another thread."""
        declared = Declared(plugin)
        outcome = attempt(
            lambda: collect(declared, self._implementations[plugin.id], self.registry),
            seconds=self.limit,
            name=f"relatum-declare-{plugin.id}",
        )
        if outcome.hung:
            # The thread may still come back and add to what it was given.
            return Declared(plugin, problems=[hangs(declared.asking, self.limit)])
        if outcome.error is not None:
            return Declared(plugin, problems=[raised(declared.asking, outcome.error)])
        return declared

    def fill(self, declared: Declared) -> None:
        """The second half of :meth:`declare`: put on the shelves what had no problems."""
        fill(declared, self.registry)
        self._refresh()

    def remove(self, plugin_id: str) -> None:
        """Forget a plugin: its hooks are not called and its declarations are gone."""
        if self._plugins.pop(plugin_id, None) is None:
            return
        self._manager.unregister(name=plugin_id)
        del self._implementations[plugin_id]
        self._order.remove(plugin_id)
        empty(plugin_id, self.registry)
        self._refresh()

    def participants(self, hook: str) -> list[str]:
        """Ids of the plugins that are on and implement a hook, in calling order."""
        return [call.plugin.id for call in self._calls[hook]]

    def overruns(self, plugin_id: str) -> list[Overrun]:
        """Where a plugin was over its time budget since the start."""
        return [overrun for (owner, _), overrun in self._overruns.items() if owner == plugin_id]

    async def take_part(self, hook: str, /, **arguments: Any) -> list[tuple[str, Any]]:
        """Ask every plugin that is on and implements ``hook``, one after the other.

        Returns:
            Plugin id and answer, dependencies first, then by id.

        Raises:
            PluginError: a plugin raised, did not come back within the limit, or answered with the
                wrong type. Nobody is asked after it, and the caller's transaction is undone.
        """
        calls = self._calls[hook]
        if not calls:
            return []
        return [(call.plugin.id, await self._ask(call, arguments)) for call in calls]

    async def ask(self, plugin_id: str, hook: str, /, **arguments: Any) -> Any:
        """As :meth:`take_part`, but only one of the :meth:`participants`."""
        for call in self._calls[hook]:
            if call.plugin.id == plugin_id:
                return await self._ask(call, arguments)
        raise LookupError(f"expected one of {self.participants(hook)}, got {plugin_id!r}")

    async def _ask(self, call: _Call, arguments: Mapping[str, Any]) -> Any:
        started = time.perf_counter()
        try:
            async with call.plugin.at_work():
                given = {name: call.plugin.given(each) for name, each in arguments.items()}
                answer = await within(
                    PATIENT.get(call.hook, self.limit),
                    call.implementation.call(call.plugin, given),
                )
        except NoAnswerError as error:
            raise _failed(call, "hangs", str(error)) from error
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            raise _failed(call, "raised", describe(error)) from error
        except (Exception, SystemExit) as error:
            raise _failed(call, "raised", describe(error)) from error
        self._watch_budget(call, time.perf_counter() - started)
        problem = answer_problem(call.hook, answer, arguments)
        if problem is not None:
            raise _failed(call, problem.code, str(problem))
        return answer

    def _watch_budget(self, call: _Call, seconds: float) -> None:
        if seconds <= self.budget or call.hook in PATIENT:
            return
        key = (call.plugin.id, call.hook)
        overrun = self._overruns.setdefault(key, Overrun(hook=call.hook, budget=self.budget))
        overrun.count += 1
        overrun.worst = max(overrun.worst, seconds)
        now = time.monotonic()
        if now - self._logged.get(key, -LOG_EVERY) >= LOG_EVERY:
            self._logged[key] = now
            call.plugin.log.warning(
                "%s %s took %.3f s in %s; its budget is %g s (%d times so far)",
                *(call.plugin.id, call.plugin.version, seconds, call.hook),
                *(self.budget, overrun.count),
            )

    def _refresh(self) -> None:
        """Work out who is called: once for each change, so that a call costs next to nothing."""
        on, declared = self.registry.gate.on, self.registry.plugins
        calls: dict[str, list[_Call]] = {hook: [] for hook in specs.TAKING_PART}
        for plugin_id in self._order:
            plugin = self._plugins.get(plugin_id)
            if plugin is None or plugin_id not in on or plugin_id not in declared:
                continue
            for each in self._implementations[plugin_id]:
                if each.hook in calls:
                    calls[each.hook].append(_Call(plugin, each))
        self._calls = {hook: tuple(some) for hook, some in calls.items()}


def _refused_by_pluggy(error: Exception) -> Problem:
    return Problem(
        code="bad-hook",
        message="the hooks of the plugin cannot be used",
        expected="functions as relatum.hooks.specs describes them",
        got=" ".join(str(error).split())[:300],
        mend="compare with the page of the hook",
    )


def _failed(call: _Call, code: str, what: str) -> PluginError:
    plugin = call.plugin
    problem = Problem(
        code=code,
        message=f"plugin {plugin.id} {plugin.version} failed in {call.hook}",
        where=call.hook,
        got=what,
        mend=f"mend the plugin, or switch it off: relatum plugins disable {plugin.id}",
    )
    return PluginError(
        f"Plugin {plugin.id} {plugin.version} failed in {call.hook}: {what}. Nothing was changed. "
        f"Mend the plugin, or switch it off with `relatum plugins disable {plugin.id}`.",
        problems=[problem],
        extra={"plugin": plugin.id, "version": plugin.version, "hook": call.hook},
    )
