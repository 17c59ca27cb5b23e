"""Postal addresses and the administrative units they lie in, as of a date.

Viet Nam has two levels of units since 2025-07-01 (province, ward) and had three before (province,
district, ward). A former unit may lie in several present ones: then all of them are the answer.
"""

import datetime as dt
from typing import Literal

import msgspec

Level = Literal["province", "district", "ward"]
#: how much of a former unit went into a present one
Share = Literal["whole", "part", "area", "area-with-everybody", "people"]
Outcome = Literal["exact", "several", "unknown"]
Certainty = Literal["exact", "near", "ambiguous", "none"]

#: The first day of the two-level units (resolution 202/2025/QH15, law 72/2025/QH15).
TWO_LEVELS_SINCE = dt.date(2025, 7, 1)


class AdminUnit(msgspec.Struct, frozen=True, kw_only=True):
    """A province, a district or a ward (also a commune, a township, a special zone).

    Attributes:
        key: names it for good: ``ward:00004@2025-07-01``; codes are given again after a reform.
        code: of the national statistics office.
        name: without its type (``Láng``); ``full_name`` with it (``Phường Láng``).
        type: the word for what it is, without marks (``phuong``, ``thi xa``).
        parent: key of the unit above; empty for a province.
        valid_from: the first day; None when it is older than what is known.
        valid_until: the first day on which it was no more; None while it is there.
    """

    key: str
    level: Level
    code: str
    name: str
    full_name: str
    type: str
    parent: str = ""
    valid_from: dt.date | None = None
    valid_until: dt.date | None = None

    def is_valid(self, day: dt.date) -> bool:
        """Whether the unit is there on this day."""
        begun = self.valid_from is None or self.valid_from <= day
        return begun and (self.valid_until is None or day < self.valid_until)


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """Where something is, as far as it is known.

    Attributes:
        lines: as it was given.
        street: house, lane and street, or hamlet; what is left when the units are taken away.
        province, district, ward: codes of units, empty when they are not known; there is no
            district from 2025-07-01 on.
        country: ISO 3166-1 alpha-2.
        as_of: the day on which these units are meant; None without units.
    """

    lines: tuple[str, ...]
    street: str = ""
    ward: str = ""
    district: str = ""
    province: str = ""
    country: str = "VN"
    as_of: dt.date | None = None


class UnitShare(msgspec.Struct, frozen=True, kw_only=True):
    """One answer to where a unit went, or where it came from.

    Attributes:
        share: ``whole``; ``part`` of it; ``area``: a part of the area alone;
            ``area-with-everybody``: a part of the area with all who live there; ``people``: a part
            of those who live there.
        note: as the table of the reform words it.
    """

    unit: AdminUnit
    share: Share = "whole"
    note: str = ""


class Conversion(msgspec.Struct, frozen=True, kw_only=True):
    """Where a unit is on the other side of a reform.

    Attributes:
        outcome: ``exact``: one answer, and all of the unit is there; ``several``: one of these, and
            the unit alone does not say which; ``unknown``: the tables do not say.
        answers: in the order of codes.
    """

    outcome: Outcome
    answers: tuple[UnitShare, ...] = ()


class AddressReading(msgspec.Struct, frozen=True, kw_only=True):
    """What a free-form address was read as.

    Attributes:
        certainty: ``exact``: every unit stands there by name; ``near``: at least one only with
            other spelling; ``ambiguous``: several units fit alike (``alternatives``), and what is
            given is what they have in common; ``none``: no unit was recognised.
        units: from the ward upwards, as far as known.
        alternatives: the lowest units that fit alike.
        present: where it lies today.
    """

    address: Address
    certainty: Certainty
    units: tuple[AdminUnit, ...] = ()
    alternatives: tuple[AdminUnit, ...] = ()
    present: Conversion = Conversion(outcome="unknown")

    @property
    def text(self) -> str:
        """The address in the usual order, with units as they are officially called."""
        parts = [self.address.street, *(unit.full_name for unit in self.units)]
        return ", ".join(filter(None, parts)) or ", ".join(self.address.lines)
