"""Whether a model holds together: every problem at once, before it is asked anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from relatum.models.contract import Model, Rule
from relatum.values.problems import Problem


def problems_of(model: Model[Any]) -> list[Problem]:
    """What is wrong with a model; empty when it can be run."""
    return [
        *_doubles(model),
        *_memory(model),
        *(problem for rule in model.rules for problem in _rule(model, rule)),
        *_graph(model),
    ]


def exits(model: Model[Any]) -> dict[str, set[str]]:
    """State → the states that a rule leads to from there."""
    found: dict[str, set[str]] = {state.id: set() for state in model.states}
    for rule in model.rules:
        if rule.enters:
            for state in leaves(model, rule):
                if state in found and state != rule.enters:
                    found[state].add(rule.enters)
    return found


def leaves(model: Model[Any], rule: Rule) -> tuple[str, ...]:
    """The states in which a rule may apply."""
    return rule.leaves or tuple(state.id for state in model.states if not state.final)


def _doubles(model: Model[Any]) -> Iterator[Problem]:
    if not model.states:
        yield _problem(model, "no-states", "at least one state", "none", "name where they begin")
    shelves: tuple[tuple[str, Iterable[Any]], ...] = (
        ("states", model.states),
        ("overlays", model.overlays),
        ("rules", model.rules),
    )
    for shelf, items in shelves:
        for id, count in Counter(each.id for each in items).items():
            if count > 1:
                place = f"{shelf}/{id}"
                yield _problem(model, "double", "an id once", f"{count} times", "rename", place)


def _memory(model: Model[Any]) -> Iterator[Problem]:
    try:
        model.memory()
    except TypeError as error:
        mend = "give every field of the memory a default"
        yield _problem(model, "memory", "a Struct that needs no arguments", str(error), mend)
        return
    if model.memory.__struct_config__.frozen:
        mend = "leave frozen=True out: learn changes it"
        yield _problem(model, "memory", "a Struct that can be changed", "a frozen one", mend)
    try:
        msgspec.json.decode(msgspec.json.encode(model.memory()), type=model.memory)
    except (TypeError, msgspec.MsgspecError) as error:
        mend = "use types that JSON can hold"
        yield _problem(model, "memory", "a Struct that can be stored", str(error), mend)


def _rule(model: Model[Any], rule: Rule) -> Iterator[Problem]:
    place = f"rules/{rule.id}"
    does = [each for each in (rule.enters, rule.raises, rule.clears) if each]
    if len(does) != 1:
        expected = "one of enters, raises and clears"
        yield _problem(model, "rule-effect", expected, f"{len(does)}", "split it into rules", place)
    states = {state.id: state for state in model.states}
    overlays = {overlay.id for overlay in model.overlays}
    named = [(each, states) for each in (*rule.leaves, rule.enters) if each]
    named += [(each, overlays) for each in (rule.raises, rule.clears) if each]  # type: ignore[misc]
    for id, known in named:
        if id not in known:
            yield _problem(
                model, "unknown", f"one of {', '.join(sorted(known))}", id, "declare it", place
            )
    for id in rule.leaves:
        if rule.enters and id in states and states[id].final:
            mend = "take it out of leaves, or let the state not be final"
            yield _problem(model, "final-left", "states that are not final", id, mend, place)


def _graph(model: Model[Any]) -> Iterator[Problem]:
    ways = exits(model)
    reached = _reached(model.states[0].id, ways) if model.states else set()
    for state in model.states:
        place = f"states/{state.id}"
        if state.id not in reached:
            expected = f"a way from {model.states[0].id}"
            yield _problem(model, "unreachable", expected, "none", "add a rule that enters", place)
        if not state.final and not ways[state.id]:
            mend = "add a rule that leaves it, or let it be final"
            yield _problem(model, "no-exit", "a rule that leads away", "none", mend, place)
    for overlay in model.overlays:
        place = f"overlays/{overlay.id}"
        for effect in ("raises", "clears"):
            if not any(getattr(rule, effect) == overlay.id for rule in model.rules):
                yield _problem(model, "overlay", f"a rule that {effect} it", "none", "add", place)


def _reached(first: str, ways: dict[str, set[str]]) -> set[str]:
    reached, waiting = {first}, [first]
    while waiting:
        found = {each for each in ways.get(waiting.pop(), ()) if each in ways} - reached
        reached |= found
        waiting += found
    return reached


def _problem(
    model: Model[Any], code: str, expected: str, got: str, mend: str, place: str = ""
) -> Problem:
    return Problem(
        code=code,
        message=f"the model {model.id} does not hold together",
        where=place,
        expected=expected,
        got=got,
        mend=mend,
    )
