"""Models that do not hold together are told so, with every problem."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from core.tests.models.toy import RULES, STATES, TOY, Memory, rule, text
from relatum.models.checking import problems_of
from relatum.models.contract import Model, Overlay, State


class Frozen(msgspec.Struct, frozen=True):
    orders: int = 0


class Demanding(msgspec.Struct):
    orders: int


class Unstorable(msgspec.Struct):
    anything: complex = 1j


def changed(**changes: Any) -> Model[Any]:
    return msgspec.structs.replace(TOY, **changes)


def codes(model: Model[Any]) -> list[tuple[str, str]]:
    return [(each.code, each.where) for each in problems_of(model)]


def test_a_sound_model_has_no_problems() -> None:
    assert problems_of(TOY) == []


LONELY = State(id="lonely", title=text("x"), meaning=text("x"))


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (changed(states=()), ("no-states", "")),
        (changed(states=(*STATES, STATES[1])), ("double", "states/active")),
        (changed(rules=(*RULES, RULES[0])), ("double", "rules/bought")),
        (changed(states=(*STATES, LONELY)), ("unreachable", "states/lonely")),
        (changed(states=(*STATES, LONELY)), ("no-exit", "states/lonely")),
        (changed(rules=RULES[1:]), ("unreachable", "states/active")),
        (changed(rules=(*RULES, rule("odd"))), ("rule-effect", "rules/odd")),
        (
            changed(rules=(*RULES, rule("odd", enters="active", raises="unhappy"))),
            ("rule-effect", "rules/odd"),
        ),
        (changed(rules=(*RULES, rule("odd", enters="nowhere"))), ("unknown", "rules/odd")),
        (changed(rules=(*RULES, rule("odd", clears="nothing"))), ("unknown", "rules/odd")),
        (
            changed(rules=(*RULES, rule("odd", leaves=("never",), enters="active"))),
            ("final-left", "rules/odd"),
        ),
        (changed(rules=RULES[:-1]), ("overlay", "overlays/unhappy")),
        (
            changed(overlays=(*TOY.overlays, Overlay(id="x", title=text("x"), meaning=text("x")))),
            ("overlay", "overlays/x"),
        ),
        (changed(memory=Frozen), ("memory", "")),
        (changed(memory=Demanding), ("memory", "")),
        (changed(memory=Unstorable), ("memory", "")),
    ],
)
def test_each_problem_is_named(model: Model[Any], expected: tuple[str, str]) -> None:
    assert expected in codes(model)
    assert all(each.expected and each.got and each.mend for each in problems_of(model))


def test_a_state_that_everybody_may_leave_has_an_exit() -> None:
    """A rule without ``leaves`` leads away from every state that is not final."""
    model = changed(states=(*STATES, LONELY), rules=(*RULES, rule("found", enters="lonely")))
    assert codes(model) == [("no-exit", "states/lonely")]
    back = rule("back", enters="nobody")
    assert codes(changed(states=(*STATES, LONELY), rules=(*model.rules, back))) == []


def test_begin_is_new_each_time() -> None:
    first, second = TOY.begin(), TOY.begin()
    first.memory.orders = 5
    first.overlays["x"] = None  # type: ignore[assignment]
    assert second.memory == Memory()
    assert second.overlays == {}
