"""Addresses on a page: as they are officially written, and where they lie today."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from relatum.values.text import fold
from relatum.web.pages.customers.card import is_masked

if TYPE_CHECKING:
    from relatum.app.house import House
    from relatum.customers.types import ContactPoint
    from relatum.values.address import AddressReading

#: A former district lies in up to some thirty wards of today; so many are named.
MOST_NAMED = 4


class Located(msgspec.Struct, frozen=True, kw_only=True):
    """What is told about an address.

    Attributes:
        text: as it is officially written; empty when it adds nothing.
        today: names of units; empty when they are those of the text, or unknown.
        more: how many units are not named.
        several: it is one of these, and the address does not say which.
        near: at least one unit was written in another way.
    """

    text: str = ""
    today: tuple[str, ...] = ()
    more: int = 0
    several: bool = False
    near: bool = False


async def located_of(house: House, points: Sequence[ContactPoint]) -> dict[UUID, Located]:
    """By contact point, for addresses in which units were recognised."""
    shown = [point for point in points if point.kind == "address" and not is_masked(point.raw)]
    if not shown:
        return {}
    readings = await house.addresses.read([point.raw for point in shown])
    return {
        point.id: _located(point.raw, reading)
        for point, reading in zip(shown, readings, strict=True)
        if reading.units
    }


def _located(raw: str, reading: AddressReading) -> Located:
    former = any(unit.valid_until is not None for unit in reading.units)
    answers = reading.present.answers if former or reading.certainty == "ambiguous" else ()
    return Located(
        text="" if fold(reading.text) == fold(raw) else reading.text,
        today=tuple(answer.unit.full_name for answer in answers[:MOST_NAMED]),
        more=max(0, len(answers) - MOST_NAMED),
        several=reading.present.outcome == "several",
        near=reading.certainty == "near",
    )
