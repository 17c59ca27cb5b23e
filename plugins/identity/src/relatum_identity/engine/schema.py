"""Which fields are compared, how, and what is set about them before anything is learned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

Kind = Literal[
    "name",  # a person's whole name, in any order of its parts
    "word",  # one part of a name, or another short word that may be misspelled
    "phone",
    "email",
    "identifier",
    "date",
    "address",
    "text",
    "category",
    "firm",  # the name of an organisation
    "tax",  # its tax code
    "domain",  # of its e-mail and its site
]

#: One value, several of them, or nothing known.
Value = str | Sequence[str] | None
#: Records as columns: every column as long as every other.
Columns = dict[str, Sequence[Value]]


class Level(msgspec.Struct, frozen=True):
    """One degree of likeness of a field.

    Attributes:
        id: stored with the evidence.
        m, u: how often it is met in two records of one person, and of two people, when nothing
            has been learned.
        by_frequency: a rare value that agrees counts more than a frequent one.
    """

    id: str
    m: float
    u: float
    by_frequency: bool = False


class Field(msgspec.Struct, frozen=True):
    """A column that is compared.

    Attributes:
        kind: decides how values are normalised, blocked and compared.
        shared: people of one household or firm have it in common; it proves no one person.
        swaps_with: for a ``word``: the field it is sometimes exchanged with.
    """

    name: str
    kind: Kind
    shared: bool = False
    swaps_with: str = ""


class Schema(msgspec.Struct, frozen=True):
    """What is compared, and from which probability on what is decided.

    Attributes:
        auto_from: pairs at least this likely are merged without a person, unless a rule forbids.
        review_from: pairs at least this likely are shown to a person.
        largest_block: records with one blocking key are compared when they are no more than this;
            more are divided by a second key.
    """

    fields: tuple[Field, ...]
    auto_from: float = 0.99
    review_from: float = 0.10
    largest_block: int = 80

    def field(self, name: str) -> Field:
        return next(each for each in self.fields if each.name == name)


#: From unlike to alike. The order is what the comparisons answer with.
LEVELS: dict[str, tuple[Level, ...]] = {
    "name": (
        Level("differs", 0.01, 0.55),
        Level("same_family", 0.005, 0.35),
        Level("same_given", 0.01, 0.015),
        Level("part_differs", 0.02, 0.003),
        Level("typo", 0.12, 0.0005, by_frequency=True),
        Level("middle_lost", 0.12, 0.001, by_frequency=True),
        Level("same_without_marks", 0.30, 0.0005, by_frequency=True),
        Level("same", 0.40, 0.0005, by_frequency=True),
    ),
    "word": (
        Level("differs", 0.04, 0.95),
        Level("similar", 0.05, 0.03),
        Level("swapped", 0.02, 0.0005),
        Level("typo", 0.14, 0.005, by_frequency=True),
        Level("same", 0.75, 0.01, by_frequency=True),
    ),
    "phone": (
        Level("differs", 0.10, 0.9997),
        Level("one_digit", 0.02, 0.0002),
        Level("same", 0.88, 0.0001, by_frequency=True),
    ),
    "email": (
        Level("differs", 0.18, 0.9989),
        Level("similar", 0.10, 0.001),
        Level("same", 0.72, 0.0001, by_frequency=True),
    ),
    "identifier": (
        Level("differs", 0.05, 0.9985),
        Level("typo", 0.10, 0.0005),
        Level("same", 0.85, 0.001, by_frequency=True),
    ),
    "date": (
        Level("differs", 0.02, 0.97),
        Level("partly", 0.03, 0.0255),
        Level("one_digit", 0.05, 0.003),
        Level("day_month_swapped", 0.05, 0.0005),
        Level("same", 0.85, 0.001, by_frequency=True),
    ),
    "address": (
        Level("differs", 0.12, 0.90),
        Level("same_area", 0.05, 0.08),
        Level("similar", 0.10, 0.01),
        Level("same_number_and_street", 0.23, 0.001),
        Level("same", 0.50, 0.001, by_frequency=True),
    ),
    "text": (
        Level("differs", 0.03, 0.93),
        Level("little_alike", 0.07, 0.05),
        Level("alike", 0.15, 0.01),
        Level("very_alike", 0.20, 0.003),
        Level("nearly_same", 0.20, 0.001, by_frequency=True),
        Level("same", 0.35, 0.001, by_frequency=True),
    ),
    "category": (
        Level("differs", 0.20, 0.80),
        Level("same", 0.80, 0.20, by_frequency=True),
    ),
    "firm": (
        Level("differs", 0.03, 0.93),
        Level("little_alike", 0.03, 0.06),
        Level("nearly_same", 0.14, 0.002),
        Level("other_form", 0.05, 0.0005, by_frequency=True),
        Level("other_trade", 0.20, 0.0005, by_frequency=True),
        Level("same", 0.55, 0.0005, by_frequency=True),
    ),
    "tax": (
        Level("differs", 0.01, 0.9993),
        Level("other_branch", 0.0001, 0.0003),
        Level("typo", 0.05, 0.0002),
        Level("same", 0.935, 0.0002),
    ),
    "domain": (
        Level("differs", 0.15, 0.9995),
        Level("same", 0.85, 0.0005, by_frequency=True),
    ),
}

#: Levels of a birth date that a swap of day and month or one wrong digit explains.
EXPLAINED_DATES = frozenset({"same", "day_month_swapped", "one_digit"})


def levels_of(field: Field) -> tuple[Level, ...]:
    """The degrees of likeness of a field, from unlike to alike."""
    return LEVELS[field.kind]


def as_list(value: Value) -> list[str]:
    """All that is known, without blanks."""
    if value is None:
        return []
    some: Sequence[Any] = [value] if isinstance(value, str) else value
    return [text for each in some if (text := str(each).strip())]
