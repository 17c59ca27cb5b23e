"""Holding the event log against its seals."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from relatum.db.guarding import as_the_house
from relatum.events.archived import BrokenFile, Stretch
from relatum.events.redacting import Redactions, redacted
from relatum.events.seals import (
    BEGINNING,
    EVENTS,
    PURPOSE,
    SEALS,
    Head,
    Seal,
    digests_of,
    hash_of,
    head_of,
    head_path,
    last_seal,
    read_head,
    seal_of,
    stands,
)

if TYPE_CHECKING:
    from relatum.config.keyring import Keyring
    from relatum.db.database import Database
    from relatum.events.archived import Archived

#: Seals that are read in one go, and findings that are listed one by one.
AT_ONCE = 10
MOST_NAMED = 1_000


class Accused(msgspec.Struct, frozen=True):
    """One event that is not what was sealed."""

    seq: int
    what: Literal["changed", "removed", "inserted"]


class BrokenSeal(msgspec.Struct, frozen=True):
    """A seal that says nothing about its events.

    ``changed``: its row is not what was written. ``missing``: it is gone, or the newest one that
    was ever made is. ``replaced``: the one before it is not the one that it was made after.
    ``unknown key``: the file of keys lacks its key.
    """

    number: int
    what: Literal["changed", "missing", "replaced", "unknown key"]


class SealCheck(msgspec.Struct, kw_only=True):
    """What a check found.

    Attributes:
        sound: nothing is wrong with what was checked.
        seals: how many seals were checked.
        events: how many sealed events were held against them.
        accused: events that are not what was sealed, the first 1,000 of them.
        accused_count: how many there are.
        broken: seals that say nothing; the first 1,000.
        broken_count: how many there are.
        redacted: how many of ``events`` lost what they said to an erasure, as was noted under the
            key; they count as sound.
        archived: how many of ``events`` are archived; they were read from their files.
        files: files of the archive that cannot be read.
        unread: sealed events that could not be checked because they lie in such files.
        unsealed: events that no seal covers yet; usually those of the last minute.
        head: the newest seal. Whoever has noted it elsewhere notices a log that was cut off.
        next: number of the seal to go on after; ``None`` when everything was checked.
    """

    sound: bool = True
    seals: int = 0
    events: int = 0
    accused: list[Accused] = []
    accused_count: int = 0
    broken: list[BrokenSeal] = []
    broken_count: int = 0
    redacted: int = 0
    archived: int = 0
    files: list[BrokenFile] = []
    unread: int = 0
    unsealed: int = 0
    head: Head | None = None
    next: int | None = None

    def accuse(self, seq: int, what: Literal["changed", "removed", "inserted"]) -> None:
        """Add an event."""
        self.sound = False
        self.accused_count += 1
        if len(self.accused) < MOST_NAMED:
            self.accused.append(Accused(seq, what))

    def miss(self, file: BrokenFile) -> None:
        """Add a file of the archive, once."""
        self.sound = False
        if file not in self.files and len(self.files) < MOST_NAMED:
            self.files.append(file)

    def distrust(
        self, number: int, what: Literal["changed", "missing", "replaced", "unknown key"]
    ) -> None:
        """Add a seal."""
        self.sound = False
        self.broken_count += 1
        if len(self.broken) < MOST_NAMED:
            self.broken.append(BrokenSeal(number, what))


class SealChecker:
    """Checks in one pass; holds ten seals with their events in memory at most."""

    def __init__(self, db: Database, keys: Keyring) -> None:
        self._db = db
        self._keys = keys
        self._select = EVENTS[db.kind]
        self._redactions = Redactions(db, keys)
        #: where sealed events are that have left the database
        self.archived: Archived | None = None

    async def check(self, *, after: int = 0, most: int | None = None) -> SealCheck:
        """Compare sealed events with their seals, whoever asks: rows nobody may see count too.

        Args:
            after: number of a seal that was checked before; go on behind it.
            most: check this many seals and say where to go on.

        Raises:
            ConfigurationError: the file of keys, or of the newest seal, cannot be read.
        """
        with as_the_house():
            return await self._check(after, most)

    async def _check(self, after: int, most: int | None) -> SealCheck:
        found = SealCheck()
        newest = await last_seal(self._db)
        end = newest.number if newest else 0
        if most is not None and after + most < end:
            end = found.next = after + most
        before = await self._seals(after, after) if after else []
        last = before[0] if before else None
        while after < end:
            upto = min(after + AT_ONCE, end)
            seals = {seal.number: seal for seal in await self._seals(after + 1, upto)}
            for number in range(after + 1, upto + 1):
                seal = seals.get(number)
                if seal is None:
                    found.distrust(number, "missing")
                elif not await self._check_one(seal, last, found):
                    seal = None
                last = seal
            after = upto
        await self._conclude(found, newest)
        return found

    async def _seals(self, first: int, last: int) -> list[Seal]:
        rows = await self._db.fetch(
            f"{SEALS[self._db.kind]} WHERE number >= ? AND number <= ? ORDER BY number", first, last
        )
        return [seal_of(row) for row in rows]

    async def _check_one(self, seal: Seal, last: Seal | None, found: SealCheck) -> bool:
        """Whether the seal itself is to be trusted."""
        found.seals += 1
        if not self._keys.has(seal.key):
            found.distrust(seal.number, "unknown key")
            return False
        secret = self._keys.derive(PURPOSE, seal.key)
        if hash_of(seal, secret) != seal.hash:
            found.distrust(seal.number, "changed")
            return False
        if not _follows(seal, last):
            found.distrust(seal.number, "replaced")
        rows, stretches = await self._rows(seal)
        notes = await self._redactions.between(seal.first_seq, seal.last_seq)
        await asyncio.to_thread(_compare, seal, rows, stretches, notes, secret, found)
        return True

    async def _rows(self, seal: Seal) -> tuple[Sequence[Sequence[object]], Sequence[Stretch]]:
        """The events of a seal that are in the database, and the archived stretches of it."""

        async def live() -> Sequence[Sequence[object]]:
            return await self._db.fetch(
                f"{self._select} WHERE seq >= ? AND seq <= ?", seal.first_seq, seal.last_seq
            )

        if self.archived is None:
            return await live(), ()
        return await self.archived.stored(live, seal.first_seq, seal.last_seq)

    async def _conclude(self, found: SealCheck, newest: Seal | None) -> None:
        if found.next is not None:
            return
        found.head = head_of(newest) if newest else None
        row = await self._db.fetch_one(
            "SELECT count(*) FROM core_event WHERE seq > coalesce((SELECT last_seq "
            "FROM core_event_seal ORDER BY number DESC LIMIT 1), ?)",
            BEGINNING,
        )
        found.unsealed = int(row[0]) if row else 0
        noted = await asyncio.to_thread(read_head, head_path(self._keys))
        if noted is not None and not await stands(self._db, noted):
            is_there = newest is not None and noted.number <= newest.number
            found.distrust(noted.number, "replaced" if is_there else "missing")


def _follows(seal: Seal, last: Seal | None) -> bool:
    """Whether a seal was made after ``last``; one that is not to be trusted was told already."""
    if last is None:
        return seal.number > 1 or (seal.previous == b"" and seal.first_seq == BEGINNING)
    return seal.previous == last.hash and seal.first_seq == last.last_seq + 1


def _compare(
    seal: Seal,
    rows: Sequence[Sequence[Any]],
    stretches: Sequence[Stretch],
    notes: Mapping[int, Sequence[bytes]],
    key: bytes,
    found: SealCheck,
) -> None:
    """Hold the events of a seal against it; what stands in an archived stretch does not belong."""
    sealed = seal.unpacked()
    present = digests_of(rows, key)
    for stretch in stretches:
        away = range(stretch.first, stretch.last + 1)
        for seq in [seq for seq in present if seq in away]:
            found.accuse(seq, "inserted")
            del present[seq]
    for stretch in stretches:
        archived = digests_of(((int(row[0] or 0), *row[1:]) for row in stretch.rows), key)
        present |= archived
        found.archived += len(archived)
        if stretch.broken is not None:
            found.miss(stretch.broken)
            away = range(stretch.first, stretch.last + 1)
            unread = [seq for seq in sealed if seq in away]
            found.unread += len(unread)
            sealed = {seq: digest for seq, digest in sealed.items() if seq not in away}
    found.events += len(sealed)
    noted = redacted(sealed, present, notes, key)
    found.redacted += len(noted)
    present |= {seq: sealed[seq] for seq in noted}
    _accuse(sealed, present, found)


def _accuse(sealed: Mapping[int, bytes], present: Mapping[int, bytes], found: SealCheck) -> None:
    if present != sealed:
        for seq in sorted(sealed.keys() | present.keys()):
            if seq not in present:
                found.accuse(seq, "removed")
            elif seq not in sealed:
                found.accuse(seq, "inserted")
            elif present[seq] != sealed[seq]:
                found.accuse(seq, "changed")
