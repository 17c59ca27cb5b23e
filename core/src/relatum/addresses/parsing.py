"""Finding the units in a free-form address.

Every place where the name of a unit stands is a candidate; a chain takes one candidate of each
level, of which the lower lies in the upper. The chain that agrees best with what was written wins:
types (``P.``, ``Huyện``), order, neighbourhood, marks. Chains that agree alike are told as such.
"""

from __future__ import annotations

import datetime as dt
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from rapidfuzz.distance import OSA

from relatum.addresses.gazetteer import Gazetteer, name_key
from relatum.addresses.words import SMALLER, Word, spaced, type_before, words_of
from relatum.values.address import (
    TWO_LEVELS_SINCE,
    Address,
    AddressReading,
    AdminUnit,
    Certainty,
    Conversion,
    Level,
)

LONGEST_NAME = 6
#: The share of letters that must agree where a unit is spelled in another way.
NEAR = 0.8
#: Shorter names are near too many others.
SHORTEST_NEAR = 4
#: A name that more units share says nothing; so many of them are told.
MOST_ALTERNATIVES = 20
_LEVELS: tuple[Level, ...] = ("ward", "district", "province")
_COUNTRY = {"viet", "nam", "vn", "vietnam"}


class Span(NamedTuple):
    """Words ``start`` to ``end`` (without it) may mean a unit; the type before counts along."""

    start: int
    end: int
    unit: AdminUnit
    score: float
    near: bool = False
    typed: bool = False


class Chain(NamedTuple):
    """Candidates from the lowest level upwards."""

    spans: tuple[Span, ...]
    score: float

    @property
    def lowest(self) -> AdminUnit:
        return self.spans[0].unit


def read_address(
    text: str, gazetteer: Gazetteer, *, as_of: dt.date | None = None
) -> AddressReading:
    """The units of an address, and what is left of it. Never raises.

    Args:
        as_of: the day on which it was right; without it, units of every time are looked for, and
            those that agree best with the text are taken.
    """
    clean = spaced(text)
    words = words_of(clean)
    chains = _chains(words, gazetteer, as_of)
    if not chains:
        lines = tuple(filter(None, (line.strip() for line in text.splitlines())))
        return AddressReading(address=Address(lines=lines, street=""), certainty="none")
    return _reading(text, clean, words, chains, gazetteer)


# -- candidates ----------------------------------------------------------------------------------


def _chains(words: Sequence[Word], gazetteer: Gazetteer, as_of: dt.date | None) -> list[Chain]:
    """The best chains, all with the same score."""
    spans = [
        span
        for span in _exact_spans(words, gazetteer)
        if as_of is None or span.unit.is_valid(as_of)
    ]
    best = _best(spans, words, gazetteer)
    for level in reversed(_LEVELS):
        if best and _has(best[0], level):
            continue
        near = list(_near_spans(level, best, words, gazetteer, as_of))
        if near:
            spans += near
            best = _best(spans, words, gazetteer)
    return best


def _has(chain: Chain, level: Level) -> bool:
    return any(span.unit.level == level for span in chain.spans)


def _exact_spans(words: Sequence[Word], gazetteer: Gazetteer) -> Iterator[Span]:
    for start in range(len(words)):
        key = ""
        for end in range(start + 1, min(start + LONGEST_NAME, len(words)) + 1):
            if end - 1 > start and words[end - 1].first and "-" not in _between(words, end - 1):
                break
            key += words[end - 1].plain
            for unit in gazetteer.named(name_key(key)):
                span = _span(words, start, end, unit)
                if span is not None:
                    yield span


def _between(words: Sequence[Word], place: int) -> str:
    """A dash may stand inside a name (``Bà Rịa - Vũng Tàu``), no other parting."""
    return "-" if words[place].start - words[place - 1].end <= 3 else ""


def _span(
    words: Sequence[Word], start: int, end: int, unit: AdminUnit, *, near: float = 0.0
) -> Span | None:
    length, levels, type_ = type_before(words, start)
    if unit.name.isdigit() and unit.level not in levels:
        return None
    score = 4.0 if not near else 4.0 * near - 1.0
    if levels:
        score += _type_score(unit, levels, type_)
    elif start and words[start - 1].plain in SMALLER and not words[start].first:
        score -= 3.0
    begin = start - (length if unit.level in levels else 0)
    score += 0.5 * words[begin].first
    score += 0.5 * (end == len(words) or words[end].first)
    if not near:
        score += _marks_score(words[start:end], unit)
    return Span(begin, end, unit, score, near=bool(near), typed=unit.level in levels)


def _type_score(unit: AdminUnit, levels: frozenset[Level], type_: str) -> float:
    if unit.level not in levels:
        return -3.0
    return 2.0 if not type_ or type_ == unit.type else 0.5


def _marks_score(words: Sequence[Word], unit: AdminUnit) -> float:
    """Who writes marks means them."""
    written = "".join(word.raw for word in words)
    if written.isascii():
        return 0.0
    # Where a tone stands (Hoà, Hòa) is a matter of taste: compared as a bag of letters and marks.
    same = _letters(written) == _letters("".join(filter(str.isalnum, unit.name)))
    return 0.5 if same else -0.5


def _letters(text: str) -> list[str]:
    return sorted(unicodedata.normalize("NFD", text.casefold()))


def _near_spans(
    level: Level,
    best: Sequence[Chain],
    words: Sequence[Word],
    gazetteer: Gazetteer,
    as_of: dt.date | None,
) -> Iterator[Span]:
    """Candidates spelled in another way, among the units that what is known leaves."""
    taken: set[int] = set()
    parents: Iterable[str] = ("",) if level == "province" else ()
    if best:
        taken = {n for span in best[0].spans for n in range(span.start, span.end)}
        if level != "province":
            parents = {chain.spans[0].unit.key for chain in best if _above(chain, level)}
    units = [
        unit
        for parent in parents
        for unit in (gazetteer.children("") if not parent else gazetteer.below(parent, level))
        if as_of is None or unit.is_valid(as_of)
    ]
    keys = [(name_key(unit.name), unit) for unit in units]
    for start, end in _windows(words, taken, level):
        written = "".join(word.plain for word in words[start:end])
        if len(written) < SHORTEST_NEAR:
            continue
        for key, unit in keys:
            near = OSA.normalized_similarity(written, key, score_cutoff=NEAR)
            if near:
                span = _span(words, start, end, unit, near=near)
                if span is not None and not (set(range(span.start, span.end)) & taken):
                    yield span


def _above(chain: Chain, level: Level) -> bool:
    return _LEVELS.index(chain.lowest.level) > _LEVELS.index(level)


def _windows(words: Sequence[Word], taken: set[int], level: Level) -> Iterator[tuple[int, int]]:
    """Runs of words nobody has taken; provinces are looked for at the end alone."""
    first = max(0, len(words) - 5) if level == "province" else 0
    for start in range(first, len(words)):
        for end in range(start + 1, min(start + 4, len(words)) + 1):
            if end - 1 in taken or (end - 1 > start and words[end - 1].first):
                break
            yield start, end


# -- chains --------------------------------------------------------------------------------------


def _best(spans: Sequence[Span], words: Sequence[Word], gazetteer: Gazetteer) -> list[Chain]:
    chains = [
        Chain(found, _score(found, words, gazetteer)) for found in _combined(spans, gazetteer)
    ]
    if not chains:
        return []
    most = max(chain.score for chain in chains)
    if most < _LEAST:
        return []
    best: dict[str, Chain] = {}
    for chain in chains:
        if chain.score > most - 0.25:
            best.setdefault(chain.lowest.key, chain)
    return list(best.values())


#: Below this, a name that stands there is more likely that of a street.
_LEAST = 2.5


def _combined(spans: Sequence[Span], gazetteer: Gazetteer) -> Iterator[tuple[Span, ...]]:
    """A candidate with any candidates for the units it lies in, none over another."""
    by_unit: dict[str, list[Span]] = {}
    for span in spans:
        by_unit.setdefault(span.unit.key, []).append(span)
    for span in spans:
        # Alone and without its type, a name is rather that of a street.
        alone = span.typed or span.unit.level == "province"
        chains: list[tuple[Span, ...]] = [(span,)]
        for unit in gazetteer.lineage(span.unit)[1:]:
            chains += [
                (*chain, above)
                for chain in chains
                for above in by_unit.get(unit.key, ())
                if all(above.end <= each.start or each.end <= above.start for each in chain)
            ]
        yield from chains if alone else chains[1:]


def _score(chain: tuple[Span, ...], words: Sequence[Word], gazetteer: Gazetteer) -> float:
    score = sum(span.score for span in chain)
    ordered = sorted(chain)
    forward = all(a.start < b.start for a, b in pairwise(chain))
    backward = all(a.start > b.start for a, b in pairwise(chain))
    if len(chain) > 1:
        score += 1.0 if forward else 0.5 if backward else -2.0
    for a, b in pairwise(ordered):
        score -= min(3.0, 1.0 * (b.start - a.end))
    behind = [word for word in words[ordered[-1].end :] if word.plain not in _COUNTRY]
    if forward:
        score -= min(3.0, 0.75 * len([word for word in behind if not word.plain.isdigit()]))
    else:
        score -= min(2.0, 0.5 * ordered[0].start)
    # A former ward named without its district, or a unit without anything above it, says less.
    return score - 0.75 * (len(gazetteer.lineage(chain[0].unit)) > len(chain))


# -- the answer ----------------------------------------------------------------------------------


def _reading(
    text: str, clean: str, words: Sequence[Word], chains: Sequence[Chain], gazetteer: Gazetteer
) -> AddressReading:
    lowest = [chain.lowest for chain in chains]
    units = _in_common(lowest, gazetteer)
    if all(unit.level == "province" for unit in lowest):
        lowest = list(units or lowest)  # the same province before and after the reform
    certainty: Certainty = "exact"
    if len(lowest) > 1:
        certainty = "ambiguous"
    elif any(span.near for span in chains[0].spans):
        certainty = "near"
    codes = {unit.level: unit.code for unit in units}
    lines = tuple(filter(None, (line.strip() for line in text.splitlines())))
    address = Address(
        lines=lines,
        street=_street(clean, words, chains[0]),
        ward=codes.get("ward", ""),
        district=codes.get("district", ""),
        province=codes.get("province", ""),
        as_of=_day_of(units[0]) if units else None,
    )
    return AddressReading(
        address=address,
        certainty=certainty,
        units=units,
        alternatives=tuple(lowest[:MOST_ALTERNATIVES]) if len(lowest) > 1 else (),
        present=_present(lowest, gazetteer) if units else Conversion(outcome="unknown"),
    )


def _day_of(unit: AdminUnit) -> dt.date:
    """A day on which the unit was there: its first, or the last before it went."""
    if unit.valid_until is not None:
        return unit.valid_until - dt.timedelta(days=1)
    return unit.valid_from or TWO_LEVELS_SINCE


def _in_common(lowest: Sequence[AdminUnit], gazetteer: Gazetteer) -> tuple[AdminUnit, ...]:
    """The units that all of these lie in, from the lowest upwards; else the province of today."""
    first, *others = [gazetteer.lineage(unit) for unit in lowest]
    units = tuple(unit for unit in first if all(unit in other for other in others))
    if units:
        return units
    provinces = [gazetteer.present_of(lineage[-1]) for lineage in (first, *others)]
    today = {answer.unit.key: answer.unit for each in provinces for answer in each.answers}
    if len(today) == 1 and all(each.outcome == "exact" for each in provinces):
        return tuple(today.values())
    return ()


def _present(lowest: Sequence[AdminUnit], gazetteer: Gazetteer) -> Conversion:
    """Where it lies today, whichever of the alternatives it was."""
    found = [gazetteer.present_of(unit) for unit in lowest]
    if len(found) == 1:
        return found[0]
    answers = {answer.unit.key: answer for each in found for answer in each.answers}
    if len(answers) == 1 and all(each.outcome == "exact" for each in found):
        return Conversion(outcome="exact", answers=tuple(answers.values()))
    if not answers or any(each.outcome == "unknown" for each in found):
        return Conversion(outcome="unknown", answers=tuple(answers.values()))
    return Conversion(outcome="several", answers=tuple(answers.values()))


def _street(clean: str, words: Sequence[Word], chain: Chain) -> str:
    """What stands before the units, between them and behind them, without the country."""
    ordered = sorted(chain.spans)
    pieces, behind = [], 0
    for span in ordered:
        pieces.append(clean[behind : words[span.start].start])
        behind = words[span.end - 1].end
    rest = clean[behind:]
    if any(word.plain not in _COUNTRY for word in words if word.start >= behind):
        pieces.append(rest)
    return ", ".join(filter(None, (" ".join(piece.split()).strip(" ,;.-–—/") for piece in pieces)))
