"""Groups of records that are one person, without chains: A like B and B like C is not enough."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt

from relatum_identity.engine.preparing import Ints

#: Judges pairs of places of records: the weight in bits above the prior odds, and whether a rule
#: forbids them to be one.
Judge = Callable[[Ints, Ints], tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]]


def components(left: Ints, right: Ints, size: int) -> Ints:
    """For every record the least record it hangs together with."""
    label = np.arange(size, dtype=np.int32)
    while True:
        before = label.copy()
        least = np.minimum(label[left], label[right])
        np.minimum.at(label, left, least)
        np.minimum.at(label, right, least)
        label = label[label]
        if np.array_equal(before, label):
            return label


def clusters(
    left: Ints, right: Ints, weights: npt.NDArray[np.float64], size: int, judge: Judge
) -> Ints:
    """For every record the least record of its group.

    Pairs are joined from the likeliest on. Two groups become one only when no pair across them is
    forbidden and their pairs together speak for one person. Only what hangs together in threes and
    more is looked at again; a pair for itself is a group.
    """
    label = components(left, right, size)
    members = np.bincount(label, minlength=size)
    contested = np.flatnonzero(members[label] > 2)
    if not contested.size:
        return label
    edges = np.flatnonzero(members[label[left]] > 2)
    order = edges[np.argsort(-weights[edges], kind="stable")]
    verdicts = _verdicts(contested, label, judge)
    return _joined(label, contested, zip(left[order], right[order], strict=True), verdicts)


def _verdicts(
    contested: npt.NDArray[np.intp], label: Ints, judge: Judge
) -> dict[tuple[int, int], tuple[float, bool]]:
    """All pairs inside of the contested components."""
    by_label = contested[np.argsort(label[contested], kind="stable")]
    lefts, rights = [], []
    for step in range(1, by_label.size):
        same = np.flatnonzero(label[by_label[step:]] == label[by_label[:-step]])
        if not same.size:
            break
        lefts.append(by_label[same])
        rights.append(by_label[same + step])
    left = np.concatenate(lefts).astype(np.int32)
    right = np.concatenate(rights).astype(np.int32)
    left, right = np.minimum(left, right), np.maximum(left, right)
    weights, forbidden = judge(left, right)
    keys = zip(left.tolist(), right.tolist(), strict=True)
    return dict(zip(keys, zip(weights.tolist(), forbidden.tolist(), strict=True), strict=True))


def _joined(
    label: Ints,
    contested: npt.NDArray[np.intp],
    edges: Iterable[tuple[int, int]],
    verdicts: dict[tuple[int, int], tuple[float, bool]],
) -> Ints:
    groups = {int(each): [int(each)] for each in contested}
    group_of = {each: each for each in groups}
    for a, b in edges:
        one, other = group_of[int(a)], group_of[int(b)]
        if one == other or not _agree(groups[one], groups[other], verdicts):
            continue
        for each in groups[other]:
            group_of[each] = one
        groups[one] += groups.pop(other)
    fresh = label.copy()
    for some in groups.values():
        fresh[some] = min(some)
    return fresh


def _agree(
    some: list[int], others: list[int], verdicts: dict[tuple[int, int], tuple[float, bool]]
) -> bool:
    across = [verdicts[min(a, b), max(a, b)] for a in some for b in others]
    return not any(forbidden for _, forbidden in across) and sum(w for w, _ in across) > 0


def one_to_one(left: Ints, right: Ints, weights: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Which pairs to keep so that no record has two partners: the likeliest first."""
    keep = np.zeros(left.size, dtype=bool)
    taken: set[int] = set()
    for row in np.argsort(-weights, kind="stable"):
        a, b = int(left[row]), int(right[row])
        if a not in taken and b not in taken:
            keep[row] = True
            taken |= {a, b}
    return keep
