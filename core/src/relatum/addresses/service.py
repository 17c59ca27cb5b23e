"""Addresses: the only writer of the units' tables, and reading addresses by them.

Without loaded units every address stays free text.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from relatum.addresses.files import Units, read_folder
from relatum.addresses.gazetteer import Change, Gazetteer
from relatum.addresses.parsing import read_address
from relatum.values.address import AddressReading, AdminUnit
from relatum.values.ids import new_id
from relatum.values.time import now

if TYPE_CHECKING:
    from relatum.db.database import Database

#: Seconds for which a process trusts that nobody loaded other units.
TRUSTED = 10.0
_UNIT = (
    *("key", "level", "code", "name", "full_name", "type", "parent", "valid_from", "valid_until"),
)
_CHANGE = ("former", "present", "share", "note")


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """What a load brought.

    Attributes:
        changes: from former to present units; one former unit may have several.
        split: former wards that went into several present ones.
        unknown: former wards of which the tables do not say where they went.
        notes: rows that could not be used.
    """

    units: int
    changes: int
    provinces: int
    former_provinces: int
    split: int
    unknown: int
    notes: list[str]


class Addresses:
    """Reads addresses by the units that are loaded, and loads them."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._gazetteer = Gazetteer((), ())
        self._load: UUID | None = None
        self._checked = -TRUSTED
        self._reading = asyncio.Lock()

    # -- loading ---------------------------------------------------------------------------------

    async def load(self, folder: Path, *, by: str) -> Loaded:
        """Take the units of a folder; those of the same time that were there before are replaced.

        All or nothing, and as often as one likes.

        Raises:
            InvalidInput: the folder has no tables of units.
        """
        found = await asyncio.to_thread(read_folder, folder)
        gazetteer = await asyncio.to_thread(Gazetteer, found.units, found.changes)
        async with self._db.transaction():
            await self._replace(found)
            await self._db.insert(
                "core_admin_load",
                ("id", "loaded_at", "actor", "units", "changes"),
                [(new_id(), now(), by, len(found.units), len(found.changes))],
            )
        self._checked = -TRUSTED
        return _told(found, gazetteer)

    async def _replace(self, found: Units) -> None:
        for former in {unit.valid_until is not None for unit in found.units}:
            condition = "IS NOT NULL" if former else "IS NULL"
            await self._db.execute(f"DELETE FROM core_admin_unit WHERE valid_until {condition}")  # noqa: S608 - our own
        rows = [tuple(getattr(unit, name) for name in _UNIT) for unit in found.units]
        await self._db.insert("core_admin_unit", _UNIT, rows)
        if not found.changes:
            return
        await self._db.execute("DELETE FROM core_admin_change")
        await self._db.insert(
            "core_admin_change",
            ("key", *_CHANGE),
            [(f"{c.former}>{c.present}", *c) for c in _merged(found.changes)],
        )

    # -- reading ---------------------------------------------------------------------------------

    async def gazetteer(self) -> Gazetteer:
        """The units that are loaded; remembered, and read anew when others were loaded."""
        if time.monotonic() - self._checked < TRUSTED:
            return self._gazetteer
        async with self._reading:
            if time.monotonic() - self._checked < TRUSTED:
                return self._gazetteer
            newest = await self._db.fetch_one(
                "SELECT id FROM core_admin_load ORDER BY id DESC LIMIT 1"
            )
            if newest is not None and newest[0] != self._load:
                self._gazetteer = await self._read()
                self._load = newest[0]
            self._checked = time.monotonic()
        return self._gazetteer

    async def _read(self) -> Gazetteer:
        units, changes = await self._db.fetch_together(
            (f"SELECT {', '.join(_UNIT)} FROM core_admin_unit ORDER BY key", ()),  # noqa: S608 - our own
            (f"SELECT {', '.join(_CHANGE)} FROM core_admin_change ORDER BY key", ()),  # noqa: S608 - our own
        )
        return await asyncio.to_thread(_gazetteer_of, units, changes)

    async def read(
        self, texts: Sequence[str], *, as_of: dt.date | None = None
    ) -> list[AddressReading]:
        """What these free-form addresses say, each with where it lies today.

        Args:
            as_of: the day on which they were right; without it, units of every time are tried.
        """
        gazetteer = await self.gazetteer()
        if len(texts) <= _AT_ONCE:
            return [read_address(text, gazetteer, as_of=as_of) for text in texts]
        return await asyncio.to_thread(
            lambda: [read_address(text, gazetteer, as_of=as_of) for text in texts]
        )


#: An address takes half a millisecond: more of them are read beside the event loop.
_AT_ONCE = 10


def _merged(changes: Sequence[Change]) -> list[Change]:
    """One row for each pair of units; the table may name a pair twice."""
    found: dict[tuple[str, str], Change] = {}
    for change in changes:
        found.setdefault((change.former, change.present), change)
    return list(found.values())


def _gazetteer_of(
    units: Sequence[tuple[object, ...]], changes: Sequence[tuple[object, ...]]
) -> Gazetteer:
    made = [dict(zip(_UNIT, row, strict=True)) for row in units]
    return Gazetteer(
        [msgspec.convert(one, AdminUnit) for one in made],
        msgspec.convert(changes, list[Change]),
    )


def _told(found: Units, gazetteer: Gazetteer) -> Loaded:
    former = [unit for unit in found.units if unit.valid_until is not None]
    outcomes = [gazetteer.present_of(unit).outcome for unit in former if unit.level == "ward"]
    provinces = [unit for unit in found.units if unit.level == "province"]
    return Loaded(
        units=len(found.units),
        changes=len(_merged(found.changes)),
        provinces=sum(unit.valid_until is None for unit in provinces),
        former_provinces=sum(unit.valid_until is not None for unit in provinces),
        split=outcomes.count("several"),
        unknown=outcomes.count("unknown"),
        notes=found.notes,
    )
