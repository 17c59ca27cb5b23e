"""The whole way: records as columns in, decided pairs and groups out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from relatum_identity.engine.blocking import candidates
from relatum_identity.engine.clusters import clusters, one_to_one
from relatum_identity.engine.comparing import Bools, Likeness, compare, index_of
from relatum_identity.engine.deciding import AUTO, REVIEW, Decisions, forbidden, judge
from relatum_identity.engine.learning import Doubles, Model, field_bits, learn, set_model
from relatum_identity.engine.preparing import Ints, Prepared, Statistics, prepare, with_means
from relatum_identity.engine.schema import Columns, Schema, levels_of

#: Fewer records teach nothing; what the schema sets is used.
FEWEST_TO_LEARN = 100


@dataclass
class Linked:
    """Pairs of places of records that are more than distinct, and who is one with whom.

    Attributes:
        candidate_pairs: how many pairs were compared.
        left, right: places of records; ``left < right``.
        weights, probabilities, decisions: of each pair.
        likeness: of each pair, one for every field of the schema.
        groups: for every record the least record it is merged with without a person.
    """

    model: Model
    candidate_pairs: int
    left: Ints
    right: Ints
    weights: Doubles
    probabilities: Doubles
    decisions: Decisions
    likeness: list[Likeness]
    groups: Ints


def link(
    columns: Columns,
    schema: Schema,
    *,
    model: Model | None = None,
    statistics: Statistics | None = None,
    side: Sequence[bool] | None = None,
    seed: int = 0,
) -> Linked:
    """Find the records that are about one person.

    Args:
        columns: one value, several values or None for each record, by field.
        model: what to judge by; learned from the records when left out.
        statistics: of the records, when they are not to be counted; the model's come first.
        side: for two files that have no doubles of their own: which one each record is from. Only
            pairs across are made, and no record gets two partners.
        seed: for the pairs that are drawn to learn from.
    """
    prepared = prepare(columns, schema, model.statistics if model else statistics)
    if model is None:
        prepared.statistics = with_means(prepared)
    sides = None if side is None else np.asarray(side, dtype=bool)
    pairs = candidates(prepared, sides)
    likeness = compare(prepared, pairs.left, pairs.right)
    if model is None:
        small = prepared.size < FEWEST_TO_LEARN
        model = set_model(prepared) if small else learn(prepared, likeness, side=sides, seed=seed)
    weights, sure, decisions = judge(model, likeness)
    rows = np.flatnonzero(decisions)
    if sides is not None:
        keep = one_to_one(pairs.left[rows], pairs.right[rows], weights[rows])
        rows = rows[keep]
    found = Linked(
        model,
        pairs.left.size,
        pairs.left[rows],
        pairs.right[rows],
        weights[rows],
        sure[rows],
        decisions[rows],
        [Likeness(each.levels[rows], each.rarity[rows]) for each in likeness],
        np.arange(prepared.size, dtype=np.int32),
    )
    _group(found, prepared)
    return found


def link_some(columns: Columns, wanted: Sequence[bool], model: Model) -> Linked:
    """Pairs in which at least one of the wanted records is, judged as among all records.

    What comes out is what :func:`link` with this model gives for all records, as far as a wanted
    record is in it, when the columns hold everybody who has a blocking key in common with a wanted
    record; groups are right where everybody of a group is wanted.
    """
    prepared = prepare(columns, model.schema, model.statistics)
    some = np.asarray(wanted, dtype=bool)
    pairs = candidates(prepared)
    rows = np.flatnonzero(some[pairs.left] | some[pairs.right])
    left, right = pairs.left[rows], pairs.right[rows]
    likeness = compare(prepared, left, right)
    weights, sure, decisions = judge(model, likeness)
    kept = np.flatnonzero(decisions)
    found = Linked(
        model,
        left.size,
        left[kept],
        right[kept],
        weights[kept],
        sure[kept],
        decisions[kept],
        [Likeness(each.levels[kept], each.rarity[kept]) for each in likeness],
        np.arange(prepared.size, dtype=np.int32),
    )
    _group(found, prepared)
    return found


def _group(found: Linked, prepared: Prepared) -> None:
    """Groups of pairs to be merged; pairs that would make a chain go to a person instead."""
    auto = found.decisions == AUTO
    odds = np.log2(found.model.prior / (1 - found.model.prior))

    def across(left: Ints, right: Ints) -> tuple[Doubles, Bools]:
        likeness = compare(prepared, left, right)
        weights, _, _ = judge(found.model, likeness)
        return weights + odds, forbidden(found.model, likeness) & contradicted(
            found.model, likeness
        )

    found.groups = clusters(
        found.left[auto], found.right[auto], found.weights[auto], prepared.size, across
    )
    together = found.groups[found.left] == found.groups[found.right]
    found.decisions[auto & ~together] = REVIEW
    found.decisions[together] = AUTO


def contradicted(model: Model, likeness: Sequence[Likeness]) -> Bools:
    """Whether a known field speaks against one person with more than a few bits."""
    found = np.zeros(likeness[0].levels.size, dtype=bool)
    for each, some in zip(model.schema.fields, likeness, strict=True):
        if each.kind in {"date", "name", "firm", "tax"}:
            found |= field_bits(model, each.name, some) < -1
        if each.kind == "firm":
            # Two legal forms are two firms, however much sister firms share.
            found |= some.levels == index_of(each, "other_form")
    return found


def evidence(found: Linked, pair: int) -> dict[str, tuple[str, float]]:
    """The level and the bits of each field that is known in both records of a pair."""
    return told(found.model, found.likeness, pair)


def told(model: Model, likeness: Sequence[Likeness], pair: int) -> dict[str, tuple[str, float]]:
    """As :func:`evidence`, for any pairs that were compared."""
    fields: dict[str, tuple[str, float]] = {}
    for each, some in zip(model.schema.fields, likeness, strict=True):
        level = int(some.levels[pair])
        if level >= 0:
            one = Likeness(some.levels[[pair]], some.rarity[[pair]])
            bits = float(field_bits(model, each.name, one)[0])
            fields[each.name] = (levels_of(each)[level].id, round(bits, 2))
    return fields


def queue(found: Linked) -> npt.NDArray[np.intp]:
    """The pairs for a person: for each two groups only the likeliest."""
    rows = np.flatnonzero(found.decisions == REVIEW)
    order = rows[np.argsort(-found.weights[rows], kind="stable")]
    a, b = found.groups[found.left[order]], found.groups[found.right[order]]
    keys = np.minimum(a, b).astype(np.int64) * found.groups.size + np.maximum(a, b)
    _, first = np.unique(keys, return_index=True)
    return np.asarray(np.sort(order[first]))
