"""What a measure is, and all of them by id."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

#: Which side of the limit is good.
Goal = Literal["at least", "at most"]


class NotRunError(Exception):
    """The measure cannot be taken here; the text says what is missing and how to get it."""


@dataclass(frozen=True)
class Condition:
    """One more limit that a measure has to keep, beside its main one."""

    what: str
    value: float
    unit: str
    limit: float
    goal: Goal = "at most"

    @property
    def ok(self) -> bool:
        return within(self.value, self.limit, self.goal)


@dataclass(frozen=True)
class Reading:
    """What a measure found.

    Attributes:
        value: in the unit of the measure.
        heads, rows: the table that is printed: raw reference and ours side by side.
        conditions: further limits; the measure is only ok when they hold too.
        notes: lines printed under the table.
    """

    value: float
    heads: Sequence[str]
    rows: Sequence[Sequence[object]]
    conditions: Sequence[Condition] = ()
    notes: Sequence[str] = field(default_factory=list)


@dataclass(frozen=True)
class Measure:
    """A measurement that anybody can repeat."""

    id: str
    title: str
    unit: str
    limit: float
    goal: Goal
    run: Callable[[], Reading]

    def ok(self, reading: Reading) -> bool:
        """Whether the value and every further condition keep their limits."""
        return within(reading.value, self.limit, self.goal) and all(
            condition.ok for condition in reading.conditions
        )


def within(value: float, limit: float, goal: Goal) -> bool:
    """Whether a value is on the good side of its limit (or on it)."""
    return value >= limit if goal == "at least" else value <= limit


#: Modules of this package that have ``MEASURES``, in the order in which they run.
MODULES = (
    "http_reads",
    "idle_plugins",
    "imports",
    "starts",
    "audit",
    "access_lists",
    "boards",
    "access_policies",
    "security",
    "jobs",
    "kills",
    "events",
    "archive",
    "partitions",
    "scale",
    "moves",
    "lists",
    "customer_page",
    "dashboards",
    "gates",
    "identity",
    "quality",
    "screens",
    "merges",
    "erasing",
    "subject",
    "library",
)


def all_measures() -> dict[str, Measure]:
    """Every measure by id."""
    found: dict[str, Measure] = {}
    for name in MODULES:
        for measure in importlib.import_module(f"benchmarks.{name}").MEASURES:
            if measure.id in found:
                raise ValueError(f"expected each id once, got {measure.id!r} twice")
            found[measure.id] = measure
    return found
