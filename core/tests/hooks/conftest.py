from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable
from types import ModuleType

import pytest
from litestar import get

from relatum.hooks.context import Plugin
from relatum.hooks.dispatcher import Dispatcher
from relatum.hooks.gate import Gate
from relatum.hooks.registry import Registry
from relatum.hooks.routes import route_problems
from relatum.values.problems import Problem

PREAMBLE = """
import asyncio, datetime as dt, sys, time
import msgspec
from litestar import get
from litestar.di import NamedDependency
from relatum.api import *
"""

Bring = Callable[..., list[Problem]]


@pytest.fixture(scope="session", autouse=True)
def _warm_litestar() -> None:
    """Its first application imports a lot, which is not the plugins' time."""

    @get("/", opt={"permission": "public"})
    async def route() -> None: ...

    assert route_problems("warm", [route]) == []


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def registry(gate: Gate) -> Registry:
    return Registry(gate)


@pytest.fixture
def dispatcher(registry: Registry) -> Dispatcher:
    return Dispatcher(registry, budget=0.02, limit=0.5)


def module_of(source: str, name: str) -> ModuleType:
    """A module made of source; Litestar looks for the types of its functions in ``sys.modules``."""
    module = sys.modules[name] = ModuleType(name)
    exec(PREAMBLE + textwrap.dedent(source), vars(module))  # noqa: S102 - the test's own source
    return module


@pytest.fixture
def bring(dispatcher: Dispatcher, gate: Gate, monkeypatch: pytest.MonkeyPatch) -> Bring:
    """Add a plugin from the source of its hooks, declare it, switch it on; returns problems."""

    def bring(plugin_id: str, source: str = "", version: str = "1.0") -> list[Problem]:
        name = f"made_{plugin_id}"
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
        plugin = Plugin(plugin_id, version=version)
        problems = dispatcher.add(plugin, module_of(source, name)) or dispatcher.declare(plugin)
        if not problems:
            gate.set(gate.on | {plugin_id})
        return problems

    return bring
