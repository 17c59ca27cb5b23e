"""From probabilities to decisions: what may be merged without a person, and what never.

The rules stand above the weights, because the weights take fields to be independent and a
household is where they are not.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from relatum_identity.engine.comparing import Bools, Likeness, index_of
from relatum_identity.engine.learning import (
    Doubles,
    Model,
    another_branch,
    field_bits,
    probability,
)
from relatum_identity.engine.schema import EXPLAINED_DATES, Field, levels_of

Decisions = npt.NDArray[np.int8]

DISTINCT, REVIEW, AUTO = 0, 1, 2
NAMES = {DISTINCT: "distinct", REVIEW: "review", AUTO: "auto"}

#: A given name that differs, or nothing of the name that is the same.
_ANOTHER = frozenset({"differs", "same_family"})
_DOUBTFUL = frozenset({"same_given", "part_differs"})
#: The same of organisations: another name; a name that is theirs in part, or of another form.
_ANOTHER_FIRM = frozenset({"differs", "little_alike"})
_DOUBTFUL_FIRM = frozenset({"nearly_same", "other_form"})


def judge(model: Model, likeness: Sequence[Likeness]) -> tuple[Doubles, Doubles, Decisions]:
    """Weight in bits, probability and decision of each pair."""
    weights = bounded_weights(model, likeness)
    sure = probability(weights, model.prior)
    decisions = np.zeros(weights.size, dtype=np.int8)
    decisions[sure >= model.schema.review_from] = REVIEW
    decisions[(sure >= model.schema.auto_from) & ~forbidden(model, likeness)] = AUTO
    decisions[another_branch(model.schema, [each.levels for each in likeness])] = DISTINCT
    return weights, sure, decisions


def bounded_weights(model: Model, likeness: Sequence[Likeness]) -> Doubles:
    """Summed weights; what a household shares counts once where the person's own name differs.

    A telephone and an address in common are one fact about two people of one house, not two.
    """
    total = np.zeros(likeness[0].levels.size)
    shared = np.zeros_like(total)
    most = np.zeros_like(total)
    for each, some in zip(model.schema.fields, likeness, strict=True):
        bits = field_bits(model, each.name, some)
        total += bits
        if each.shared:
            gain = np.maximum(bits, 0)
            shared += gain
            most = np.maximum(most, gain)
    return np.asarray(np.where(another_name(model, likeness), total - shared + most, total))


def another_name(model: Model, likeness: Sequence[Likeness]) -> Bools:
    """Whether the names are known and are of two people."""
    found = np.zeros(likeness[0].levels.size, dtype=bool)
    for each, some in zip(model.schema.fields, likeness, strict=True):
        if each.kind == "name":
            found |= _at(each, some, _ANOTHER)
        elif each.kind == "firm":
            found |= _at(each, some, _ANOTHER_FIRM)
    return found


def forbidden(model: Model, likeness: Sequence[Likeness]) -> Bools:
    """Pairs that no probability merges without a person.

    Birth dates both known that no swap of day and month and no single wrong digit explains; names
    of two people; a name that agrees only in part without an equal birth date; and pairs in which
    nothing agrees but what a household shares. Of organisations: two tax codes; a name that agrees
    in part, or with another legal form, without an equal tax code.
    """
    size = likeness[0].levels.size
    found = another_name(model, likeness)
    doubtful = np.zeros(size, dtype=bool)
    born_alike = np.zeros(size, dtype=bool)
    personal = np.zeros(size, dtype=bool)
    guarded = any(each.shared for each in model.schema.fields)
    for each, some in zip(model.schema.fields, likeness, strict=True):
        if each.kind == "date":
            found |= (some.levels >= 0) & ~_at(each, some, EXPLAINED_DATES)
            born_alike |= _at(each, some, frozenset({"same"}))
        elif each.kind == "name":
            doubtful |= _at(each, some, _DOUBTFUL)
        elif each.kind == "tax":
            found |= _at(each, some, frozenset({"differs", "other_branch"}))
            born_alike |= _at(each, some, frozenset({"same"}))
        elif each.kind == "firm":
            doubtful |= _at(each, some, _DOUBTFUL_FIRM)
        if not each.shared:
            personal |= field_bits(model, each.name, some) > 0
    found |= doubtful & ~born_alike
    return found | ~personal if guarded else found


def _at(field: Field, some: Likeness, ids: frozenset[str]) -> Bools:
    """Whether the level of a field is one of these."""
    wanted = np.array([*(level.id in ids for level in levels_of(field)), False])
    return np.asarray(wanted[some.levels])


def rule_of(model: Model, likeness: Sequence[Likeness], pair: int) -> str:
    """Which rule keeps a pair from being merged without a person; empty when none does."""
    one = [Likeness(some.levels[[pair]], some.rarity[[pair]]) for some in likeness]
    if another_name(model, one)[0]:
        return "another_name"
    for each, some in zip(model.schema.fields, one, strict=True):
        if each.kind == "date" and 0 <= some.levels[0] < index_of(each, "one_digit"):
            return "another_birth_date"
        if each.kind == "tax" and 0 <= some.levels[0] < index_of(each, "typo"):
            return "another_tax_code"
    return "too_little_of_ones_own" if forbidden(model, one)[0] else ""
