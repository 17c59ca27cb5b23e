"""All units in memory: who lies in whom, who bears a name, and what became of whom."""

from __future__ import annotations

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from relatum.values.address import (
    AdminUnit,
    Conversion,
    Level,
    Share,
    UnitShare,
)
from relatum.values.text import fold

_WORD = re.compile(r"[^\W_]+")
# By what people call them besides their names; keys of names as :func:`name_key` makes them.
_ALIASES = {
    "hanoi": ("hn", "tphn", "hanoicity"),
    "hochiminh": ("hcm", "tphcm", "saigon", "sg", "hcmc", "hochiminhcity"),
    "hue": ("thuathienhue", "tthue", "tthuathienhue"),
    "bariavungtau": ("brvt", "vungtaubaria"),
    "haiphong": ("hp",),
    "daklak": ("daclac", "darlac"),
    "daknong": ("dacnong",),
}


class Change(NamedTuple):
    """A former unit that went into a present one."""

    former: str
    present: str
    share: Share
    note: str


class Gazetteer:
    """Immutable once made; 14,000 units take about 20 MB and a third of a second.

    Args:
        units: of every time.
        changes: between them, by their keys.
    """

    def __init__(self, units: Iterable[AdminUnit], changes: Iterable[Change]) -> None:
        self.units = {unit.key: unit for unit in units}
        self._children: defaultdict[str, list[AdminUnit]] = defaultdict(list)
        self._names: defaultdict[str, list[AdminUnit]] = defaultdict(list)
        self._provinces: list[AdminUnit] = []
        for unit in self.units.values():
            self._children[unit.parent].append(unit)
            for key in names_of(unit):
                self._names[key].append(unit)
        self._after: defaultdict[str, list[Change]] = defaultdict(list)
        self._before: defaultdict[str, list[Change]] = defaultdict(list)
        for change in changes:
            if change.former in self.units and change.present in self.units:
                self._after[change.former].append(change)
                self._before[change.present].append(change)

    def __bool__(self) -> bool:
        return bool(self.units)

    def named(self, key: str) -> Sequence[AdminUnit]:
        """Units of every time with this :func:`name_key`."""
        return self._names.get(key, ())

    def children(self, key: str) -> Sequence[AdminUnit]:
        """Units right below one; the provinces below ``""``."""
        return self._children.get(key, ())

    def below(self, key: str, level: Level) -> Iterator[AdminUnit]:
        """Units of a level below one, also across the level between."""
        for child in self.children(key):
            if child.level == level:
                yield child
            else:
                yield from self.below(child.key, level)

    def lineage(self, unit: AdminUnit) -> tuple[AdminUnit, ...]:
        """The unit, the one above it, and so on to the province."""
        found = [unit]
        while found[-1].parent in self.units:
            found.append(self.units[found[-1].parent])
        return tuple(found)

    def unit_at(self, level: Level, code: str, day: dt.date) -> AdminUnit | None:
        """The unit that has a code on a day."""
        for unit in self.units.values():
            if unit.level == level and unit.code == code and unit.is_valid(day):
                return unit
        return None

    # -- across a reform -------------------------------------------------------------------------

    def present_of(self, unit: AdminUnit) -> Conversion:
        """Where a unit lies today: the wards a former ward or district went into, or the province.

        A district is in all wards of its former wards; a province in the one all of them are in.
        """
        if unit.valid_until is None:
            return Conversion(outcome="exact", answers=(UnitShare(unit=unit),))
        if unit.level == "province":
            return self._present_province(unit)
        answers = self._successors(unit)
        if unit.level == "district" and not answers:
            wards = self.children(unit.key)
            found = {a.unit.key: a for ward in wards for a in self._successors(ward)}
            answers = [
                UnitShare(unit=answer.unit, share="part", note=answer.note)
                for answer in found.values()
            ]
        return _conversion(answers)

    def former_of(self, unit: AdminUnit) -> Conversion:
        """The former wards, or districts without any, that a ward of today was made of."""
        if unit.valid_from is None:
            return Conversion(outcome="exact", answers=(UnitShare(unit=unit),))
        if unit.level == "province":
            wards = [ward.key for ward in self.below(unit.key, "ward")]
            above = {
                self.lineage(self.units[change.former])[-1].key
                for ward in wards
                for change in self._before[ward]
            }
            return _conversion([UnitShare(unit=self.units[key]) for key in above])
        return _conversion(
            [
                UnitShare(unit=self.units[c.former], share=c.share, note=c.note)
                for c in self._before[unit.key]
            ]
        )

    def _successors(self, unit: AdminUnit) -> list[UnitShare]:
        return [
            UnitShare(unit=self.units[c.present], share=c.share, note=c.note)
            for c in self._after.get(unit.key, ())
        ]

    def _present_province(self, unit: AdminUnit) -> Conversion:
        wards = self.below(unit.key, "ward")
        above = {
            self.lineage(answer.unit)[-1].key for ward in wards for answer in self._successors(ward)
        }
        share: Share = "whole" if len(above) == 1 else "part"
        return _conversion([UnitShare(unit=self.units[key], share=share) for key in above])


def _conversion(answers: Iterable[UnitShare]) -> Conversion:
    ordered = tuple(sorted(answers, key=lambda answer: (answer.unit.level, answer.unit.code)))
    if not ordered:
        return Conversion(outcome="unknown")
    # A part that goes into one unit alone: the table leaves out where the rest went.
    exact = len(ordered) == 1 and ordered[0].share == "whole"
    return Conversion(outcome="exact" if exact else "several", answers=ordered)


def name_key(name: str) -> str:
    """A name as it is looked up: letters and digits without marks, case and blanks."""
    key = "".join(_WORD.findall(fold(name)))
    return key.lstrip("0") or key if key.isdigit() else key


def names_of(unit: AdminUnit) -> Iterator[str]:
    """Keys a unit is found by."""
    key = name_key(unit.name)
    yield key
    if unit.level == "province":
        yield from _ALIASES.get(key, ())
