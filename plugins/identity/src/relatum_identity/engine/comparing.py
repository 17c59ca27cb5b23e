"""How alike the two records of each pair are, field by field, as levels of the schema."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA, JaroWinkler

from relatum_identity.engine.firms import is_tax_code
from relatum_identity.engine.preparing import (
    Column,
    Floats,
    Ints,
    Prepared,
    Texts,
    encode,
    objects,
)
from relatum_identity.engine.schema import LEVELS, Field

Bools = npt.NDArray[np.bool_]
Levels = npt.NDArray[np.int8]

#: The level of a field that is missing in one of the records.
MISSING = -1
#: Pairs whose letters are compared at once: bounds the memory.
_AT_ONCE = 400_000
#: So many pairs are compared without other threads.
_ALONE = 2_000


@dataclass
class Likeness:
    """One field of all pairs.

    Attributes:
        levels: of the schema, -1 where the field is missing in one of the records.
        rarity: bits to be added because the value that agrees is rarer than most.
    """

    levels: Levels
    rarity: Floats


def compare(prepared: Prepared, left: Ints, right: Ints) -> list[Likeness]:
    """One likeness for each field of the schema."""
    return [
        _COMPARE[each.kind](prepared, prepared.columns[each.name], left, right)
        for each in prepared.schema.fields
    ]


def index_of(field: Field, level: str) -> int:
    """The place of a level among those of its field."""
    return next(n for n, each in enumerate(LEVELS[field.kind]) if each.id == level)


def letters(scorer: Callable[..., Any], some: Texts, others: Texts) -> Floats:
    """A scorer of rapidfuzz over two columns of texts, on all cores."""
    found = np.empty(len(some), dtype=np.float32)
    for start in range(0, len(some), _AT_ONCE):
        cut = slice(start, start + _AT_ONCE)
        found[cut] = process.cpdist(
            some[cut].tolist(),
            others[cut].tolist(),
            scorer=scorer,
            dtype=np.float32,
            # Few pairs are done before other threads have begun.
            workers=-1 if len(some) > _ALONE else 1,
        )
    return found


def _start(column: Column, left: Ints, right: Ints) -> tuple[Levels, Bools]:
    known = column.known[left] & column.known[right]
    return np.where(known, 0, MISSING).astype(np.int8), np.asarray(known)


def _rarity(levels: Levels, kind: str, frequency: Floats, mean: float) -> Floats:
    """``log2(mean / frequency)`` at the levels that count by frequency."""
    counted = np.array([*(each.by_frequency for each in LEVELS[kind]), False])[levels]
    return np.where(counted, np.log2(max(mean, 1e-9) / frequency), 0.0).astype(np.float32)


def _shared(column: Column, left: Ints, right: Ints) -> tuple[Bools, Floats]:
    """Whether any value is in both, and the frequency of the rarest that is."""
    same = np.zeros(left.size, dtype=bool)
    frequency = np.full(left.size, 1.0, dtype=np.float32)
    width = column.codes.shape[1]
    for a in range(width):
        for b in range(width):
            equal = (column.codes[left, a] == column.codes[right, b]) & (column.codes[left, a] >= 0)
            same |= equal
            rarer = equal & (column.frequency[left, a] < frequency)
            frequency[rarer] = column.frequency[left[rarer], a]
    return same, frequency


# -- names ---------------------------------------------------------------------------------------


def _names(prepared: Prepared, column: Column, left: Ints, right: Ints) -> Likeness:
    levels, known = _start(column, left, right)
    parts = column.parts
    same = {part: parts[part][left] == parts[part][right] for part in ("family", "given", "marked")}
    whole = column.codes[left, 0] == column.codes[right, 0]
    marks = (parts["marked"][left] >= 0) & (parts["marked"][right] >= 0)
    near = _near_parts(prepared, column, left, right, known & ~whole)
    within = _middles_agree(parts["middle"], left, right)

    levels[known & same["family"] & (parts["family"][left] >= 0)] = 1
    levels[known & same["given"]] = 2
    levels[known & same["given"] & same["family"]] = 3
    levels[known & near["whole"]] = 4
    levels[known & near["family"] & near["given"] & within] = 4
    levels[known & same["given"] & same["family"] & within] = 5
    levels[known & whole] = 6
    levels[known & whole & marks] = np.where(same["marked"][known & whole & marks], 7, 3)
    return Likeness(levels, _name_rarity(column, levels, left, right))


def _name_rarity(column: Column, levels: Levels, left: Ints, right: Ints) -> Floats:
    frequency = np.maximum(column.frequency[left, 0], column.frequency[right, 0])
    whole = _rarity(levels, "name", frequency, column.mean_frequency)
    ends = column.part_frequency["family_given"]
    lost = _rarity(levels, "name", np.maximum(ends[left], ends[right]), column.mean_of_ends)
    return np.where(levels == 5, lost, whole)


def _near_parts(
    prepared: Prepared, column: Column, left: Ints, right: Ints, wanted: Bools
) -> dict[str, Bools]:
    """Parts that one slip explains: not where both spellings are names that people have."""
    rows = np.flatnonzero(wanted)
    a, b = left[rows], right[rows]
    common = max(3.0, 2e-4 * prepared.statistics.records)
    found: dict[str, Bools] = {}
    other_name = np.zeros(rows.size, dtype=bool)
    for part in ("family", "given"):
        differs = column.parts[part][a] != column.parts[part][b]
        used = np.minimum(column.parts[f"{part}_count"][a], column.parts[f"{part}_count"][b])
        attested = differs & (used >= common)
        other_name |= attested
        near = ~differs
        unsure = np.flatnonzero(differs & ~attested)
        texts = column.part_texts[part]
        near[unsure] = letters(OSA.distance, texts[a[unsure]], texts[b[unsure]]) <= 1
        found[part] = _spread(near & (column.parts[part][a] >= 0), rows, left.size)
    near = ~other_name
    unsure = np.flatnonzero(near)
    some, others = column.texts[a[unsure]], column.texts[b[unsure]]
    length = np.fromiter(map(len, some), dtype=np.int32, count=unsure.size)
    near[unsure] = letters(OSA.distance, some, others) <= np.where(length >= 14, 2, 1)
    found["whole"] = _spread(near, rows, left.size)
    return found


def _spread(some: Bools, rows: npt.NDArray[np.intp], size: int) -> Bools:
    whole = np.zeros(size, dtype=bool)
    whole[rows] = some
    return whole


def _middles_agree(middle: Ints, left: Ints, right: Ints) -> Bools:
    """Whether all middle names of one are among those of the other."""
    a, b = middle[left], middle[right]
    shared = np.zeros(left.size, dtype=np.int8)
    for place in range(middle.shape[1]):
        one = a[:, place : place + 1]
        shared += ((one == b) & (one >= 0)).any(axis=1)
    fewer = np.minimum((a >= 0).sum(axis=1), (b >= 0).sum(axis=1))
    return np.asarray(shared >= fewer)


def _words(prepared: Prepared, column: Column, left: Ints, right: Ints) -> Likeness:
    levels, known = _start(column, left, right)
    same = column.codes[left, 0] == column.codes[right, 0]
    rows = np.flatnonzero(known & ~same)
    some, others = column.texts[left[rows]], column.texts[right[rows]]
    alike = letters(JaroWinkler.normalized_similarity, some, others)
    slips = letters(OSA.distance, some, others)
    length = np.fromiter((min(len(a), len(b)) for a, b in zip(some, others, strict=True)), np.int32)
    begins = np.fromiter(
        (a.startswith(b) or b.startswith(a) for a, b in zip(some, others, strict=True)), bool
    )
    typo = (slips <= np.where(length >= 8, 2, 1)) & (length >= 3) | (alike >= 0.93)
    levels[rows] = np.where(typo, 3, np.where((alike >= 0.82) | begins, 1, 0))
    if column.field.swaps_with in prepared.columns:
        other = prepared.columns[column.field.swaps_with]
        crossed = (column.texts[left] == other.texts[right]) & (
            other.texts[left] == column.texts[right]
        )
        levels[known & ~same & crossed] = 2
    levels[known & same] = 4
    frequency = np.maximum(column.frequency[left, 0], column.frequency[right, 0])
    return Likeness(levels, _rarity(levels, "word", frequency, column.mean_frequency))


# -- ways to reach and recognise ----------------------------------------------------------------


def _phones(prepared: Prepared, column: Column, left: Ints, right: Ints) -> Likeness:
    return _one_slip(column, left, right, kind="phone")


def _identifiers(prepared: Prepared, column: Column, left: Ints, right: Ints) -> Likeness:
    return _one_slip(column, left, right, kind="identifier")


def _one_slip(column: Column, left: Ints, right: Ints, *, kind: str) -> Likeness:
    levels, known = _start(column, left, right)
    same, frequency = _shared(column, left, right)
    rows = np.flatnonzero(known & ~same)
    slips = letters(OSA.distance, column.texts[left[rows]], column.texts[right[rows]])
    levels[rows[slips <= 1]] = 1
    levels[same] = 2
    return Likeness(levels, _rarity(levels, kind, frequency, column.mean_frequency))


def _emails(prepared: Prepared, column: Column, left: Ints, right: Ints) -> Likeness:
    levels, known = _start(column, left, right)
    same, frequency = _shared(column, left, right)
    rows = np.flatnonzero(known & ~same)
    slips = letters(OSA.distance, column.texts[left[rows]], column.texts[right[rows]])
    local = objects(text.partition("@")[0] for text in column.texts)
    worded = objects(text.rstrip("0123456789") for text in local)
    equal = (local[left[rows]] == local[right[rows]]).astype(bool)
    numbered = (worded[left[rows]] == worded[right[rows]]).astype(bool)
    levels[rows[(slips <= np.where(numbered, 1, 2)) | equal]] = 1
    levels[same] = 2
    return Likeness(levels, _rarity(levels, "email", frequency, column.mean_frequency))


# -- dates and places ----------------------------------------------------------------------------


def _dates(prepared: Prepared, column: Column, left: Ints, right: Ints) -> Likeness:
    levels, known = _start(column, left, right)
    digits = np.array(
        [[ord(digit) for digit in text or "\0" * 8] for text in column.texts], dtype=np.int16
    ).reshape(-1, 8)
    a, b = digits[left], digits[right]
    wrong = (a != b).sum(axis=1)
    same_year = (a[:, :4] == b[:, :4]).all(axis=1)
    swapped = same_year & (a[:, 4:6] == b[:, 6:]).all(axis=1) & (a[:, 6:] == b[:, 4:6]).all(axis=1)
    same_day = (a[:, 4:] == b[:, 4:]).all(axis=1)
    turned = (wrong == 2) & (
        (a[:, :-1] == b[:, 1:]) & (a[:, 1:] == b[:, :-1]) & (a[:, 1:] != b[:, 1:])
    ).any(axis=1)
    levels[known & ((same_year & (wrong <= 3)) | same_day | turned)] = 1
    levels[known & (wrong == 1)] = 2
    levels[known & swapped] = 3
    levels[known & (wrong == 0)] = 4
    frequency = column.frequency[left, 0]
    return Likeness(levels, _rarity(levels, "date", frequency, column.mean_frequency))


def _addresses(prepared: Prepared, column: Column, left: Ints, right: Ints) -> Likeness:
    levels, known = _start(column, left, right)
    same, frequency = _shared(column, left, right)
    number = column.parts["number"]
    numbered = (number[left] >= 0) & (number[right] >= 0)
    same_number = numbered & (number[left] == number[right])
    rows = np.flatnonzero(known & ~same)
    some, others = column.texts[left[rows]], column.texts[right[rows]]
    sorted_alike = letters(fuzz.token_sort_ratio, some, others)
    set_alike = letters(fuzz.token_set_ratio, some, others)
    good = np.maximum(sorted_alike, np.where(set_alike >= 99, 90, set_alike - 8))
    area = column.parts["area"]
    found = np.where(area[left[rows]] == area[right[rows]], 1, 0)
    near_number = same_number[rows] | ~numbered[rows]
    found = np.where(good >= np.where(near_number, 75, 88), 2, found)
    found = np.where(same_number[rows] & (good >= 82), 3, found)
    levels[rows] = found
    levels[same] = 4
    return Likeness(levels, _rarity(levels, "address", frequency, column.mean_frequency))


# -- other texts ---------------------------------------------------------------------------------


def _texts(prepared: Prepared, column: Column, left: Ints, right: Ints) -> Likeness:
    levels, known = _start(column, left, right)
    same = known & (column.codes[left, 0] == column.codes[right, 0])
    rows = np.flatnonzero(known & ~same)
    a, b = left[rows], right[rows]
    some, others = column.texts[a], column.texts[b]
    alike = np.maximum(
        letters(fuzz.token_sort_ratio, some, others) / 100, word_cosine(column, a, b)
    )
    alike = np.maximum(alike, 0.95 * letters(JaroWinkler.normalized_similarity, some, others) - 0.1)
    levels[rows] = np.searchsorted([0.35, 0.55, 0.72, 0.88], alike, side="right")
    levels[same] = 5
    frequency = np.maximum(column.frequency[left, 0], column.frequency[right, 0])
    return Likeness(levels, _rarity(levels, "text", frequency, column.mean_frequency))


def word_cosine(column: Column, left: Ints, right: Ints) -> Floats:
    """Cosine of the words, each weighted by how few texts have it."""
    words, weights = column.parts["words"], column.part_frequency["words"]
    found = np.zeros(left.size, dtype=np.float32)
    for start in range(0, left.size, _AT_ONCE):
        a, b = left[start : start + _AT_ONCE], right[start : start + _AT_ONCE]
        total = np.zeros(a.size, dtype=np.float32)
        for place in range(words.shape[1]):
            one = words[a, place : place + 1]
            equal = (one == words[b]) & (one >= 0)
            total += (equal * weights[b]).sum(axis=1) * weights[a, place]
        found[start : start + _AT_ONCE] = total
    return found


def _categories(prepared: Prepared, column: Column, left: Ints, right: Ints) -> Likeness:
    levels, _ = _start(column, left, right)
    same, frequency = _shared(column, left, right)
    levels[same] = 1
    return Likeness(levels, _rarity(levels, "category", frequency, column.mean_frequency))


# -- organisations -------------------------------------------------------------------------------


def _firms(prepared: Prepared, column: Column, left: Ints, right: Ints) -> Likeness:
    """By what a firm is called; what it does and its legal form say less."""
    levels, known = _start(column, left, right)
    own, form = column.parts["own"], column.parts["form"]
    called = known & (own[left] == own[right])
    rows = np.flatnonzero(known & ~called)
    a, b = left[rows], right[rows]
    some, others = column.part_texts["own"][a], column.part_texts["own"][b]
    alike = letters(fuzz.token_sort_ratio, some, others) / 100
    length = np.fromiter((min(len(x), len(y)) for x, y in zip(some, others, strict=True)), np.int32)
    slip = (letters(OSA.distance, some, others) <= np.where(length >= 10, 2, 1)) & (length >= 5)
    words = word_cosine(column, a, b)
    near = slip | ((alike >= 0.9) & (length >= 8)) | (words >= 0.9)
    levels[rows] = np.where(near, 2, np.where((alike >= 0.7) | (words >= 0.5), 1, 0))
    another = (form[left] >= 0) & (form[right] >= 0) & (form[left] != form[right])
    branch = _is_branch(prepared, column)
    another |= branch[left] != branch[right]
    whole = column.codes[left, 0] == column.codes[right, 0]
    levels[called] = np.where(another[called], 3, np.where(whole[called], 5, 4))
    frequency = np.maximum(column.frequency[left, 0], column.frequency[right, 0])
    return Likeness(levels, _rarity(levels, "firm", frequency, column.mean_frequency))


def _is_branch(prepared: Prepared, column: Column) -> Bools:
    """Whose name or tax code says so."""
    found = np.asarray(column.parts["branch"] > 0)
    for each in prepared.columns.values():
        if each.field.kind == "tax":
            found |= np.fromiter((len(text) == 13 for text in each.texts), bool, found.size)
    return found


def _taxes(prepared: Prepared, column: Column, left: Ints, right: Ints) -> Likeness:
    """One wrong digit only where a check digit shows that there is one."""
    levels, known = _start(column, left, right)
    valid = np.fromiter(map(is_tax_code, column.texts), bool, count=column.texts.size)
    firm = encode(objects(text[:10] for text in column.texts))
    same = known & (column.codes[left, 0] == column.codes[right, 0])
    rows = np.flatnonzero(known & ~same & ~(valid[left] & valid[right]))
    slips = letters(OSA.distance, column.texts[left[rows]], column.texts[right[rows]])
    levels[rows[slips <= 1]] = 2
    levels[known & (firm[left] == firm[right])] = 1
    levels[same] = 3
    return Likeness(levels, np.zeros(levels.size, dtype=np.float32))


def _domains(prepared: Prepared, column: Column, left: Ints, right: Ints) -> Likeness:
    levels, _ = _start(column, left, right)
    same, frequency = _shared(column, left, right)
    levels[same] = 1
    return Likeness(levels, _rarity(levels, "domain", frequency, column.mean_frequency))


_COMPARE: dict[str, Callable[[Prepared, Column, Ints, Ints], Likeness]] = {
    "name": _names,
    "word": _words,
    "phone": _phones,
    "email": _emails,
    "identifier": _identifiers,
    "date": _dates,
    "address": _addresses,
    "text": _texts,
    "category": _categories,
    "firm": _firms,
    "tax": _taxes,
    "domain": _domains,
}
