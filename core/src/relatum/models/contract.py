"""What a CRM model is: states, what moves a customer between them, and pure functions that decide.

A model never reads or writes anything itself. Core hands it evidence in the order in which it
happened, wakes it when time alone may have changed something, and keeps what comes of it with the
rule and the evidence that caused it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

import msgspec

from relatum.values.text import Text

M = TypeVar("M", bound=msgspec.Struct)


class State(msgspec.Struct, frozen=True, kw_only=True):
    """Where a customer may stand.

    Attributes:
        meaning: what is true of a customer who stands here, in one sentence.
        final: nothing leads away from it.
    """

    id: str
    title: Text
    meaning: Text
    final: bool = False


class Overlay(msgspec.Struct, frozen=True, kw_only=True):
    """Something that may be true of a customer in whatever state."""

    id: str
    title: Text
    meaning: Text


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One way from a state to another, or to put an overlay on or take it off.

    Attributes:
        why: what a person reads as the reason; ``%(name)s`` are holes for the inputs of a move.
        leaves: states that it leads away from, or in which it changes the overlay; empty for every
            state that is not final.
        enters: the state that it leads to; empty for a rule of an overlay.
        raises, clears: the overlay that it puts on or takes off.
    """

    id: str
    why: Text
    leaves: tuple[str, ...] = ()
    enters: str = ""
    raises: str = ""
    clears: str = ""


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened, as a model is told it.

    Attributes:
        kind: the model's own word for it.
        at: when it happened.
        recorded_at: when it was learned; never before ``at``.
        seq: of the event in the log; orders what happened at the same moment.
        values: whatever the model needs to know of it.
    """

    kind: str
    at: dt.datetime
    recorded_at: dt.datetime
    seq: int
    values: Mapping[str, Any] = {}


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """That a rule applies now.

    Attributes:
        inputs: what it was decided on, so that it can be read and worked out again; plain JSON.
    """

    rule: str
    inputs: Mapping[str, Any] = {}


class Standing(msgspec.Struct, Generic[M], kw_only=True):
    """Where one customer stands in one model.

    Attributes:
        since: when the state was entered; ``None`` before anything happened.
        overlays: those that are on, and since when.
        memory: what the model remembers of what it was told.
        last: the latest moment that was taken into account: of evidence, or of a waking.
        learned: when the newest of what is known was learned.
        seq: of the newest evidence.
        due: when time alone may change something; ``None`` when it cannot.
    """

    state: str
    memory: M
    since: dt.datetime | None = None
    overlays: dict[str, dt.datetime] = {}
    last: dt.datetime | None = None
    learned: dt.datetime | None = None
    seq: int = 0
    due: dt.datetime | None = None


Learn = Callable[[M, Evidence], None]
Judge = Callable[[Standing[M], dt.datetime], Move | None]
Wake = Callable[[Standing[M]], dt.datetime | None]


class Model(msgspec.Struct, Generic[M], frozen=True, kw_only=True):
    """A CRM model.

    The three functions are pure: the same arguments give the same result, whenever and wherever;
    they read no clock, no database and no setting that is not in ``memory`` or the model itself.

    Attributes:
        id: of the plugin, or ``<plugin>.<name>``.
        version: grows whenever the rules change; what an older one decided is then worked out anew.
        states: the first is where everybody begins.
        memory: a Struct that can be changed and whose fields all have defaults.
        learn: takes one piece of evidence into the memory.
        judge: the rule that applies at a moment, after evidence and after each waking; asked again
            after each move until none does.
        wake: the next moment at which ``judge`` may say something else though nothing happens;
            later than ``Standing.last``.
    """

    id: str
    title: Text
    version: int
    states: tuple[State, ...]
    rules: tuple[Rule, ...]
    memory: type[M]
    learn: Learn[M]
    judge: Judge[M]
    wake: Wake[M]
    overlays: tuple[Overlay, ...] = ()

    def begin(self) -> Standing[M]:
        """Where somebody stands of whom nothing is known."""
        return Standing(state=self.states[0].id, memory=self.memory())
