"""Whose value survives, field by field. No I/O.

Verified before recent before source: a value that was verified beats one that was not; else the one
that was said later; else the one that comes from the better source. Whom a customer belongs to is
not a matter of dates: the survivor's stays where there is one.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping

import msgspec

from relatum.customers.merging.types import Choices, Rule, Side
from relatum.customers.types import ContactPoint, Customer
from relatum.values.problems import InvalidInput, Problem

#: What nobody says later or better: it decides who sees the customer.
BELONGING = ("owner", "team")
PLAIN = ("display_name", "kind", *BELONGING)
FIELD = "fields."
PRIMARY = "primary."

#: Who said it, the best last.
SOURCES = ("system", "plugin", "import", "service", "person")


class Origin(msgspec.Struct, frozen=True):
    """When a value was said, and by what sort of source."""

    at: dt.datetime
    source: int = 0


class Known(msgspec.Struct, frozen=True):
    """One of two customers, with where its values come from."""

    customer: Customer
    origins: Mapping[str, Origin]

    def value(self, name: str) -> object:
        """The value of a field; ``None`` when there is none."""
        if name.startswith(FIELD):
            return self.customer.fields.get(name.removeprefix(FIELD))
        if name.startswith(PRIMARY):
            point = self.primary(name)
            return None if point is None else point.raw
        return getattr(self.customer, name)

    def primary(self, name: str) -> ContactPoint | None:
        """The primary contact point of a kind."""
        kind = name.removeprefix(PRIMARY)
        points = [point for point in self.customer.contact_points if point.kind == kind]
        return next((point for point in points if point.primary), points[0] if points else None)

    def same(self, name: str) -> object:
        """What has to be equal for two values to be the same."""
        if name.startswith(PRIMARY):
            point = self.primary(name)
            return None if point is None else point.normalised
        return self.value(name)

    def verified(self, name: str) -> bool:
        """Whether somebody proved the value."""
        point = self.primary(name) if name.startswith(PRIMARY) else None
        return point is not None and point.verified_at is not None

    def origin(self, name: str) -> Origin:
        """Where the value comes from; what was never changed comes from the beginning."""
        known = "contact_points" if name.startswith(PRIMARY) else name
        return self.origins.get(known) or self.origins.get("", Origin(self.customer.created_at))


def names_of(survivor: Customer, absorbed: Customer) -> Iterator[str]:
    """Every field that one of them has a value for, in the order of a form."""
    yield from PLAIN
    both = (survivor, absorbed)
    for kind in dict.fromkeys(point.kind for each in both for point in each.contact_points):
        yield f"{PRIMARY}{kind}"
    for key in dict.fromkeys(key for each in both for key in each.fields):
        yield f"{FIELD}{key}"


def chosen(survivor: Known, absorbed: Known, choices: Choices) -> dict[str, tuple[Side, Rule]]:
    """For every field whose value is kept, and why.

    Raises:
        InvalidInput: a choice names no field.
    """
    names = list(names_of(survivor.customer, absorbed.customer))
    _refuse_unknown(choices, names)
    return {name: _choice(name, survivor, absorbed, choices) for name in names}


def _choice(name: str, survivor: Known, absorbed: Known, choices: Choices) -> tuple[Side, Rule]:
    ours, theirs = survivor.same(name), absorbed.same(name)
    if ours == theirs:
        return "survivor", "equal"
    if name in choices:
        return choices[name], "chosen"
    if ours is None or theirs is None:
        return ("survivor" if theirs is None else "absorbed"), "only"
    if name in BELONGING:
        return "survivor", "survivor"
    if survivor.verified(name) != absorbed.verified(name):
        return ("survivor" if survivor.verified(name) else "absorbed"), "verified"
    our, their = survivor.origin(name), absorbed.origin(name)
    if our.at != their.at:
        return ("survivor" if our.at > their.at else "absorbed"), "recent"
    if our.source != their.source:
        return ("survivor" if our.source > their.source else "absorbed"), "source"
    return "survivor", "survivor"


def source_of(actor: str) -> int:
    """The rank of whoever said something: people first, then services, imports, plugins."""
    kind = actor.partition(":")[0]
    return SOURCES.index(kind) if kind in SOURCES else 0


def _refuse_unknown(choices: Choices, names: list[str]) -> None:
    problems = [
        Problem(
            code="unknown-field",
            message="neither customer has such a field",
            where=f"/choices/{name}",
            expected=", ".join(names),
            got=name,
            mend="Mend the name, or leave it out.",
        )
        for name in choices
        if name not in names
    ]
    if problems:
        raise InvalidInput("A choice cannot be made.", problems=problems)
