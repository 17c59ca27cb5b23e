"""A small model with everything a model can have: states, an overlay, evidence and time."""

from __future__ import annotations

import datetime as dt

import msgspec

from relatum.models.contract import Evidence, Model, Move, Overlay, Rule, Standing, State
from relatum.values.text import Text

QUIET = dt.timedelta(days=30)
GONE = dt.timedelta(days=60)
CALM = dt.timedelta(days=7)


def text(said: str) -> Text:
    return Text(en=said, vi=said)


class Memory(msgspec.Struct):
    orders: int = 0
    last_order: dt.datetime | None = None
    complaint: dt.datetime | None = None
    refused: bool = False


def learn(memory: Memory, evidence: Evidence) -> None:
    if evidence.kind == "order":
        memory.orders += 1
        memory.last_order = evidence.at
    elif evidence.kind == "complaint":
        memory.complaint = evidence.at
    elif evidence.kind == "refusal":
        memory.refused = True


def judge(standing: Standing[Memory], at: dt.datetime) -> Move | None:
    memory = standing.memory
    unhappy = memory.complaint is not None and at < memory.complaint + CALM
    if unhappy != ("unhappy" in standing.overlays):
        return Move(rule="complained" if unhappy else "calmed")
    return _moved(standing, at)


def _moved(standing: Standing[Memory], at: dt.datetime) -> Move | None:
    memory = standing.memory
    idle = None if memory.last_order is None else at - memory.last_order
    match standing.state:
        case "nobody" | "quiet" | "gone" if memory.refused:
            return Move(rule="refused")
        case "nobody" if idle is not None:
            return Move(rule="bought", inputs={"orders": memory.orders})
        case "active" if idle is not None and idle >= QUIET:
            return Move(rule="fell_quiet", inputs={"days": idle.days})
        case "quiet" if idle is not None and idle >= GONE:
            return Move(rule="left", inputs={"days": idle.days})
        case "quiet" | "gone" if idle is not None and idle < QUIET:
            return Move(rule="came_back")
    return None


def wake(standing: Standing[Memory]) -> dt.datetime | None:
    memory = standing.memory
    times = []
    if memory.last_order is not None and standing.state == "active":
        times.append(memory.last_order + QUIET)
    if memory.last_order is not None and standing.state == "quiet":
        times.append(memory.last_order + GONE)
    if memory.complaint is not None and "unhappy" in standing.overlays:
        times.append(memory.complaint + CALM)
    return min(times, default=None)


def rule(id: str, **leads: object) -> Rule:
    return Rule(id=id, why=text(id), **leads)  # type: ignore[arg-type]


STATES = tuple(
    State(id=id, title=text(id), meaning=text(id), final=id == "never")
    for id in ("nobody", "active", "quiet", "gone", "never")
)
RULES = (
    rule("bought", leaves=("nobody",), enters="active"),
    rule("fell_quiet", leaves=("active",), enters="quiet"),
    rule("left", leaves=("quiet",), enters="gone"),
    rule("came_back", leaves=("quiet", "gone"), enters="active"),
    rule("refused", leaves=("nobody", "quiet", "gone"), enters="never"),
    rule("complained", leaves=("nobody", "active", "quiet", "gone", "never"), raises="unhappy"),
    rule("calmed", leaves=("nobody", "active", "quiet", "gone", "never"), clears="unhappy"),
)
TOY = Model(
    id="toy",
    title=text("Toy"),
    version=3,
    states=STATES,
    overlays=(Overlay(id="unhappy", title=text("Unhappy"), meaning=text("Unhappy")),),
    rules=RULES,
    memory=Memory,
    learn=learn,
    judge=judge,
    wake=wake,
)
