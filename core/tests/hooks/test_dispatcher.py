from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import Callable
from typing import Any

import pytest

from relatum.hooks.dispatcher import Dispatcher
from relatum.hooks.gate import Gate
from relatum.hooks.registry import Registry
from relatum.values.problems import PluginError, Problem

Bring = Callable[..., list[Problem]]
VALIDATE = "relatum_validate_interactions"
SEED = "relatum_seed_demo"


def validating(body: str, arguments: str = "plugin, drafts") -> str:
    return f"@hookimpl\nasync def {VALIDATE}({arguments}):\n    {body}\n"


AGREES = validating("return []")


async def test_plugins_are_asked_in_the_given_order_core_first(
    dispatcher: Dispatcher, bring: Bring
) -> None:
    for plugin_id in ("b", "core", "a"):
        assert bring(plugin_id, AGREES) == []
    assert dispatcher.participants(VALIDATE) == ["core", "b", "a"]
    dispatcher.arrange(["a", "b"])
    assert dispatcher.participants(VALIDATE) == ["core", "a", "b"]
    assert await dispatcher.take_part(VALIDATE, drafts=()) == [("core", []), ("a", []), ("b", [])]


async def test_arguments_may_be_left_out(dispatcher: Dispatcher, bring: Bring) -> None:
    refuse = 'return [Refusal(0, Problem(code="no", message=str(len(drafts))))]'
    assert bring("a", validating(refuse, "drafts")) == []
    assert bring("b", validating("return []", "")) == []
    answers = dict(await dispatcher.take_part(VALIDATE, drafts=("one", "two")))
    assert answers["a"][0].problem.message == "2"
    assert answers["b"] == []


async def test_plugin_argument_is_its_own(dispatcher: Dispatcher, bring: Bring) -> None:
    body = "return [Refusal(0, Problem(code=plugin.id, message=plugin.version))]"
    for plugin_id in ("a", "b"):
        bring(plugin_id, validating(body), version=f"{plugin_id}.1")
    answers = dict(await dispatcher.take_part(VALIDATE, drafts=("one",)))
    assert [answers[each][0].problem.code for each in "ab"] == ["a", "b"]
    assert [answers[each][0].problem.message for each in "ab"] == ["a.1", "b.1"]


async def test_closed_gate_silences_at_once(
    dispatcher: Dispatcher, bring: Bring, gate: Gate
) -> None:
    bring("a", AGREES)
    bring("b", AGREES)
    gate.set(["b"])
    assert await dispatcher.take_part(VALIDATE, drafts=()) == [("b", [])]
    gate.set(["a", "b"])
    assert len(await dispatcher.take_part(VALIDATE, drafts=())) == 2


async def test_one_participant_can_be_asked(dispatcher: Dispatcher, bring: Bring) -> None:
    bring("a", AGREES)
    assert await dispatcher.ask("a", VALIDATE, drafts=()) == []
    with pytest.raises(LookupError, match="'b'"):
        await dispatcher.ask("b", VALIDATE, drafts=())


async def test_unknown_hook_is_a_mistake_of_the_caller(dispatcher: Dispatcher) -> None:
    with pytest.raises(KeyError):
        await dispatcher.take_part("relatum_validate_everything")


FAULTS = {
    "raises": ('raise ValueError("too blue")', "ValueError: too blue"),
    "raises our own error": ('raise Refused("no")', "Refused: no"),
    "exits": ("sys.exit(3)", "SystemExit: 3"),
    "cancels": ("raise asyncio.CancelledError", "CancelledError"),
    "hangs": ("await asyncio.sleep(60)", "no answer within 0.5 s"),
    "will not be cancelled": (
        (
            "try:\n        await asyncio.sleep(60)\n"
            "    except asyncio.CancelledError:\n        return []"
        ),
        "no answer within 0.5 s",
    ),
    "answers nothing": ("pass", "expected a list of Refusal; got NoneType"),
    "answers text": ('return ["no"]', r"expected a list of Refusal\(index, Problem\); got str"),
    "refuses with text": (
        'return [Refusal(0, "no")]',
        r"expected a list of Refusal\(index, Problem\); got Refusal",
    ),
    "refuses a stranger": (
        'return [Refusal(7, Problem(code="no", message="no"))]',
        "expected an index from 0 to 1; got 7",
    ),
    "refuses the last but one": (
        'return [Refusal(-1, Problem(code="no", message="no"))]',
        "expected an index from 0 to 1; got -1",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_fault_names_plugin_version_and_hook(
    dispatcher: Dispatcher, bring: Bring, fault: str
) -> None:
    body, expected = FAULTS[fault]
    assert bring("good", AGREES) == []
    assert bring("broken", validating(body), version="2.5") == []
    with pytest.raises(PluginError, match=expected) as caught:
        await dispatcher.take_part(VALIDATE, drafts=("one", "two"))
    assert "broken 2.5" in caught.value.detail
    assert caught.value.extra == {"plugin": "broken", "version": "2.5", "hook": VALIDATE}
    assert "relatum plugins disable broken" in caught.value.detail


def test_faults_are_many() -> None:
    assert len(FAULTS) == 11


async def test_seed_that_answers_is_wrong(dispatcher: Dispatcher, bring: Bring) -> None:
    bring("a", f"@hookimpl\nasync def {SEED}(plugin, customers, seed): return 5")
    with pytest.raises(PluginError, match="expected None; got int"):
        await dispatcher.take_part(SEED, customers=(), seed=1)


async def test_seeding_may_take_its_time(dispatcher: Dispatcher, bring: Bring) -> None:
    bring("a", f"@hookimpl\nasync def {SEED}(plugin): await asyncio.sleep(0.7)")
    assert await dispatcher.take_part(SEED, customers=(), seed=1) == [("a", None)]
    assert dispatcher.overruns("a") == []


async def test_cancelled_caller_stays_cancelled(dispatcher: Dispatcher, bring: Bring) -> None:
    bring("a", validating("await asyncio.sleep(60)"))
    task = asyncio.create_task(dispatcher.take_part(VALIDATE, drafts=()))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_callers_own_time_limit_is_not_blamed_on_the_plugin(
    dispatcher: Dispatcher, bring: Bring
) -> None:
    bring("a", validating("await asyncio.sleep(60)"))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await dispatcher.take_part(VALIDATE, drafts=())


async def test_hooks_run_in_the_callers_context(dispatcher: Dispatcher, bring: Bring) -> None:
    """A transaction is a context variable: a task of its own would write outside of it."""
    variable: contextvars.ContextVar[Any] = contextvars.ContextVar("variable")
    body = "await asyncio.sleep(0); task = asyncio.current_task(); drafts[0](task); return []"
    bring("a", validating(body))
    seen: list[Any] = []
    token = variable.set("inside")
    await dispatcher.take_part(VALIDATE, drafts=(lambda t: seen.append((variable.get(), t)),))
    variable.reset(token)
    assert seen == [("inside", asyncio.current_task())]


async def test_slow_plugin_is_reported_and_logged_once(
    dispatcher: Dispatcher, bring: Bring, caplog: pytest.LogCaptureFixture
) -> None:
    bring("slow", validating("await asyncio.sleep(0.05); return []"))
    bring("quick", AGREES)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            await dispatcher.take_part(VALIDATE, drafts=())
    [overrun] = dispatcher.overruns("slow")
    assert (overrun.hook, overrun.count, overrun.budget) == (VALIDATE, 3, 0.02)
    assert 0.04 < overrun.worst < 0.5
    assert dispatcher.overruns("quick") == []
    assert [record.name for record in caplog.records] == ["relatum.plugin.slow"]


def test_removed_plugin_leaves_nothing(
    dispatcher: Dispatcher, bring: Bring, registry: Registry
) -> None:
    source = AGREES + (
        "\n@hookimpl\ndef relatum_register_permissions():\n"
        '    return [Permission(id="a.x.read", title=Text(en="X", vi="X"))]\n'
    )
    assert bring("a", source) == []
    assert registry.permissions.ids() == ["a.x.read"]
    dispatcher.remove("a")
    assert dispatcher.participants(VALIDATE) == []
    assert registry.permissions.ids() == []
    assert registry.plugins == {}
    assert registry.routes == {}
    assert bring("a", source) == []


def test_added_twice_is_a_mistake_of_the_caller(dispatcher: Dispatcher, bring: Bring) -> None:
    bring("a")
    with pytest.raises(ValueError, match="'a' again"):
        bring("a")


async def test_idle_plugins_are_not_even_looked_at(dispatcher: Dispatcher, bring: Bring) -> None:
    for number in range(10):
        assert bring(f"idle_{number}") == []
    assert len(dispatcher.registry.plugins) == 10
    assert dispatcher.participants(VALIDATE) == []
    assert await dispatcher.take_part(VALIDATE, drafts=()) == []
