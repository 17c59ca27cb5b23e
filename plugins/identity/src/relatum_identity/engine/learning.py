"""Learning how often each level is met in pairs of one person (m) and of two people (u).

``u`` is counted in pairs drawn at random, which hardly ever are of one person; ``m`` and the prior
are found by expectation maximisation (Winkler 1988) in the pairs that share a blocking key. What
was set in the schema counts as a few pairs seen before.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from relatum_identity.engine.comparing import MISSING, Bools, Likeness, compare
from relatum_identity.engine.preparing import Column, Prepared, Statistics
from relatum_identity.engine.schema import Schema, levels_of

Doubles = npt.NDArray[np.float64]

#: Changes when the rules of deciding, the levels or the keys do; kept with every pair and model.
RULES = "2026-11-22.2"
#: Pairs that what was set counts for.
SET_BEFORE = 20.0
#: Pairs drawn at random to count u.
DRAWN = 500_000
ROUNDS = 25
#: The prior before anything is learned, where few records would make it higher.
HIGHEST_SET = 1 / 2_000
#: The highest level of a name that is another person's: nothing the same but the family.
ANOTHER_NAME = 1
#: The level of a tax code with other last digits.
OTHER_BRANCH = 1


class Model(msgspec.Struct, kw_only=True):
    """What a pair is judged by; it can be stored and gives the same verdict later.

    Attributes:
        m, u: by field and level.
        prior: the probability that any two records are of one person.
        learned: false when it is what the schema sets.
        rules: version of the rules it was learned under.
    """

    schema: Schema
    m: dict[str, list[float]]
    u: dict[str, list[float]]
    prior: float
    statistics: Statistics
    learned: bool = False
    rules: str = RULES


def set_model(prepared: Prepared) -> Model:
    """A model of what the schema sets, with one record in ten there twice, or fewer."""
    fields = prepared.schema.fields
    return Model(
        schema=prepared.schema,
        m={each.name: _shares([level.m for level in levels_of(each)]) for each in fields},
        u={each.name: _shares([level.u for level in levels_of(each)]) for each in fields},
        prior=min(_bounded(0.1 * prepared.size, _all_pairs(prepared.size, None)), HIGHEST_SET),
        statistics=prepared.statistics,
    )


def learn(
    prepared: Prepared,
    likeness: Sequence[Likeness],
    *,
    side: npt.NDArray[np.bool_] | None = None,
    seed: int = 0,
) -> Model:
    """A model learned from the records themselves; nobody has to say which pairs are right."""
    model = set_model(prepared)
    chance = np.random.default_rng(seed)
    drawn = _draw(prepared, side, chance)
    everything = _all_pairs(prepared.size, side)
    apart = np.ones(len(drawn[0].levels))
    model.u = _random_shares(model, prepared, drawn, apart, everything)
    levels = [each.levels for each in likeness]
    household = household_only(model.schema, levels) | another_branch(model.schema, levels)
    for _ in range(2):
        _maximise(model, likeness, household, everything)
        apart = 1 - probability(weigh(model, drawn), model.prior)
        model.u = _random_shares(model, prepared, drawn, apart, everything)
    _maximise(model, likeness, household, everything)
    model.learned = True
    return model


def weigh(model: Model, likeness: Sequence[Likeness]) -> Doubles:
    """The summed weight of each pair in bits."""
    total = np.zeros(len(likeness[0].levels))
    for each, some in zip(model.schema.fields, likeness, strict=True):
        total += field_bits(model, each.name, some)
    return total


def field_bits(model: Model, name: str, some: Likeness) -> Doubles:
    """The weight of one field in bits; 0 where it is missing."""
    table = np.log2(np.array([*model.m[name], 1.0]) / np.array([*model.u[name], 1.0]))
    return np.asarray(table[some.levels] + some.rarity, dtype=np.float64)


def probability(weights: Doubles, prior: float) -> Doubles:
    """The probability of one person from weights in bits and the probability before."""
    bits = np.clip(weights + np.log2(prior / (1 - prior)), -200, 200)
    return np.asarray(1 / (1 + np.exp2(-bits)))


def _draw(
    prepared: Prepared, side: npt.NDArray[np.bool_] | None, chance: np.random.Generator
) -> list[Likeness]:
    left = chance.integers(0, max(prepared.size, 1), DRAWN, dtype=np.int32)
    right = chance.integers(0, max(prepared.size, 1), DRAWN, dtype=np.int32)
    wanted = left != right
    if side is not None:
        wanted &= side[left] != side[right]
    return compare(prepared, left[wanted], right[wanted])


def _random_shares(
    model: Model, prepared: Prepared, drawn: Sequence[Likeness], apart: Doubles, everything: float
) -> dict[str, list[float]]:
    """u by counting; a level that counts by frequency is never rarer than its values are.

    One pair more of every level is counted than there was: what was not met among so many is
    rare, not impossible.
    """
    found: dict[str, list[float]] = {}
    weight = min(1.0, everything / DRAWN)
    for each, some in zip(model.schema.fields, drawn, strict=True):
        known = some.levels != MISSING
        size = len(levels_of(each))
        counts = np.bincount(some.levels[known], weights=apart[known], minlength=size)
        shares = np.array(_shares(list(weight * counts + 1)))
        least = _least(prepared.columns[each.name], size)
        found[each.name] = _shares(list(np.maximum(shares, least)))
    return found


def _least(column: Column, size: int) -> Doubles:
    """What the frequency of values alone gives for the levels of equal values."""
    least = np.zeros(size)
    if column.field.kind == "name":
        marked = float((column.parts["marked"] >= 0).mean()) if column.known.size else 0.0
        least[-1] = column.mean_frequency * marked**2
        least[-2] = column.mean_frequency * (1 - marked**2)
    else:
        least[-1] = column.mean_frequency
    return least


def household_only(schema: Schema, levels: Sequence[npt.NDArray[np.int8]]) -> npt.NDArray[np.bool_]:
    """Pairs with names of two people that have nothing of their own in common.

    They agree in telephone and address together, which independent fields would only do in one
    person: m would be learned from families.
    """
    another = np.zeros(levels[0].size, dtype=bool)
    personal = np.zeros(levels[0].size, dtype=bool)
    for each, some in zip(schema.fields, levels, strict=True):
        if each.kind in {"name", "firm"}:
            another |= (some >= 0) & (some <= ANOTHER_NAME)
        elif not each.shared:
            personal |= some == len(levels_of(each)) - 1
    return another & ~personal


def another_branch(schema: Schema, levels: Sequence[npt.NDArray[np.int8]]) -> npt.NDArray[np.bool_]:
    """Pairs of a firm and its branch, or of two branches: one tax code with other last digits.

    They have nearly everything in common and are two records all the same.
    """
    found = np.zeros(levels[0].size, dtype=bool)
    for each, some in zip(schema.fields, levels, strict=True):
        if each.kind == "tax":
            found |= some == OTHER_BRANCH
    return found


def _maximise(
    model: Model, likeness: Sequence[Likeness], household: Bools, everything: float
) -> None:
    """Expectation maximisation of m and the prior, with u as it is.

    It runs over all pairs of records there are: those that share no blocking key have next to no
    probability and add nothing, so they need not be looked at.
    """
    fields = model.schema.fields
    before = [SET_BEFORE * np.array(_shares([a.m for a in levels_of(each)])) for each in fields]
    for _ in range(ROUNDS):
        same = probability(weigh(model, likeness), model.prior)
        same[household | (same < 0.5)] = 0
        model.prior = _bounded(float(same.sum()), everything)
        counts = [
            first + np.bincount(some.levels + 1, weights=same, minlength=first.size + 1)[1:]
            for first, some in zip(before, likeness, strict=True)
        ]
        model.m = {each.name: _shares(list(one)) for each, one in zip(fields, counts, strict=True)}


def _all_pairs(size: int, side: npt.NDArray[np.bool_] | None) -> float:
    if side is None:
        return max(size * (size - 1) / 2, 1.0)
    return max(float(side.sum()) * float((~side).sum()), 1.0)


def _bounded(expected: float, everything: float) -> float:
    return min(max(expected, 1.0) / (everything + 2), 0.5)


def _shares(some: Sequence[float]) -> list[float]:
    whole = float(sum(some))
    return [float(each) / whole for each in some]
