"""Archived rows where the database is asked for them: the log, its seals, keys of interactions.

Files are read by the house alone: whoever sees a part of the database sees nothing of them.
"""

from __future__ import annotations

import asyncio
import bisect
import contextlib
import datetime as dt
import itertools
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from relatum.archive.catalogue import ArchiveFile, Catalogue
from relatum.archive.files import ForeignFile, Reader
from relatum.archive.kinds import EVENTS, INTERACTIONS, KINDS, Row
from relatum.archive.leaving import open_checked
from relatum.db.guarding import as_the_house, current_guard
from relatum.events.archived import ArchivedAway, BrokenFile, Stored, Stretch
from relatum.events.log import event_of
from relatum.interactions.events import EVENT_TYPES
from relatum.values.problems import ConfigurationError

if TYPE_CHECKING:
    from relatum.events.types import Event

#: A handler of these reads interactions.
_OF_INTERACTIONS = frozenset(declared.id for declared in EVENT_TYPES)
#: Files that stay open, and pieces that stay unpacked.
_MOST_OPEN = 4
_CHANGING = 5

Live = Callable[[], Awaitable[list["Event"]]]


class Reading:
    """Reads files of the archive; see :class:`relatum.events.archived.Archived`."""

    def __init__(self, catalogue: Catalogue, folder: Path) -> None:
        self._catalogue = catalogue
        self._folder = folder
        self._turn = asyncio.Lock()
        self._open: dict[tuple[str, str, int], Reader] = {}
        self._unpacked: dict[tuple[str, int], list[Row]] = {}

    # -- the log ---------------------------------------------------------------------------------

    async def read(
        self,
        live: Live,
        after: int,
        *,
        until: int,
        types: Sequence[str],
        limit: int,
        holds: Callable[[UUID | None], bool] | None = None,
    ) -> list[Event]:
        """Events of the database and of the archive together, in order."""
        if current_guard() is not None:
            return await live()
        found, away = await self._at_one_moment(live, after)
        if not away:
            return found
        wanted = frozenset(types)

        def wants(row: Row) -> bool:
            return row[1] in wanted and (holds is None or holds(_customer(row)))

        archived: list[Event] = []
        for entry in away:
            if len(archived) < limit:
                rows = await self._rows(entry, after + 1, until, wants, limit - len(archived))
                archived += [_event(row) for row in rows]
        merged = _merged(found, archived)[:limit]
        _refuse_interactions(away, merged)
        return merged

    async def by_seq(self, live: Live, seqs: Sequence[int]) -> list[Event]:
        """Events by their numbers, wherever they are."""
        if current_guard() is not None or not seqs:
            return await live()
        found, away = await self._at_one_moment(live, min(seqs) - 1)
        missing = set(seqs) - {event.seq for event in found}
        archived = []
        for entry in away if missing else ():
            if entry.kind == EVENTS:
                rows = await self._rows(entry, min(missing), max(missing))
                archived += [_event(row) for row in rows if int(row[0] or 0) in missing]
        return _merged(found, archived)

    async def count(self, types: Sequence[str]) -> int:
        """How many archived events are of these types, as far as files can be read."""
        total = 0
        with as_the_house():
            away = await self._catalogue.away(-1)
        for entry in away:
            if entry.kind == EVENTS:
                with contextlib.suppress(ForeignFile, ConfigurationError):
                    async with self._turn:
                        reader = await self._reader(entry)
                        total += await asyncio.to_thread(reader.count, types, entry.gone)
        return total

    async def _at_one_moment(self, live: Live, after: int) -> tuple[list[Event], list[ArchiveFile]]:
        """What the database has and what it has not: nothing leaves or comes back in between."""
        away = await self._catalogue.away(after)
        for _ in range(_CHANGING):
            found = await live()
            still = await self._catalogue.away(after)
            if _places(still) == _places(away):
                return found, away
            away = still
        raise ArchivedAway(
            "expected an archive that stands still for a moment, got one that is changing; it is "
            "tried again"
        )

    async def _rows(
        self,
        entry: ArchiveFile,
        first: int,
        last: int,
        wants: Callable[[Row], bool] | None = None,
        limit: int | None = None,
    ) -> list[Row]:
        """Archived events of one file between two numbers; at most about ``limit``.

        Raises:
            ArchivedAway: the file cannot be read.
        """
        if entry.kind != EVENTS:
            return []
        try:
            return await self._between(entry, first, last, wants, limit)
        except (ForeignFile, ConfigurationError) as error:
            raise ArchivedAway(f"events up to {entry.gone_key} are archived: {error}") from error

    async def _between(
        self,
        entry: ArchiveFile,
        first: int,
        last: int,
        wants: Callable[[Row], bool] | None = None,
        limit: int | None = None,
    ) -> list[Row]:
        found: list[Row] = []
        last = min(last, int(entry.gone_key))
        async with self._turn:
            reader = await self._reader(entry)
            for number, piece in enumerate(reader.about.pieces[: entry.gone]):
                if int(piece.last) < first or int(piece.first) > last:
                    continue
                rows = await self._piece(entry, reader, number)
                begin = bisect.bisect_left(rows, first, key=_seq)
                for row in itertools.islice(rows, begin, bisect.bisect_right(rows, last, key=_seq)):
                    if wants is None or wants(row):
                        found.append(row)
                        if limit is not None and len(found) >= limit:
                            return found
        return found

    # -- seals -----------------------------------------------------------------------------------

    async def stored(
        self, live: Callable[[], Awaitable[Sequence[Sequence[object]]]], first: int, last: int
    ) -> tuple[Sequence[Sequence[object]], list[Stretch]]:
        """Rows of the database, and the archived stretches, between two numbers."""
        with as_the_house():
            away = await self._catalogue.away(first - 1 if first > -(2**63) else first)
            while True:
                found = await live()
                still = await self._catalogue.away(first - 1 if first > -(2**63) else first)
                if _places(still) == _places(away):
                    break
                away = still
        return found, [
            await self._stretch(entry, first, last)
            for entry in away
            if entry.kind == EVENTS and int(entry.first_key) <= last
        ]

    async def _stretch(self, entry: ArchiveFile, first: int, last: int) -> Stretch:
        begin, end = max(first, int(entry.first_key)), min(last, int(entry.gone_key))
        try:
            rows: Sequence[Stored] = await self._between(entry, begin, end)
        except FileNotFoundError:
            return Stretch(begin, end, broken=BrokenFile(entry.file, "missing"))
        except ForeignFile:
            missing = not await asyncio.to_thread((self._folder / entry.file).exists)
            return Stretch(
                begin, end, broken=BrokenFile(entry.file, "missing" if missing else "changed")
            )
        except ConfigurationError:
            return Stretch(begin, end, broken=BrokenFile(entry.file, "unreadable"))
        return Stretch(begin, end, rows)

    # -- interactions ----------------------------------------------------------------------------

    async def interactions(self, ids: Sequence[UUID]) -> dict[UUID, Row]:
        """Those of these interactions that are archived, as stored.

        Raises:
            ArchivedAway: a file cannot be read.
        """
        wanted = {str(id) for id in ids}
        found: dict[UUID, Row] = {}
        with as_the_house():
            away = [e for e in await self._catalogue.away(-1) if e.kind == INTERACTIONS]
        for entry in away:
            some = {id for id in wanted if entry.first_key <= id <= entry.gone_key}
            if some:
                found |= await self._by_id(entry, some)
        return found

    async def _by_id(self, entry: ArchiveFile, ids: set[str]) -> dict[UUID, Row]:
        found: dict[UUID, Row] = {}
        try:
            async with self._turn:
                reader = await self._reader(entry)
                for number, piece in enumerate(reader.about.pieces[: entry.gone]):
                    if any(piece.first <= id <= piece.last for id in ids):
                        rows = await self._piece(entry, reader, number)
                        found |= {UUID(row[0]): row for row in rows if row[0] in ids}
        except (ForeignFile, ConfigurationError) as error:
            raise ArchivedAway(f"interactions of {entry.month} are archived: {error}") from error
        return found

    async def where(self, ids: Sequence[UUID]) -> list[str]:
        """The months of those of these interactions that are archived."""
        found = await self.interactions(ids)
        place = KINDS[INTERACTIONS].place("recorded_at")
        return sorted({(row[place] or "")[:7] for row in found.values()})

    async def known(self, ids: Sequence[UUID]) -> dict[UUID, str | None]:
        """Those of these interactions that are archived, and their idempotency keys."""
        place = KINDS[INTERACTIONS].place("idempotency_key")
        return {id: row[place] for id, row in (await self.interactions(ids)).items()}

    async def of_customers(self, ids: Sequence[UUID]) -> dict[str, list[dict[str, str | None]]]:
        """Archived rows about these customers, by table: text by column, as they were stored.

        Every file is read. Call it as the house.

        Raises:
            ArchivedAway: a file cannot be read.
        """
        wanted = {str(id) for id in ids}
        found: dict[str, list[dict[str, str | None]]] = {}
        for entry in await self._catalogue.away(-1):
            kind = KINDS[entry.kind]
            place = kind.place("customer_id")
            try:
                async with self._turn:
                    reader = await self._reader(entry)
                    for number in range(entry.gone):
                        rows = [
                            dict(zip(kind.columns, row, strict=True))
                            for row in await self._piece(entry, reader, number)
                            if row[place] in wanted
                        ]
                        found.setdefault(kind.id, []).extend(rows)
            except (ForeignFile, ConfigurationError) as error:
                away = f"{kind.short} of {entry.month} are archived: {error}"
                raise ArchivedAway(away) from error
        return found

    async def customers_since(self, moment: dt.datetime) -> set[UUID]:
        """With whom something happened that was recorded since, or somewhat before; archived alone.

        Told by months: of files with anything recorded since, everybody is named. One or two of
        their columns are unpacked. The ids are those of then, also of customers merged since.

        Raises:
            ArchivedAway: a file cannot be read.
        """
        found: set[str] = set()
        with as_the_house():
            away = [each for each in await self._catalogue.away(-1) if each.last_at >= moment]
        for entry in away:
            try:
                async with self._turn:
                    reader = await self._reader(entry)
                    found |= await asyncio.to_thread(reader.customers, entry.gone)
            except (ForeignFile, ConfigurationError) as error:
                short = KINDS[entry.kind].short
                raise ArchivedAway(f"{short} of {entry.month} are archived: {error}") from error
        return {UUID(id) for id in found}

    async def since(self, seq: int) -> list[str]:
        """The months of which something is archived that events after this number need."""
        with as_the_house():
            return sorted({entry.month for entry in await self._catalogue.away(seq)})

    # -- files -----------------------------------------------------------------------------------

    async def _reader(self, entry: ArchiveFile) -> Reader:
        """The file, checked once for as long as it is not touched."""
        try:
            stat = await asyncio.to_thread((self._folder / entry.file).stat)
        except OSError as error:
            raise ForeignFile(
                f"expected the file {entry.file} in {self._folder}, got none that can be read; "
                "put it back from a backup"
            ) from error
        known = (entry.file, entry.sha256, stat.st_mtime_ns)
        reader = self._open.get(known)
        if reader is None:
            reader = await asyncio.to_thread(open_checked, self._folder, entry)
            while len(self._open) >= _MOST_OPEN:
                self._open.pop(next(iter(self._open))).close()
            self._open[known] = reader
        return reader

    async def _piece(self, entry: ArchiveFile, reader: Reader, number: int) -> list[Row]:
        known = (entry.sha256, number)
        rows = self._unpacked.get(known)
        if rows is None:
            rows = await asyncio.to_thread(reader.piece, number)
            while len(self._unpacked) >= _MOST_OPEN:
                self._unpacked.pop(next(iter(self._unpacked)))
            self._unpacked[known] = rows
        return rows

    def close(self) -> None:
        """Let go of every file."""
        for reader in self._open.values():
            reader.close()
        self._open.clear()
        self._unpacked.clear()


def _places(entries: Sequence[ArchiveFile]) -> list[tuple[str, int, str]]:
    return [(entry.id, entry.gone, entry.sha256) for entry in entries]


def _refuse_interactions(away: Sequence[ArchiveFile], events: Sequence[Event]) -> None:
    """Whoever gets an event of an interaction reads the interaction."""
    first = next((event.seq for event in events if event.type in _OF_INTERACTIONS), None)
    months = sorted(
        entry.month
        for entry in away
        if entry.kind == INTERACTIONS and first is not None and first <= entry.upto
    )
    if months:
        raise ArchivedAway(
            f"expected the interactions that its events tell of, got {len(months)} months of them "
            f"in the archive ({months[0]} to {months[-1]}); bring them back first: relatum archive "
            f"restore --kind interactions --from {months[0]} --to {months[-1]}"
        )


def _event(row: Row) -> Event:
    seq, type_, version, _, at, by, payload, _ = row
    return event_of(
        (
            int(seq or 0),
            type_ or "",
            int(version or 0),
            _customer(row),
            dt.datetime.fromisoformat(at or ""),
            by or "",
            payload or "",
        )
    )


def _customer(row: Row) -> UUID | None:
    return UUID(row[3]) if row[3] else None


def _seq(row: Row) -> int:
    return int(row[0] or 0)


def _merged(one: Sequence[Event], other: Sequence[Event]) -> list[Event]:
    by_seq = {event.seq: event for event in (*other, *one)}
    return [by_seq[seq] for seq in sorted(by_seq)]
