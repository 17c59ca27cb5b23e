"""Which pairs are looked at at all: those with a blocking key in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from relatum_identity.engine.preparing import Column, Ints, Prepared, Texts, encode, objects

Longs = npt.NDArray[np.int64]

#: Of words of a text, those that at most this share of records have are keys.
_TELLING_WORD = 0.02
_VOWELS = str.maketrans("", "", "aeiouy")


@dataclass
class Key:
    """One blocking key of all records.

    Attributes:
        id: names the key, also where it is stored.
        fields: what it is made of; it proves nothing about them.
        texts: empty where a record has none.
    """

    id: str
    fields: tuple[str, ...]
    texts: Texts


@dataclass
class Candidates:
    """Pairs of places of records, ``left < right``, and which keys they have in common (bits)."""

    left: Ints
    right: Ints
    rules: Longs
    keys: Sequence[Key]


def keys_of(prepared: Prepared) -> list[Key]:
    """All keys of all records."""
    return [key for column in prepared.columns.values() for key in _of(column, prepared)]


def _of(column: Column, prepared: Prepared) -> Iterator[Key]:
    name, kind = column.field.name, column.field.kind
    if kind == "name":
        yield from _of_name(column)
    elif kind in {"firm", "tax"}:
        yield from _of_firm(column)
    elif kind in {"phone", "email", "identifier", "domain"}:
        yield from _of_reach(column)
    elif kind == "date":
        yield Key(name, (name,), _map(column.texts, _any_order))
    elif kind == "address":
        yield Key(name, (name,), column.texts)
        yield Key(f"{name}.begin", (name,), _map(column.texts, lambda t: " ".join(t.split()[:3])))
    elif kind == "text":
        yield Key(name, (name,), column.texts)
        yield Key(f"{name}.begin", (name,), _map(column.texts, lambda t: t.replace(" ", "")[:6]))
        yield from _of_words(column, prepared)
    elif kind == "word":
        yield Key(name, (name,), column.texts)
        yield Key(f"{name}.sound", (name,), _map(column.texts, skeleton))


def _of_reach(column: Column) -> Iterator[Key]:
    name = column.field.name
    for place in range(column.codes.shape[1]):
        texts = _several(column, place)
        yield Key(f"{name}", (name,), texts)
        if column.field.kind == "email":
            yield Key(f"{name}.local", (name,), _map(texts, _local_part))
        elif column.field.kind == "identifier":
            yield Key(f"{name}.begin", (name,), _map(texts, lambda text: text[:4]))


def _several(column: Column, place: int) -> Texts:
    if place == 0:
        return column.texts
    return column.part_texts[f"value_{place}"]


def _of_name(column: Column) -> Iterator[Key]:
    name = column.field.name
    whole = objects(" ".join(sorted(text.split())) for text in column.texts)
    yield Key(name, (name,), whole)
    yield Key(f"{name}.ends", (name,), column.part_texts["ends"])
    yield Key(f"{name}.sound", (name,), _map(whole, skeleton))


def _of_firm(column: Column) -> Iterator[Key]:
    name = column.field.name
    if column.field.kind == "tax":
        yield Key(name, (name,), _map(column.texts, lambda text: text[:10]))
    else:
        yield Key(name, (name,), column.part_texts["own"])
        yield Key(f"{name}.sound", (name,), _map(column.part_texts["own"], skeleton))


def _of_words(column: Column, prepared: Prepared) -> Iterator[Key]:
    """Every word that few have."""
    name = column.field.name
    counts = prepared.statistics.of(f"{name}.word")
    most = max(2, int(_TELLING_WORD * prepared.statistics.records))
    telling = [
        [word for word in dict.fromkeys(text.split()) if 1 < counts.get(word, 1) <= most][:6]
        for text in column.texts
    ]
    for place in range(max(map(len, telling), default=0)):
        texts = objects(some[place] if len(some) > place else "" for some in telling)
        yield Key(f"{name}.word", (name,), texts)


def _map(texts: Texts, change: Callable[[str], str]) -> Texts:
    return objects(change(text) if text else "" for text in texts)


def _local_part(address: str) -> str:
    local = address.partition("@")[0]
    return local if len(local) > 5 else ""


def _any_order(date: str) -> str:
    """Year, then month and day in rising order: equal when they were swapped."""
    return date[:4] + "".join(sorted((date[4:6], date[6:8])))


def skeleton(text: str) -> str:
    """Words without vowels and doubled letters, sorted: survives many slips of spelling."""
    return " ".join(sorted(word[:1] + _once(word[1:].translate(_VOWELS)) for word in text.split()))


def _once(letters: str) -> str:
    return "".join(a for a, b in zip(letters, f" {letters}", strict=False) if a != b)


def candidates(prepared: Prepared, side: npt.NDArray[np.bool_] | None = None) -> Candidates:
    """All pairs with a key in common, each once.

    Args:
        side: for two files: which of them a record is from; only pairs across are given.
    """
    keys = keys_of(prepared)
    ids = list(dict.fromkeys(key.id for key in keys))
    size = prepared.size
    coarse = _coarse(prepared)
    found: dict[str, list[Longs]] = {id: [] for id in ids}
    for id in ids:
        members, codes = _grouped([key for key in keys if key.id == id])
        field = next(key.fields[0] for key in keys if key.id == id)
        others = [codes for name, codes in coarse if name != field]
        for left, right in _pairs(members, codes, others, prepared.schema.largest_block):
            found[id].append(_packed(left, right, size, side))
    whole, rules = _united([found[id] for id in ids])
    shown = [next(key for key in keys if key.id == id) for id in ids]
    return Candidates(
        (whole // max(size, 1)).astype(np.int32),
        (whole % max(size, 1)).astype(np.int32),
        rules,
        shown,
    )


def _grouped(keys: Sequence[Key]) -> tuple[Ints, Ints]:
    """Places of records and codes of their keys; a key of several values gives several rows."""
    size = len(keys[0].texts)
    codes = encode(np.concatenate([key.texts for key in keys]))
    members = np.tile(np.arange(size, dtype=np.int32), len(keys))
    known = codes >= 0
    return members[known], codes[known]


def _coarse(prepared: Prepared) -> list[tuple[str, Ints]]:
    """Second keys, by which blocks that are too large are divided."""
    found: list[tuple[str, Ints]] = []
    for name, column in prepared.columns.items():
        kind = column.field.kind
        if kind == "name":
            found += [(name, column.parts["given"]), (name, column.parts["family"])]
        elif kind in {"date", "text", "firm"}:
            found.append((name, encode(_map(column.texts, lambda text: text[:4]))))
        elif kind == "word":
            found.append((name, encode(_map(column.texts, lambda text: text[:3]))))
        else:
            found.append((name, column.codes[:, 0]))
    return found


def _pairs(
    members: Ints, codes: Ints, others: Sequence[Ints], largest: int
) -> Iterator[tuple[Ints, Ints]]:
    """Pairs inside of blocks; those of blocks that are too large only with a second key."""
    if not codes.size:
        return
    sizes = np.bincount(codes)
    small = sizes[codes] <= largest
    yield from _inside(members[small], codes[small])
    members, codes = members[~small], codes[~small]
    if not codes.size:
        return
    for other in others:
        second = other[members]
        known = second >= 0
        some, joined = members[known], codes[known].astype(np.int64)
        if not some.size:
            continue
        _, fresh = np.unique(joined * (int(other.max()) + 1) + second[known], return_inverse=True)
        fresh = fresh.astype(np.int32)
        fits = np.bincount(fresh)[fresh] <= largest
        yield from _inside(some[fits], fresh[fits])


def _inside(members: Ints, codes: Ints) -> Iterator[tuple[Ints, Ints]]:
    """All pairs with one code: sorted by code, each is joined with those 1, 2, 3 … further on."""
    order = np.argsort(codes, kind="stable")
    members, codes = members[order], codes[order]
    for step in range(1, codes.size):
        same = np.flatnonzero(codes[step:] == codes[:-step])
        if not same.size:
            return
        yield members[same], members[same + step]


def _packed(left: Ints, right: Ints, size: int, side: npt.NDArray[np.bool_] | None) -> Longs:
    low, high = np.minimum(left, right), np.maximum(left, right)
    wanted = low != high
    if side is not None:
        wanted &= side[low] != side[high]
    return np.asarray(low[wanted].astype(np.int64) * size + high[wanted])


def _united(found: Sequence[Sequence[Longs]]) -> tuple[Longs, Longs]:
    """Every pair once, with a bit for each rule that gave it."""
    pairs: list[Longs] = []
    bits: list[Longs] = []
    for number, some in enumerate(found):
        once = _once_each(np.concatenate(some)) if some else np.empty(0, np.int64)
        pairs.append(once)
        bits.append(np.full(once.size, 1 << number, dtype=np.int64))
    if not pairs:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    everything, rules = np.concatenate(pairs), np.concatenate(bits)
    order = np.argsort(everything, kind="stable")
    everything, rules = everything[order], rules[order]
    if not everything.size:
        return everything, rules
    starts = np.flatnonzero(np.r_[True, everything[1:] != everything[:-1]])
    return everything[starts], np.bitwise_or.reduceat(rules, starts)


def _once_each(some: Longs) -> Longs:
    """Sorted, without repetitions; sorting is several times faster here than hashing."""
    some = np.sort(some)
    return some[np.r_[True, some[1:] != some[:-1]]] if some.size else some
